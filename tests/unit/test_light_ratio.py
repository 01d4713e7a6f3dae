"""Ratios of fluxes, alone and of several dots together."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from qdimage.domain.refusal import Refusal
from qdimage.match.ratio import PooledRatio, Ratio, pooled_ratio, ratio_of
from qdimage.pipeline.net_counts import net_counts


def test_fiellers_interval_covers() -> None:
    """2000 pairs; of a 95 % interval 1860 to 1937 hold the truth with odds of 0.9999."""
    rng = np.random.default_rng(3)
    held = 0
    for a, b in zip(rng.normal(100, 8, 2000), rng.normal(50, 5, 2000), strict=True):
        found = ratio_of((a, 8.0), (b, 5.0))
        assert isinstance(found, Ratio)
        held += found.low <= 2.0 <= found.high
    low, high = binom.interval(0.9999, 2000, 0.95)
    assert low <= held <= high


@given(
    a=st.floats(10, 1e6),
    b=st.floats(10, 1e6),
    shares=st.tuples(st.floats(0.001, 0.3), st.floats(0.001, 0.3)),
)
def test_the_inverse_has_the_inverse_interval(
    a: float, b: float, shares: tuple[float, float]
) -> None:
    above, below = (a, a * shares[0]), (b, b * shares[1])
    one, other = ratio_of(above, below), ratio_of(below, above)
    assert isinstance(one, Ratio)
    assert isinstance(other, Ratio)
    assert one.low < one.value < one.high
    assert other.low == pytest.approx(1 / one.high, rel=1e-6)
    assert other.high == pytest.approx(1 / one.low, rel=1e-6)


def test_a_flux_in_the_noise_has_no_ratio() -> None:
    for above, below in (((10.0, 5.0), (10.0, 0.1)), ((10.0, 0.1), (-3.0, 5.0))):
        found = ratio_of(above, below)
        assert isinstance(found, Refusal)
        assert "3 sigma" in found.reason


@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_pooled_ratios_cover(spread: float) -> None:
    """500 devices of 6 dots; of a 95 % interval 455 to 492 hold the truth with odds of 0.9999."""
    rng = np.random.default_rng(5)
    held, found_spread = 0, []
    for _ in range(500):
        errors = rng.uniform(0.02, 0.1, 6)
        logs = math.log(1.5) + spread * rng.standard_normal(6) + errors * rng.standard_normal(6)
        pooled = pooled_ratio([[each] for each in zip(logs, errors, strict=True)])
        assert isinstance(pooled, PooledRatio)
        held += pooled.ratio.low <= 1.5 <= pooled.ratio.high
        found_spread.append(pooled.spread)
    low, high = binom.interval(0.9999, 500, 0.95)
    # Without a spread the interval never gets narrower than the errors say, and covers more.
    assert held >= low
    assert spread == 0.0 or held <= high
    assert np.mean(found_spread) == pytest.approx(spread, abs=0.04)


def test_two_dots_are_not_pooled() -> None:
    assert isinstance(pooled_ratio([[(0.1, 0.01), (0.2, 0.01)], [(0.1, 0.01)]]), Refusal)


def test_the_papers_counts_are_its_photons() -> None:
    """89,000 counts/s at 8 % are 1.1e6 photons/s."""
    row = {
        "duration_s": 300.0,
        "counts_1": 13_350_000,
        "counts_2": 13_350_000,
        "counts_s": 89_000.0,
    }
    found = net_counts(row)
    assert found is not None
    assert found.counts_s / 0.08 == pytest.approx(1.1e6, rel=0.02)
    assert found.err_s == pytest.approx(math.sqrt(89_000 / 300))


def test_dead_time_and_dark_counts_are_taken_off() -> None:
    """Of true rates n, n / (1 + n t) are counted; the dark counts are a share of those."""
    true, dead_s = 1e6, 50e-9
    counted = true / (1 + true * dead_s)
    row = {
        "duration_s": 10.0,
        "counts_1": round(10 * counted),
        "counts_2": round(10 * counted),
        "counts_s": 2 * counted,
        "dead_time_ns": 50.0,
        "background_fraction": 0.01,
    }
    found = net_counts(row)
    assert found is not None
    assert found.counts_s == pytest.approx(2 * true - 0.01 * 2 * counted, rel=1e-6)
    assert net_counts(row | {"dead_time_ns": 1e4}) is None
    assert net_counts({"duration_s": None, "counts_s": 5.0}) is None
