"""g2 at zero delay under pulses: overlapping peaks, intervals, refusals."""

import numpy as np
import pytest

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import PulsedG2Zero
from qdimage.domain.refusal import Refusal
from qdimage.photons.pulsed import pulsed_g2_zero
from qdimage.photons.pulsed_fit import (
    N_PARAMETERS,
    N_ROWS,
    N_SINGLE,
    PERIOD,
    PeakData,
    deviance_and_scores,
)

PERIOD_NS = 100.03
EDGES = np.arange(-500.0, 500.1, 0.5)


def means(g2_0: float, lifetime: float, peak: float, centre: float, flat: float) -> np.ndarray:
    """Exact bin contents without response."""
    total = flat * np.diff(EDGES)
    for m in range(-30, 31):
        lags = EDGES - centre - m * PERIOD_NS
        integral = np.sign(lags) * (1 - np.exp(-np.abs(lags) / lifetime)) / 2
        total = total + (g2_0 if m == 0 else 1.0) * peak * np.diff(integral)
    return total


def curve(counts: np.ndarray) -> G2Curve:
    return G2Curve(EDGES, np.asarray(counts, np.int64), np.ones(len(counts)), 60.0, 1000, 1000)


def found(counts: np.ndarray) -> PulsedG2Zero:
    result = pulsed_g2_zero(curve(counts), period_ns=PERIOD_NS)
    assert isinstance(result, PulsedG2Zero), result
    return result


@pytest.mark.parametrize(("components", "n"), [(1, N_SINGLE), (2, N_PARAMETERS)])
def test_the_gradient_agrees_with_differences(components: int, n: int) -> None:
    counts = np.random.default_rng(1).poisson(means(0.1, 40.0, 1000.0, 1.0, 0.3)).astype(float)
    bounds = np.full(N_PARAMETERS, np.inf)
    data = PeakData(EDGES, counts, 0.2, PERIOD_NS, -bounds, bounds)
    theta = np.array([900.0, 0.2, 3.5, 0.4, 0.05, 1e-4, 0.2, 5.0, 1.0, 0.3, 0.2])[:n]
    theta = np.concatenate([theta, np.zeros(N_PARAMETERS - n)])
    matrix, vector = np.empty((n, n)), np.empty(n)
    scratch = np.empty((N_ROWS, len(counts)))
    deviance_and_scores(data, theta, components, scratch, matrix, vector)
    gradient = 2 * vector.copy()
    for a in range(n):
        step = np.zeros(N_PARAMETERS)
        step[a] = 1e-5 * max(1.0, theta[a]) if a != PERIOD else 1e-8
        ends = [
            deviance_and_scores(data, theta + sign * step, components, scratch, matrix, vector)
            for sign in (-1, 1)
        ]
        assert gradient[a] == pytest.approx((ends[1] - ends[0]) / (2 * step[a]), rel=1e-3)


@pytest.mark.parametrize(("lifetime", "centre"), [(40.0, 0.3), (40.0, -7.2), (3.0, 4.0)])
def test_exact_peaks_give_their_area(lifetime: float, centre: float) -> None:
    result = found(np.rint(means(0.02, lifetime, 1e7, centre, 100.0)))
    assert result.value == pytest.approx(0.02, abs=1e-4)
    assert result.lifetime_ns == pytest.approx(lifetime, rel=1e-3)
    assert result.delay_ns == pytest.approx(centre, abs=1e-2)
    assert result.peak_coincidences == pytest.approx(1e7, rel=1e-3)


def test_peaks_that_overlap_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    results = [found(rng.poisson(means(0.02, 40.0, 2e4, 0.3, 20.0))) for _ in range(16)]
    values = np.array([each.value for each in results])
    widths = np.array([(each.high_95 - each.low_95) for each in results])
    # One standard deviation is a quarter of the width; the mean of 16 strays by 0.75 of it, without
    # bias, with odds of 0.3 %.
    assert abs(values.mean() - 0.02) < 0.75 * widths.mean() / 4
    # If 95 % are covered, fewer than 12 of 16 have odds of 0.1 %.
    assert sum(each.low_95 <= 0.02 <= each.high_95 for each in results) >= 12
    assert all(each.p_value > 1e-4 for each in results)


def two_lifetimes(level: float, g2_0: float, near: float) -> np.ndarray:
    """A biexciton's photons of 0.7 ns, a tenth of all, before an exciton's of 40 ns."""
    total = 0.01 * level * np.diff(EDGES)
    share = 0.1
    for m in range(-40, 41):
        lags = EDGES - 0.3 - m * PERIOD_NS
        fast, slow = (
            np.diff(np.sign(lags) * (1 - np.exp(-np.abs(lags) / tau)) / 2) for tau in (0.7, 40.0)
        )
        height = 1 + near * np.exp(-abs(m) * PERIOD_NS / 120.0)
        # In the central peak the exciton's photon follows the biexciton's.
        total = total + level * (
            g2_0 * slow if m == 0 else height * (share * fast + (1 - share) * slow)
        )
    return total


@pytest.mark.parametrize("near", [0.0, 0.5])
def test_a_fast_part_and_bunching_do_not_move_the_value(near: float) -> None:
    rng = np.random.default_rng(8)
    results = [found(rng.poisson(two_lifetimes(2e4, 0.05, near))) for _ in range(10)]
    values = np.array([each.value for each in results])
    width = np.mean([each.high_95 - each.low_95 for each in results])
    # The mean of ten strays by a standard deviation, without bias, with odds of 0.2 %.
    assert abs(values.mean() - 0.05) < width / 4
    # If 95 % are covered, fewer than 7 of 10 have odds of 0.1 %.
    assert sum(each.low_95 <= 0.05 <= each.high_95 for each in results) >= 7


def test_a_period_that_is_a_little_off_is_refined() -> None:
    counts = np.random.default_rng(4).poisson(means(0.1, 20.0, 2e4, 0.3, 1.0))
    result = pulsed_g2_zero(curve(counts), period_ns=PERIOD_NS * 1.001)
    assert isinstance(result, PulsedG2Zero)
    assert result.period_ns == pytest.approx(PERIOD_NS, rel=6e-4)
    assert result.low_95 <= 0.1 <= result.high_95


def test_bunched_pulses_are_measured_too() -> None:
    result = found(np.random.default_rng(6).poisson(means(2.0, 20.0, 5e3, 0.0, 1.0)))
    assert result.low_95 <= 2.0 <= result.high_95


def test_what_cannot_be_answered_is_refused() -> None:
    few = pulsed_g2_zero(curve(np.zeros(len(EDGES) - 1)), period_ns=PERIOD_NS)
    short = pulsed_g2_zero(curve(np.full(len(EDGES) - 1, 5)), period_ns=400.0)
    assert isinstance(few, Refusal)
    assert "coincidences" in few.reason
    assert isinstance(short, Refusal)
    assert "periods" in short.reason
