"""Declared parameters, the blinking dot, and contradictions between lifetimes and yields."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdimage.errors import ConfigurationError
from qdimage.rates.consistency import contradictions
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.dot import DOT_PARAMETERS, DotParameters, dot_of, dot_values
from qdimage.rates.el import declare_el
from qdimage.rates.parameters import Parameter, ParameterSet
from qdimage.rates.pl import declare_pl, pl_model
from qdimage.rates.pl_charged import SWITCHING, pl_charged_model
from qdimage.rates.registry import MODELS
from qdimage.rates.solution import solve
from qdimage.units import unit_of

STILL = dict.fromkeys(SWITCHING.names, 0.0)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_light_at_its_defaults(name: str) -> None:
    declared = MODELS[name]()
    assert declared.name == name
    assert solve(declared.model()).intensity_per_us > 0
    assert set(declared.drive) <= set(declared.parameters.names)
    assert set(declared.ladder) <= set(declared.model().states)


@pytest.mark.parametrize("law", ["exp", "suppression", "enhancement", "linear", "sign", "none"])
def test_every_law_brings_its_parameters(law: str) -> None:
    declared = declare_el(coulomb=law)
    assert solve(declared.model()).intensity_per_us > 0
    for parameter in declared.parameters:
        assert parameter.unit == unit_of(parameter.name)
        assert parameter.low <= parameter.default <= parameter.high
        assert parameter.meaning


def test_parameters_refuse_what_is_unknown_or_out_of_bounds() -> None:
    declared = declare_pl()
    with pytest.raises(ConfigurationError, match="did you mean 'exciton_qy'"):
        declared.model({"exciton_yq": 0.5})
    with pytest.raises(ConfigurationError, match=r"exciton_qy: found 1.5, expected 0 \.\.\. 1"):
        declared.model({"exciton_qy": 1.5})
    with pytest.raises(ConfigurationError, match="pump_per_us: found nan"):
        declared.model({"pump_per_us": float("nan")})
    with pytest.raises(ConfigurationError, match="twice"):
        ParameterSet((Parameter("a", "", 1, 0, 2, "x"), Parameter("a", "", 1, 0, 2, "x")))
    with pytest.raises(ConfigurationError, match="a: found 3"):
        Parameter("a", "", 3, 0, 2, "a default out of its bounds")


def test_a_dot_and_its_parameters_are_the_same() -> None:
    dot = DotParameters(exciton_lifetime_ns=31.0, biexciton_qy=0.2)
    assert dot_of(dot_values(dot)) == dot
    assert DOT_PARAMETERS.values() == dot_values(DotParameters())


@pytest.mark.parametrize("name", MODELS)
def test_what_is_not_driven_gets_no_pairs(name: str) -> None:
    declared = MODELS[name]()
    n_pairs = {state: pairs for pairs, state in enumerate(declared.ladder)}
    for jump in declared.undriven().transitions:
        if jump.rate_per_us and jump.source in n_pairs and jump.target in n_pairs:
            assert n_pairs[jump.target] < n_pairs[jump.source]


@given(pump=st.floats(0.01, 200))
def test_without_switching_a_blinking_dot_is_a_neutral_one(pump: float) -> None:
    dot = DotParameters()
    still = pl_charged_model(dot, pump_per_us=pump, switching=STILL)
    assert still.states == ("0", "X", "XX")
    one, other = solve(still), solve(pl_model(dot, pump_per_us=pump))
    assert one.g2_0 == pytest.approx(other.g2_0, rel=1e-12)


@given(pump=st.floats(0.1, 50), dark=st.floats(1e-7, 1e-5), bright=st.floats(1e-7, 1e-5))
def test_slow_darkness_bunches_the_light_by_the_bright_share(
    pump: float, dark: float, bright: float
) -> None:
    # Between the dip and the blinking, g2 is one over the share of time on.
    switching = {**STILL, "darkening_per_us": dark, "brightening_per_us": bright}
    model = pl_charged_model(DotParameters(), pump_per_us=pump, switching=switching)
    light = solve(model)
    on = bright / (bright + dark)
    assert light.g2(np.array([2e3]))[0] == pytest.approx(1 / on, rel=0.05)
    assert light.g2(np.array([1e12]))[0] == pytest.approx(1.0, rel=1e-9)
    steady = solve(pl_model(DotParameters(), pump_per_us=pump))
    assert light.intensity_per_us == pytest.approx(on * steady.intensity_per_us, rel=1e-3)


def test_charges_share_the_time_by_their_rates() -> None:
    # Charge comes and goes on every step alike: the shares are those of the switching alone.
    switching = {
        **STILL,
        "negative_charging_per_us": 0.3,
        "negative_neutralization_per_us": 0.1,
        "positive_charging_per_us": 0.2,
        "positive_neutralization_per_us": 0.4,
    }
    model = pl_charged_model(DotParameters(), pump_per_us=40.0, switching=switching)
    light = solve(model)
    charges = [light.populations[k : k + 3].sum() for k in (0, 3, 6)]
    weights = np.array([1.0, 3.0, 0.5])
    np.testing.assert_allclose(charges, weights / weights.sum(), rtol=1e-12)
    assert model.lines == ("X", "XX", "X-", "XX-", "X+", "XX+")


def test_charges_that_are_never_lost_hold_all_of_the_dot() -> None:
    switching = {**STILL, "negative_charging_per_us": 0.3}
    model = pl_charged_model(DotParameters(), pump_per_us=40.0, switching=switching)
    assert solve(model).populations[:3].sum() == 0.0
    dark = {**STILL, "darkening_per_us": 0.3}
    model = pl_charged_model(DotParameters(), pump_per_us=40.0, switching=dark)
    with pytest.raises(ConfigurationError, match="state dark is never left"):
        solve(model)


def test_a_dot_that_counts_carriers_contradicts_nothing() -> None:
    # Radiative rates 25, 50, 50, 100 and Auger rates 200, 300, hence 1000 of the biexciton.
    dot = DotParameters(
        exciton_lifetime_ns=40.0,
        exciton_qy=1.0,
        negative_trion_lifetime_ns=4.0,
        negative_trion_qy=0.2,
        positive_trion_lifetime_ns=1e3 / 350,
        positive_trion_qy=50 / 350,
        biexciton_lifetime_ns=1e3 / 1100,
        biexciton_qy=100 / 1100,
    )
    assert contradictions(dot) == ()


def test_the_published_dot_contradicts_the_counting_of_auger_rates() -> None:
    found = contradictions(DotParameters())
    assert len(found) == 1
    assert found[0].startswith("biexciton")
    for number in ("200", "1200", "0.0345", "0.07", "0.7 ns"):
        assert number in found[0]
    # With the upper bounds of the lifetimes, 5 and 1 ns, the yield is at most 0.0435.
    dot = DotParameters(negative_trion_lifetime_ns=5, negative_trion_qy=0.25)
    dot = DotParameters(**{**dot_values(dot), "positive_trion_lifetime_ns": 1.0})
    dot = DotParameters(**{**dot_values(dot), "positive_trion_qy": 0.05})
    assert "0.0435" in contradictions(dot)[0]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"negative_trion_qy": 0.9}, "negative_trion"),
        ({"positive_trion_lifetime_ns": 40.0}, "positive_trion"),
        ({"biexciton_qy": 0.5}, "biexciton: lifetime and yield"),
    ],
)
def test_radiative_rates_are_compared_with_the_excitons(
    changed: dict[str, float], named: str
) -> None:
    assert any(named in each for each in contradictions(DotParameters(**changed)))


def test_without_trions_only_the_biexciton_is_compared() -> None:
    dot = DotParameters(negative_trion_qy=0.9)
    assert contradictions(dot, charged=False) == ()


def test_where_the_exciton_is_dark_its_radiative_rate_is_no_measure() -> None:
    found = contradictions(DotParameters(exciton_qy=0.0))
    assert len(found) == 1
    assert "Auger" in found[0]


def test_a_declaration_of_ones_own_needs_no_more_than_this() -> None:
    def build(values: Mapping[str, float]):
        return pl_model(DotParameters(), pump_per_us=2 * values["half"])

    mine = DeclaredModel("mine", "", ParameterSet((Parameter("half", "", 1, 0, 9, "x"),)), build)
    expected = solve(pl_model(DotParameters(), pump_per_us=6.0)).g2_0
    assert solve(mine.model({"half": 3.0})).g2_0 == expected
