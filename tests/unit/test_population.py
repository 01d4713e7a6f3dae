"""How many dots truly lie below a limit; mean and spread of a population."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta

from qdimage.domain.population import G2Values, Limit, ShareBelow, Spread
from qdimage.domain.refusal import Refusal
from qdimage.photons.population_likelihood import grid_of, likelihoods
from qdimage.photons.population_limit import given_limit, smallest_limit, yield_limit
from qdimage.photons.population_share import share_below
from qdimage.photons.population_spread import spread_of

Array = NDArray[np.float64]
LIMIT = Limit(0.07, 0.07, 0.07, "stated")


def measured(rng: np.random.Generator, true: Array, err: float) -> G2Values:
    """Values with normal errors, known not to be negative, and their likelihood intervals."""
    x = rng.normal(true, err)
    value = np.maximum(x, 0.0)

    def reach(level: float) -> Array:
        return np.sqrt(level * err**2 + (value - x) ** 2)

    return G2Values(
        value,
        np.maximum(x - reach(1.0), 0.0),
        x + reach(1.0),
        np.maximum(x - reach(3.84), 0.0),
        x + reach(3.84),
    )


def answer(values: G2Values, limit: Limit = LIMIT) -> ShareBelow:
    found = share_below(values, limit)
    assert isinstance(found, ShareBelow)
    return found


def spread(values: G2Values) -> Spread:
    found = spread_of(values)
    assert isinstance(found, Spread)
    return found


def test_likelihood_passes_through_the_ends_of_the_intervals() -> None:
    values = G2Values(*(np.array([x]) for x in (0.1, 0.09, 0.12, 0.08, 0.15)))
    grid = grid_of(values, 0.07)
    found = likelihoods(values, grid)[0]
    at = np.interp([0.08, 0.09, 0.1, 0.12, 0.15], grid.middles, -2 * np.log(found))
    np.testing.assert_allclose(at, [3.84, 1.0, 0.0, 1.0, 3.84], atol=0.06)


def test_interval_that_reaches_zero_does_not_exclude_it() -> None:
    values = G2Values(*(np.array([x]) for x in (0.05, 0.0, 0.06, 0.0, 0.07)))
    grid = grid_of(values, 0.07)
    assert -2 * np.log(likelihoods(values, grid)[0, 0]) < 3.9


@pytest.mark.parametrize(("k", "n"), [(0, 9), (3, 9), (9, 30), (30, 30)])
def test_exact_values_are_counted(k: int, n: int) -> None:
    true = np.concatenate([np.linspace(0.02, 0.06, k), np.linspace(0.085, 0.2, n - k)])
    found = answer(measured(np.random.default_rng(1), true, 1e-4))
    low = beta.ppf(0.025, k, n - k + 1) if k else 0.0
    high = beta.ppf(0.975, k + 1, n - k) if k < n else 1.0
    assert (found.expected_low, found.expected_high) == (k, k)
    assert found.share == pytest.approx(k / n, abs=0.03)
    # The exact interval, or slightly more; the grid of shares is 0.0005 wide.
    assert found.low <= low + 1e-3
    assert found.high >= high - 1e-3
    assert found.high - found.low < 1.15 * (high - low) + 0.01
    np.testing.assert_array_equal(found.probability > 0.5, true < 0.07)


def two_kinds(rng: np.random.Generator, n: int) -> Array:
    few = rng.random(n) < 0.3
    return np.where(few, rng.lognormal(np.log(0.045), 0.1, n), rng.lognormal(np.log(0.14), 0.2, n))


def one_kind(rng: np.random.Generator, n: int) -> Array:
    return rng.gamma(4.0, 0.03, n)


@pytest.mark.parametrize(("draw", "err"), [(two_kinds, 0.02), (one_kind, 0.05)])
def test_share_and_number_are_covered(
    draw: Callable[[np.random.Generator, int], Array], err: float
) -> None:
    rng = np.random.default_rng(2)
    truth = float(np.mean(draw(rng, 1_000_000) < 0.07))
    covered, counted, widths = 0, 0, []
    for _ in range(40):
        true = draw(rng, 30)
        found = answer(measured(rng, true, err))
        covered += int(found.low <= truth <= found.high)
        counted += int(found.expected_low <= np.sum(true < 0.07) <= found.expected_high)
        widths.append(found.high - found.low)
    # At a coverage of 95 %, fewer than 35 of 40 have odds of 1.4 %.
    assert covered >= 35
    assert counted >= 35
    assert np.mean(widths) < 0.65


def test_errors_alone_put_no_dot_below() -> None:
    rng = np.random.default_rng(3)
    values = measured(rng, np.full(60, 0.1), 0.025)
    naive = int(np.sum(values.value < 0.07))
    found = answer(values)
    assert naive >= 4
    assert found.low == 0.0
    assert found.expected < 0.6 * naive
    # What the others are like pulls the smallest of them up.
    least = int(values.value.argmin())
    assert found.shrunken[least] > values.value[least] + 0.02


def test_error_of_the_limit_widens_the_interval() -> None:
    rng = np.random.default_rng(4)
    values = measured(rng, one_kind(rng, 30), 0.01)
    sharp, vague = answer(values), answer(values, Limit(0.07, 0.05, 0.1, "vague"))
    assert vague.low < sharp.low
    assert vague.high > sharp.high
    assert vague.share == pytest.approx(sharp.share, abs=0.15)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(0.0, 0.5), min_size=3, max_size=12), st.floats(0.004, 0.2))
def test_order_of_the_dots_does_not_matter(true: list[float], err: float) -> None:
    values = measured(np.random.default_rng(5), np.array(true), err)
    back = G2Values(
        *(
            getattr(values, name)[::-1]
            for name in ("value", "low_68", "high_68", "low_95", "high_95")
        )
    )
    found, other = answer(values), answer(back)
    assert 0 <= found.low <= found.share <= found.high <= 1
    assert found.expected_low <= found.expected <= found.expected_high
    assert found.share == pytest.approx(other.share, abs=1e-3)
    np.testing.assert_allclose(found.probability, other.probability[::-1], atol=1e-3)
    assert np.all((found.shrunken_low <= found.shrunken) & (found.shrunken <= found.shrunken_high))


def test_smallest_of_noisy_values_is_freed_from_errors() -> None:
    rng = np.random.default_rng(6)
    raw, freed, covered = [], [], 0
    for _ in range(30):
        true = 0.07 + rng.gamma(2.0, 0.03, 26)
        values = measured(rng, true, 0.015)
        limit = smallest_limit(values)
        assert isinstance(limit, Limit)
        raw.append(values.value.min() - true.min())
        freed.append(limit.value - true.min())
        covered += int(limit.low <= true.min() <= limit.high)
    assert np.mean(raw) < -0.006
    assert abs(np.mean(freed)) < 0.5 * abs(np.mean(raw))
    # At a coverage of 95 %, fewer than 25 of 30 have odds of 0.3 %.
    assert covered >= 25


def test_limit_of_yields_is_their_ratio() -> None:
    limit = yield_limit(0.07, 1.0, 0.007, 0.0)
    assert limit.value == pytest.approx(0.07)
    assert limit.high / limit.value == pytest.approx(np.exp(0.196))
    assert limit.low * limit.high == pytest.approx(limit.value**2)
    exact = yield_limit(0.06, 0.8, 0.0, 0.0)
    assert exact.low == exact.high == pytest.approx(0.075)
    stated = given_limit(0.07, 0.005, "stated")
    assert (stated.low, stated.high) == pytest.approx((0.0602, 0.0798))
    assert given_limit(0.07, 0.2, "stated").low > 0


def test_spread_of_equal_dots_is_none() -> None:
    found = spread(measured(np.random.default_rng(7), np.full(20, 0.1), 0.02))
    assert found.spread_low == 0.0
    assert found.mean_low <= 0.1 <= found.mean_high
    assert found.mean_high - found.mean_low < 0.03


def test_mean_and_spread_are_covered() -> None:
    rng = np.random.default_rng(8)
    means = spreads = 0
    for _ in range(25):
        found = spread(measured(rng, one_kind(rng, 20), 0.03))
        means += found.mean_low <= 0.12 <= found.mean_high
        spreads += found.spread_low <= 0.06 <= found.spread_high
    # At a coverage of 93 %, fewer than 20 of 25 have odds of 0.6 %.
    assert means >= 20
    assert spreads >= 20


def test_too_few_dots_are_refused() -> None:
    values = measured(np.random.default_rng(9), np.array([0.1, 0.05]), 0.01)
    for found in (share_below(values, LIMIT), spread_of(values), smallest_limit(values)):
        assert isinstance(found, Refusal)
        assert "(2)" in found.reason
        assert "expected at least 3" in found.reason


def test_impossible_values_are_named() -> None:
    one = np.array([0.1])
    with pytest.raises(ValueError, match="outside its 95 % interval"):
        G2Values(one, one, one, one + 0.1, one)
    with pytest.raises(ValueError, match="one number for each dot"):
        G2Values(one, one, one, np.zeros(2), one)
