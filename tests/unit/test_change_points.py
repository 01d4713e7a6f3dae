"""Steps of the intensity: few in steady light, all in blinking light, at their places."""

import numpy as np
import pytest

from qdimage.photons.change_points import change_points, thresholds
from qdimage.photons.trace import KeptArrivals
from qdimage.photons.trace_levels import find_levels, group

TICK_S = 1e-9


def steady(rate: float, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.cumsum(rng.exponential(1 / rate / TICK_S, n)).astype(np.int64)


def stepped(rates: list[float], lasted_s: list[float], rng: np.random.Generator) -> np.ndarray:
    """Light of one rate after the other."""
    starts = np.concatenate([[0], np.cumsum(lasted_s)])
    parts = [
        start + np.sort(rng.uniform(0, lasted, rng.poisson(rate * lasted)))
        for rate, lasted, start in zip(rates, lasted_s, starts, strict=False)
    ]
    return (np.concatenate(parts) / TICK_S).astype(np.int64)


def kept(time: np.ndarray, every: int = 1) -> KeptArrivals:
    return KeptArrivals(time[::every], every, int(time[-1]), time.size)


def greatest_ratio(time: np.ndarray) -> tuple[int, float]:
    """Twice the log-likelihood ratio of every step, written out for rates before and behind."""
    n, best = time.size - 1, (-1, 0.0)
    t = (time - time[0]).astype(float)
    for k in range(1, n):
        one, other = k / t[k], (n - k) / (t[n] - t[k])
        if max(k * (one > other), (n - k) * (other >= one)) < 5:
            continue
        ratio = 2 * (k * np.log(one) + (n - k) * np.log(other) - n * np.log(n / t[n]))
        if ratio > best[1]:
            best = (k, ratio)
    return best


@pytest.mark.parametrize(("n", "n_traces"), [(60, 1500), (1000, 600), (20_000, 60)])
def test_steady_light_has_no_more_steps_than_stated(n: int, n_traces: int) -> None:
    # Odds of failing by chance, were the rate as stated: 1e-4 (four standard deviations; steps
    # come in pairs at most).
    rng = np.random.default_rng(1)
    found = [change_points(steady(1e4, n, rng), false_alarms=0.3).size for _ in range(n_traces)]
    expected = 0.3 * n_traces
    assert sum(found) < expected + 4 * np.sqrt(2 * expected)
    # And the limit is not far away: a search that finds nothing would not show it.
    assert sum(found) > 0.1 * expected


def test_the_likeliest_step_is_that_of_the_likelihoods_written_out() -> None:
    rng = np.random.default_rng(2)
    for rates in ([2e3, 2e4], [2e4, 1e3], [1e4, 5e3]):
        time = stepped(rates, [0.02, 0.02], rng)
        place, ratio = greatest_ratio(time)
        assert ratio > thresholds(time.size - 1, 0.1).max()
        assert change_points(time, false_alarms=0.1).tolist() == [place]


def test_dead_time_and_antibunching_make_no_steps() -> None:
    # Intervals of at least 100 ns, and twice exponential with 40 ns: more regular than chance.
    rng = np.random.default_rng(3)
    for slowest_ns, n in ((100.0, 30_000), (0.0, 30_000)):
        intervals = rng.exponential(2e3, n) + rng.exponential(40.0, n) + slowest_ns
        time = np.cumsum(intervals).astype(np.int64)
        assert change_points(time, false_alarms=0.1).size == 0


def test_afterpulses_make_no_steps() -> None:
    # Odds of failing by chance: below 1e-3, of 0.1 false alarms in each of 20 traces at most.
    rng = np.random.default_rng(4)
    found = 0
    for _ in range(20):
        time = steady(1e4, 20_000, rng)
        again = time[rng.random(time.size) < 0.02]
        after = again + rng.exponential(50.0, again.size).astype(np.int64) + 25
        found += change_points(np.sort(np.concatenate([time, after])), false_alarms=0.1).size
    assert found <= 8


def test_a_short_dark_time_in_a_long_bright_one_is_found() -> None:
    rng = np.random.default_rng(5)
    time = stepped([5e4, 200.0, 5e4], [4.0, 0.004, 4.0], rng)
    places = change_points(time, false_alarms=0.1)
    assert places.size == 2
    np.testing.assert_allclose(time[places] * TICK_S, [4.0, 4.004], atol=2e-4)


def test_telegraph_light_is_taken_apart() -> None:
    rng = np.random.default_rng(6)
    lasted = rng.exponential(0.05, 400)
    rates = np.tile([2e4, 500.0], 200)
    time = stepped(rates.tolist(), lasted.tolist(), rng)
    places = change_points(time, false_alarms=0.1)
    true = np.cumsum(lasted)[:-1]
    # Steps between dwells of 5 ms or more lie within 0.5 ms, but for a few.
    long = (lasted[:-1] > 0.005) & (lasted[1:] > 0.005)
    off = np.abs(time[places] * TICK_S - true[long][:, np.newaxis]).min(axis=1)
    assert np.mean(off < 5e-4) > 0.97
    # None is invented: those found are no more than there are.
    assert places.size <= true.size
    levels = find_levels(
        kept(time), tick_s=TICK_S, false_alarms=0.1, fewest_photons=5, most_levels=12
    )
    assert levels.counts_s.size == 2
    np.testing.assert_allclose(levels.counts_s, [500, 2e4], rtol=0.06)
    on = lasted[::2].sum() / lasted.sum()
    assert levels.shares[1] == pytest.approx(on, abs=0.01)
    assert levels.photons.sum() == time.size


@pytest.mark.parametrize("rates", [[1e3, 8e3, 3e4], [200.0, 5e3, 1.5e4, 3e4]])
def test_levels_are_as_many_as_there_are(rates: list[float]) -> None:
    rng = np.random.default_rng(7)
    drawn = rng.choice(len(rates), 300)
    time = stepped([rates[k] for k in drawn], rng.exponential(0.1, 300).tolist(), rng)
    levels = find_levels(
        kept(time), tick_s=TICK_S, false_alarms=0.1, fewest_photons=5, most_levels=12
    )
    np.testing.assert_allclose(levels.counts_s, rates, rtol=0.05)


def test_photons_of_stretches_are_those_between_their_bounds() -> None:
    rng = np.random.default_rng(8)
    time = stepped([2e4, 300.0, 9e3, 2e4], [0.1, 0.05, 0.2, 0.1], rng)
    levels = find_levels(
        kept(time), tick_s=TICK_S, false_alarms=0.1, fewest_photons=5, most_levels=12
    )
    assert levels.photons.size == 4
    between = np.diff(np.searchsorted(time, levels.bounds_ticks))
    np.testing.assert_array_equal(levels.photons, between)


def test_thinned_arrivals_show_the_same_steps() -> None:
    rng = np.random.default_rng(9)
    time = stepped([2e4, 3e3, 2e4], [1.0, 0.3, 1.0], rng)
    for every in (2, 8):
        levels = find_levels(
            kept(time, every), tick_s=TICK_S, false_alarms=0.1, fewest_photons=5, most_levels=12
        )
        np.testing.assert_allclose(levels.bounds_ticks[1:-1] * TICK_S, [1.0, 1.3], atol=0.005)
        assert levels.photons.sum() == time.size


def test_stretches_of_one_intensity_are_one_level() -> None:
    # Odds of failing by chance: some 1e-3, of the criterion's own errors.
    rng = np.random.default_rng(10)
    lasted = rng.uniform(0.01, 1.0, 200)
    level, counts_s = group(rng.poisson(3000 * lasted), lasted, most_levels=12)
    assert counts_s.size == 1
    assert not level.any()


@pytest.mark.parametrize("time", [[], [3], [3, 9], [4, 4, 4, 4], [0, 1 << 60, 1 << 61]])
def test_few_or_strange_arrivals_have_no_steps(time: list[int]) -> None:
    assert change_points(np.array(time, np.int64), false_alarms=0.1).size == 0


def test_the_answer_does_not_depend_on_the_clock() -> None:
    rng = np.random.default_rng(11)
    time = stepped([2e4, 3e3, 2e4], [0.1, 0.1, 0.1], rng)
    places = change_points(time, false_alarms=0.1)
    np.testing.assert_array_equal(places, change_points(4 * time + 10**15, false_alarms=0.1))
