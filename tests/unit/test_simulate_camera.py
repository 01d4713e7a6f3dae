"""The simulated EMCCD against its theory.

Bounds are five standard errors unless said: each comparison fails by chance once in 1.7 million.
"""

import numpy as np
import pytest
from scipy.stats import gamma, kstest, norm

from qdimage.simulation.camera import expose, multiply
from qdimage.simulation.options import CameraOptions

SHAPE = (400, 500)
N = SHAPE[0] * SHAPE[1]
SIGMAS = 5.0
ROUNDING_VARIANCE = 1 / 12

QUIET = CameraOptions(read_noise_e=0, clock_induced_charge_e=0)


def flat(photons, camera, seed):
    return expose(
        np.full(SHAPE, float(photons)), camera=camera, rng=np.random.default_rng(seed)
    ).astype(float)


def expected_variance(mean_e, camera):
    """Variance in ADU^2 of pixels with `mean_e` electrons in the register."""
    excess = 2.0 if camera.em_gain > 1 else 1.0
    output = excess * mean_e * camera.em_gain**2 + camera.read_noise_e**2
    return output / camera.electrons_per_adu**2 + ROUNDING_VARIANCE


@pytest.mark.parametrize("em_gain", [1.0, 50.0, 300.0])
@pytest.mark.parametrize("photons", [20.0, 200.0])
def test_mean_and_variance_follow_the_camera_model(photons, em_gain):
    camera = CameraOptions(em_gain=em_gain, electrons_per_adu=5.0, clock_induced_charge_e=0.3)
    adu = flat(photons, camera, seed=11)
    mean_e = photons * camera.quantum_efficiency + camera.clock_induced_charge_e
    variance = expected_variance(mean_e, camera)
    mean_adu = camera.bias_adu + mean_e * em_gain / camera.electrons_per_adu
    assert abs(adu.mean() - mean_adu) < SIGMAS * np.sqrt(variance / N)
    # The excess kurtosis of a compound Poisson number of exponentials is 6 / mean.
    standard_error = variance * np.sqrt((2 + 6 / mean_e) / N)
    assert abs(adu.var(ddof=1) - variance) < SIGMAS * standard_error


@pytest.mark.parametrize(("em_gain", "excess"), [(300.0, 2.0), (1.0, 1.0)])
def test_photon_transfer_slope_is_the_excess_noise_factor_times_gain(em_gain, excess):
    camera = CameraOptions(em_gain=em_gain, electrons_per_adu=0.9 if em_gain == 1 else 12.3)
    levels = [flat(photons, camera, seed) for seed, photons in enumerate((5, 20, 50, 100, 200))]
    means = np.array([adu.mean() for adu in levels])
    variances = np.array([adu.var(ddof=1) for adu in levels])
    weights = 1 / (variances * np.sqrt(3.2 / N))
    (slope, intercept), covariance = np.polyfit(
        means - camera.bias_adu, variances, 1, w=weights, cov="unscaled"
    )
    expected = excess * em_gain / camera.electrons_per_adu
    read_variance = (camera.read_noise_e / camera.electrons_per_adu) ** 2 + ROUNDING_VARIANCE
    assert abs(slope - expected) < SIGMAS * np.sqrt(covariance[0, 0])
    assert abs(intercept - read_variance) < SIGMAS * np.sqrt(covariance[1, 1])


def test_read_noise_stands_alone_in_the_dark():
    camera = CameraOptions(clock_induced_charge_e=0)
    adu = flat(0, camera, seed=3)
    variance = (camera.read_noise_e / camera.electrons_per_adu) ** 2 + ROUNDING_VARIANCE
    assert abs(adu.mean() - camera.bias_adu) < SIGMAS * np.sqrt(variance / N)
    assert abs(adu.var(ddof=1) - variance) < SIGMAS * variance * np.sqrt(2 / N)


def test_clock_induced_charge_is_poisson_and_is_multiplied():
    camera = CameraOptions(read_noise_e=0, clock_induced_charge_e=0.1, electrons_per_adu=0.1)
    adu = flat(0, camera, seed=4) - camera.bias_adu
    empty = np.exp(-0.1)
    assert abs(np.mean(adu == 0) - empty) < SIGMAS * np.sqrt(empty * (1 - empty) / N) + 2e-5
    filled = np.mean(adu) * camera.electrons_per_adu / camera.em_gain
    assert abs(filled - 0.1) < SIGMAS * np.sqrt(2 * 0.1 / N)


def test_quantum_efficiency_thins_the_photons():
    camera = QUIET.model_copy(update={"quantum_efficiency": 0.4, "em_gain": 1.0})
    camera = camera.model_copy(update={"electrons_per_adu": 1.0})
    electrons = flat(30, camera, seed=5) - camera.bias_adu
    assert abs(electrons.mean() - 12) < SIGMAS * np.sqrt(12 / N)
    assert abs(electrons.var(ddof=1) - 12) < SIGMAS * 12 * np.sqrt((2 + 1 / 12) / N)


def test_without_gain_and_read_noise_the_electrons_are_whole_numbers_of_adu():
    camera = CameraOptions(
        em_gain=1, read_noise_e=0, clock_induced_charge_e=0, electrons_per_adu=0.25, bias_adu=10
    )
    adu = flat(3, camera, seed=6)
    assert np.all((adu - 10) % 4 == 0)
    assert len(np.unique(adu)) > 5


def test_deposited_charge_has_no_poisson_noise_and_dark_current_has():
    camera = QUIET.model_copy(update={"em_gain": 1.0, "electrons_per_adu": 1.0})
    dark = np.zeros(SHAPE)
    options = {"camera": camera, "rng": np.random.default_rng(7)}
    deposited = expose(dark, deposited_e=np.full(SHAPE, 999.6), **options).astype(float)
    assert np.all(deposited == camera.bias_adu + 1000)
    leaked = expose(dark, dark_e=np.full(SHAPE, 50.0), **options) - camera.bias_adu
    assert abs(leaked.mean() - 50) < SIGMAS * np.sqrt(50 / N)
    assert abs(leaked.var(ddof=1) - 50) < SIGMAS * 50 * np.sqrt(2.02 / N)


@pytest.mark.parametrize("ceiling", [4095, 16383, 65535])
def test_the_converter_saturates_at_its_ceiling(ceiling):
    camera = CameraOptions(saturation_adu=ceiling)
    adu = expose(np.full((20, 20), 1e6), camera=camera, rng=np.random.default_rng(8))
    assert adu.dtype == np.uint16
    assert np.all(adu == ceiling)


def test_noise_below_zero_is_clipped_not_wrapped():
    camera = CameraOptions(bias_adu=0, clock_induced_charge_e=0)
    adu = flat(0, camera, seed=9)
    expected = norm.cdf(0.5 * camera.electrons_per_adu / camera.read_noise_e)
    assert abs(np.mean(adu == 0) - expected) < SIGMAS * np.sqrt(0.25 / N)
    assert adu.max() < 50


@pytest.mark.parametrize("electrons", [1, 2, 10, 100])
def test_the_register_turns_n_electrons_into_a_gamma_variate(electrons):
    em_gain = 300.0
    rng = np.random.default_rng(electrons)
    output = multiply(np.full(100_000, float(electrons)), em_gain=em_gain, rng=rng)
    mean, variance = electrons * em_gain, electrons * em_gain**2
    assert abs(output.mean() - mean) < SIGMAS * np.sqrt(variance / output.size)
    kurtosis = 6 / electrons
    standard_error = variance * np.sqrt((2 + kurtosis) / output.size)
    assert abs(output.var(ddof=1) - variance) < SIGMAS * standard_error
    # Odds: one in a million.
    assert kstest(output, gamma(electrons, scale=em_gain).cdf).pvalue > 1e-6


def test_the_register_makes_nothing_of_nothing_and_leaves_its_input_alone():
    electrons = np.array([0.0, 3.0, 0.0])
    output = multiply(electrons, em_gain=300.0, rng=np.random.default_rng(1))
    assert output[0] == output[2] == 0
    assert output[1] > 0
    assert electrons.tolist() == [0.0, 3.0, 0.0]


def test_a_gain_of_one_switches_the_register_off():
    electrons = np.array([0.0, 3.0, 7.0])
    output = multiply(electrons, em_gain=1.0, rng=np.random.default_rng(1))
    assert output.tolist() == [0.0, 3.0, 7.0]


def test_pixels_are_independent():
    adu = flat(20, CameraOptions(), seed=10)
    adu -= adu.mean()
    for neighbour in (adu[:, 1:] * adu[:, :-1], adu[1:] * adu[:-1]):
        assert abs(neighbour.mean() / adu.var()) < SIGMAS / np.sqrt(neighbour.size)


def test_pixels_have_their_own_means():
    photons = np.zeros((40, 60))
    photons[5, 50] = 1000.0
    adu = expose(photons, camera=CameraOptions(), rng=np.random.default_rng(12))
    assert np.unravel_index(np.argmax(adu), adu.shape) == (5, 50)
