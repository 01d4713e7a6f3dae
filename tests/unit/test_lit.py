"""Dark or lit: the null of blank places, probabilities, upper limits."""

import numpy as np
import pytest
from scipy.stats import norm

from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry
from qdimage.match.lit import (
    DarkNull,
    dark_null,
    lit_probability,
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


def test_unknown_fluxes_have_no_limit_and_no_probability() -> None:
    flux, err = np.array([np.nan, 40.0, 0.0]), np.array([np.nan, 1.0, 1.0])
    assert np.isnan(upper_limit(flux, err)).tolist() == [True, False, False]
    probability, share = lit_probability(flux, err)
    assert np.isnan(probability[0])
    assert probability[1] > 0.99
    assert share == pytest.approx(np.nanmean(probability), abs=0.01)


@pytest.mark.parametrize("n", [0, 3])
def test_nothing_known_gives_nothing(n: int) -> None:
    probability, share = lit_probability(np.full(n, np.nan), np.full(n, np.nan))
    assert len(probability) == n
    assert np.isnan(share)


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_bright_dots_are_lit(n: int) -> None:
    rng = np.random.default_rng(116)
    probability, share = lit_probability(15 + rng.standard_normal(n), np.ones(n))
    assert probability.min() > 0.99
    assert share > 0.99


@pytest.mark.parametrize("n", [10, 50, 200])
def test_dark_fields_are_dark(n: int) -> None:
    rng = np.random.default_rng(117)
    shares = [lit_probability(rng.standard_normal(n), np.ones(n))[1] for _ in range(60)]
    # Mean 0.034, 0.013, 0.006 for these numbers in longer runs.
    assert np.mean(shares) < 0.07
    assert np.median(shares) < 0.01


def test_probabilities_are_calibrated_between_dark_and_bright() -> None:
    rng = np.random.default_rng(118)
    probability, lit = [], []
    for _ in range(40):
        on = rng.random(150) < 0.5
        err = rng.uniform(0.8, 1.3, 150)
        flux = np.where(on, np.exp(rng.normal(np.log(4.0), 0.6, 150)), 0.0)
        found, _ = lit_probability(flux + err * rng.standard_normal(150), err)
        probability.append(found)
        lit.append(on)
    p, truth = np.concatenate(probability), np.concatenate(lit)
    # Each bin holds some hundred dots or more: counting alone gives 0.03. Dots fainter than twice
    # the error are not told from dark ones, which is why the edges are generous.
    for low, high in ((0.0, 0.1), (0.1, 0.4), (0.4, 0.7), (0.7, 0.9), (0.9, 1.01)):
        chosen = (p >= low) & (p < high)
        assert chosen.sum() > 50
        assert np.mean(truth[chosen]) == pytest.approx(np.mean(p[chosen]), abs=0.15)
    assert np.mean(p) == pytest.approx(0.5, abs=0.06)
