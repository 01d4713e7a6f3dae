"""The turn-on fraction and its interval; the turn-on voltage."""

import numpy as np
import pytest
from dots import localizations

from qdimage.domain.flags import DotFlag
from qdimage.domain.matches import Matches
from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.match.count_interval import fraction_interval
from qdimage.match.turn_on import counted, turn_on_fraction, turn_on_voltage

CONFIDENCE = 0.95


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
    both = DotFlag.OUTSIDE | DotFlag.EDGE
    unresolved = DotFlag.UNRESOLVED
    flags = np.array([0, 0, 0, DotFlag.OUTSIDE, both, DotFlag.EDGE, unresolved, 0, unresolved])
    flux = np.array([50.0, 0.1, 30.0, np.nan, np.nan, 60.0, 70.0, 0.2, 0.3])
    own_flags = np.array([0, 0, DotFlag.EDGE, 0, 0, 0, 0, DotFlag.FAINT, DotFlag.FAINT])
    dots = localizations(np.zeros((9, 2)), flags=own_flags)
    photometry = photometry_of(flux, flags)
    found = turn_on_fraction(
        dots, matches_of([0, -1, -1]), photometry, f_min_s=5.0, confidence=CONFIDENCE
    )
    assert counted(dots, photometry).tolist() == [True, True] + 7 * [False]
    assert (found.n_pl, found.n_lit, found.n_el_only) == (2, 1, 2)
    assert (found.n_edge, found.n_outside, found.n_unresolved, found.n_faint) == (2, 2, 1, 2)
    named = found.n_edge + found.n_outside + found.n_unresolved + found.n_faint
    assert found.n_pl + named == len(dots)
    assert found.fraction == pytest.approx(0.5, abs=1e-3)


def test_of_surely_lit_and_dark_dots_the_interval_is_that_of_their_count() -> None:
    for n_lit, n in ((0, 25), (1, 25), (9, 25), (25, 25), (150, 400)):
        flux = np.where(np.arange(n) < n_lit, 80.0, 0.0)
        found = turn_on_fraction(
            localizations(np.zeros((n, 2))),
            matches_of([]),
            photometry_of(flux),
            f_min_s=5.0,
            confidence=CONFIDENCE,
        )
        expected = fraction_interval(n_lit, n, CONFIDENCE)
        assert (found.fraction, found.low, found.high) == pytest.approx(expected, abs=2e-3)


def test_blends_are_taken_out_of_fraction_and_interval() -> None:
    places = np.random.default_rng(313).uniform(0, 60, (120, 2))
    flux = np.where(np.arange(120) < 60, 80.0, 0.0)
    found = turn_on_fraction(
        localizations(places),
        matches_of([]),
        photometry_of(flux),
        f_min_s=5.0,
        confidence=CONFIDENCE,
    )
    assert found.blend_share > 0.02
    spots = found.fraction * (1 + found.blend_share * (1 - found.fraction))
    assert spots == pytest.approx(0.5, abs=1e-3)
    _, low, high = fraction_interval(60, 120, CONFIDENCE)
    assert found.low < low < found.high < high


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
    assert found.fraction == pytest.approx(0.0, abs=0.01)


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
    assert np.isnan(found.fraction) if n == 0 else found.fraction == pytest.approx(1.0, abs=1e-3)


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
