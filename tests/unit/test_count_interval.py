"""The interval of a share from a count, and the deviance of other shares."""

import numpy as np
import pytest
from scipy.stats import binom

from qdimage.match.count_interval import count_deviance, fraction_interval

CONFIDENCE = 0.95


def coverage(n: int, fractions: np.ndarray) -> list[float]:
    """Exact probability that the interval contains each true fraction."""
    counts = np.arange(n + 1)
    ends = np.array([fraction_interval(k, n, CONFIDENCE)[1:] for k in counts])
    found = []
    for fraction in fractions:
        inside = (ends[:, 0] <= fraction + 1e-12) & (fraction <= ends[:, 1] + 1e-12)
        found.append(float(binom.pmf(counts, n, fraction)[inside].sum()))
    return found


def test_the_interval_covers_at_every_number_and_fraction() -> None:
    numbers = (5, 6, 7, 8, 10, 12, 15, 30, 60, 150)
    found = [coverage(n, np.linspace(0, 1, 101)) for n in numbers]
    assert 0.93 <= np.mean(found) <= 0.975
    assert np.min(found) >= 0.91


def test_the_interval_is_one_sided_at_both_ends() -> None:
    assert fraction_interval(0, 20, CONFIDENCE) == pytest.approx((0, 0, 1 - 0.05 ** (1 / 20)))
    assert fraction_interval(20, 20, CONFIDENCE) == pytest.approx((1, 0.05 ** (1 / 20), 1))


def test_divided_counts_lie_between_whole_ones() -> None:
    ends = np.array([fraction_interval(k, 20, CONFIDENCE) for k in np.arange(0, 20.01, 0.25)])
    assert np.all(np.diff(ends, axis=0) >= 0)


def test_without_dots_there_is_no_fraction() -> None:
    assert np.isnan(fraction_interval(0, 0, CONFIDENCE)).all()


@pytest.mark.parametrize(("k", "n"), [(0, 12), (5, 12), (12, 12)])
def test_the_deviance_is_that_of_binomial_probabilities(k: int, n: int) -> None:
    shares = np.array([0.1, 0.5, 0.9])
    expected = 2 * (binom.logpmf(k, n, k / n) - binom.logpmf(k, n, shares))
    found = [count_deviance(n, k / n, share) for share in shares]
    assert found == pytest.approx(expected)


def test_an_impossible_share_is_infinitely_worse() -> None:
    assert count_deviance(10, 0.5, 0.0) == count_deviance(10, 0.5, 1.0) == np.inf
    assert count_deviance(10, 0.0, 0.0) == 0.0
