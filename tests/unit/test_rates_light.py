"""Lines, cross-correlation, background, and light after a pulse, against closed forms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erfc

from qdimage.errors import ConfigurationError
from qdimage.rates.coulomb import exponential
from qdimage.rates.decay import after_pulse, decay_from
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.pl import declare_pl, pl_model
from qdimage.rates.solution import solve, solve_cross

DOT = DotParameters()
K_X, K_XX = DOT.rate_per_us("exciton"), DOT.rate_per_us("biexciton")


def el(electron: float, hole: float) -> RateModel:
    return el_model(DOT, electron_per_us=electron, hole_per_us=hole, coulomb=exponential(0.46))


def test_an_exciton_follows_a_biexciton_at_once_and_not_the_other_way() -> None:
    # After a biexciton's photon there is an exciton: its light has the density of states 1 / p_X.
    # After an exciton's photon the dot is empty: no biexciton.
    model = pl_model(DOT, pump_per_us=10.0)
    cross = solve_cross(model, ["XX"], ["X"])
    p_x = cross.first.populations[1]
    lags = np.array([-1e-9, 1e-9])
    np.testing.assert_allclose(cross.g2(lags), [0.0, 1 / p_x], rtol=1e-6, atol=1e-9)
    assert cross.g2_0 == pytest.approx(1 / p_x / 2)
    assert cross.g2(np.array([-1e6, 1e6])) == pytest.approx([1.0, 1.0])


@given(electron=st.floats(0.1, 100), hole=st.floats(0.1, 100), lag=st.floats(1e-3, 300))
def test_lines_correlate_to_what_all_of_them_do(electron: float, hole: float, lag: float) -> None:
    model = el(electron, hole)
    every = solve(model)
    first, others = ["X"], [line for line in model.lines if line != "X"]
    parts = [(first, first), (first, others), (others, first), (others, others)]
    total = 0.0
    for a, b in parts:
        cross = solve_cross(model, a, b)
        weight = cross.first.intensity_per_us * cross.second.intensity_per_us
        total += weight * cross.g2(np.array([lag]))[0]
    assert total / every.intensity_per_us**2 == pytest.approx(every.g2(np.array([lag]))[0])


def test_swapping_the_detectors_mirrors_the_cross_correlation() -> None:
    model, lags = el(30.0, 10.0), np.array([-40.0, -3.0, 0.0, 1.0, 25.0])
    ahead, back = solve_cross(model, ["XX"], ["X"]), solve_cross(model, ["X"], ["XX"])
    np.testing.assert_allclose(ahead.g2(lags), back.g2(-lags), rtol=1e-12)
    kept = {"response_fwhm_ns": 0.5, "bin_ns": 2.0}
    np.testing.assert_allclose(
        measured_g2(ahead, lags, **kept), measured_g2(back, -lags, **kept), rtol=1e-10
    )


def test_a_line_with_itself_is_its_autocorrelation() -> None:
    model, lags = el(30.0, 10.0), np.array([-7.0, 0.0, 7.0])
    np.testing.assert_allclose(
        solve_cross(model, ["X"], ["X"]).g2(lags), solve(model, lines=["X"]).g2(lags), rtol=1e-12
    )


def test_a_line_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="found the line 'Y', expected one of X, XX"):
        solve(pl_model(DOT, pump_per_us=1.0), lines=["Y"])


@given(share=st.floats(0.0, 0.9))
def test_background_fills_the_dip_by_the_product_of_the_signal_shares(share: float) -> None:
    light, lags = solve(el(25.0, 25.0)), np.array([0.0, 20.0])
    found = measured_g2(light, lags, background_share=share)
    np.testing.assert_allclose(1 - found, (1 - share) ** 2 * (1 - light.g2(lags)), rtol=1e-12)


@pytest.mark.parametrize("bin_ns", [60.0, 400.0])
def test_wide_bins_miss_nothing_of_a_fast_dip(bin_ns: float) -> None:
    # The mean over a bin is the mean over its halves, down to bins that are short for every rate.
    light, n = solve(el(83.3, 30.0)), 2048
    narrow = (np.arange(n) + 0.5) * bin_ns / n - bin_ns / 2 + 100.0
    found = measured_g2(light, np.array([100.0]), bin_ns=bin_ns)[0]
    parts = measured_g2(light, narrow, bin_ns=bin_ns / n)
    assert found == pytest.approx(parts.mean(), rel=1e-12)


def cascade(mean: float, **dot: float) -> tuple[RateModel, dict]:
    declared = declare_pl()
    return declared.undriven(dot), after_pulse(declared.ladder, mean)


@pytest.mark.parametrize("mean", [0.05, 1.0, 4.0])
def test_the_decay_is_the_cascades(mean: float) -> None:
    # X feeds on XX: p_X = (x + b) e^(-k t) - b e^(-K t), b = x2 K / (K - k) with x2 that of XX.
    model, start = cascade(mean)
    time = np.array([-1.0, 0.0, 0.5, 3.0, 200.0])
    xx, x = start["XX"], start["X"]
    slow, fast = np.exp(-K_X * 1e-3 * time), np.exp(-K_XX * 1e-3 * time)
    p_x = x * slow + xx * K_XX / (K_XX - K_X) * (slow - fast)
    expected = K_X * p_x + 0.07 * K_XX * xx * fast
    expected[time < 0] = 0.0
    np.testing.assert_allclose(decay_from(model, start).rate_per_us(time), expected, rtol=1e-12)
    lines = [decay_from(model, start, lines=[name]) for name in ("X", "XX")]
    np.testing.assert_allclose(sum(each.rate_per_us(time) for each in lines), expected, rtol=1e-12)


def test_the_blurred_decay_of_one_exponential_has_its_closed_form() -> None:
    model = RateModel(("e", "g"), (Transition("e", "g", 50.0, 1.0),))
    decay = decay_from(model, {"e": 1.0})
    time, fwhm, rate = np.linspace(-2, 60, 40), 1.2, 0.05
    sigma = fwhm / np.sqrt(8 * np.log(2))
    tail = erfc((rate * sigma - time / sigma) / np.sqrt(2))
    expected = 25 * np.exp(rate * (rate * sigma**2 / 2 - time)) * tail
    found = decay.measured_per_us(time, response_fwhm_ns=fwhm)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
    binned = decay.measured_per_us(np.array([5.0, 0.0]), bin_ns=4.0)
    means = [50 * (np.exp(-0.15) - np.exp(-0.35)) / 0.2, 50 * (1 - np.exp(-0.1)) / 0.2]
    np.testing.assert_allclose(binned, means, rtol=1e-12)


@given(mean=st.floats(1e-3, 20), x=st.floats(0.05, 1), xx=st.floats(0.01, 1))
def test_photons_of_a_pulse_are_the_cascades(mean: float, x: float, xx: float) -> None:
    model, start = cascade(mean, exciton_qy=x, biexciton_qy=xx)
    decay = decay_from(model, start)
    expected = x * (start["X"] + start["XX"]) + xx * start["XX"]
    assert decay.photons_per_pulse == pytest.approx(expected)
    assert decay.g2_0 == pytest.approx(2 * x * xx * start["XX"] / expected**2)


def test_weak_pulses_show_the_ratio_of_yields() -> None:
    model, start = cascade(1e-6, exciton_qy=0.8)
    assert decay_from(model, start).g2_0 == pytest.approx(0.07 / 0.8, rel=1e-5)


def test_all_pairs_of_a_pulse_are_somewhere() -> None:
    for mean in (0.0, 1e-9, 0.5, 30.0):
        shares = after_pulse(("0", "X", "XX"), mean)
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-15)
        # The share of two or more pairs keeps its digits: m^2/2 - m^3/3.
        if mean == 1e-9:
            assert shares["XX"] == pytest.approx(mean**2 / 2, rel=1e-8)


def test_light_that_does_not_end_has_no_photons_per_pulse() -> None:
    decay = decay_from(pl_model(DOT, pump_per_us=1.0), {"0": 1.0})
    with pytest.raises(ConfigurationError, match="goes on emitting"):
        _ = decay.photons_per_pulse


@pytest.mark.parametrize(
    ("start", "named"), [({"Y": 1.0}, "Y"), ({"X": 0.5}, "0.5"), ({"X": 2.0, "0": -1.0}, "least 0")]
)
def test_a_wrong_start_is_refused(start: dict[str, float], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        decay_from(pl_model(DOT, pump_per_us=0.0), start)
