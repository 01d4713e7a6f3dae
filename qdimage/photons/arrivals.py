"""Photons of a stream in the order of their arrival, whatever the order of its records."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.photons.arrival_kernels import FORWARD, N_STATE, NEWEST, compose, in_order, set_forward
from qdimage.photons.windows import Windows

Ticks = NDArray[np.int64]

# How far records may be out of order: the largest delay behind a sync that a record can hold.
SLACK = 1 << 15
_BEGINNING = -(1 << 60)
_LATEST = 1 << 61
_WHOLE_TOLERANCE = 1e-9
_MOST_AT_ONCE = 1 << 18
_MOST_HELD = 1 << 18


class Arrivals(NamedTuple):
    """Photons whose times never fall, and follow those of the block before."""

    time: Ticks
    channel: NDArray[np.uint8]


def arrivals(
    stream: PhotonStream, *, gap: int, windows: Windows | None = None
) -> Iterator[Arrivals]:
    """Yield all photons in the order of their arrival, in ticks of the stream.

    T3 arrivals are sync * period + delay. They are exact where the period is a whole number of
    ticks (to 1e-9 of it, as headers state it); else sync * period is rounded down, by less
    than a tick.

    Records that are out of order by up to 2^15 ticks, as T3 records are, are sorted. Where time
    runs back farther, records are lost: it then goes on `gap` after the last photon before.

    Parameters
    ----------
    stream : PhotonStream
    gap : int
        Ticks; more than the longest delay of interest, so that no pair spans a step back.
    windows : Windows, optional
        Only photons inside, packed so that no two windows are closer than `gap`.

    Raises
    ------
    FormatError
        If the times leave what 64 bits can hold, or stand still.
    """
    for block in _sorted(stream, gap):
        if windows is None:
            yield block
            continue
        packed = Arrivals(*windows.pack(*block))
        if packed.time.size:
            yield packed
        if block.time[-1] >= windows.stop:
            return


def _sorted(stream: PhotonStream, gap: int) -> Iterator[Arrivals]:
    """Hold back the photons that later records may still precede."""
    state = np.zeros(N_STATE, np.int64)
    state[NEWEST] = _BEGINNING
    held = Arrivals(np.empty(0, np.int64), np.empty(0, np.uint8))
    for time, channel in _composed(stream):
        latest_held = int(held.time[-1]) if held.time.size else _BEGINNING
        if state[FORWARD] == 0 and in_order(time, latest_held):
            block = Arrivals(time, channel)
            state[NEWEST] = time[-1]
            if latest_held > time[-1] - SLACK:
                block = _joined(held, block)
            elif held.time.size:
                yield held
        else:
            block = _merged(stream, held, Arrivals(time, channel), state, gap)
        # A later record can be as early as the newest less the slack, and not earlier.
        n_safe = int(np.searchsorted(block.time, state[NEWEST] - SLACK, side="right"))
        if n_safe:
            yield Arrivals(block.time[:n_safe], block.channel[:n_safe])
        held = Arrivals(block.time[n_safe:], block.channel[n_safe:])
        if held.time.size > _MOST_HELD:
            raise FormatError(
                f"{stream.source}: found {held.time.size} photons within {SLACK} ticks, expected "
                f"at most {_MOST_HELD}; the clock stands still, the times are damaged"
            )
    if held.time.size:
        yield held


def _joined(one: Arrivals, other: Arrivals) -> Arrivals:
    return Arrivals(
        np.concatenate([one.time, other.time]), np.concatenate([one.channel, other.channel])
    )


def _merged(
    stream: PhotonStream, held: Arrivals, block: Arrivals, state: Ticks, gap: int
) -> Arrivals:
    """Sort a block into what is held back, behind every step back set forward."""
    moved = block.time.copy()
    set_forward(moved, state, SLACK, max(gap, SLACK + 1))
    if state[NEWEST] > _LATEST:
        raise FormatError(
            f"{stream.source}: its times sum up to more than 2^61 ticks, expected less; the "
            "records are damaged"
        )
    both = _joined(held, Arrivals(moved, block.channel))
    order = np.argsort(both.time, kind="stable")
    return Arrivals(both.time[order], both.channel[order])


def _composed(stream: PhotonStream) -> Iterator[tuple[Ticks, NDArray[np.uint8]]]:
    """Yield times in ticks, in the order of the records, in pieces that are not empty."""
    for block in stream.reader():
        for start in range(0, block.time.size, _MOST_AT_ONCE):
            piece = slice(start, start + _MOST_AT_ONCE)
            yield _times(stream, block, piece), block.channel[piece]


def _times(stream: PhotonStream, block: PhotonBlock, piece: slice) -> Ticks:
    if block.delay is None or stream.period_s is None:
        return block.time[piece]
    period, fraction = period_ticks(stream.period_s, stream.tick_s)
    sync = block.time[piece]
    if int(sync.max()) > _LATEST // (period + 1):
        raise FormatError(
            f"{stream.source}: its syncs last for more than 2^61 ticks, expected less; the header "
            "or the records are damaged"
        )
    time = np.empty(sync.size, np.int64)
    compose(sync, block.delay[piece], period, fraction, time)
    return time


def period_ticks(period_s: float, tick_s: float) -> tuple[int, float]:
    """Return the whole ticks of a period, and what is left over, 0 if that is rounding."""
    ratio = period_s / tick_s
    nearest = round(ratio)
    if nearest > 0 and abs(ratio - nearest) <= _WHOLE_TOLERANCE * ratio:
        return nearest, 0.0
    whole = int(ratio)
    return whole, ratio - whole
