"""Kernels of decays: against drawn photons, against differences, and the folding of times."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.photons.decay_fit import NO_SPRING, fit_decay_from
from qdimage.photons.decay_groups import growing_bins
from qdimage.photons.decay_likelihood import (
    N_PARAMETERS,
    DecayData,
    Quantity,
    deviance_and_scores,
    quantity,
)
from qdimage.photons.decay_period import place_in
from qdimage.photons.decay_shape import N_COLUMNS, VALUE, Pulse, fill_decay
from qdimage.photons.decay_starts import in_order

PERIOD = 100.0
RESPONSE_EDGES = np.array([-1.0, -0.6, -0.3, 0.0, 0.2, 0.5, 1.5])
RESPONSE = np.array([0.1, 0.5, 1.0, 3.0, 1.0, 0.2])
RESPONSE /= np.sum(RESPONSE * np.diff(RESPONSE_EDGES))

GAUSSIAN = Pulse(PERIOD, False, np.array([0.0, 1.0]), np.zeros(1), np.zeros(2))
MEASURED = Pulse(
    PERIOD,
    True,
    RESPONSE_EDGES,
    RESPONSE,
    np.concatenate([[0.0], np.cumsum(RESPONSE * np.diff(RESPONSE_EDGES))]),
)


def columns(pulse: Pulse, edges: np.ndarray, tau: float, place: float, sigma: float) -> np.ndarray:
    filled = np.empty((N_COLUMNS, len(edges) - 1))
    fill_decay(pulse, edges, tau, place, sigma, filled)
    return filled


@pytest.mark.parametrize("pulse", [GAUSSIAN, MEASURED], ids=["gaussian", "measured"])
@pytest.mark.parametrize("tau", [0.05, 0.7, 40.0, 250.0])
def test_bins_hold_what_drawn_photons_say(pulse: Pulse, tau: float) -> None:
    rng, n = np.random.default_rng(3), 400_000
    if pulse.measured:
        j = rng.choice(len(RESPONSE), n, p=RESPONSE * np.diff(RESPONSE_EDGES))
        blur = RESPONSE_EDGES[j] + rng.random(n) * np.diff(RESPONSE_EDGES)[j]
    else:
        blur = rng.normal(0, 0.2, n)
    edges = np.concatenate([np.arange(12.0, 16.0, 0.25), np.arange(16.0, 112.1, 4.0)])
    times = (13.3 + blur + rng.exponential(tau, n) - 12.0) % PERIOD + 12.0
    counts = np.histogram(times, edges)[0]
    expected = n * columns(pulse, edges, tau, 13.3, 0.2)[VALUE]
    assert expected.sum() == pytest.approx(n)
    some = expected > 5
    pull = (counts[some] - expected[some]) / np.sqrt(expected[some])
    # 5 sigma of up to 40 bins each: 2e-5.
    assert np.max(np.abs(pull)) < 5
    assert np.all(counts[expected < 1e-6] == 0)


@settings(max_examples=60, deadline=None)
@given(
    tau=st.floats(0.03, 400.0),
    place=st.floats(-250.0, 250.0),
    sigma=st.floats(0.05, 5.0),
    measured=st.booleans(),
)
def test_derivatives_are_those_of_the_values(
    tau: float, place: float, sigma: float, measured: bool
) -> None:
    pulse = MEASURED if measured else GAUSSIAN
    edges, step = np.linspace(-40.0, 190.0, 61), 1e-5
    filled = columns(pulse, edges, tau, place, sigma)
    up, down = math.exp(step), math.exp(-step)
    moved = (
        ((tau * up, place, sigma), (tau * down, place, sigma)),
        ((tau, place + step, sigma), (tau, place - step, sigma)),
        ((tau, place, sigma * up), (tau, place, sigma * down)),
    )
    for c, (more, less) in enumerate(moved, start=1):
        difference = columns(pulse, edges, *more)[VALUE] - columns(pulse, edges, *less)[VALUE]
        # A measured density has steps, at which a difference by the place is only close.
        tolerance = 1e-2 if measured and c == 2 else 1e-4
        np.testing.assert_allclose(filled[c], difference / (2 * step), atol=tolerance)


@settings(max_examples=60, deadline=None)
@given(
    tau=st.floats(0.1, 300.0),
    place=st.floats(-300.0, 300.0),
    turns=st.integers(-3, 3),
    begin=st.floats(-200.0, 200.0),
)
def test_one_period_holds_all_photons_wherever_it_begins(
    tau: float, place: float, turns: int, begin: float
) -> None:
    edges = begin + np.array([0.0, 13.0, 29.0, 77.0, PERIOD])
    one = columns(GAUSSIAN, edges, tau, place, 0.3)[VALUE]
    assert one.sum() == pytest.approx(1.0, abs=1e-9)
    assert np.all(one >= -1e-12)
    other = columns(GAUSSIAN, edges, tau, place + turns * PERIOD, 0.3)[VALUE]
    np.testing.assert_allclose(one, other, atol=1e-9)


def data_of(edges: np.ndarray, counts: np.ndarray) -> DecayData:
    low, high = np.zeros(N_PARAMETERS), np.full(N_PARAMETERS, math.inf)
    low[:3], high[:3] = math.log(0.05), math.log(300.0)
    low[7], high[7], low[8], high[8] = -20.0, 20.0, math.log(0.01), math.log(5.0)
    return DecayData(edges, counts, GAUSSIAN, low, high, np.zeros(N_PARAMETERS, np.bool_))


THETA = np.array(
    [math.log(3.0), math.log(40.0), 0.0, 400.0, 3000.0, 0.0, 200.0, 7.0, math.log(0.3)]
)


def test_the_gradient_is_that_of_the_deviance() -> None:
    edges = np.linspace(0.0, PERIOD, 201)
    counts = np.random.default_rng(1).poisson(20.0, 200).astype(float)
    data = data_of(edges, counts)
    slopes, matrix = np.empty((N_PARAMETERS, 200)), np.empty((N_PARAMETERS, N_PARAMETERS))
    vector, scratch = np.empty(N_PARAMETERS), np.empty(N_PARAMETERS)
    deviance_and_scores(data, THETA, 2, slopes, matrix, vector)
    for a in (0, 1, 3, 4, 6, 7, 8):
        step = 1e-4 * max(abs(THETA[a]), 1.0)
        values = []
        for side in (1, -1):
            theta = THETA.copy()
            theta[a] += side * step
            values.append(deviance_and_scores(data, theta, 2, slopes, matrix, scratch))
        assert 2 * vector[a] == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4)


def test_a_quantity_has_the_value_and_slope_of_its_definition() -> None:
    amplitude = Quantity(np.eye(3)[0], -1.0, np.ones(3), -1.0)
    slope = np.empty(N_PARAMETERS)
    value = quantity(amplitude, THETA, 2, slope)
    assert value == pytest.approx((400 / 3) / (400 / 3 + 3000 / 40))
    for a in (0, 1, 3, 4):
        step = 1e-6 * max(abs(THETA[a]), 1.0)
        theta = THETA.copy()
        theta[a] += step
        moved = quantity(amplitude, theta, 2, np.empty(N_PARAMETERS))
        assert slope[a] == pytest.approx((moved - value) / step, rel=1e-3)


def test_a_spring_ends_on_the_profile_however_weak_it_is() -> None:
    edges = np.linspace(0.0, PERIOD, 401)
    shape = columns(GAUSSIAN, edges, 30.0, 7.0, 0.3)[VALUE]
    counts = np.random.default_rng(2).poisson(5000 * shape + 1.0).astype(float)
    data = data_of(edges, counts)
    start = THETA.copy()
    start[0], start[3] = math.log(25.0), counts.sum()
    best = start.copy()
    least = fit_decay_from(data, 1, best, NO_SPRING, 0.0, 0.0)
    what, scratch = Quantity(np.eye(3)[0], 1.0, np.eye(3)[0], 0.0), np.empty(N_PARAMETERS)
    target = quantity(what, best, 1, scratch) * 1.05
    heights = []
    for pull in (0.5, 5.0, 500.0):
        point = best.copy()
        deviance = fit_decay_from(data, 1, point, what, target, pull)
        reached = quantity(what, point, 1, scratch)
        held = data._replace(held=np.arange(N_PARAMETERS) == 0)
        profile = fit_decay_from(held, 1, point.copy(), NO_SPRING, 0.0, 0.0)
        assert deviance == pytest.approx(profile, abs=1e-3)
        heights.append((reached, deviance - least))
    assert heights[0][0] < heights[1][0] < heights[2][0] <= target * (1 + 1e-9)


@settings(max_examples=50, deadline=None)
@given(place=st.floats(-50.0, 150.0), fine=st.floats(0.5, 10.0), seed=st.integers(0, 100))
def test_merged_bins_keep_every_photon_and_leave_the_rise_fine(
    place: float, fine: float, seed: int
) -> None:
    edges = np.arange(1001) * 0.1
    counts = np.random.default_rng(seed).poisson(2.0, 1000).astype(float)
    merged_edges, merged = growing_bins(
        edges, counts, pulse_ns=place, period_ns=PERIOD, fine_ns=fine
    )
    assert merged.sum() == counts.sum()
    assert (merged_edges[0], merged_edges[-1]) == (edges[0], edges[-1])
    assert np.all(np.isin(merged_edges, edges))
    widths = np.diff(merged_edges)
    nearest = np.abs((merged_edges[:-1] - place + PERIOD / 2) % PERIOD - PERIOD / 2)
    assert np.all(widths[nearest < fine - 0.2] < 0.11)
    assert len(merged) < 700


def test_places_in_a_period_lose_nothing_after_days() -> None:
    period = Fraction(99_987_340, 1000)
    n = 864_000_000_000
    late = int(period * n) + 1
    exact = Fraction(late) - period * n
    assert place_in(late, period) == pytest.approx(float(exact), abs=1e-9)


def test_exponentials_are_ordered_with_their_photons() -> None:
    theta = np.array([3.0, 1.0, 2.0, 30.0, 10.0, 20.0, 5.0, 6.0, 7.0])
    np.testing.assert_array_equal(
        in_order(theta, 3), [1.0, 2.0, 3.0, 10.0, 20.0, 30.0, 5.0, 6.0, 7.0]
    )
    np.testing.assert_array_equal(
        in_order(theta, 2), [1.0, 3.0, 2.0, 10.0, 30.0, 20.0, 5.0, 6.0, 7.0]
    )
