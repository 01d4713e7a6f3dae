"""Kernels of the fit against plain sums: the table of the normal, neighbours, one spot or many."""

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.stats import norm

from qdimage.domain.field_psf import gaussian_psf
from qdimage.localize.fit import CHI_SQ, LEVEL, N_RESULTS, RATIO, fit_all
from qdimage.localize.fit_noise import Noise
from qdimage.numerics.near_pairs import near_pairs
from qdimage.numerics.normal_table import normal
from qdimage.numerics.psf_terms import PsfTerms, draw_spots, psf_terms

SIGMA, LEVEL_PER_PIXEL = 1.3, 5.0
NOISE = Noise(slope=2.0, read=0.1, least=0.01)
GAUSSIAN = psf_terms(gaussian_psf(SIGMA))
# The same spot, whose further term of no weight keeps it from the kernel for one Gaussian.
IN_TERMS = PsfTerms(SIGMA, np.array([1.0, 0.0]), np.empty(0), np.empty(0))


@pytest.mark.parametrize("z", [-40.0, -8.5, -8.49, -3.3, -1e-9, 0.0, 0.4999, 2.0, 7.7, 8.5, 1e6])
def test_the_table_gives_the_normal_distribution(z: float) -> None:
    density, integral = normal(z)
    assert density == pytest.approx(norm.pdf(z), abs=1e-12)
    assert integral == pytest.approx(norm.cdf(z) - 0.5, abs=1e-14)


def test_neighbours_are_those_of_a_tree_the_nearest_first() -> None:
    rng = np.random.default_rng(1)
    points = rng.uniform(0, 100, (300, 2))
    points[7] = np.nan
    start, other, distance = near_pairs(points, 6.0)
    tree = cKDTree(np.where(np.isfinite(points), points, 1e9))
    for k, point in enumerate(points):
        found = other[start[k] : start[k + 1]]
        expected = tree.query_ball_point(point, 6.0) if k != 7 else [k]
        assert sorted([*found, k]) == sorted(expected)
        assert np.all(np.diff(distance[start[k] : start[k + 1]]) >= 0)
    assert [len(each) for each in near_pairs(np.empty((0, 2)), 6.0)] == [1, 0, 0]


def fitted(psf: PsfTerms, image: np.ndarray, spots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spots, light = spots.copy(), np.zeros(image.shape)
    draw_spots(light, psf, spots, 7)
    result = np.zeros((len(spots), N_RESULTS))
    samples = np.ones(image.shape, np.int32)
    samples[30, 30] = 0
    background = np.full(image.shape, LEVEL_PER_PIXEL)
    alone = np.zeros(len(spots) + 1, np.int64), np.empty(0, np.int64)
    free = np.zeros(len(spots), bool)
    order = np.arange(len(spots))
    fit_all(
        *(image, samples, background, light, spots, order, *alone),
        *(psf, NOISE, free, True, 5, 7, result),
    )
    left = np.zeros(image.shape)
    draw_spots(left, psf, spots, 7)
    assert light == pytest.approx(left, abs=1e-8)
    return spots, result


@pytest.mark.parametrize("photons", [100.0, 1000.0, 30000.0])
def test_the_kernel_for_one_spot_is_that_for_many(photons: float) -> None:
    rng = np.random.default_rng(2)
    along = np.arange(3.0, 96.0, 23.0)
    places = np.stack(np.meshgrid(along, along), -1).reshape(-1, 2)
    places = places + rng.uniform(-0.5, 0.5, places.shape)
    n = len(places)
    truth = np.column_stack([places, np.full(n, photons), np.zeros(n)])
    truth[3, 3] = 0.7
    light = np.zeros((96, 96))
    draw_spots(light, GAUSSIAN, truth, 12)
    mean = light + LEVEL_PER_PIXEL
    image = rng.normal(mean, np.sqrt(NOISE.slope * mean + NOISE.read))
    start = truth.copy()
    start[:, :2] += rng.normal(0, 0.5, (n, 2))
    start[:, 2] *= rng.uniform(0.3, 2.0, n)
    one, own = fitted(GAUSSIAN, image, start)
    many, all_ = fitted(IN_TERMS, image, start)
    assert one == pytest.approx(many, rel=1e-7, abs=1e-7)
    assert own == pytest.approx(all_, rel=1e-6, abs=1e-8)
    assert own[:, LEVEL] == pytest.approx(LEVEL_PER_PIXEL, abs=0.01)
    # One of 25 chi-squares of 117 degrees of freedom leaves this range once in 5000.
    assert np.all(np.abs(own[:, CHI_SQ] - 1.0) < 0.55)
    assert np.all(own[:, RATIO] > 2.0)
