"""One pass over a stack: what every later decision about its pixels needs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.image.statistics_kernels import add_counts, add_frames, add_values

_CHUNK_BYTES = 16 * 2**20
_MOST_FRAMES = 2**15
_MAX_TIME_BINS = 10
_LARGEST_COUNT = 2**16 - 1
# Some hundred differences tell the noise well enough; of longer stacks some stretches are taken.
_MOST_DIFFERENCES, _STRETCH = 512, 8


@dataclass(frozen=True)
class StackStatistics:
    """Per-pixel statistics of a stack in ADU.

    Attributes
    ----------
    n_frames : int
    total : ndarray, shape (y, x)
        Sum over frames.
    late : ndarray, shape (y, x)
        Sum over the frames of the second half, from `half` on.
    difference_sq : ndarray, shape (y, x)
        Sum of squared differences of successive frames.
    n_differences : int
        How many differences that are.
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
    late: NDArray[np.float64]
    difference_sq: NDArray[np.float64]
    n_differences: int
    highest: NDArray[np.float64]
    second: NDArray[np.float64]
    highest_frame: NDArray[np.int64]
    n_at_ceiling: NDArray[np.int64]
    time_bins: NDArray[np.float64]
    bin_edges: NDArray[np.int64]

    @property
    def half(self) -> int:
        """First frame of the second half."""
        return self.n_frames // 2

    @property
    def mean(self) -> NDArray[np.float64]:
        """Mean over frames, ADU."""
        return self.total / self.n_frames

    @property
    def temporal_variance(self) -> NDArray[np.float64]:
        """Variance of one frame from successive differences, in which slow changes cancel."""
        return self.difference_sq / (2 * max(self.n_differences, 1))


def chunk_frames(stack: Stack) -> int:
    """Frames to hold in memory at once."""
    _, height, width = stack.shape
    return int(np.clip(_CHUNK_BYTES // (8 * height * width), 1, _MOST_FRAMES))


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
    sums = _Sums(stack, ceiling_adu)
    time_bins = np.zeros((n_bins, height, width))
    total, late = np.zeros((2, height, width))
    for index, (start, stop) in enumerate(pairwise(edges.tolist())):
        in_bin: NDArray[Any] = np.zeros((height, width), sums.sum_type)
        for first, last in pairwise(sorted({start, stop, min(max(n_frames // 2, start), stop)})):
            added = sums.add_bin(first, last).reshape(height, width)
            in_bin += added
            if first >= n_frames // 2:
                late += added
        total += in_bin
        time_bins[index] = in_bin / (stop - start)
    return StackStatistics(
        n_frames,
        total,
        late,
        n_differences=int(sums.differs.sum()),
        **sums.images(),
        time_bins=time_bins,
        bin_edges=edges,
    )


def stretch_sums(
    stack: Stack, stretches: Sequence[tuple[int, int]]
) -> Iterator[NDArray[np.float64]]:
    """Yield the sum of the frames ``start <= t < stop`` of each stretch, shape (y, x)."""
    counted = _is_counted(stack)
    block = np.zeros((chunk_frames(stack), *stack.shape[1:]), np.uint16 if counted else np.float64)
    for start, stop in stretches:
        total: NDArray[Any] = np.zeros(block[0].size, np.int64 if counted else np.float64)
        for first in range(start, stop, len(block)):
            frames = block[: min(len(block), stop - first)]
            stack.fill(first, frames)
            add_frames(frames.reshape(len(frames), -1), total)
        yield total.reshape(stack.shape[1:]).astype(np.float64)


def _is_counted(stack: Stack) -> bool:
    return stack.dtype.kind == "u" and stack.dtype.itemsize <= 2


class _Sums:
    """What is added up over a stack, in whole numbers where it holds such."""

    def __init__(self, stack: Stack, ceiling_adu: float) -> None:
        n_pixels = stack.shape[1] * stack.shape[2]
        self.stack = stack
        self.counted = _is_counted(stack)
        value, lowest = (np.uint16, 0) if self.counted else (np.float64, -np.inf)
        self.sum_type: type = np.int64 if self.counted else np.float64
        self.ceiling: Any = ceiling_adu
        if self.counted:
            self.ceiling = int(np.ceil(np.clip(ceiling_adu, 0, _LARGEST_COUNT + 1)))
        number = np.arange(stack.shape[0])
        every = -(-len(number) // _MOST_DIFFERENCES)
        self.differs = (number // _STRETCH % every == 0) & (number > 0)
        # One block for all frames, after the one before them.
        self.frames: NDArray[Any] = np.zeros((1 + chunk_frames(stack), *stack.shape[1:]), value)
        self.difference_sq: NDArray[Any] = np.zeros(n_pixels, self.sum_type)
        self.highest: NDArray[Any] = np.full(n_pixels, lowest, value)
        self.second = self.highest.copy()
        self.highest_frame, self.n_at_ceiling = np.zeros((2, n_pixels), np.int64)

    def add_bin(self, start: int, stop: int) -> NDArray[Any]:
        """Add frames ``start <= t < stop``, and return their sum, shape (pixels,)."""
        total: NDArray[Any] = np.zeros(self.highest.size, self.sum_type)
        add = add_counts if self.counted else add_values
        step = len(self.frames) - 1
        for first in range(start, stop, step):
            block = self.frames[: 1 + min(step, stop - first)]
            self.stack.fill(first, block[1:])
            differs = np.zeros(len(block), np.bool_)
            differs[1:] = self.differs[first : first + len(block) - 1]
            add(
                block.reshape(len(block), -1),
                differs,
                first,
                self.ceiling,
                total,
                self.difference_sq,
                self.highest,
                self.second,
                self.highest_frame,
                self.n_at_ceiling,
            )
            self.frames[0] = block[-1]
        return total

    def images(self) -> dict[str, NDArray[Any]]:
        """Return the sums over all frames as fields of `StackStatistics`."""
        images: dict[str, NDArray[Any]] = {
            name: getattr(self, name).astype(np.float64).reshape(self.stack.shape[1:])
            for name in ("difference_sq", "highest", "second")
        }
        for name in ("highest_frame", "n_at_ceiling"):
            images[name] = getattr(self, name).reshape(self.stack.shape[1:])
        return images
