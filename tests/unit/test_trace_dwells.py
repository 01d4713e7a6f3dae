"""On and off: the share of time, dwells and their distributions, and refusals."""

import numpy as np
import pytest

from qdimage.domain.refusal import Refusal
from qdimage.domain.trace import Blinking, DwellFit, Levels
from qdimage.photons.change_points import thresholds
from qdimage.photons.dwell import blinking
from qdimage.photons.dwell_fit import fit_dwells, log_survival_integrals
from qdimage.photons.trace import KeptArrivals
from qdimage.photons.trace_levels import find_levels
from qdimage.photons.trace_options import TraceOptions
from qdimage.photons.trace_resolution import shortest_dwells_s

TICK_S = 1e-9
OPTIONS = TraceOptions()


def power_law(exponent: float, shortest: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return shortest * rng.random(n) ** (-1 / (exponent - 1))


def truncated(
    exponent: float, cutoff: float, shortest: float, n: int, rng: np.random.Generator
) -> np.ndarray:
    drawn = power_law(exponent, shortest, 40 * n, rng)
    return drawn[rng.random(drawn.size) < np.exp(-(drawn - shortest) / cutoff)][:n]


def light(dwells: np.ndarray, rates: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """Photons of alternating dwells, on first."""
    ends = np.cumsum(dwells)
    rate = np.tile(rates, dwells.size)[: dwells.size]
    n = rng.poisson(rate * dwells)
    time = np.repeat(ends - dwells, n) + rng.random(n.sum()) * np.repeat(dwells, n)
    return (np.sort(time) / TICK_S).astype(np.int64)


def levels_of(time: np.ndarray) -> Levels:
    return find_levels(
        KeptArrivals(time, 1, int(time[-1]), time.size),
        tick_s=TICK_S,
        false_alarms=OPTIONS.false_alarms,
        fewest_photons=OPTIONS.fewest_photons,
        most_levels=OPTIONS.most_levels,
    )


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5, 3.0])
@pytest.mark.parametrize("decay", [1e-6, 1e-3, 0.3, 5.0])
def test_survival_integrals_are_those_of_fine_sums(exponent: float, decay: float) -> None:
    lower = np.array([1.0, 2.5, 40.0])
    found = np.exp(log_survival_integrals(lower, exponent, decay))
    for value, start in zip(found, lower, strict=True):
        x = np.geomspace(start, start + 60 / decay, 400_001)
        middle = np.sqrt(x[1:] * x[:-1])
        total = np.sum(middle**-exponent * np.exp(-decay * middle) * np.diff(x))
        assert value == pytest.approx(total, rel=1e-6)


def test_exponential_dwells_give_their_mean() -> None:
    # Odds of failing by chance: 6e-5 (four standard deviations).
    rng = np.random.default_rng(1)
    drawn = rng.exponential(0.3, 1500)
    fit = fit_dwells(drawn, 2.0, shortest_s=0.05, least_dwells=20)
    assert isinstance(fit, DwellFit)
    assert fit.law == "exponential"
    assert fit.n_dwells == np.sum(drawn >= 0.05)
    assert abs(fit.cutoff_s - 0.3) < 4 * fit.cutoff_err_s
    assert fit.cutoff_err_s == pytest.approx(0.3 / np.sqrt(fit.n_dwells), rel=0.1)


@pytest.mark.parametrize("exponent", [1.3, 1.5, 2.0])
def test_power_law_dwells_give_their_exponent(exponent: float) -> None:
    # Odds of failing by chance: 6e-5 each (four standard deviations).
    rng = np.random.default_rng(2)
    drawn = power_law(exponent, 0.002, 800, rng)
    fit = fit_dwells(drawn, None, shortest_s=0.004, least_dwells=20)
    assert isinstance(fit, DwellFit)
    assert fit.law == "power law"
    assert abs(fit.exponent - exponent) < 4 * fit.exponent_err
    # The known error of Hill's estimator.
    assert fit.exponent_err == pytest.approx((exponent - 1) / np.sqrt(fit.n_dwells), rel=0.2)


def test_a_cutoff_is_found_where_there_is_one() -> None:
    # Odds of failing by chance: 1e-4 (four standard deviations of each of two values).
    rng = np.random.default_rng(3)
    drawn = truncated(1.4, 0.2, 0.002, 1500, rng)
    fit = fit_dwells(drawn, None, shortest_s=0.002, least_dwells=20)
    assert isinstance(fit, DwellFit)
    assert fit.law == "truncated power law"
    assert abs(fit.exponent - 1.4) < 4 * fit.exponent_err
    assert abs(fit.cutoff_s - 0.2) < 4 * fit.cutoff_err_s
    assert fit.gain_over_exponential > 100


def test_the_errors_of_the_exponent_are_as_large_as_its_scatter() -> None:
    rng = np.random.default_rng(4)
    pulls = []
    for _ in range(40):
        fit = fit_dwells(power_law(1.6, 1.0, 100, rng), None, shortest_s=1.0, least_dwells=20)
        assert isinstance(fit, DwellFit)
        if fit.law == "power law":
            pulls.append((fit.exponent - 1.6) / fit.exponent_err)
    assert len(pulls) > 25
    # Odds of failing by chance: below 1e-3 for either.
    assert abs(np.mean(pulls)) < 0.5
    assert 0.65 < np.std(pulls) < 1.35


def test_a_law_that_begins_above_the_resolution_is_fitted_from_there_on() -> None:
    # Nothing is shorter than 2 ms, though 0.5 ms would be seen: a plain fit gives 1.26.
    # Odds of failing by chance: 6e-5 (four standard deviations).
    rng = np.random.default_rng(5)
    fit = fit_dwells(power_law(1.5, 0.002, 600, rng), None, shortest_s=0.0005, least_dwells=20)
    assert isinstance(fit, DwellFit)
    assert fit.above_s >= 0.002
    assert abs(fit.exponent - 1.5) < 4 * fit.exponent_err


def test_the_dwell_that_the_end_cut_short_counts_as_at_least_as_long() -> None:
    rng = np.random.default_rng(6)
    drawn = rng.exponential(1.0, 30)
    without = fit_dwells(drawn, None, shortest_s=1e-6, least_dwells=20)
    cut = fit_dwells(drawn, 2.0, shortest_s=1e-6, least_dwells=20)
    assert isinstance(without, DwellFit)
    assert isinstance(cut, DwellFit)
    assert cut.cutoff_s == pytest.approx(without.cutoff_s + 2.0 / 30, rel=1e-3)


def test_too_few_dwells_are_refused() -> None:
    fit = fit_dwells(np.full(19, 1.0), None, shortest_s=0.1, least_dwells=20)
    assert isinstance(fit, Refusal)
    assert "19 complete dwells" in fit.reason


def test_telegraph_light_gives_its_times_though_short_ones_are_not_seen() -> None:
    # A tenth of the dwells are too short to be seen, and merge their neighbours: uncorrected,
    # the constants would be too long by 15 %.
    # Odds of failing by chance: 6e-5 each (four standard deviations).
    rng = np.random.default_rng(7)
    dwells = rng.exponential(0.05, 1600)
    found = blinking(levels_of(light(dwells, (2e4, 8e3), rng)), options=OPTIONS)
    assert isinstance(found, Blinking)
    assert isinstance(found.on.fit, DwellFit)
    err = found.on.fit.cutoff_err_s
    assert found.on.fit.cutoff_s > 0.05 + 1.5 * err
    assert abs(found.on_time_s - 0.05) < 4 * err
    assert abs(found.off_time_s - 0.05) < 4 * err
    assert found.on_fraction == pytest.approx(dwells[::2].sum() / dwells.sum(), abs=0.01)


def test_power_law_blinking_gives_its_exponents() -> None:
    # Odds of failing by chance: 6e-5 each (four standard deviations).
    rng = np.random.default_rng(8)
    dwells = np.empty(900)
    dwells[::2] = truncated(1.4, 0.3, 0.003, 450, rng)
    dwells[1::2] = np.minimum(power_law(1.7, 0.003, 450, rng), 20.0)
    found = blinking(levels_of(light(dwells, (4e4, 400.0), rng)), options=OPTIONS)
    assert isinstance(found, Blinking)
    assert isinstance(found.on.fit, DwellFit)
    assert isinstance(found.off.fit, DwellFit)
    assert abs(found.on.fit.exponent - 1.4) < 4 * found.on.fit.exponent_err
    assert abs(found.off.fit.exponent - 1.7) < 4 * found.off.fit.exponent_err
    assert found.on.complete_s.size + found.off.complete_s.size == pytest.approx(898, abs=20)


def test_the_error_of_the_on_fraction_is_as_large_as_its_scatter() -> None:
    rng = np.random.default_rng(9)
    fractions, errors = [], []
    for _ in range(40):
        found = blinking(
            levels_of(light(rng.exponential(0.03, 80), (2e4, 300.0), rng)), options=OPTIONS
        )
        assert isinstance(found, Blinking)
        fractions.append(found.on_fraction)
        errors.append(found.on_fraction_err)
    # Odds of failing by chance: below 1e-3.
    assert 0.65 < np.std(fractions) / np.mean(errors) < 1.35


@pytest.mark.parametrize(("bright", "dark"), [(2e4, 500.0), (2e4, 8e3), (5e3, 20.0)])
def test_dwells_of_the_shortest_length_are_seen(bright: float, dark: float) -> None:
    rng = np.random.default_rng(10)
    ratio = float(thresholds(int(bright * 12), 0.1)[0])
    shortest = shortest_dwells_s(bright, dark, ratio=ratio, fewest=5)
    for k, rates in ((1, (bright, dark)), (0, (dark, bright))):
        dwells = np.tile([0.3, shortest[k]], 40)
        levels = levels_of(light(dwells, rates, rng))
        # Two steps for each short dwell, but for the last one, which has one.
        assert levels.photons.size - 1 > 0.85 * 79


def test_steady_light_is_refused() -> None:
    rng = np.random.default_rng(11)
    time = np.cumsum(rng.exponential(1e5, 5000)).astype(np.int64)
    found = blinking(levels_of(time), options=OPTIONS)
    assert isinstance(found, Refusal)
    assert "one level" in found.reason


def test_a_small_step_is_no_blinking() -> None:
    rng = np.random.default_rng(12)
    found = blinking(levels_of(light(np.array([1.0, 1.0]), (2e4, 1.5e4), rng)), options=OPTIONS)
    assert isinstance(found, Refusal)
    assert "times as bright" in found.reason


def test_light_that_flickers_too_fast_is_refused() -> None:
    # Bursts of some ten photons in 5 us, as of a dot that blinks within microseconds.
    rng = np.random.default_rng(13)
    dwells = np.empty(40_000)
    dwells[::2] = rng.exponential(5e-6, 20_000)
    dwells[1::2] = rng.exponential(2e-5, 20_000)
    found = blinking(levels_of(light(dwells, (2e6, 1e3), rng)), options=OPTIONS)
    assert isinstance(found, Refusal)
    assert "faster than it can be followed" in found.reason


def test_a_threshold_that_parts_nothing_is_refused() -> None:
    rng = np.random.default_rng(14)
    levels = levels_of(light(np.array([1.0, 1.0]), (2e4, 1e3), rng))
    found = blinking(levels, options=TraceOptions(on_threshold_counts_s=1e6))
    assert isinstance(found, Refusal)
    parted = blinking(levels, options=TraceOptions(on_threshold_counts_s=5e3))
    assert isinstance(parted, Blinking)
    assert parted.on_fraction == pytest.approx(0.5, abs=1e-3)
    # One step has no complete dwell, and no scatter of cycles.
    assert parted.on.complete_s.size == parted.off.complete_s.size == 0
    assert np.isnan(parted.on_fraction_err)


def test_windows_of_the_bright_level_hold_its_photons() -> None:
    rng = np.random.default_rng(15)
    time = light(np.array([0.5, 0.2, 0.3, 0.4]), (2e4, 500.0), rng)
    levels = levels_of(time)
    windows = levels.windows_ticks(levels.counts_s > 5e3)
    np.testing.assert_allclose(windows * TICK_S, [[0, 0.5], [0.7, 1.0]], atol=2e-3)
    inside = sum(np.sum((time >= a) & (time < b)) for a, b in windows)
    assert inside == levels.photons[levels.level == 1].sum()
    everything = levels.windows_ticks(np.ones(2, bool))
    np.testing.assert_array_equal(everything, [[time[0], time[-1] + 1]])
