"""Photons of a stream by their delay after a pulse."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.decay import Decay
from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.photons.arrivals import arrivals
from qdimage.photons.decay_kernels import add_folded
from qdimage.photons.decay_period import (
    PhaseTrack,
    Refined,
    Sample,
    place_in,
    polish_period,
    refine_period,
)

Ticks = NDArray[np.int64]

_MOST_DELAY_TICKS = 1 << 22
_SMOOTH_NS, _SMOOTH_BINS, _MOST_BINS = 0.1, 1000, 16384
_STRETCH_PHOTONS, _CHUNK_PHOTONS = 1 << 18, 1 << 14
_MUCH_DRIFT = 0.02
# Photons that empty ticks at an end should have held, before it is taken for unrecorded.
_MISSED = 10.0
_NOISE_SIGMA2 = 12.0
_MOST_DIVIDED = 64
_WHOLE = 0.9


def delays_of_syncs(
    stream: PhotonStream,
    *,
    detectors: Sequence[int] | None = None,
    bin_ns: float | None = None,
    period_ns: float | None = None,
    window_s: tuple[float, float] | None = None,
    range_ticks: int | None = None,
) -> tuple[Decay, list[str]]:
    """Return the delays after the syncs of a T3 stream.

    Delays beyond a period belong to later pulses where as many lie there as before, since the
    sync was divided; a few of them are folded back.

    Parameters
    ----------
    stream : PhotonStream
        T3.
    detectors : sequence of int, optional
        All where not given.
    bin_ns : float, optional
        Rounded to whole ticks; chosen by the period where not given.
    period_ns : float, optional
        Between pulses; that of the syncs, or a whole part of it, where not given.
    window_s : (float, float), optional
        Only photons from the first of these times on, and before the second.
    range_ticks : int, optional
        Longest delay that the device can record.

    Returns
    -------
    Decay
    list of str
        What was found of the syncs.
    """
    sync_s = stream.period_s or math.inf
    sync_ns, tick_ns = sync_s * 1e9, stream.tick_s * 1e9
    low_s, high_s = window_s or (-math.inf, math.inf)
    window = low_s / sync_s, high_s / sync_s
    counts, pulses = _count_delays(stream, detectors, window)
    notes: list[str] = []
    counts = _recorded(counts, sync_ns / tick_ns, range_ticks)
    if period_ns is None:
        divided = pulses_in_period(counts, sync_ns / tick_ns)
        period_ns = sync_ns / divided
        if divided > 1:
            notes.append(
                f"found {divided} pulses after each sync; the period is {period_ns:.6g} ns"
            )
    width = _width_ticks(bin_ns, tick_ns, period_ns)
    n = max(counts.size // width, 1)
    counts = np.pad(counts, (0, max(width - counts.size, 0)))
    binned = counts[: n * width].reshape(n, width).sum(axis=1)
    edges_ns = np.arange(n + 1, dtype=np.float64) * (width * tick_ns)
    per_sync = sync_ns / period_ns
    seconds = pulses * sync_s
    return Decay(edges_ns, binned, period_ns, pulses * per_sync, seconds), notes


def _count_delays(
    stream: PhotonStream, detectors: Sequence[int] | None, window: tuple[float, float]
) -> tuple[Ticks, float]:
    """Photons by their delay in ticks, and how many syncs went by, in a window of syncs."""
    counts = np.zeros(0, np.int64)
    first, last = None, 0
    low, high = window
    for block in stream.reader():
        if block.delay is None or not block.time.size:
            continue
        first = int(block.time[0]) if first is None else first
        last = max(last, int(block.time[-1]))
        inside = _chosen(block, detectors) & (block.time >= low) & (block.time < high)
        delay = block.delay[inside]
        delay = delay[(delay >= 0) & (delay < _MOST_DELAY_TICKS)]
        found = np.bincount(delay, minlength=counts.size)
        found[: counts.size] += counts
        counts = found.astype(np.int64)
    begin, end = float(first or 0), float(last + 1)
    return counts, max(min(end, high) - max(begin, low), 1.0)


def _chosen(block: PhotonBlock, detectors: Sequence[int] | None) -> NDArray[np.bool_]:
    if detectors is None:
        return np.ones(block.channel.size, np.bool_)
    return np.isin(block.channel, np.asarray(detectors, np.uint8))


def _recorded(counts: Ticks, period_ticks: float, range_ticks: int | None) -> Ticks:
    """Keep the delays that the device recorded; fold back a few that reach beyond a period."""
    n_period = round(period_ticks)
    beyond = counts[n_period:]
    if beyond.size and beyond.sum() < 0.5 * counts[: beyond.size].sum():
        folded = counts[:n_period].copy()
        # Whole periods only: these are the few photons around the next sync.
        for start in range(0, beyond.size, n_period):
            piece = beyond[start : start + n_period]
            folded[: piece.size] += piece
        counts = folded
    elif not beyond.size:
        end = n_period if range_ticks is None else min(n_period, range_ticks)
        counts = np.pad(counts, (0, max(end - counts.size, 0)))
    return counts[: _last_recorded(counts)]


def _last_recorded(counts: Ticks) -> int:
    """Where the empty ticks at the end begin, if they cannot be chance."""
    filled = np.flatnonzero(counts)
    if not filled.size:
        return counts.size
    last = int(filled[-1]) + 1
    n_empty = counts.size - last
    before = counts[max(last - max(last // 50, n_empty), 0) : last]
    return last if n_empty * before.mean() > _MISSED else counts.size


def pulses_in_period(counts: Ticks, period_ticks: float) -> int:
    """Return how many equal pulses a histogram over a whole sync period holds, 1 unless sure.

    Of k equal pulses only every k-th Fourier coefficient is more than noise.
    """
    total = float(counts.sum())
    if total < 1000 or counts.size < _WHOLE * period_ticks:
        return 1
    power = np.abs(np.fft.rfft(counts, round(period_ticks))) ** 2 / total
    strong = np.flatnonzero(power[1 : 4 * _MOST_DIVIDED] > _NOISE_SIGMA2) + 1
    if not strong.size:
        return 1
    k = int(np.gcd.reduce(strong))
    return k if k <= _MOST_DIVIDED else 1


def _width_ticks(bin_ns: float | None, tick_ns: float, period_ns: float) -> int:
    if bin_ns is None:
        smooth = min(_SMOOTH_NS, period_ns / _SMOOTH_BINS)
        bin_ns = max(smooth, period_ns / _MOST_BINS)
    if not 0 < bin_ns < period_ns / 4:
        raise ConfigurationError(
            f"found bins of {bin_ns:g} ns and a period of {period_ns:g} ns, expected bins above 0 "
            "and much shorter than the period; correct one of them"
        )
    return max(round(bin_ns / tick_ns), 1)


def folded_times(
    stream: PhotonStream,
    *,
    period_ns: float | Fraction,
    detectors: Sequence[int] | None = None,
    bin_ns: float | None = None,
    window_s: tuple[float, float] | None = None,
) -> tuple[Decay, list[str]] | Refusal:
    """Return the places in the period of a T2 stream's photons.

    The period is refined from the photons, and need not be a whole number of ticks. A period
    begins at time 0, whatever the pulses do.

    Parameters
    ----------
    stream : PhotonStream
        T2.
    period_ns : float or fractions.Fraction
        Between pulses, to three digits; a fraction is exact, and taken as it is.
    detectors, bin_ns, window_s
        As in `delays_of_syncs`.
    """
    tick_ns = stream.tick_s * 1e9
    if isinstance(period_ns, Fraction):
        refined: Refined | Refusal = Refined(period_ns / Fraction(tick_ns), 0.0)
    else:
        refined = _refined(stream, period_ns / tick_ns, detectors, window_s)
    if isinstance(refined, Refusal):
        return refined
    period = refined.period_ticks
    width = _width_ticks(bin_ns, tick_ns, float(period_ns))
    counts = np.zeros(int(period / width), np.int64)
    first, last = None, 0
    for time in _chosen_times(stream, detectors, window_s):
        first = int(time[0]) if first is None else first
        last = int(time[-1])
        begins = place_in(int(time[0]), period)
        add_folded(time - time[0], float(period), begins, float(width), counts)
    ticks = last - (first or 0)
    edges_ns = np.arange(counts.size + 1, dtype=np.float64) * (width * tick_ns)
    notes = []
    if refined.drift > _MUCH_DRIFT:
        notes.append(
            f"the pulses stray from an even beat by {refined.drift:.2g} of their period; the decay "
            "is smeared, record with a sync"
        )
    pulses = max(ticks / float(period), 1.0)
    decay = Decay(edges_ns, counts, float(period) * tick_ns, pulses, ticks * stream.tick_s)
    return decay, notes


def _refined(
    stream: PhotonStream,
    stated: float,
    detectors: Sequence[int] | None,
    window_s: tuple[float, float] | None,
) -> Refined | Refusal:
    """The period from a stretch at the start, then from the pulses' places all along."""
    held: list[Ticks] = []
    n_held, sample = 0, Sample()
    track: PhaseTrack | None = None
    for time in _chosen_times(stream, detectors, window_s):
        sample.add(time)
        held.append(time)
        n_held += time.size
        if track is None and n_held >= _STRETCH_PHOTONS:
            found = refine_period(np.concatenate(held), stated)
            if isinstance(found, Refusal):
                return found
            track = PhaseTrack(found)
        if track is not None and n_held >= _CHUNK_PHOTONS:
            _add_chunks(track, np.concatenate(held))
            held, n_held = [], 0
    if track is None:
        found = refine_period(np.concatenate([*held, np.zeros(0, np.int64)]), stated)
        if isinstance(found, Refusal):
            return found
        refined = Refined(found, 0.0)
    else:
        refined = track.refined()
    return Refined(polish_period(sample.times(), refined.period_ticks), refined.drift)


def _add_chunks(track: PhaseTrack, time: Ticks) -> None:
    for start in range(0, time.size - _CHUNK_PHOTONS + 1, _CHUNK_PHOTONS):
        track.add(time[start : start + _CHUNK_PHOTONS])


def _chosen_times(
    stream: PhotonStream, detectors: Sequence[int] | None, window_s: tuple[float, float] | None
) -> Iterator[Ticks]:
    """Yield growing times of the chosen photons, in pieces that are not empty."""
    low, high = window_s or (-math.inf, math.inf)
    for block in arrivals(stream, gap=1):
        begin, end = np.searchsorted(block.time, (low / stream.tick_s, high / stream.tick_s))
        time = block.time[begin:end]
        if detectors is not None:
            chosen = np.isin(block.channel[begin:end], np.asarray(detectors, np.uint8))
            time = time[chosen]
        if time.size:
            yield time


def detectors_in(stream: PhotonStream) -> tuple[int, ...]:
    """Return the detectors that have photons."""
    seen = np.zeros(256, np.int64)
    for block in stream.reader():
        seen += np.bincount(block.channel, minlength=256)
    return tuple(int(each) for each in np.flatnonzero(seen))
