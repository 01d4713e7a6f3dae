"""The turn-on fraction, its interval and its pool; the turn-on voltage."""

import numpy as np
import pytest
from dots import localizations
from scipy.stats import binom

from qdimage.domain.flags import DotFlag
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.domain.turn_on import TurnOn
from qdimage.match.turn_on import (
    counted,
    fraction_interval,
    pool,
    turn_on_fraction,
    turn_on_voltage,
)

CONFIDENCE = 0.95


def coverage(n: int, fractions: np.ndarray, chance: float) -> list[float]:
    """Exact probability that the interval contains each true fraction."""
    counts = np.arange(n + 1)
    ends = np.array([fraction_interval(k, n, chance, CONFIDENCE)[1:] for k in counts])
    found = []
    for fraction in fractions:
        inside = (ends[:, 0] <= fraction + 1e-12) & (fraction <= ends[:, 1] + 1e-12)
        probability = binom.pmf(counts, n, fraction + (1 - fraction) * chance)
        found.append(float(probability[inside].sum()))
    return found


def test_the_interval_covers_at_every_number_fraction_and_chance() -> None:
    found = [
        coverage(n, np.linspace(0, 1, 101), chance)
        for n in (5, 6, 7, 8, 10, 12, 15, 30, 60, 150)
        for chance in (0.0, 0.02, 0.1)
    ]
    assert 0.93 <= np.mean(found) <= 0.975
    assert np.min(found) >= 0.91


def test_the_fraction_is_freed_from_chance() -> None:
    for true in (0.0, 0.3, 1.0):
        share = true + (1 - true) * 0.04
        fraction, _, _ = fraction_interval(share * 1000, 1000, 0.04, CONFIDENCE)
        assert fraction == pytest.approx(true)


def test_the_interval_is_one_sided_at_both_ends() -> None:
    assert fraction_interval(0, 20, 0.0, CONFIDENCE) == pytest.approx((0, 0, 1 - 0.05 ** (1 / 20)))
    assert fraction_interval(20, 20, 0.0, CONFIDENCE) == pytest.approx((1, 0.05 ** (1 / 20), 1))


def test_fewer_than_chance_brings_prove_no_more_than_none() -> None:
    fraction, low, high = fraction_interval(1, 100, 0.1, CONFIDENCE)
    assert (fraction, low) == (0.0, 0.0)
    assert high >= fraction_interval(0, 100, 0.0, CONFIDENCE)[2] > 0


def test_without_dots_there_is_no_fraction() -> None:
    assert np.isnan(fraction_interval(0, 0, 0.01, CONFIDENCE)).all()


def test_chance_near_1_leaves_numbers() -> None:
    fraction, low, high = fraction_interval(9, 10, 1.0, CONFIDENCE)
    assert 0 <= low <= fraction <= high <= 1


def photometry_of(
    flux: np.ndarray, flags: np.ndarray | None = None, blanks: np.ndarray | None = None
) -> ForcedPhotometry:
    rng = np.random.default_rng(100)
    blank_flux = rng.standard_normal(400) if blanks is None else blanks
    return ForcedPhotometry(
        np.asarray(flux, float),
        np.ones(len(flux)),
        np.zeros(len(flux), np.int64) if flags is None else flags,
        BlankPlaces(blank_flux, np.ones(len(blank_flux)), np.zeros(len(blank_flux), bool)),
    )


def matches_of(dot: list[int]) -> Matches:
    n = len(dot)
    index = np.array(dot, np.int64)
    return Matches(
        np.zeros((n, 2)), index, np.zeros((n, 2)), np.ones(n), index, index < 0, index < n
    )


def test_every_dot_is_counted_in_one_place() -> None:
    flags = np.array(
        [0, 0, 0, DotFlag.OUTSIDE, DotFlag.OUTSIDE | DotFlag.EDGE, DotFlag.EDGE, DotFlag.UNRESOLVED]
    )
    flux = np.array([50.0, 0.1, 30.0, np.nan, np.nan, 60.0, 70.0])
    own_flags = np.array([0, 0, DotFlag.EDGE, 0, 0, 0, 0])
    dots = localizations(np.zeros((7, 2)), flags=own_flags)
    photometry = photometry_of(flux, flags)
    found = turn_on_fraction(
        dots, matches_of([0, -1, -1]), photometry, f_min_s=5.0, confidence=CONFIDENCE
    )
    assert counted(dots, photometry).tolist() == [True, True] + 5 * [False]
    assert (found.n_pl, found.n_lit, found.n_el_only) == (2, 1, 2)
    assert (found.n_edge, found.n_outside, found.n_unresolved) == (2, 2, 1)
    assert found.n_pl + found.n_edge + found.n_outside + found.n_unresolved == len(dots)
    assert found.fraction == pytest.approx(0.5)


def test_the_blank_places_set_the_chance() -> None:
    blanks = np.where(np.arange(100) < 5, 9.0, 0.0)
    found = turn_on_fraction(
        localizations(np.zeros((40, 2))),
        matches_of([]),
        photometry_of(np.where(np.arange(40) < 2, 9.0, 0.0), blanks=blanks),
        f_min_s=5.0,
        confidence=CONFIDENCE,
    )
    assert found.chance_share == pytest.approx(0.05)
    assert found.chance_matches == pytest.approx(2.0)
    assert found.fraction == pytest.approx(0.0)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_field_of_few_dots_has_an_answer(n: int) -> None:
    found = turn_on_fraction(
        localizations(np.zeros((n, 2))),
        matches_of([]),
        photometry_of(np.full(n, 20.0)),
        f_min_s=5.0,
        confidence=CONFIDENCE,
    )
    assert found.n_pl == found.n_lit == n
    assert np.isnan(found.fraction) if n == 0 else found.fraction == 1.0


def part(n_lit: int, n_pl: int, chance: float = 0.0) -> TurnOn:
    fraction, low, high = fraction_interval(n_lit, n_pl, chance, CONFIDENCE)
    share = n_lit / n_pl if n_pl else float("nan")
    return TurnOn(n_pl, n_lit, 1, 2, 3, 4, chance, fraction, low, high, share)


def test_the_pool_of_one_field_is_that_field() -> None:
    single = part(12, 40, 0.02)
    pooled = pool([single], confidence=CONFIDENCE)
    assert vars(pooled) == pytest.approx(vars(single))


def test_the_pool_adds_up_and_weighs_by_dots() -> None:
    pooled = pool([part(10, 20, 0.1), part(30, 60, 0.0), part(0, 0)], confidence=CONFIDENCE)
    assert (pooled.n_pl, pooled.n_lit) == (80, 40)
    assert (pooled.n_el_only, pooled.n_edge, pooled.n_outside, pooled.n_unresolved) == (3, 6, 9, 12)
    assert pooled.chance_share == pytest.approx(0.025)
    assert pooled.fraction == pytest.approx((0.5 - 0.025) / 0.975)
    assert pooled.extrapolated == pytest.approx(0.5)


def test_fields_that_agree_are_pooled_as_one() -> None:
    pooled, whole = pool([part(10, 20), part(20, 40)], confidence=CONFIDENCE), part(30, 60)
    assert (pooled.low, pooled.high) == pytest.approx((whole.low, whole.high))


def test_fields_that_differ_widen_the_interval() -> None:
    even = pool([part(20, 40)] * 4, confidence=CONFIDENCE)
    uneven = pool([part(5, 40), part(35, 40), part(8, 40), part(32, 40)], confidence=CONFIDENCE)
    assert uneven.fraction == pytest.approx(even.fraction)
    assert uneven.high - uneven.low > 3 * (even.high - even.low)


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_the_pool_covers_also_where_fields_differ(spread: float) -> None:
    rng = np.random.default_rng(101)
    hits, n_trials = 0, 400
    for _ in range(n_trials):
        shares = np.clip(0.5 + spread * rng.standard_normal(8), 0, 1)
        pooled = pool([part(int(rng.binomial(40, f)), 40) for f in shares], confidence=CONFIDENCE)
        hits += pooled.low <= 0.5 <= pooled.high
    # The excess is itself estimated from eight fields, which costs a little coverage; at a true
    # 0.92 fewer than 0.88 of 400 have odds of 0.3 %.
    assert hits / n_trials >= 0.88


def test_the_pool_of_nothing_is_empty() -> None:
    for parts in ([], [part(0, 0), part(0, 0)]):
        pooled = pool(parts, confidence=CONFIDENCE)
        assert pooled.n_pl == 0
        assert np.isnan([pooled.fraction, pooled.low, pooled.high, pooled.extrapolated]).all()


V = np.array([1.9, 2.0, 2.2, 2.4])


@pytest.mark.parametrize(
    ("lit", "known", "low", "high", "monotone"),
    [
        ("0011", "1111", 2.0, 2.2, True),
        ("1111", "1111", np.nan, 1.9, True),
        ("0000", "1111", 2.4, np.nan, True),
        ("0011", "1011", 1.9, 2.2, True),
        ("0101", "1111", 1.9, 2.0, False),
        ("0101", "1101", 1.9, 2.0, True),
        ("1110", "1111", np.nan, 1.9, False),
        ("1111", "0000", np.nan, np.nan, True),
        ("0011", "0011", np.nan, 2.2, True),
    ],
)
def test_the_turn_on_voltage_lies_between_dark_and_lit(
    lit: str, known: str, low: float, high: float, monotone: bool
) -> None:
    found = turn_on_voltage(V, *(np.array([c == "1" for c in text]) for text in (lit, known)))
    assert found[:2] == pytest.approx((low, high), nan_ok=True)
    assert found[2] is monotone
