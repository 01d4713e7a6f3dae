"""The distribution of a register's output against plain sums, and fits that rest on it."""

import numpy as np
import pytest
from frames import SCMOS, Chip, image_of, lattice_scene, matched
from scipy.stats import gamma, norm, poisson

from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from qdimage.numerics.em_register import (
    information_table,
    register_density,
    register_gain,
    register_score,
)

READ = 0.3


def summed(output: float, mean: float, read: float, more: int = 0) -> float:
    """Over electrons, and over what the register made of them; `more` electrons beside."""
    charge = np.linspace(0, max(output, 0) + 12 * read + 1, 40001)
    n = np.arange(int(mean + 12 * np.sqrt(mean) + 30))
    chance = poisson.pmf(n, mean)
    shapes = n[n + more > 0] + more
    density = chance[n + more > 0] @ gamma.pdf(charge, shapes[:, np.newaxis])
    some = np.trapezoid(density * norm.pdf(output - charge, 0, read), charge)
    return float(some + (0 if more else chance[0] * norm.pdf(output, 0, read)))


@pytest.mark.parametrize("mean", [0.02, 0.7, 12.0])
@pytest.mark.parametrize("read", [0.1, READ, 1.5])
@pytest.mark.parametrize("output", [-0.25, 0.02, 1.0, 9.0])
def test_the_density_is_the_sum_over_electrons(mean: float, read: float, output: float) -> None:
    density, one_more, log_factor = register_density(output, mean, read)
    assert density * np.exp(log_factor) == pytest.approx(summed(output, mean, read), rel=2e-3)
    assert one_more * np.exp(log_factor) == pytest.approx(summed(output, mean, read, 1), rel=2e-3)


@pytest.mark.parametrize("output", [-0.3, 0.1, 2.0, 40.0])
def test_the_score_is_the_slope_of_the_log_density(output: float) -> None:
    step = 1e-4

    def log_density(mean: float) -> float:
        density, _, log_factor = register_density(output, mean, READ)
        return float(np.log(density) + log_factor)

    slope = (log_density(2.0 + step) - log_density(2.0 - step)) / (2 * step)
    assert register_score(output, 2.0, READ) == pytest.approx(slope, rel=1e-4, abs=1e-5)


def test_scores_stay_finite_far_from_the_mean() -> None:
    for output, mean in ((1e4, 1e-3), (-50.0, 3.0), (0.0, 1e5), (1e5, 1e5)):
        assert np.isfinite(register_score(output, mean, READ))


@pytest.mark.parametrize("mean", [0.05, 1.0, 20.0])
def test_the_information_is_the_mean_square_of_the_score(mean: float) -> None:
    rng = np.random.default_rng(61)
    electrons = rng.poisson(mean, 20000)
    output = np.where(electrons > 0, rng.gamma(np.maximum(electrons, 1)), 0.0)
    output = output + READ * rng.standard_normal(len(output))
    scores = np.array([register_score(float(each), mean, READ) for each in output])
    gain = register_gain(mean, information_table(READ))
    square = scores**2 * (2 * mean + READ**2)
    # Five standard errors, of the mean of 20000 squares and of the mean score.
    assert abs(gain - square.mean()) < 5 * square.std() / np.sqrt(len(square))
    assert abs(scores.mean()) < 5 * scores.std() / np.sqrt(len(scores))


def test_the_information_is_that_of_a_normal_where_light_is_plenty() -> None:
    table = information_table(READ)
    assert register_gain(1e4, table) == pytest.approx(1.0, abs=2e-3)
    assert register_gain(0.1, table) > 1.3


def test_the_exact_likelihood_places_dim_dots_better_and_knows_how_well() -> None:
    rng = np.random.default_rng(62)
    scene = lattice_scene(rng, 120.0, pitch_px=16, background=0.2, shape=(264, 264))
    image = image_of(scene.record(1, rng))
    rms = {}
    for likelihood in ("excess_noise", "poisson_gamma"):
        options = LocalizeOptions(likelihood=likelihood, psf_sigma_px=1.2)
        dots = localize(image, options=options)
        index = matched(dots.positions, scene.positions, 2.0)
        off = dots.positions[index[index >= 0]] - scene.positions[index >= 0]
        rms[likelihood] = np.sqrt(np.mean(off**2))
        pulls = off / dots.position_err_px[index[index >= 0]]
        # Of 512 pulls; ten standard errors.
        assert np.std(pulls) == pytest.approx(1.0, abs=0.3)
        assert np.mean(dots.signal[index[index >= 0]]) == pytest.approx(120.0, rel=0.06)
    # 30 seeds give 0.938 with a standard deviation of 0.012.
    assert rms["poisson_gamma"] < 0.99 * rms["excess_noise"]


def test_a_camera_without_a_register_is_fitted_alike() -> None:
    rng = np.random.default_rng(63)
    chip: Chip = SCMOS
    scene = lattice_scene(rng, 500.0, background=2.0)
    image = image_of(scene.record(1, rng, chip=chip), chip.keys)
    one, other = (
        localize(image, options=LocalizeOptions(likelihood=each, psf_sigma_px=1.2))
        for each in ("excess_noise", "poisson_gamma")
    )
    assert np.array_equal(one.x_px, other.x_px)
