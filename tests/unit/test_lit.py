"""Dark or lit: the null of blank places, upper limits."""

import numpy as np
import pytest
from scipy.stats import norm

from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.match.lit import (
    DarkNull,
    dark_null,
    null_width_s,
    upper_limit,
    widened_error,
)

ALPHA = 0.01


def blanks(ratios: np.ndarray, err: float = 2.0, occupied: np.ndarray | None = None) -> BlankPlaces:
    n = len(ratios)
    taken = np.zeros(n, bool) if occupied is None else occupied
    return BlankPlaces(err * ratios, np.full(n, err), taken)


def photometry(flux: np.ndarray, err: np.ndarray) -> ForcedPhotometry:
    return ForcedPhotometry(flux, err, np.zeros(len(flux), np.int64), blanks(np.empty(0)))


@pytest.mark.parametrize("widening", [0.9, 1.0, 1.7])
def test_the_null_learns_centre_and_width(widening: float) -> None:
    rng = np.random.default_rng(110)
    null = dark_null(blanks(0.3 + widening * rng.standard_normal(4000)))
    # The median of 4000 is known to 0.02, the quantiles' width to 0.02: four standard deviations.
    assert null.centre == pytest.approx(0.3, abs=0.08 * widening)
    assert null.widening == pytest.approx(widening, rel=0.08)


@pytest.mark.parametrize("draw", ["normal", "skewed", "wide"])
def test_dark_dots_are_called_lit_as_often_as_allowed(draw: str) -> None:
    rng = np.random.default_rng(111)

    def dark(n: int) -> np.ndarray:
        if draw == "skewed":
            return (rng.gamma(4.0, size=n) - 4.0) / 2.0
        return (1.6 if draw == "wide" else 1.0) * rng.standard_normal(n)

    shares = [
        np.mean(dark_null(blanks(dark(400))).false_alarm(dark(500)) <= ALPHA) for _ in range(60)
    ]
    # 60 nulls of 400 places each: the mean share is known to about 0.0006 + 0.0006.
    assert 0.004 < np.mean(shares) < 0.016


def test_a_false_alarm_is_rarer_for_a_brighter_dot() -> None:
    rng = np.random.default_rng(112)
    null = dark_null(blanks(rng.standard_normal(400)))
    probability = null.false_alarm(np.linspace(-4, 30, 300))
    assert np.all(np.diff(probability) <= 1e-12)
    assert np.all((probability >= 0) & (probability <= 1))
    assert probability[-1] < 1e-30


def test_occupied_blank_places_do_not_make_darkness_brighter() -> None:
    rng = np.random.default_rng(113)
    ratios = rng.standard_normal(400)
    occupied = np.arange(400) < 40
    ratios[occupied] += 30.0
    null = dark_null(blanks(ratios, occupied=occupied))
    assert len(null.ratios) == 360
    assert null.ratios.max() < 10


@pytest.mark.parametrize("n", [0, 1, 29])
def test_with_too_few_blanks_the_nominal_errors_are_the_null(n: int) -> None:
    null = dark_null(blanks(np.full(n, 5.0)))
    assert (null.centre, null.widening) == (0.0, 1.0)
    assert null.false_alarm(np.array([0.0, 2.0])) == pytest.approx(norm.sf([0.0, 2.0]))


def test_the_null_width_is_a_flux() -> None:
    rng = np.random.default_rng(114)
    places = blanks(1.5 * rng.standard_normal(4000), err=2.0)
    assert null_width_s(places, dark_null(places)) == pytest.approx(3.0, rel=0.1)
    assert np.isnan(null_width_s(blanks(np.empty(0)), DarkNull(0.0, 1.0, np.empty(0))))


def test_errors_are_widened_and_never_narrowed() -> None:
    measured = photometry(np.zeros(3), np.array([1.0, 2.0, np.nan]))
    wide = widened_error(measured, DarkNull(0.0, 1.5, np.empty(0)))
    narrow = widened_error(measured, DarkNull(0.0, 0.7, np.empty(0)))
    assert wide == pytest.approx([1.5, 3.0, np.nan], nan_ok=True)
    assert narrow == pytest.approx([1.0, 2.0, np.nan], nan_ok=True)


@pytest.mark.parametrize("true_flux", [0.0, 0.5, 1.0, 2.0, 5.0, 50.0])
def test_the_upper_limit_covers(true_flux: float) -> None:
    rng = np.random.default_rng(115)
    err = rng.uniform(0.5, 2.0, 20_000)
    flux = true_flux * err + err * rng.standard_normal(20_000)
    covered = np.mean(upper_limit(flux, err) >= true_flux * err)
    # Four standard deviations of a binomial of 20000 at 0.95 are 0.006.
    assert covered >= 0.95 - 0.006


def test_the_upper_limit_is_positive_and_finite_for_any_flux() -> None:
    flux = np.array([-1e4, -50.0, -9.0, -3.0, 0.0, 3.0, 50.0, 1e6])
    limit = upper_limit(flux, np.ones(8))
    assert np.all(np.isfinite(limit) & (limit > 0))
    assert np.all(np.diff(limit) >= 0)
    assert limit[4] == pytest.approx(norm.isf(0.025))
    assert limit[-1] - flux[-1] == pytest.approx(norm.isf(0.05), abs=1e-6)


def test_unknown_fluxes_have_no_limit() -> None:
    flux, err = np.array([np.nan, 40.0, 0.0]), np.array([np.nan, 1.0, 1.0])
    assert np.isnan(upper_limit(flux, err)).tolist() == [True, False, False]
