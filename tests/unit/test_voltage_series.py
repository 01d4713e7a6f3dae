"""Dots at several voltages: shares that never fall, the curve, dots that fall back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.domain.refusal import Refusal
from qdimage.domain.turn_on_curve import RISE, CurveShape
from qdimage.domain.voltage_series import DotSeries
from qdimage.match.count_interval import fraction_interval
from qdimage.match.not_monotone import not_monotone
from qdimage.match.series_of_dots import curve_of_dots, fraction_of_dots
from qdimage.match.turn_on_curve import fit_curve
from qdimage.match.voltage_series import class_evidence, monotone_fraction
from qdimage.pipeline.voltage_series import joined

CONFIDENCE = 0.95
VOLTAGES = np.array([2.1, 2.2, 2.3, 2.4, 2.5, 2.6])
F_MIN = 5.0
SURE = 1e9


def series_of(lit: np.ndarray, *, odds: float = SURE, chance: float = 0.0) -> DotSeries:
    """Dots that are surely lit or dark at each voltage."""
    flux = np.where(lit, 80.0, 0.0)
    return DotSeries(
        VOLTAGES[: lit.shape[1]],
        flux,
        np.ones(flux.shape),
        np.where(lit, odds, 1 / odds),
        np.full(flux.shape, chance),
    )


def drawn(n: int, median: float, width: float, plateau: float, seed: int) -> np.ndarray:
    """Lit or dark (n, voltages) of dots with logistic turn-on voltages."""
    rng = np.random.default_rng(seed)
    rise = rng.logistic(median, width / RISE, n)
    return (rise[:, None] <= VOLTAGES) & (rng.random(n) < plateau)[:, None]


def test_shares_of_sure_dots_are_their_counts() -> None:
    lit = drawn(150, 2.38, 0.25, 0.85, 1)
    series = series_of(lit)
    found = monotone_fraction(series, class_evidence(series), confidence=CONFIDENCE)
    assert found.lapse == pytest.approx(0.0, abs=1e-3)
    assert found.fraction == pytest.approx(lit.mean(axis=0), abs=2e-3)
    for j, n_lit in enumerate(lit.sum(axis=0)):
        _, low, high = fraction_interval(int(n_lit), 150, CONFIDENCE)
        assert (found.low[j], found.high[j]) == pytest.approx((low, high), abs=4e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 8.0))
def test_shares_never_fall_and_lie_in_their_intervals(seed: int, strength: float) -> None:
    rng = np.random.default_rng(seed)
    flux = rng.normal(0, 10, (12, 4))
    odds = np.exp(strength * rng.standard_normal((12, 4)))
    flux[rng.random((12, 4)) < 0.2] = np.nan
    flux[0] = 1.0
    series = DotSeries(VOLTAGES[:4], flux, np.ones((12, 4)), odds, np.zeros((12, 4)))
    found = monotone_fraction(series, class_evidence(series), confidence=CONFIDENCE)
    assert (np.diff(found.fraction) >= -1e-9).all()
    assert (found.low <= found.fraction + 1e-6).all()
    assert (found.fraction <= found.high + 1e-6).all()
    assert (found.low >= 0).all()
    assert (found.high <= 1).all()


def test_an_uncertain_voltage_is_helped_by_its_neighbours() -> None:
    lit = drawn(120, 2.35, 0.2, 0.9, 2)
    clear = series_of(lit)
    odds = clear.odds.copy()
    odds[:, 3] = 1.0
    blurred = DotSeries(clear.voltages_v, clear.flux_s, clear.err_s, odds, clear.chance)
    found = monotone_fraction(blurred, class_evidence(blurred), confidence=CONFIDENCE)
    # Nothing is known at that voltage, so that its ends are those of the voltages beside it.
    assert found.low[3] == pytest.approx(found.low[2], abs=0.02)
    assert found.high[3] == pytest.approx(found.high[4], abs=0.02)


def test_other_sources_are_not_taken_for_dots() -> None:
    rng = np.random.default_rng(3)
    lit = drawn(400, 2.38, 0.25, 0.8, 4)
    other = rng.random(400) < 0.1
    series = series_of(lit | other[:, None], chance=0.1)
    found = monotone_fraction(series, class_evidence(series), confidence=CONFIDENCE)
    assert found.fraction == pytest.approx(lit.mean(axis=0), abs=0.035)


def test_dark_stacks_of_lit_dots_are_lapses() -> None:
    rng = np.random.default_rng(5)
    lit = drawn(400, 2.35, 0.15, 0.9, 6)
    blinking = lit & (rng.random(lit.shape) >= 0.1)
    evidence = class_evidence(series_of(blinking))
    assert evidence.lapse == pytest.approx(0.1, abs=0.03)


def test_a_curve_of_certain_dots_is_recovered() -> None:
    lit = drawn(3000, 2.38, 0.25, 0.85, 7)
    found = fit_curve(VOLTAGES, class_evidence(series_of(lit)), confidence=CONFIDENCE)
    assert not isinstance(found, Refusal)
    for each, true, error in (
        (found.median_v, 2.38, 0.012),
        (found.width_v, 0.25, 0.03),
        (found.plateau, 0.85, 0.03),
    ):
        assert each.value == pytest.approx(true, abs=error)
        assert each.low < each.value < each.high
    assert found.first_light_v.low < found.first_light_v.value < found.first_light_v.high
    assert found.p_value > 0.01


def test_the_curve_covers_its_truth() -> None:
    n_trials, hits = 60, np.zeros(3)
    for seed in range(n_trials):
        lit = drawn(150, 2.38, 0.25, 0.85, 1000 + seed)
        found = fit_curve(VOLTAGES, class_evidence(series_of(lit)), confidence=CONFIDENCE)
        assert not isinstance(found, Refusal)
        for k, (each, true) in enumerate(
            ((found.median_v, 2.38), (found.width_v, 0.25), (found.plateau, 0.85))
        ):
            hits[k] += each.low <= true <= each.high
    # At a true 0.94, fewer than 51 of 60 have odds of 0.3 %.
    assert (hits >= 51).all()


def test_curves_that_the_data_do_not_hold_are_refused() -> None:
    dark = fit_curve(
        VOLTAGES, class_evidence(series_of(np.zeros((50, 6), bool))), confidence=CONFIDENCE
    )
    assert isinstance(dark, Refusal)
    assert "no dot is lit up to 2.6 V" in dark.reason
    all_lit = series_of(drawn(80, 1.5, 0.1, 0.9, 8))
    low = fit_curve(VOLTAGES, class_evidence(all_lit), confidence=CONFIDENCE)
    assert isinstance(low, Refusal)
    assert "lower voltages" in low.reason
    two = series_of(drawn(50, 2.2, 0.2, 0.9, 9)[:, :2])
    few = fit_curve(VOLTAGES[:2], class_evidence(two), confidence=CONFIDENCE)
    assert isinstance(few, Refusal)
    assert "found 2 voltages" in few.reason


def test_half_of_the_plateau_is_reached_at_the_median() -> None:
    shape = CurveShape.of(2.4, 0.3, 0.1, 0.8)
    at = shape.fraction(np.array([2.4, -50.0, 60.0]))
    assert at == pytest.approx([0.4, 0.1, 0.8])
    assert shape.voltage_at(0.4) == pytest.approx(2.4)
    assert np.isnan(shape.voltage_at(0.05))
    ten, ninety = (shape.voltage_at(0.1 + 0.7 * part) for part in (0.1, 0.9))
    assert ninety - ten == pytest.approx(0.3)


def test_a_dot_that_surely_falls_back_is_counted() -> None:
    lit = drawn(50, 2.3, 0.2, 0.9, 10)
    assert not_monotone(series_of(lit), F_MIN).n == 0
    lit[0] = [False, True, True, False, True, True]
    found = not_monotone(series_of(lit), F_MIN)
    assert found.n == 1
    assert found.by_noise < 0.1


def test_noise_alone_makes_as_many_fall_back_as_expected() -> None:
    rng = np.random.default_rng(11)
    true = np.full((4000, 6), F_MIN)
    flux = true + rng.standard_normal(true.shape)
    series = DotSeries(VOLTAGES, flux, np.ones(flux.shape), np.ones(flux.shape), 0 * flux)
    found = not_monotone(series, F_MIN)
    # Fluxes at F_min throughout are the worst case: the expectation is of the fitted, rising
    # fluxes, and so somewhat below.
    assert found.n > 15
    assert 0.3 * found.n < found.by_noise < 1.1 * found.n


def test_a_voltage_that_a_field_lacks_is_unknown() -> None:
    one = series_of(drawn(5, 2.3, 0.2, 0.9, 12))
    other = DotSeries(VOLTAGES[1::2], *(part[:, 1::2] for part in (one.flux_s, one.err_s)),
                      one.odds[:, 1::2], one.chance[:, 1::2])  # fmt: skip
    both = joined([one, other])
    assert both.voltages_v == pytest.approx(VOLTAGES)
    assert both.known[:5].all()
    assert both.known[5:].tolist() == 5 * [[False, True] * 3]
    assert (both.odds[5:, ::2] == 1).all()


def test_fields_that_differ_widen_the_shares() -> None:
    series = series_of(drawn(200, 2.38, 0.25, 0.85, 13))
    evidence = class_evidence(series)
    alike = monotone_fraction(series, evidence, confidence=CONFIDENCE)
    differing = monotone_fraction(
        series, evidence, confidence=CONFIDENCE, excess=np.full(len(VOLTAGES), 4.0)
    )
    middle = int(np.argmin(np.abs(alike.fraction - 0.5)))
    ratio = (differing.high - differing.low)[middle] / (alike.high - alike.low)[middle]
    assert ratio == pytest.approx(2.0, abs=0.15)


def test_spots_that_are_two_dots_turn_on_early_and_are_freed_of_it() -> None:
    rng = np.random.default_rng(14)
    n, blends = 6000, 0.2
    one, other = drawn(n, 2.38, 0.25, 0.8, 15), drawn(n, 2.38, 0.25, 0.8, 16)
    spots = one | (other & (rng.random(n) < blends)[:, None])
    series = series_of(spots)
    evidence = class_evidence(series)
    curve = fit_curve(VOLTAGES, evidence, confidence=CONFIDENCE)
    assert not isinstance(curve, Refusal)
    assert curve.median_v.value < 2.378
    freed = curve_of_dots(curve, blends)
    for each, true, error in (
        (freed.median_v, 2.38, 0.008),
        (freed.width_v, 0.25, 0.02),
        (freed.plateau, 0.8, 0.02),
    ):
        assert each.value == pytest.approx(true, abs=error)
        assert each.low < each.value < each.high
    shares = fraction_of_dots(
        monotone_fraction(series, evidence, confidence=CONFIDENCE), blends
    ).fraction
    assert shares == pytest.approx(one.mean(axis=0), abs=0.015)
    assert curve_of_dots(curve, 0.0) == curve
