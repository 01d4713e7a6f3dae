"""g2 at zero delay under pulses: overlapping peaks, intervals, refusals."""

import numpy as np
import pytest

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import PulsedG2Zero
from qdimage.domain.refusal import Refusal
from qdimage.photons.pulsed import pulsed_g2_zero
from qdimage.photons.pulsed_fit import N_PARAMETERS, PeakData, deviance_and_scores

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


def test_the_gradient_agrees_with_differences() -> None:
    counts = np.random.default_rng(1).poisson(means(0.1, 40.0, 1000.0, 1.0, 0.3)).astype(float)
    bounds = np.full(N_PARAMETERS, np.inf)
    data = PeakData(EDGES, counts, 0.2, PERIOD_NS, -bounds, bounds)
    theta = np.array([900.0, 0.2, 3.5, 0.4, 0.05])
    matrix, vector = np.empty((5, 5)), np.empty(5)
    scratch = np.empty((6, len(counts)))
    deviance_and_scores(data, theta, scratch, matrix, vector)
    gradient = 2 * vector
    for a in range(N_PARAMETERS):
        step = np.zeros(5)
        step[a] = 1e-5 * max(1.0, theta[a])
        ends = [
            deviance_and_scores(data, theta + sign * step, scratch, matrix, vector)
            for sign in (-1, 1)
        ]
        assert gradient[a] == pytest.approx((ends[1] - ends[0]) / (2 * step[a]), rel=1e-4)


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
