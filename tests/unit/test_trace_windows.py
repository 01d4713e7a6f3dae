"""Correlations inside several time windows: pairs by brute force, accidentals by integration."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from time_tag_files import reference_pairs, stream_of

from qdimage.domain.g2_curve import G2Curve, accidentals
from qdimage.errors import ConfigurationError
from qdimage.photons.correlate import correlate, correlate_between, start_stop

TICK_S = 1e-9


def light(n: int, mean_ticks: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return np.cumsum(rng.geometric(1 / mean_ticks, n) - 1), rng.integers(0, 2, n).astype(np.uint8)


def pairs_inside(
    time: np.ndarray, channel: np.ndarray, windows: np.ndarray, edges: np.ndarray, second: int = 1
) -> np.ndarray:
    """Count each window by itself."""
    counts = np.zeros(edges.size - 1, np.int64)
    for start, stop in windows:
        kept = (time >= start) & (time < stop)
        counts += reference_pairs(time[kept], channel[kept], edges, 0, second)
    return counts


@given(
    bounds=st.lists(st.integers(-50, 9000), min_size=2, max_size=24, unique=True),
    n_block=st.sampled_from([1, 13, 10**6]),
    second=st.sampled_from([0, 1]),
)
def test_pairs_count_within_one_window_alone(bounds: list[int], n_block: int, second: int) -> None:
    windows = np.sort(bounds[: len(bounds) // 2 * 2]).reshape(-1, 2)
    time, channel = light(400, 20, seed=1)
    stream = stream_of(time, channel, tick_s=TICK_S, n_block=n_block)
    edges = 7 * np.arange(-60, 61)
    expected = pairs_inside(time, channel, windows, edges, second)
    curve = correlate(stream, bin_ticks=7, n_bins=60, second=second, window_s=windows * TICK_S)
    np.testing.assert_array_equal(curve.counts, expected)
    between = correlate_between(stream, edges_ticks=edges, second=second, window_s=windows * TICK_S)
    np.testing.assert_array_equal(between.counts, expected)
    inside = [np.sum((time >= a) & (time < b)) for a, b in windows]
    if second == 1:
        assert curve.counts_1 + curve.counts_2 == sum(inside)
    lasted = [max(min(b, time[-1]) - max(a, time[0]), 0) for a, b in windows]
    assert curve.duration_s == pytest.approx(sum(lasted) * TICK_S)


def test_touching_windows_share_no_pair() -> None:
    stream = stream_of([10, 12, 14, 16], [0, 1, 0, 1], tick_s=TICK_S)
    whole = correlate(stream, bin_ticks=1, n_bins=8, window_s=(10 * TICK_S, 17 * TICK_S))
    halves = np.array([[10, 13], [13, 17]]) * TICK_S
    parted = correlate(stream, bin_ticks=1, n_bins=8, window_s=halves)
    assert (whole.counts.sum(), parted.counts.sum()) == (4, 2)


def test_a_stop_does_not_come_from_the_next_window() -> None:
    stream = stream_of([10, 14], [0, 1], tick_s=TICK_S)
    halves = np.array([[10, 13], [13, 17]]) * TICK_S
    assert start_stop(stream, bin_ticks=1, n_bins=8).counts.sum() == 1
    assert start_stop(stream, bin_ticks=1, n_bins=8, window_s=halves).counts.sum() == 0


def test_accidentals_are_the_shared_length_of_windows_at_each_delay() -> None:
    lengths_s = np.array([30.0, 100.0, 100.0, 7.5]) * 1e-9
    edges_ns = np.array([-150.0, -90.0, -31.0, 0.0, 5.0, 8.0, 12.5, 99.0, 101.0, 300.0])
    found = accidentals(
        edges_ns, counts_1=40, counts_2=60, duration_s=lengths_s.sum(), lengths_s=lengths_s
    )
    fine = np.linspace(-300, 300, 600_001)
    shared = np.maximum(lengths_s[:, np.newaxis] * 1e9 - np.abs(fine), 0).sum(axis=0)
    step = fine[1] - fine[0]
    for k in range(edges_ns.size - 1):
        inside = (fine >= edges_ns[k]) & (fine < edges_ns[k + 1])
        assert found[k] == pytest.approx(
            2400 * shared[inside].sum() * step / (lengths_s.sum() * 1e9) ** 2, rel=1e-3, abs=1e-9
        )


def test_uncorrelated_light_in_windows_has_a_g2_of_one_at_all_delays() -> None:
    # Odds of failing by chance: 6e-5 for each of three sums (four standard deviations).
    time, channel = light(300_000, 100, seed=4)
    starts = np.arange(0, 30_000_000, 1500)
    windows = np.stack([starts, starts + 1000], axis=1) * TICK_S
    stream = stream_of(time, channel, tick_s=TICK_S, n_block=50_000)
    curve = correlate(stream, bin_ticks=50, n_bins=20, window_s=windows)
    for low, high in ((0, 10), (10, 30), (30, 40)):
        expected = curve.accidentals[low:high].sum()
        # A photon takes part in ten pairs on average, which move together.
        assert abs(curve.counts[low:high].sum() - expected) < 4 * np.sqrt(10 * expected)
    assert curve.accidentals[0] < 0.1 * curve.accidentals[20]


def test_one_window_around_everything_changes_nothing() -> None:
    time, channel = light(2000, 20, seed=5)
    stream = stream_of(time, channel, tick_s=TICK_S)

    def figures(curve: G2Curve) -> list[float]:
        return [*curve.counts, *curve.accidentals, curve.duration_s]

    whole = correlate(stream, bin_ticks=5, n_bins=30)
    inside = correlate(stream, bin_ticks=5, n_bins=30, window_s=(-1.0, 1e30))
    np.testing.assert_allclose(figures(inside), figures(whole), rtol=1e-12)


@pytest.mark.parametrize(
    "window_s",
    [
        [(0.0, 2.0), (1.0, 3.0)],
        [(2.0, 3.0), (0.0, 1.0)],
        [(0.0, 0.0), (1.0, 2.0)],
        [(0.0, float("nan"))],
        [],
        [(0.0, 1.0, 2.0)],
    ],
)
def test_windows_that_do_not_rise_are_refused(window_s: list[tuple[float, ...]]) -> None:
    with pytest.raises(ConfigurationError, match="rising"):
        correlate(stream_of([1, 2], [0, 1]), bin_ticks=1, n_bins=2, window_s=window_s)


def test_delays_too_long_for_so_many_windows_are_refused() -> None:
    windows = np.arange(2000.0).reshape(-1, 2)
    with pytest.raises(ConfigurationError, match="shorter delays"):
        correlate_between(
            stream_of([1, 2], [0, 1]), edges_ticks=np.array([1, 1 << 54]), window_s=windows
        )
