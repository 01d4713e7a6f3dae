"""Closed forms, scores and helpers of the fit of a dip."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import erfcx as reference_erfcx
from scipy.stats import poisson

from qdimage.numerics.cholesky import solve_positive
from qdimage.numerics.goodness import deviance_moments
from qdimage.photons.dip_centre import chance_of_dip, deepest
from qdimage.photons.dip_fit import fit_dip
from qdimage.photons.dip_groups import grouped
from qdimage.photons.dip_likelihood import (
    CENTRE,
    G2_0,
    MAX_COMPONENTS,
    MAX_PARAMETERS,
    PLATEAU,
    TIMES,
    DipData,
    deviance_and_scores,
    fill_shape,
    n_parameters,
)
from qdimage.photons.dip_shape import blurred_exponential, erfcx, fill_bin_means

EDGES = np.arange(-500.0, 500.1, 0.5)
BOUNDS = np.array([0.0, 5.0, -5.0, 5.0, 0.0, math.log(500.0)])


def drawn(seed: int = 1, level: float = 20.0, **changes: float) -> DipData:
    lags = (EDGES[1:] + EDGES[:-1]) / 2
    means = level * (1 - 0.95 * np.exp(-np.abs(lags - 0.1) / 25))
    counts = np.random.default_rng(seed).poisson(means).astype(float)
    edges, counts, exposure = grouped(EDGES, counts, np.full(len(lags), level), 0.1)
    data = DipData(edges, exposure, counts, 0.2, 0.0, 0.0, 0.0, BOUNDS)
    return data._replace(**changes)


def scratch(bins: int) -> np.ndarray:
    return np.empty((3 * MAX_COMPONENTS, bins))


def evaluated(data: DipData, theta: np.ndarray, components: int) -> tuple[float, np.ndarray]:
    n, bins = n_parameters(components), len(data.counts)
    matrix, vector = np.empty((n, n)), np.empty(n)
    value = deviance_and_scores(
        data,
        theta,
        components,
        scratch(bins),
        np.empty(bins),
        matrix,
        vector,
    )
    return value, 2 * vector


@given(st.floats(0.0, 1e6))
def test_erfcx_has_all_its_digits(z: float) -> None:
    assert erfcx(z) == pytest.approx(reference_erfcx(z), rel=1e-13)


@pytest.mark.parametrize("t", [-3.0, -0.2, 0.0, 0.1, 0.5, 2.0, 30.0])
@pytest.mark.parametrize("tau", [0.05, 1.0, 40.0])
def test_the_blurred_exponential_is_the_convolution(t: float, tau: float) -> None:
    sigma = 0.3

    def integrand(u: float) -> float:
        gauss = math.exp(-0.5 * ((t - u) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
        return math.exp(-abs(u) / tau) * gauss

    low, high = t - 10 * sigma, t + 10 * sigma
    kinks = [0.0] if low < 0 < high else None
    value, integral, by_log_tau = blurred_exponential(t, tau, sigma)
    assert value == pytest.approx(quad(integrand, low, high, points=kinks)[0], abs=1e-9)
    total = quad(lambda u: blurred_exponential(u, tau, sigma)[0], 0, t, limit=200)[0]
    assert integral == pytest.approx(total, abs=1e-9)
    step = 1e-5
    ends = [blurred_exponential(t, tau * math.exp(s), sigma)[1] for s in (-step, step)]
    assert by_log_tau == pytest.approx((ends[1] - ends[0]) / (2 * step), abs=1e-7)


@pytest.mark.parametrize("sigma", [1e-6, 0.2, 30.0])
def test_bin_means_are_finite_and_add_up(sigma: float) -> None:
    mean, by_time, by_centre = (np.empty(len(EDGES) - 1) for _ in range(3))
    fill_bin_means(EDGES, 0.13, 5.0, sigma, mean, by_time, by_centre)
    assert np.isfinite([mean, by_time, by_centre]).all()
    assert np.all(mean >= -1e-12)
    assert mean.sum() * 0.5 == pytest.approx(10.0, rel=1e-9)


@pytest.mark.parametrize("changes", [{}, {"plateau": 0.9, "plateau_err": 0.05}, {"rising_ns": 1.0}])
@pytest.mark.parametrize("components", [1, 2, 3])
@pytest.mark.parametrize("level", [0.3, 20.0])
def test_the_gradient_agrees_with_differences(
    changes: dict[str, float], components: int, level: float
) -> None:
    data = drawn(level=level, **changes)
    theta = np.array([0.05, 0.1, 0.2, 3.0, 1.0, 3.9, -0.3, -0.2])
    theta = np.concatenate([theta[: 3 + components], theta[6 : 5 + components]])
    _, gradient = evaluated(data, theta, components)
    for a in range(n_parameters(components)):
        step = np.zeros(len(theta))
        step[a] = 1e-5
        slope = (
            evaluated(data, theta + step, components)[0]
            - evaluated(data, theta - step, components)[0]
        ) / 2e-5
        assert gradient[a] == pytest.approx(slope, rel=1e-5, abs=1e-4)


def test_a_fit_ends_where_the_gradient_vanishes() -> None:
    data = drawn(level=200.0)
    theta = np.array([0.1, 0.3, 0.0, 2.0])
    fit_dip(data, 1, theta, False, math.inf)
    _, gradient = evaluated(data, theta, 1)
    assert np.abs(gradient).max() < 1.0
    assert theta[G2_0] == pytest.approx(0.05, abs=0.03)
    assert theta[CENTRE] == pytest.approx(0.1, abs=0.2)
    assert math.exp(theta[TIMES]) == pytest.approx(25.0, abs=1.0)


def test_more_exponentials_contain_fewer() -> None:
    data = drawn()
    one = np.array([0.0, 0.1, 0.0, 3.0])
    value = fit_dip(data, 1, one, False, math.inf)
    two = np.array([*one, 1.0, 0.0])
    shapes = np.empty((2, len(data.counts)))
    for components, theta, shape in ((1, one, shapes[0]), (2, two, shapes[1])):
        fill_shape(
            data.edges_ns,
            0.2,
            theta,
            components,
            scratch(len(data.counts)),
            shape,
        )
    np.testing.assert_allclose(shapes[0], shapes[1])
    assert fit_dip(data, 2, two, False, math.inf) <= value + 1e-9


def test_a_model_does_not_go_below_zero_where_nothing_was_counted() -> None:
    data = drawn()
    data = data._replace(counts=np.where(np.abs(data.edges_ns[:-1]) < 20, 0.0, data.counts))
    theta = np.array([0.0, 0.1, 0.0, 3.0, 2.0, 0.5])
    fit_dip(data, 2, theta, False, math.inf)
    shape = np.empty(len(data.counts))
    fill_shape(data.edges_ns, 0.2, theta, 2, scratch(len(shape)), shape)
    assert np.min(math.exp(theta[PLATEAU]) * data.exposure * shape) > -0.1


@given(st.floats(-400.0, 400.0), st.integers(0, 5))
def test_groups_keep_every_count(centre: float, seed: int) -> None:
    counts = np.random.default_rng(seed).poisson(5.0, len(EDGES) - 1).astype(float)
    edges, sums, exposure = grouped(EDGES, counts, np.ones(len(counts)), centre)
    assert sums.sum() == counts.sum()
    np.testing.assert_allclose(exposure, np.diff(edges) / 0.5)
    assert (edges[0], edges[-1]) == (EDGES[0], EDGES[-1])
    near = np.abs((edges[1:] + edges[:-1]) / 2 - centre) < 3.0
    np.testing.assert_allclose(np.diff(edges)[near], 0.5)


def test_the_deepest_place_is_found() -> None:
    counts = 20.0 * (1 - 0.9 * np.exp(-np.abs((EDGES[1:] + EDGES[:-1]) / 2 - 7.0) / 20))
    found, sigmas = deepest(
        EDGES, np.ones(len(counts)), counts, 0.2, np.arange(-10.0, 11.0), np.array([5.0, 15.0])
    )
    assert found == 7.0
    # Of 0.9 * 20 missing counts in each bin at the centre, over the noise of uncorrelated light.
    assert 20 < sigmas < 45


def test_chance_dips_are_as_rare_as_stated() -> None:
    rng = np.random.default_rng(8)
    centres, times = np.arange(-10.0, 11.0), np.array([5.0, 15.0, 45.0])
    exposure = np.ones(len(EDGES) - 1)
    chances = []
    for _ in range(300):
        counts = rng.poisson(5.0, len(exposure)).astype(float)
        _, sigmas = deepest(EDGES, exposure, counts, 0.2, centres, times)
        chances.append(chance_of_dip(sigmas, 20.0, times))
    # At most 5 and 20 % are as deep; 30 and 87 or more of 300 have odds of 0.02 %.
    assert sum(each < 0.05 for each in chances) < 30
    assert sum(each < 0.2 for each in chances) < 87
    # A bound, but not an empty one.
    assert sum(each < 0.2 for each in chances) > 10


@pytest.mark.parametrize("level", [0.01, 0.7, 12.0, 60.0])
def test_moments_of_the_deviance_are_those_of_poisson_counts(level: float) -> None:
    counts = np.arange(0, 400)
    some = np.maximum(counts, 1)
    values = 2 * (level - counts + counts * np.log(some / level))
    weights = poisson.pmf(counts, level)
    mean = float(np.sum(weights * values))
    variance = float(np.sum(weights * values**2)) - mean**2
    assert deviance_moments(level) == pytest.approx((mean, variance), rel=1e-2)


def test_positive_systems_are_solved() -> None:
    rng = np.random.default_rng(3)
    half = rng.standard_normal((5, 5))
    matrix, vector = half @ half.T, rng.standard_normal(5)
    solution = vector.copy()
    solve_positive(matrix.copy(), solution, 5)
    np.testing.assert_allclose(matrix @ solution, vector, rtol=1e-8)


def test_a_direction_without_information_stays() -> None:
    matrix, solution = np.diag([2.0, 0.0, 4.0]), np.array([2.0, 1.0, 4.0])
    solve_positive(matrix, solution, 3)
    np.testing.assert_allclose(solution, [1.0, 0.0, 1.0])


def test_the_largest_dip_has_a_place_for_each_parameter() -> None:
    assert n_parameters(MAX_COMPONENTS) == MAX_PARAMETERS
