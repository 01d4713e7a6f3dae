"""The fast g2 curve of a rate model: closed forms, the slow solution, symmetries."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import erfc, erfcx

from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.rates.coulomb import exponential
from qdimage.rates.curve import g2_at_zero, g2_curve, light_of, light_of_model
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.solution import solve

Array = NDArray[np.float64]
X41 = 0.46284401059920
rates = st.floats(1e-2, 1e3)


def el(electron: float, hole: float, carriers: int = 4) -> RateModel:
    return el_model(
        DotParameters(),
        electron_per_us=electron,
        hole_per_us=hole,
        coulomb=exponential(X41),
        carriers=carriers,
    )


def two_level(pump: float, decay_rate: float) -> RateModel:
    return RateModel(
        ("g", "e"), (Transition("g", "e", pump), Transition("e", "g", decay_rate, 1.0))
    )


def two_level_mean(edges: Array, tau_ns: float, sigma_ns: float) -> Array:
    """Bin means of 1 - exp(-|t| / tau) behind a Gaussian response, in closed form."""

    def behind(t: Array) -> Array:
        a, z = sigma_ns / tau_ns, t / sigma_ns
        u = (a - z) / math.sqrt(2)
        rising = np.exp(-z * z / 2) * erfcx(np.maximum(u, 0))
        decaying = np.exp(np.minimum(a * a / 2 - t / tau_ns, 0)) * erfc(u)
        return 0.5 * np.where(u > 0, rising, decaying)

    def integral(t: Array) -> Array:
        error = 1 - erfc(t / (sigma_ns * math.sqrt(2)))
        return t - tau_ns * (error - behind(t) + behind(-t))

    return np.diff(integral(edges)) / np.diff(edges)


@pytest.mark.parametrize("fwhm_ns", [0.0, 0.1, 0.5, 4.0])
@pytest.mark.parametrize(
    ("electron", "hole", "carriers"),
    [(25.0, 25.0, 4), (83.3, 83.3, 4), (60.0, 1.0, 6), (0.01, 0.01, 4), (250.0, 80.0, 6)],
)
def test_it_agrees_with_the_slow_solution(
    electron: float, hole: float, carriers: int, fwhm_ns: float
) -> None:
    model = el(electron, hole, carriers)
    for width, n in ((0.5, 60), (0.04, 40), (11.0, 40)):
        edges = (np.arange(n + 1) - n // 2) * width + 0.013
        lags = (edges[1:] + edges[:-1]) / 2 - 0.2
        expected = measured_g2(solve(model), lags, response_fwhm_ns=fwhm_ns, bin_ns=width)
        found = g2_curve(light_of_model(model), edges, 0.2, fwhm_ns / FWHM_PER_SIGMA)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    pump=rates,
    decay_rate=rates,
    fwhm_ns=st.floats(0.05, 3.0),
    centre=st.floats(-3.0, 3.0),
)
def test_a_blurred_two_level_emitter_agrees_with_its_closed_form(
    pump: float, decay_rate: float, fwhm_ns: float, centre: float
) -> None:
    edges = np.concatenate([-np.geomspace(300, 0.5, 20), np.linspace(-0.4, 0.4, 9), [2, 7, 2000.0]])
    tau, sigma = 1e3 / (pump + decay_rate), fwhm_ns / FWHM_PER_SIGMA
    found = g2_curve(light_of_model(two_level(pump, decay_rate)), edges, centre, sigma)
    np.testing.assert_allclose(found, two_level_mean(edges - centre, tau, sigma), atol=1e-9)


def test_poisson_light_is_flat() -> None:
    model = RateModel(
        ("a", "b"),
        (
            Transition("a", "a", 3.0, 1.0),
            Transition("b", "b", 3.0, 1.0),
            Transition("a", "b", 1.0),
            Transition("b", "a", 2.0),
        ),
    )
    edges = np.linspace(-700, 700, 1001)
    np.testing.assert_allclose(g2_curve(light_of_model(model), edges, 1.0, 0.3), 1.0, atol=1e-12)


@settings(deadline=None, max_examples=20)
@given(electron=rates, hole=rates, shift=st.floats(-20, 20), sigma=st.sampled_from([0.0, 0.2, 1.0]))
def test_a_shift_of_bins_and_centre_changes_nothing_and_bins_add_up(
    electron: float, hole: float, shift: float, sigma: float
) -> None:
    light = light_of_model(el(electron, hole))
    edges = np.arange(-40, 41) * 0.75
    curve = g2_curve(light, edges, 0.0, sigma)
    np.testing.assert_allclose(g2_curve(light, edges + shift, shift, sigma), curve, rtol=1e-9)
    np.testing.assert_allclose(curve, curve[::-1], rtol=1e-9)
    coarse = g2_curve(light, edges[::2], 0.0, sigma)
    np.testing.assert_allclose(coarse, (curve[::2] + curve[1::2]) / 2, rtol=1e-9)


def test_bins_far_out_and_very_slow_light_keep_their_digits() -> None:
    model = el(0.001, 0.001)
    edges = np.concatenate([[0.0, 0.01], np.geomspace(1, 1e8, 30)])
    found = g2_curve(light_of_model(model), edges, 0.0, 0.0)
    light = solve(model)
    assert found[0] == pytest.approx(light.g2(np.array([0.005]))[0], rel=1e-6)
    assert found[-1] == pytest.approx(1.0, abs=1e-5)


def test_zero_delay_and_intensity_are_those_of_the_slow_solution() -> None:
    model = el(83.3, 40.0, 6)
    fast, slow = light_of_model(model), solve(model)
    assert g2_at_zero(fast) == pytest.approx(slow.g2_0, rel=1e-12)
    assert fast.intensity_per_us == pytest.approx(slow.intensity_per_us, rel=1e-12)
    np.testing.assert_allclose(fast.populations, slow.populations, rtol=1e-11)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_dark_or_absorbing_model_has_no_intensity(rate: float) -> None:
    flow = np.array([[0.0, rate], [1.0 - rate, 0.0]])
    assert math.isnan(light_of(flow, np.zeros((2, 2))).intensity_per_us)
