"""Correlations are equal, to the count, to all pairs by brute force."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from time_tag_files import (
    NAMES,
    T3_NAMES,
    events_of,
    photons_in,
    reference_pairs,
    stream_of,
    write_events,
)

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.time_tags import open_photons
from qdimage.photons.arrivals import period_ticks
from qdimage.photons.correlate import (
    correlate,
    correlate_between,
    correlate_sampled,
    log_edges,
    start_stop,
)


def poisson(n: int, mean_ticks: float, seed: int, detectors: int = 2) -> tuple:
    rng = np.random.default_rng(seed)
    time = np.cumsum(rng.geometric(1 / mean_ticks, n) - 1)
    return time, rng.integers(0, detectors, n).astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (2, 2), (3, 1)])
def test_every_record_type_gives_all_pairs(
    name: str, first: int, second: int, tmp_path: Path
) -> None:
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events_of(name)))
    photons = photons_in(stream)
    time = photons.time if photons.delay is None else photons.time * 25_000 + photons.delay
    edges = 37 * np.arange(-900, 901)
    expected = reference_pairs(time, photons.channel, edges, first, second)
    curve = correlate(stream, bin_ticks=37, n_bins=900, first=first, second=second)
    np.testing.assert_array_equal(curve.counts, expected)
    assert expected.sum() > 20
    between = correlate_between(stream, edges_ticks=edges, first=first, second=second)
    np.testing.assert_array_equal(between.counts, expected)
    assert curve.counts_1 == np.sum(photons.channel == first)
    assert curve.counts_2 == np.sum(photons.channel == second)
    assert curve.duration_s == pytest.approx(np.ptp(time) * 4e-12, rel=1e-14)


@pytest.mark.parametrize("n_block", [1, 7, 1000, 10**6])
@pytest.mark.parametrize("mean_ticks", [1.2, 10, 300])
def test_blocks_and_rates_do_not_change_the_counts(n_block: int, mean_ticks: float) -> None:
    time, channel = poisson(2000, mean_ticks, seed=1, detectors=3)
    edges = 5 * np.arange(-40, 41)
    for second in (0, 1):
        expected = reference_pairs(time, channel, edges, 0, second)
        stream = stream_of(time, channel, n_block=n_block)
        curve = correlate(stream, bin_ticks=5, n_bins=40, first=0, second=second)
        np.testing.assert_array_equal(curve.counts, expected)


def test_bins_are_half_open() -> None:
    time, channel = [0, 100, 200, 300], [1, 0, 1, 1]
    curve = correlate(stream_of(time, channel), bin_ticks=100, n_bins=1)
    assert curve.counts.tolist() == [1, 0]
    curve = correlate(stream_of(time, channel), bin_ticks=100, n_bins=2)
    assert curve.counts.tolist() == [0, 1, 0, 1]


def test_a_photon_never_pairs_with_itself_but_with_another_of_its_tick() -> None:
    alone = correlate(stream_of([5], [0]), bin_ticks=1, n_bins=2, first=0, second=0)
    assert alone.counts.sum() == 0
    both = correlate(stream_of([5, 5], [0, 0]), bin_ticks=1, n_bins=2, first=0, second=0)
    assert both.counts.tolist() == [0, 0, 2, 0]


def test_swapping_the_detectors_mirrors_the_delays() -> None:
    time, channel = poisson(3000, 20, seed=2)
    edges = np.array([-301, -50, -3, 0, 1, 7, 90, 300])
    one = correlate_between(stream_of(time, channel), edges_ticks=edges)
    # Half-open bins of whole ticks mirror into edges one tick further.
    other = correlate_between(
        stream_of(time, channel), edges_ticks=(1 - edges)[::-1], first=1, second=0
    )
    np.testing.assert_array_equal(one.counts, other.counts[::-1])


@pytest.mark.parametrize("n_block", [1, 50, 10**6])
@pytest.mark.parametrize(
    "edges",
    [[-5, 5], [0, 1], [3, 4, 200, 10**6], [-(10**6), -200, -1], [-9, -2, 0, 1, 30, 10**5]],
)
def test_bins_of_any_width_hold_all_pairs(edges: list[int], n_block: int) -> None:
    time, channel = poisson(1500, 30, seed=3, detectors=3)
    for second in (0, 1):
        curve = correlate_between(
            stream_of(time, channel, n_block=n_block),
            edges_ticks=np.array(edges),
            first=0,
            second=second,
        )
        expected = reference_pairs(time, channel, np.array(edges), 0, second)
        np.testing.assert_array_equal(curve.counts, expected)
        every_photon = correlate_sampled(
            stream_of(time, channel, n_block=n_block),
            edges_ticks=np.array(edges),
            every=1,
            first=0,
            second=second,
        )
        np.testing.assert_array_equal(every_photon.counts, expected)
        np.testing.assert_array_equal(every_photon.accidentals, curve.accidentals)


@pytest.mark.parametrize("every", [2, 7])
def test_a_sample_of_the_photons_counts_their_pairs_alone(every: int) -> None:
    time, channel = poisson(1500, 30, seed=3)
    edges = np.array([-(10**5), -300, -9, -2, 4, 30, 10**5])
    curve = correlate_sampled(stream_of(time, channel, n_block=77), edges_ticks=edges, every=every)
    looking = np.zeros(time.size, bool)
    for detector in (0, 1):
        looking[np.flatnonzero(channel == detector)[every // 2 :: every]] = True
    expected = np.zeros(edges.size - 1, np.int64)
    for later in np.flatnonzero(looking):
        others = time[:later][channel[:later] != channel[later]]
        delays = (time[later] - others) * (1 if channel[later] == 1 else -1)
        inside = np.searchsorted(edges, delays, side="right") - 1
        expected += np.bincount(inside[(inside >= 0) & (delays < edges[-1])], minlength=6)
    np.testing.assert_array_equal(curve.counts, expected)
    assert curve.counts_1 + curve.counts_2 == time.size


def test_a_sample_of_bunched_light_has_its_g2() -> None:
    # On half of the time, in spells far longer than the delays: g2 is 2, whatever the sample.
    # Four standard deviations of 1,400 spells' on time, which widen it by 0.027: odds 6e-5.
    rng = np.random.default_rng(8)
    spells = np.cumsum(rng.exponential(1e6, 2800))
    time = np.sort(rng.uniform(0, spells[-1], 500_000)).astype(np.int64)
    time = time[np.searchsorted(spells, time) % 2 == 0]
    stream = stream_of(time, rng.integers(0, 2, time.size).astype(np.uint8))
    for every in (1, 20):
        curve = correlate_sampled(
            stream, edges_ticks=np.array([-20_000, -100, 100, 20_000]), every=every
        )
        assert curve.g2[[0, 2]] == pytest.approx(2.0, abs=4 * 0.035 + 0.04)


def test_growing_edges_are_whole_and_end_where_asked() -> None:
    edges = log_edges(1, 10**9, bins_per_decade=8)
    assert edges[0] == 1
    assert edges[-1] == 10**9
    assert np.all(np.diff(edges) >= 1)
    ratios = edges[-20:] / edges[-21:-1]
    np.testing.assert_allclose(ratios, 10 ** (1 / 8), rtol=1e-5)


def test_uncorrelated_light_has_a_g2_of_one() -> None:
    # Odds of failing by chance: 6e-5 for each of two curves (four standard deviations).
    time, channel = poisson(400_000, 500, seed=4)
    stream = stream_of(time, channel, n_block=50_000)
    for curve in (
        correlate(stream, bin_ticks=100, n_bins=100),
        correlate_between(stream, edges_ticks=log_edges(10, 10**6)),
    ):
        total, expected = curve.counts.sum(), curve.accidentals.sum()
        pull = (total - expected) / np.sqrt(expected)
        # Bins share photons; a window of m photons on average widens the sum by its root.
        reach = np.diff(curve.edges_ns[[0, -1]])[0] * 1e3 / 1000
        assert abs(pull) < 4 * np.sqrt(1 + reach)


def test_accidentals_fall_towards_the_ends_of_the_measurement() -> None:
    # All delays of a short measurement: their accidentals add up to all pairs.
    time = np.arange(0, 10_000, 10)
    channel = np.arange(time.size) % 2
    curve = correlate(stream_of(time, channel), bin_ticks=10, n_bins=1000)
    assert curve.counts.sum() == 500 * 500
    assert curve.accidentals.sum() == pytest.approx(500 * 500, rel=1e-12)
    middle = curve.accidentals[1000]
    assert middle == pytest.approx(500 * 500 * 10 / 9990 * (1 - 5 / 9990))
    assert curve.accidentals[0] == pytest.approx(0, abs=1e-9)


def test_a_curve_without_photons_has_no_g2() -> None:
    curve = correlate(stream_of([], []), bin_ticks=1, n_bins=2)
    assert curve.duration_s == 0
    assert np.all(np.isnan(curve.g2))


def test_a_time_window_is_half_open() -> None:
    time, channel = poisson(3000, 20, seed=5)
    stream = stream_of(time, channel, tick_s=1e-9, n_block=64)
    first, stop = int(time[700]), int(time[2100])
    kept = (time >= first) & (time < stop)
    edges = 3 * np.arange(-50, 51)
    curve = correlate(stream, bin_ticks=3, n_bins=50, window_s=(first * 1e-9, stop * 1e-9))
    expected = reference_pairs(time[kept], channel[kept], edges)
    np.testing.assert_array_equal(curve.counts, expected)
    assert curve.counts_1 + curve.counts_2 == kept.sum()


def test_start_stop_takes_the_next_stop_alone_and_says_so() -> None:
    time, channel = [0, 3, 5, 9, 20, 60], [0, 0, 1, 1, 0, 1]
    curve = start_stop(stream_of(time, channel, n_block=2), bin_ticks=1, n_bins=30)
    assert curve.method == "start-stop"
    assert np.flatnonzero(curve.counts).tolist() == [5]
    assert curve.edges_ns[0] == 0
    assert correlate(stream_of(time, channel), bin_ticks=1, n_bins=2).method == "all pairs"


def test_start_stop_falls_off_where_all_pairs_do_not() -> None:
    # Start-stop delays of Poisson light fall off with the rate of stops, 1/100 per tick.
    # Odds of failing by chance: 6e-5 (four standard deviations of a Poisson count).
    time, channel = poisson(400_000, 50, seed=6)
    curve = start_stop(stream_of(time, channel, n_block=50_000), bin_ticks=20, n_bins=50)
    survival = 0.99 ** (20 * np.arange(50))
    expected = curve.counts.sum() * survival / survival.sum()
    assert abs(curve.counts[25] - expected[25]) < 4 * np.sqrt(expected[25])


def test_t3_periods_are_whole_ticks_where_the_header_rounds() -> None:
    assert period_ticks(1e-7, 4e-12) == (25_000, 0.0)
    assert period_ticks(12.5e-9, 4e-12) == (3125, 0.0)
    whole, fraction = period_ticks(1e-7, 3e-12)
    assert whole == 33_333
    assert fraction == pytest.approx(1 / 3, rel=1e-6)


@pytest.mark.parametrize("name", T3_NAMES)
def test_t3_with_an_odd_period_is_off_by_less_than_a_tick(name: str, tmp_path: Path) -> None:
    events = events_of(name, n=500)
    stream = open_photons(write_events(tmp_path / "a.ptu", name, events, tags=odd_period()))
    photons = photons_in(stream)
    exact = photons.time * 100_001 // 4 + photons.delay
    curve = correlate(stream, bin_ticks=40, n_bins=800)
    expected = reference_pairs(exact, photons.channel, 40 * np.arange(-800, 801))
    np.testing.assert_array_equal(curve.counts, expected)


def odd_period() -> dict[str, float]:
    """25,000 and a quarter ticks of 4 ps."""
    return {"MeasDesc_GlobalResolution": 100_001e-12}


def test_records_a_little_out_of_order_are_sorted() -> None:
    time, channel = poisson(3000, 40, seed=7)
    rng = np.random.default_rng(8)
    order = np.argsort(time + rng.integers(0, 20_000, time.size), kind="stable")
    edges = 11 * np.arange(-100, 101)
    expected = reference_pairs(time, channel, edges)
    for n_block in (1, 100, 10**6):
        stream = stream_of(time[order], channel[order], n_block=n_block)
        np.testing.assert_array_equal(correlate(stream, bin_ticks=11, n_bins=100).counts, expected)
        np.testing.assert_array_equal(correlate_between(stream, edges_ticks=edges).counts, expected)


def test_no_pair_spans_a_long_step_back() -> None:
    time, channel = poisson(1000, 40, seed=9)
    twice = np.concatenate([time + 10**9, time])
    edges = 11 * np.arange(-100, 101)
    curve = correlate(stream_of(twice, np.tile(channel, 2)), bin_ticks=11, n_bins=100)
    np.testing.assert_array_equal(curve.counts, 2 * reference_pairs(time, channel, edges))


def test_memory_does_not_grow_with_the_length_of_a_stream() -> None:
    def peak(n_blocks: int) -> int:
        def reader() -> Iterator[PhotonBlock]:
            for number in range(n_blocks):
                time = np.arange(10_000) * 100 + number * 1_000_000
                yield PhotonBlock(time, (np.arange(10_000) % 2).astype(np.uint8))

        stream = PhotonStream("memory", "T2", 1e-12, None, reader)
        tracemalloc.start()
        assert correlate(stream, bin_ticks=10, n_bins=100).counts_1 == 5000 * n_blocks
        assert correlate_between(stream, edges_ticks=log_edges(1, 10**5)).counts_1 > 0
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(200) < peak(20) + 100_000


def test_more_pairs_than_detectors_can_count_are_refused() -> None:
    n = 300_000
    stream = stream_of(np.arange(n) // 4, np.arange(n) % 2, n_block=1 << 16)
    with pytest.raises(FormatError, match="pairs for each photon"):
        correlate(stream, bin_ticks=512, n_bins=100)


def test_a_clock_that_stands_still_is_refused_soon() -> None:
    n = 1_000_000
    stream = stream_of(np.zeros(n), np.arange(n) % 2, n_block=1 << 16)
    with pytest.raises(FormatError, match="stands still"):
        correlate(stream, bin_ticks=512, n_bins=100)


def test_more_photons_within_the_longest_delay_than_memory_allows_are_refused() -> None:
    n = 9_000_000
    stream = stream_of(np.arange(n), np.zeros(n), n_block=1 << 20)
    with pytest.raises(FormatError, match="shorter delays"):
        correlate_between(stream, edges_ticks=np.array([1, 10**12]))


@pytest.mark.parametrize(
    "call",
    [
        lambda s: correlate(s, bin_ticks=0, n_bins=1),
        lambda s: correlate(s, bin_ticks=1, n_bins=0),
        lambda s: correlate(s, bin_ticks=1, n_bins=10**9),
        lambda s: correlate(s, bin_ticks=1 << 60, n_bins=1),
        lambda s: correlate(s, bin_ticks=1, n_bins=1, first=64),
        lambda s: correlate(s, bin_ticks=1, n_bins=1, window_s=(1, 1)),
        lambda s: correlate_between(s, edges_ticks=np.array([1])),
        lambda s: correlate_between(s, edges_ticks=np.array([1, 1])),
        lambda s: correlate_between(s, edges_ticks=np.array([0.0, 1.5])),
        lambda s: start_stop(s, bin_ticks=1, n_bins=0),
        lambda s: log_edges(0, 10),
        lambda s: log_edges(1, 10, bins_per_decade=0),
    ],
)
def test_bins_that_make_no_sense_are_refused(call) -> None:
    with pytest.raises(ConfigurationError, match="expected") as caught:
        call(stream_of([0], [0]))
    assert "\n" not in str(caught.value)
