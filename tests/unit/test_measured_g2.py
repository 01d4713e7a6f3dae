"""g2 as bins and detectors show it, against closed forms."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfcx

from qdimage.rates.coulomb import exponential
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.solution import Emission, solve

RATE_PER_NS = 0.05
SIGMA_PER_FWHM = 1 / np.sqrt(8 * np.log(2))


def two_level() -> Emission:
    rate = 1e3 * RATE_PER_NS
    jumps = (Transition("g", "e", 0.4 * rate), Transition("e", "g", 0.6 * rate, 1.0))
    return solve(RateModel(("g", "e"), jumps))


@pytest.mark.parametrize("bin_ns", [0.1, 0.5, 60.0])
def test_the_centre_bin_shows_its_mean(bin_ns: float) -> None:
    half = RATE_PER_NS * bin_ns / 2
    found = measured_g2(two_level(), np.zeros(1), bin_ns=bin_ns)[0]
    assert found == pytest.approx(1 - (1 - np.exp(-half)) / half, abs=1e-12)


@pytest.mark.parametrize("fwhm_ns", [0.05, 0.5, 30.0])
def test_a_gaussian_response_fills_the_dip(fwhm_ns: float) -> None:
    found = measured_g2(two_level(), np.zeros(1), response_fwhm_ns=fwhm_ns)[0]
    scaled = RATE_PER_NS * fwhm_ns * SIGMA_PER_FWHM / np.sqrt(2)
    assert found == pytest.approx(1 - erfcx(scaled), abs=1e-10)


def test_bins_and_response_together_agree_with_quadrature() -> None:
    model = el_model(
        DotParameters(), electron_per_us=83.3, hole_per_us=20.0, coulomb=exponential(0.46)
    )
    light, fwhm_ns, bin_ns = solve(model), 0.5, 0.5
    sigma = fwhm_ns * SIGMA_PER_FWHM
    lags = np.array([-3.0, 0.0, 0.4, 7.0, 120.0])
    found = measured_g2(light, lags, response_fwhm_ns=fwhm_ns, bin_ns=bin_ns)

    def blurred(lag: float) -> float:
        def weighted(u: float) -> float:
            return float(np.exp(-0.5 * (u / sigma) ** 2) * light.g2(np.array([lag - u]))[0])

        reach = 7 * sigma
        points = [lag] if abs(lag) < reach else None
        value, _ = quad(weighted, -reach, reach, points=points, limit=200)
        return value / (np.sqrt(2 * np.pi) * sigma)

    nodes, weights = np.polynomial.legendre.leggauss(12)
    for lag, value in zip(lags, found, strict=True):
        mean = sum(w * blurred(lag + bin_ns / 2 * x) for x, w in zip(nodes, weights, strict=True))
        assert value == pytest.approx(mean / 2, rel=1e-7)


def test_without_bins_and_response_it_is_the_models_own() -> None:
    light, lags = two_level(), np.array([0.0, 3.0])
    np.testing.assert_array_equal(measured_g2(light, lags), light.g2(lags))
