"""Weak limit, truncation, sensitivity and scans of rate models, against what is known of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qdimage
from qdimage.errors import ConfigurationError
from qdimage.pipeline.model_scan import SCAN_COLUMNS, read_range
from qdimage.rates.coulomb import coulomb_law
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import declare_el, el_model
from qdimage.rates.pl import declare_pl
from qdimage.rates.pl_charged import declare_pl_charged
from qdimage.rates.sensitivity import Sensitivity, sensitivities
from qdimage.rates.truncation import truncation
from qdimage.rates.weak_limit import weak_g2_0, weak_limit_constant, weak_limit_scale

X41 = 0.46284401059920
DOT = DotParameters()
EL = {"coulomb_x": X41, "carriers": 4}


@given(x=st.floats(0.05, 0.999), xx=st.floats(0.01, 1.0), pump=st.floats(1e-3, 1e3))
def test_weak_pl_shows_the_ratio_of_yields(x: float, xx: float, pump: float) -> None:
    declared = declare_pl()
    values = declared.parameters.values({"exciton_qy": x, "biexciton_qy": xx, "pump_per_us": pump})
    assert weak_g2_0(declared, values) == pytest.approx(xx / x, rel=1e-8)


@given(rate=st.floats(1e-3, 1e3), x=st.floats(0.0, 1.5), carriers=st.integers(3, 7))
@settings(max_examples=30)
def test_weak_balanced_el_has_its_closed_form(rate: float, x: float, carriers: int) -> None:
    declared = declare_el(carriers=carriers, count_trions=False)
    rates = {"electron_rate_per_us": rate, "hole_rate_per_us": rate}
    values = declared.parameters.values({**rates, "coulomb_x": x})
    law = coulomb_law("exp", x=x)
    constant = weak_limit_constant(law, DOT, largest_charge=carriers, count_trions=False)
    expected = constant * weak_limit_scale(DOT)
    assert weak_g2_0(declared, values) == pytest.approx(expected, rel=1e-7)


def test_a_blinking_dot_is_bunched_even_where_its_drive_is_weak() -> None:
    # Dark on half of the time, and else neutral: twice the ratio of yields.
    declared = declare_pl_charged()
    still = {"negative_charging_per_us": 0.0, "darkening_per_us": 1e-3, "brightening_per_us": 1e-3}
    assert weak_g2_0(declared, declared.parameters.values(still)) == pytest.approx(0.14, rel=1e-3)


def test_nothing_weak_comes_of_no_drive() -> None:
    declared = declare_pl()
    assert weak_g2_0(declared, declared.parameters.values({"pump_per_us": 0.0})) is None


def test_the_error_of_the_truncation_has_the_known_size() -> None:
    def model_with(carriers: int, overflow: str = "recombine"):
        return el_model(
            DOT,
            electron_per_us=83.3,
            hole_per_us=83.3,
            coulomb=coulomb_law("exp", x=X41),
            carriers=carriers,
            overflow=overflow,
        )

    found = truncation(model_with, 4)
    assert (found.carriers, found.compared_with) == (4, 8)
    assert found.g2_0_error == pytest.approx(-0.01, abs=0.005)
    capped = truncation(lambda carriers: model_with(carriers, "cap"), 4)
    assert capped.g2_0_error == pytest.approx(-0.10, abs=0.02)
    assert abs(truncation(model_with, 8).g2_0_error) < abs(found.g2_0_error) / 50


def named(found: tuple[Sensitivity, ...]) -> dict[str, Sensitivity]:
    return {each.name: each for each in found}


@given(pump=st.floats(1e-2, 200.0), qy=st.floats(0.05, 0.9))
@settings(max_examples=30)
def test_sensitivities_of_pl_are_its_closed_form_s(pump: float, qy: float) -> None:
    declared = declare_pl()
    values = declared.parameters.values({"pump_per_us": pump, "exciton_qy": qy})
    found = named(sensitivities(declared, values))
    k, kk, xx = 25.0, 1e3 / 0.7, 0.07
    # ln I = ln W - ln D + ln S and ln g2 = ln(x xx) + ln D - 2 ln S, D = 1 + W/k + W^2/(k K),
    # S = x + xx W / k.
    d, s = 1 + pump / k + pump**2 / (k * kk), qy + xx * pump / k
    of_d, of_s = (pump / k + 2 * pump**2 / (k * kk)) / d, xx * pump / k / s
    pumped = found["pump_per_us"]
    assert pumped.intensity == pytest.approx(1 - of_d + of_s, rel=1e-8, abs=1e-9)
    assert pumped.g2_0 == pytest.approx(of_d - 2 * of_s, rel=1e-8, abs=1e-9)
    assert found["exciton_qy"].g2_0 == pytest.approx(1 - 2 * qy / s, rel=1e-8, abs=1e-9)
    assert found["biexciton_qy"].intensity == pytest.approx(of_s, rel=1e-8, abs=1e-9)


def test_at_a_bound_the_derivative_is_from_one_side() -> None:
    declared = declare_pl()
    found = named(sensitivities(declared, declared.parameters.values({"pump_per_us": 5.0})))
    s = 1 + 0.07 * 5 / 25
    assert found["exciton_qy"].value == 1.0
    assert found["exciton_qy"].g2_0 == pytest.approx(1 - 2 / s, rel=1e-8)
    none = declared.parameters.values({"pump_per_us": 5.0, "biexciton_qy": 0.0})
    dark = named(sensitivities(declared, none))
    assert (dark["biexciton_qy"].g2_0, dark["pump_per_us"].g2_0) == (None, None)
    assert dark["pump_per_us"].intensity is not None


def test_all_times_twice_as_long_change_no_g2_at_zero() -> None:
    # g2(0) and intensity / rate depend on ratios of times and rates only (Euler).
    declared = declare_el()
    found = named(sensitivities(declared, declared.parameters.values()))
    rates = [each for each in found.values() if each.unit == "1/us"]
    times = [each for each in found.values() if each.unit == "ns"]
    by_g2 = sum(each.g2_0 for each in rates) - sum(each.g2_0 for each in times)
    by_light = sum(each.intensity for each in rates) - sum(each.intensity for each in times)
    assert by_g2 == pytest.approx(0.0, abs=1e-8)
    assert by_light == pytest.approx(1.0, abs=1e-8)


def test_a_range_is_even_in_its_logarithm() -> None:
    assert read_range("0.1:1000:5") == pytest.approx((0.1, 1, 10, 100, 1000))
    for text in ("1:2", "a:b:c", "0:1:5", "2:1:5", "1:2:1", "1:inf:5", "1:2:3.5", "1:2:9999999"):
        with pytest.raises(ConfigurationError, match="expected LOW:HIGH:N"):
            read_range(text)


def test_a_scan_of_the_pump_agrees_with_single_answers() -> None:
    found = qdimage.scan_model("el", pumps_per_us=(1.0, 30.0), beside_pl=True, **EL)
    assert [row["model"] for row in found.rows] == ["el", "el", "pl", "pl"]
    for row in found.rows:
        assert tuple(row) == SCAN_COLUMNS
        law = EL if row["model"] == "el" else {}
        single = qdimage.model(row["model"], pump_per_us=row["value"], **law)
        assert row["g2_0"] == single.g2_0
        assert row["intensity_per_us"] == single.intensity_per_us
        assert row["truncation_error"] == single.truncation_error
    assert found.weak_limit_g2_0["pl"] == pytest.approx(0.07, rel=1e-8)


def test_el_beats_the_limit_of_pl_at_weak_and_not_at_strong_injection() -> None:
    found = qdimage.scan_model("el", pumps_per_us=read_range("0.01:1000:6"), **EL)
    values = [row["g2_0"] for row in found.rows]
    assert values == sorted(values)
    assert values[0] < 0.004 < 0.07 < values[-1]


@pytest.mark.parametrize("pump_is", ["each", "sum"])
def test_a_pump_is_each_rate_or_their_sum(pump_is: str) -> None:
    found = qdimage.scan_model(
        "el", hole_to_electron_ratios=(0.1, 1.0, 7.0), pump_per_us=20.0, pump_is=pump_is, **EL
    )
    for row in found.rows:
        electron, hole = row["electron_rate_per_us"], row["hole_rate_per_us"]
        assert hole / electron == pytest.approx(row["value"])
        kept = electron + hole if pump_is == "sum" else math.sqrt(electron * hole)
        assert kept == pytest.approx(20.0)
    assert found.conventions["pump_is"] == pump_is


def test_a_scan_from_two_rates_keeps_their_ratio() -> None:
    found = qdimage.scan_model(
        "el", pumps_per_us=(5.0,), electron_rate_per_us=1.0, hole_rate_per_us=4.0, **EL
    )
    row = found.rows[0]
    assert (row["electron_rate_per_us"], row["hole_rate_per_us"]) == pytest.approx((2.5, 10.0))


def test_the_published_sums_give_the_smaller_values() -> None:
    for pump, g2_0 in ((16.8, 0.0141), (25.0, 0.0202), (83.3, 0.0648)):
        found = qdimage.model("el", pump_per_us=pump, pump_is="sum", **EL)
        assert found.g2_0 == pytest.approx(g2_0, rel=5e-3)


def test_any_parameter_can_be_scanned() -> None:
    found = qdimage.scan_model(
        "el", parameter=("biexciton_qy", (0.01, 0.02)), pump_per_us=10.0, **EL
    )
    one, two = (row["g2_0"] for row in found.rows)
    assert one < two
    single = qdimage.model("el", pump_per_us=10.0, dot={"biexciton_qy": 0.02}, **EL)
    assert two == pytest.approx(single.g2_0, rel=1e-12)


def test_what_cannot_be_scanned_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected one range"):
        qdimage.scan_model("pl")
    with pytest.raises(ConfigurationError, match="--scan-ratio needs --kind el"):
        qdimage.scan_model("pl", pump_per_us=1.0, hole_to_electron_ratios=(1.0,))
    with pytest.raises(ConfigurationError, match="did you mean 'exciton_qy'"):
        qdimage.scan_model("pl", pump_per_us=1.0, parameter=("exciton_yq", (0.5,)))
    with pytest.raises(ConfigurationError, match="found 2, expected 0"):
        qdimage.scan_model("pl", pump_per_us=1.0, parameter=("exciton_qy", (0.5, 2.0)))


def test_the_warnings_do_not_change_the_numbers() -> None:
    found = qdimage.model("el", pump_per_us=83.3, coulomb="none", **{**EL, "carriers": 2})
    assert any("biexciton" in each for each in found.warnings)
    assert any("raise --carriers" in each for each in found.warnings)
    assert found.parameters["biexciton_qy"] == 0.07
    assert found.conventions["coulomb"] == "none"
    repelled = qdimage.model("el", pump_per_us=1.0, coulomb_x=-0.1)
    assert any("like charges attract" in each for each in repelled.warnings)


def test_lines_of_a_prediction() -> None:
    every = qdimage.model("pl", pump_per_us=10.0, lags_ns=(0.0, 10.0))
    parts = every.line_intensity_per_us
    assert sum(parts.values()) == pytest.approx(every.intensity_per_us)
    cross = qdimage.model(
        "pl", pump_per_us=10.0, lines=["XX"], against=["X"], lags_ns=(-1e-9, 1e-9)
    )
    assert cross.line_intensity_per_us == {"XX": pytest.approx(parts["XX"])}
    assert cross.g2[0] == pytest.approx(0.0, abs=1e-6)
    assert cross.g2[1] == pytest.approx(1 / every.populations[1], rel=1e-6)


def test_a_pulse_needs_no_pump() -> None:
    times = (0.0, 1.0, 30.0)
    found = qdimage.decay_model("pl", pulse_pairs=0.2, times_ns=times)
    some = 1 - np.exp(-0.2)
    several = some - 0.2 * np.exp(-0.2)
    assert found.photons_per_pulse == pytest.approx(some + 0.07 * several)
    assert found.start == pytest.approx((1 - some, some - several, several))
    by_line = np.sum(list(found.line_photons_per_us.values()), axis=0)
    np.testing.assert_allclose(found.photons_per_us, by_line, rtol=1e-12)


def test_a_decay_can_begin_in_any_state() -> None:
    times = np.array([0.0, 1.0, 30.0])
    found = qdimage.decay_model("el", start={"2, 1": 1.0}, times_ns=times, **EL)
    # A trion, and then a charged dot without a pair: one exponential of 4 ns and a yield of 0.2.
    np.testing.assert_allclose(found.photons_per_us, 50 * np.exp(-times / 4), rtol=1e-12)
    assert found.photons_per_pulse == pytest.approx(0.2)
    assert found.g2_0 == 0.0
    for start, named in (({"9,9": 1.0}, "--start"), ({"1,1": 0.4}, "sum to 0.4")):
        with pytest.raises(ConfigurationError, match=named):
            qdimage.decay_model("el", start=start, times_ns=times, **EL)
    with pytest.raises(ConfigurationError, match="either --pulse or --start"):
        qdimage.decay_model("pl", times_ns=times)
