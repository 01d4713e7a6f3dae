"""Time windows of a stream, packed one behind the other so that no pair of photons spans two."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonStream
from qdimage.errors import ConfigurationError

Ticks = NDArray[np.int64]
TimeWindows = tuple[float, float] | Sequence[tuple[float, float]] | NDArray[np.float64]

_LATEST = 1 << 61


class Windows:
    """Time windows, and how much of each lies within the measurement.

    Parameters
    ----------
    stream : PhotonStream
    window_s : (float, float), or several such
        Half-open windows that rise and do not overlap.
    gap : int
        Ticks; more than the longest delay of interest.

    Raises
    ------
    ConfigurationError
        If the windows do not rise, or are too many for such long delays.
    """

    def __init__(self, stream: PhotonStream, window_s: TimeWindows, gap: int) -> None:
        ticks = _in_ticks(stream, window_s)
        self._starts, self._stops = ticks[:, 0], ticks[:, 1]
        missing = np.maximum(gap - (self._starts[1:] - self._stops[:-1]), 0)
        if float(self._stops[-1]) + float(missing.sum(dtype=np.float64)) > _LATEST:
            raise ConfigurationError(
                f"found {len(ticks)} time windows and delays of {gap * stream.tick_s:.3g} s, "
                "expected both together to last for less than 2^61 ticks; choose shorter delays"
            )
        self._forward = np.concatenate([np.zeros(1, np.int64), np.cumsum(missing)])
        self._first: int | None = None
        self._last = 0

    @property
    def stop(self) -> int:
        """The end of the last window, in ticks of the stream."""
        return int(self._stops[-1])

    def pack(self, time: Ticks, channel: NDArray[np.uint8]) -> tuple[Ticks, NDArray[np.uint8]]:
        """Return the photons inside, with later windows set forward where they are too close."""
        if self._first is None:
            self._first = int(time[0])
        self._last = int(time[-1])
        which = np.searchsorted(self._starts, time, side="right") - 1
        inside = (which >= 0) & (time < self._stops[which])
        which = which[inside]
        return time[inside] + self._forward[which], channel[inside]

    def lengths(self) -> Ticks:
        """Return the ticks of each window that lie between the first and the last photon so far."""
        if self._first is None:
            return np.zeros(self._starts.size, np.int64)
        begin = np.maximum(self._starts, self._first)
        return np.asarray(np.maximum(np.minimum(self._stops, self._last) - begin, 0))


def _in_ticks(stream: PhotonStream, window_s: TimeWindows) -> Ticks:
    pairs = np.asarray(window_s, np.float64)
    if pairs.ndim == 1:
        pairs = pairs[np.newaxis]
    fine = pairs.ndim == 2 and pairs.shape[0] >= 1 and pairs.shape[1] == 2
    if not fine or np.any(np.isnan(pairs)) or np.any(np.diff(pairs.ravel()) < 0):
        fine = False
    if not fine or np.any(pairs[:, 0] == pairs[:, 1]):
        raise ConfigurationError(
            f"found the time windows {' '.join(str(window_s).split())[:80]}, expected pairs of "
            "rising times, one window behind the other; correct them"
        )
    ticks = np.rint(np.clip(pairs / stream.tick_s, -_LATEST, _LATEST))
    return np.asarray(ticks.astype(np.int64), np.int64)
