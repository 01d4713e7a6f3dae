"""The biexciton's own decay: the first photon of each pair that one pulse gave.

A biexciton's photon comes before that of the exciton it leaves behind, so that the first photons
of pairs decay with the biexciton's lifetime, whatever else the dot emits while it is charged.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.domain.decay import Decay
from qdimage.domain.photons import PhotonStream

Ticks = NDArray[np.int64]
Channels = NDArray[np.uint8]

_NOBODY = -(1 << 62)


@njit(cache=True)
def _find_pairs(
    sync: Ticks,
    delay: Ticks,
    channel: Channels,
    first: int,
    second: int,
    late: Ticks,
    last: Ticks,
    found: Ticks,
) -> int:
    """Fill the earlier delay of each pair of neighbours in one sync; return how many."""
    n = 0
    for i in range(sync.shape[0]):
        if channel[i] != first and channel[i] != second:
            continue
        now = delay[i] - (late[1] if channel[i] == second else late[0])
        if sync[i] == last[0] and channel[i] != last[2]:
            found[n] = min(now, last[1])
            n += 1
        last[0], last[1], last[2] = sync[i], now, channel[i]
    return n


def first_of_pairs(
    stream: PhotonStream,
    like: Decay,
    *,
    detectors: tuple[int, int],
    late_ns: tuple[float, float] = (0.0, 0.0),
) -> Decay:
    """Return the delays of the first photons of pairs, in the bins of a decay.

    Parameters
    ----------
    stream : PhotonStream
        T3, each pulse with a sync of its own.
    like : Decay
        Of all photons.
    detectors : (int, int)
        One photon on each, since a detector is blind after a photon.
    late_ns : (float, float)
        Taken off the delays of each.
    """
    tick_ns = stream.tick_s * 1e9
    counts = np.zeros(like.counts.size, np.int64)
    width = float(like.edges_ns[-1] - like.edges_ns[0]) / like.counts.size
    late = np.array([round(each / tick_ns) for each in late_ns], np.int64)
    for delays in _pairs(stream, detectors, late):
        place = np.floor((delays * tick_ns - like.edges_ns[0]) / width + 1e-6).astype(np.int64)
        inside = (place >= 0) & (place < counts.size)
        counts += np.bincount(place[inside], minlength=counts.size)
    return replace(like, counts=counts, pulses=None)


def _pairs(stream: PhotonStream, detectors: tuple[int, int], late: Ticks) -> Iterator[Ticks]:
    last = np.full(3, _NOBODY, np.int64)
    for block in stream.reader():
        if block.delay is None or not block.time.size:
            continue
        found = np.empty(block.time.size, np.int64)
        n = _find_pairs(block.time, block.delay, block.channel, *detectors, late, last, found)
        if n:
            yield found[:n]
