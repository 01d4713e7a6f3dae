"""Photon streams to intensity traces, read block by block."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonStream
from qdimage.domain.trace import Trace
from qdimage.errors import ConfigurationError
from qdimage.photons.arrivals import Arrivals, arrivals

Ticks = NDArray[np.int64]

_MOST_BINS = 1 << 24
_MOST_KEPT = 1 << 22


class KeptArrivals(NamedTuple):
    """Every so many-th photon of a stream.

    Attributes
    ----------
    time : ndarray of int64, shape (n,)
        Ticks of photons 0, every, 2 every, ...
    every : int
    last : int
        Ticks of the last photon of all.
    n_photons : int
        All of them.
    """

    time: Ticks
    every: int
    last: int
    n_photons: int


def read_trace(
    stream: PhotonStream,
    *,
    detectors: tuple[int, ...] = (0, 1),
    bin_s: float = 0.01,
    gap: int = 1,
) -> tuple[Trace, KeptArrivals]:
    """Bin the photons of some detectors, and keep their arrivals.

    Memory is bounded: of more than 2^22 photons every second is kept, of more than twice as many
    every fourth, and so on.

    Parameters
    ----------
    stream : PhotonStream
    detectors : tuple of int
        Different ones.
    bin_s : float
        Width of a bin, rounded to whole ticks.
    gap : int
        Ticks by which time goes on where it ran back.

    Raises
    ------
    ConfigurationError
        If the bins make no sense, or are more than 2^24.
    FormatError
        If the times are damaged.
    """
    if not detectors or len(set(detectors)) < len(detectors) or min(detectors) < 0:
        raise ConfigurationError(
            f"found the detectors {detectors}, expected different ones, from 0; correct them"
        )
    bins = _Bins(stream, bin_s, detectors)
    kept = _Keeper()
    for block in arrivals(stream, gap=gap):
        chosen = np.isin(block.channel, detectors)
        if chosen.any():
            inside = Arrivals(block.time[chosen], block.channel[chosen])
            bins.add(inside)
            kept.add(inside.time)
    return bins.trace(), kept.arrivals()


class _Bins:
    """Counts of each detector, in bins from the first photon on."""

    def __init__(self, stream: PhotonStream, bin_s: float, detectors: tuple[int, ...]) -> None:
        if not stream.tick_s <= bin_s < 1e6:
            raise ConfigurationError(
                f"found bins of {bin_s} s, expected some from {stream.tick_s} s to 1e6 s; correct "
                "them"
            )
        self._stream, self._detectors = stream, detectors
        self._width = max(round(bin_s / stream.tick_s), 1)
        self._first: int | None = None
        self._counts = np.zeros((len(detectors), 1024), np.int64)
        self._n = 0

    def add(self, block: Arrivals) -> None:
        if self._first is None:
            self._first = int(block.time[0])
        place = (block.time - self._first) // self._width
        self._reserve(int(place[-1]) + 1)
        start, stop = int(place[0]), self._n
        for row, detector in zip(self._counts, self._detectors, strict=True):
            own = place[block.channel == detector] - start
            row[start:stop] += np.bincount(own, minlength=stop - start)

    def _reserve(self, n: int) -> None:
        if n > _MOST_BINS:
            bin_s = self._width * self._stream.tick_s
            raise ConfigurationError(
                f"{self._stream.source}: found a measurement of {n * bin_s:.4g} s or more, "
                f"expected at most {_MOST_BINS} bins of {bin_s:.4g} s; choose wider bins, or its "
                "clock is damaged"
            )
        self._n = n
        if n > self._counts.shape[1]:
            larger = np.zeros((self._counts.shape[0], min(2 * n, _MOST_BINS)), np.int64)
            larger[:, : self._counts.shape[1]] = self._counts
            self._counts = larger

    def trace(self) -> Trace:
        tick_s = self._stream.tick_s
        start_s = (self._first or 0) * tick_s
        counts = self._counts[:, : self._n].copy()
        return Trace(start_s, self._width * tick_s, self._detectors, counts)


class _Keeper:
    """Every so many-th arrival, fewer of them as they become too many."""

    def __init__(self) -> None:
        self._time = np.empty(1 << 16, np.int64)
        self._n_kept, self._every = 0, 1
        self._n_photons, self._last = 0, 0

    def add(self, time: Ticks) -> None:
        start = 0
        while start < time.size:
            piece = time[start : start + _MOST_KEPT // 2]
            self._add(piece)
            start += piece.size
        self._last = int(time[-1])

    def _add(self, time: Ticks) -> None:
        if self._n_kept + time.size // self._every + 1 > _MOST_KEPT:
            self._thin()
        wanted = time[-self._n_photons % self._every :: self._every]
        n = self._n_kept + wanted.size
        if n > self._time.size:
            self._time = np.concatenate([self._time, np.empty(max(n, self._time.size), np.int64)])
        self._time[self._n_kept : n] = wanted
        self._n_kept = n
        self._n_photons += time.size

    def _thin(self) -> None:
        half = self._time[: self._n_kept : 2].copy()
        self._time[: half.size] = half
        self._n_kept, self._every = half.size, 2 * self._every

    def arrivals(self) -> KeptArrivals:
        time = self._time[: self._n_kept].copy()
        return KeptArrivals(time, self._every, self._last, self._n_photons)
