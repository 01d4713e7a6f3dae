"""Parts of the rate fits: gradients, families, the dot's scores, the centre, profiles."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qdimage.rates.dot import DotParameters
from qdimage.rates.fit_dot import free_dot
from qdimage.rates.fit_families import el_family, pl_family
from qdimage.rates.fit_options import RateFitOptions
from qdimage.rates.fit_problem import CurveData, Efficiency, FitProblem, Limits
from qdimage.rates.fit_profile import LEVELS, estimate, excludes_balance, profile
from qdimage.rates.fit_solver import covariance, minimize
from qdimage.rates.fit_start import best_fit, searched_centre
from qdimage.rates.solution import solve

Array = NDArray[np.float64]
DOT = DotParameters()
OPTIONS = RateFitOptions(carriers=4)
EDGES = np.arange(-200.0, 201.0, 2.0)
FLAT = np.full(len(EDGES) - 1, 400.0)


def problem(counts: Array = FLAT, *, balanced: bool = False, full: bool = True) -> FitProblem:
    """Two curves, or one, with every kind of nuisance and prior."""
    errors = {"exciton_lifetime_ns": 4.0, "biexciton_qy": 0.007} if full else {}
    curve = CurveData(
        EDGES,
        counts,
        FLAT,
        centre_ns=0.3,
        centre_reach_ns=3.0,
        response_fwhm_ns=1.0,
        response_err=0.1,
        background=0.02 if full else 0.0,
        background_err=0.01 if full else 0.0,
        count_rate_per_us=0.2 if full else 0.0,
    )
    n = 2 if full else 1
    return FitProblem(
        [curve] * n,
        [el_family(OPTIONS, carriers=4)] * n,
        free_dot(DOT, errors),
        balanced,
        Limits(),
        Efficiency(0.02, 0.3) if full else None,
    )


@settings(deadline=None, max_examples=10)
@given(
    rate=st.floats(2.0, 200.0),
    ratio=st.floats(-1.5, 1.5),
    scores=st.lists(st.floats(-1.5, 1.5), min_size=12, max_size=12),
)
def test_the_gradient_is_that_of_the_penalized_deviance(
    rate: float, ratio: float, scores: list[float]
) -> None:
    counts = np.random.default_rng(1).poisson(FLAT * 0.8).astype(float)
    built = problem(counts)
    theta = built.start.copy()
    theta[:] += 0.1 * np.resize(scores, len(theta))
    theta[[0, 6]], theta[[1, 7]] = math.log(rate), ratio
    vector, matrix = built.scores(theta, built.held)
    for place in np.flatnonzero(~built.held):
        step = np.zeros(len(theta))
        step[place] = 1e-4
        above, below = built.value(theta + step), built.value(theta - step)
        slope, curvature = (above - below) / 2e-4, (above + below - 2 * built.value(theta)) / 1e-8
        # The one-sided steps of 1e-4 leave half a step times the curvature, either way.
        allowed = 5e-3 * math.sqrt(matrix[place, place]) + 1e-4 * abs(curvature)
        assert 2 * vector[place] == pytest.approx(slope, rel=5e-3, abs=allowed)


def test_families_agree_with_the_models_that_they_are_built_from() -> None:
    for family, rates in ((el_family(OPTIONS, carriers=4), (30.0, 12.0)), (pl_family(), (7.0,))):
        light = solve(family.build(DOT, rates))
        intensity, g2_0 = family.light(DOT, rates)
        assert intensity == pytest.approx(light.intensity_per_us, rel=1e-12)
        assert g2_0 == pytest.approx(light.g2_0, rel=1e-11)


@given(score=st.floats(-20, 20))
def test_the_dot_stays_physical_within_its_bounds(score: float) -> None:
    found = free_dot(DOT, {"exciton_lifetime_ns": 10.0, "exciton_qy": 0.1, "biexciton_qy": 0.05})
    low, high = found.bounds()
    scores = np.clip(np.full(3, score), low, high)
    dot = found.at(scores)
    assert dot.exciton_lifetime_ns > 0
    assert 0 < dot.biexciton_qy <= 1
    assert dot.exciton_qy <= 1
    assert found.at(np.zeros(3)) == DOT


def test_a_free_yield_has_no_prior_unless_it_was_measured() -> None:
    free = free_dot(DOT, {}, free=frozenset(["biexciton_qy"]))
    assert list(free.held_by_prior) == [False]
    known = free_dot(DOT, {"biexciton_qy": 0.01}, free=frozenset(["biexciton_qy"]))
    assert list(known.held_by_prior) == [True]


@pytest.mark.parametrize("centre", [-7.0, 0.0, 4.5])
def test_the_centre_of_a_dip_is_found(centre: float) -> None:
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    counts = np.round(FLAT * (1 - np.exp(-np.abs(middle - centre) / 20)))
    assert searched_centre(CurveData(EDGES, counts, FLAT), 10.0) == pytest.approx(centre, abs=1.0)


def test_a_rise_at_zero_delay_is_not_taken_for_a_dip() -> None:
    middle = (EDGES[1:] + EDGES[:-1]) / 2
    dip, rise = np.exp(-np.abs(middle - 6) / 10), np.exp(-np.abs(middle + 6) / 10)
    counts = np.round(FLAT * (1 - 0.5 * dip + rise))
    assert searched_centre(CurveData(EDGES, counts, FLAT), 10.0) > 2.0


def test_intervals_are_those_of_a_likelihood_stepped_through_by_hand() -> None:
    """The 95 % interval of a balanced rate against the deviance at its ends."""
    truth = problem(balanced=True, full=False)
    theta = truth.start.copy()
    theta[0] = math.log(30.0)
    built = problem(np.round(truth.levels(theta, 0)), balanced=True, full=False)
    best = minimize(built, best_fit(built).theta, held=built.held, settled=1e-8)
    found, _ = profile(built, best, 0)
    assert found is not None
    interval = estimate(found, None)
    held = built.held.copy()
    held[0] = True
    for end, level in (
        (interval.low_68, LEVELS[0]),
        (interval.high_68, LEVELS[0]),
        (interval.low_95, LEVELS[1]),
        (interval.high_95, LEVELS[1]),
    ):
        start = best.theta.copy()
        start[0] = math.log(end)
        value = minimize(built, start, held=held, settled=1e-8).value
        assert value - best.value == pytest.approx(level, abs=0.02)
    spread = math.sqrt(covariance(best)[0, 0])
    assert math.log(interval.high_68 / interval.low_68) / 2 == pytest.approx(spread, rel=0.05)


def test_a_profile_over_the_ratio_covers_its_whole_range_where_it_is_open() -> None:
    truth = problem(full=False)
    theta = truth.start.copy()
    theta[0], theta[1] = math.log(200.0), math.log(3.0)
    built = problem(np.round(truth.levels(theta, 0)), full=False)
    best = minimize(built, theta, held=built.held, settled=1e-6)
    found, _ = profile(built, best, 0)
    assert found is not None
    assert not excludes_balance(found)
    ratio = estimate(found, None)
    assert ratio.high_95 / ratio.low_95 > 10
    assert ratio.low_95 <= ratio.low_68 <= ratio.high_68 <= ratio.high_95


def test_a_pump_that_is_known_exactly_is_held() -> None:
    curve = CurveData(EDGES, FLAT, FLAT, pump_per_us=5.0, pump_err=0.0)
    built = FitProblem([curve], [pl_family()], free_dot(DOT, {}), False, Limits())
    assert built.held[built.index(0, "mean")]
    assert built.rates(built.start, 0) == pytest.approx((5.0,))
