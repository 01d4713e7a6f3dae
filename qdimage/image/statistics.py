"""One pass over a stack: what every later decision about its pixels needs."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.domain.stack import Stack

_CHUNK_BYTES = 16 * 2**20
_MAX_TIME_BINS = 10


@dataclass(frozen=True)
class StackStatistics:
    """Per-pixel statistics of a stack in ADU.

    Attributes
    ----------
    n_frames : int
    total : ndarray, shape (y, x)
        Sum over frames.
    difference_sq : ndarray, shape (y, x)
        Sum of squared differences of successive frames.
    highest, second : ndarray, shape (y, x)
        The largest and the second largest value of each pixel.
    highest_frame : ndarray of int, shape (y, x)
        Frame of the largest value.
    n_at_ceiling : ndarray of int, shape (y, x)
        Frames at or above the ceiling.
    time_bins : ndarray, shape (b, y, x)
        Mean images of successive stretches of the stack, for the drift.
    bin_edges : ndarray of int, shape (b + 1,)
        First frames of these stretches.
    """

    n_frames: int
    total: NDArray[np.float64]
    difference_sq: NDArray[np.float64]
    highest: NDArray[np.float64]
    second: NDArray[np.float64]
    highest_frame: NDArray[np.int64]
    n_at_ceiling: NDArray[np.int64]
    time_bins: NDArray[np.float64]
    bin_edges: NDArray[np.int64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over frames, ADU."""
        return self.total / self.n_frames

    @property
    def temporal_variance(self) -> NDArray[np.float64]:
        """Variance of one frame from successive differences, in which slow changes cancel."""
        return self.difference_sq / (2 * max(self.n_frames - 1, 1))


@njit(cache=True)
def _accumulate(
    frames: NDArray[np.float64],
    first: int,
    ceiling: float,
    previous: NDArray[np.float64],
    total: NDArray[np.float64],
    bin_total: NDArray[np.float64],
    difference_sq: NDArray[np.float64],
    highest: NDArray[np.float64],
    second: NDArray[np.float64],
    highest_frame: NDArray[np.int64],
    n_at_ceiling: NDArray[np.int64],
) -> None:
    n_frames, height, width = frames.shape
    for t in range(n_frames):
        for y in range(height):
            for x in range(width):
                value = frames[t, y, x]
                total[y, x] += value
                bin_total[y, x] += value
                if first + t > 0:
                    difference_sq[y, x] += (value - previous[y, x]) ** 2
                previous[y, x] = value
                if value > highest[y, x]:
                    second[y, x] = highest[y, x]
                    highest[y, x] = value
                    highest_frame[y, x] = first + t
                elif value > second[y, x]:
                    second[y, x] = value
                if value >= ceiling:
                    n_at_ceiling[y, x] += 1


def chunk_frames(stack: Stack) -> int:
    """Frames to hold in memory at once."""
    _, height, width = stack.shape
    return max(1, _CHUNK_BYTES // (8 * height * width))


def stack_statistics(stack: Stack, *, ceiling_adu: float) -> StackStatistics:
    """Read a stack once, in bounded memory.

    Parameters
    ----------
    stack : Stack
    ceiling_adu : float
        Value from which a pixel counts as saturated.
    """
    n_frames, height, width = stack.shape
    n_bins = max(1, min(_MAX_TIME_BINS, n_frames // 2))
    edges = np.linspace(0, n_frames, n_bins + 1).astype(np.int64)
    shape = (height, width)
    total, difference_sq, previous = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    highest, second = np.full(shape, -np.inf), np.full(shape, -np.inf)
    highest_frame, at_ceiling = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    time_bins = np.zeros((n_bins, height, width))
    step = chunk_frames(stack)
    for index, (start, stop) in enumerate(pairwise(edges)):
        for first in range(int(start), int(stop), step):
            frames = stack.reader(first, min(first + step, int(stop))).astype(np.float64)
            _accumulate(
                frames,
                first,
                ceiling_adu,
                previous,
                total,
                time_bins[index],
                difference_sq,
                highest,
                second,
                highest_frame,
                at_ceiling,
            )
        time_bins[index] /= stop - start
    return StackStatistics(
        n_frames,
        total,
        difference_sq,
        highest,
        second,
        highest_frame,
        at_ceiling,
        time_bins,
        edges,
    )
