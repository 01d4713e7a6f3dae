"""One pass over a block of frames, strip by strip, so that a strip's sums stay in the cache.

Frames are rows of pixels; the first is that before the block, which differences need.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_STRIP = 2048

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]
Counts = NDArray[np.uint16]


@njit(cache=True)
def add_counts(
    frames: Counts,
    differs: NDArray[np.bool_],
    first: int,
    ceiling: int,
    total: Whole,
    difference_sq: Whole,
    highest: Counts,
    second: Counts,
    highest_frame: Whole,
    n_at_ceiling: Whole,
) -> None:
    """Add frames of unsigned 16-bit values; at most 65535 at a time.

    Parameters
    ----------
    frames : ndarray of uint16, shape (1 + t, pixels)
    differs : ndarray of bool, shape (1 + t,)
        Of which frames the difference from the one before counts.
    first : int
        Number of the frame ``frames[1]``.
    ceiling : int
    total, difference_sq, highest, second, highest_frame, n_at_ceiling : ndarray, shape (pixels,)
        As in `StackStatistics`; added to.
    """
    n, n_pixels = frames.shape
    # Narrow types are what makes the processor take many pixels at once.
    sums, latest = np.empty(_STRIP, np.uint32), np.empty(_STRIP, np.uint16)
    for start in range(0, n_pixels, _STRIP):
        size = min(_STRIP, n_pixels - start)
        sums[:], latest[:] = 0, 0
        squares = difference_sq[start : start + size]
        top, next_top = highest[start : start + size], second[start : start + size]
        # One sum after the other, so that its part of the strip stays in the fastest cache.
        for t in range(1, n):
            now = frames[t, start : start + size]
            for x in range(size):
                sums[x] += now[x]
        for t in range(1, n):
            if differs[t]:
                now, before = frames[t, start : start + size], frames[t - 1, start : start + size]
                for x in range(size):
                    difference = np.int32(now[x]) - np.int32(before[x])
                    squares[x] += np.int64(difference) * np.int64(difference)
        for t in range(1, n):
            now, frame = frames[t, start : start + size], np.uint16(t)
            for x in range(size):
                value, most = now[x], top[x]
                latest[x] = frame if value > most else latest[x]
                next_top[x] = max(next_top[x], min(value, most))
                top[x] = max(most, value)
        largest = 0
        for x in range(size):
            total[start + x] += sums[x]
            if latest[x] > 0:
                highest_frame[start + x] = first + latest[x] - 1
            largest = max(largest, top[x])
        if largest >= ceiling:
            for t in range(1, n):
                for x in range(start, start + size):
                    n_at_ceiling[x] += frames[t, x] >= ceiling


@njit(cache=True)
def add_values(
    frames: Floats,
    differs: NDArray[np.bool_],
    first: int,
    ceiling: float,
    total: Floats,
    difference_sq: Floats,
    highest: Floats,
    second: Floats,
    highest_frame: Whole,
    n_at_ceiling: Whole,
) -> None:
    """Add frames of any numbers; parameters as `add_counts`, sums in the order of the frames."""
    n, n_pixels = frames.shape
    for start in range(0, n_pixels, _STRIP):
        for t in range(1, n):
            for x in range(start, min(start + _STRIP, n_pixels)):
                value = frames[t, x]
                total[x] += value
                if differs[t]:
                    difference_sq[x] += (value - frames[t - 1, x]) ** 2
                if value > highest[x]:
                    second[x] = highest[x]
                    highest[x] = value
                    highest_frame[x] = first + t - 1
                elif value > second[x]:
                    second[x] = value
                if value >= ceiling:
                    n_at_ceiling[x] += 1


@njit(cache=True)
def add_frames(frames: Counts | Floats, total: Whole | Floats) -> None:
    """Add frames, shape (t, pixels), in their order to a sum, shape (pixels,)."""
    n, n_pixels = frames.shape
    for start in range(0, n_pixels, _STRIP):
        for t in range(n):
            for x in range(start, min(start + _STRIP, n_pixels)):
                total[x] += frames[t, x]
