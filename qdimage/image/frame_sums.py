"""Frames of a stack added up, each at its place; and what its halves differ by."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.domain.stack_change import StackChange
from qdimage.image.statistics import StackStatistics, stretch_sums

Array = NDArray[np.float64]
Counts = NDArray[np.int32]
Mask = NDArray[np.bool_]

_FEWEST_FRAMES = 4
# Share of the frames, but one, that a pixel has where nothing moved out of it.
_NEARLY_ALL = 0.99


@dataclass(frozen=True)
class FrameSums:
    """Sums over frames in ADU, without hits of cosmic rays, and how many frames entered.

    Attributes
    ----------
    total, count : ndarray, shape (y, x)
        Of all frames.
    late, n_late : ndarray, shape (y, x)
        Of those of the second half.
    off_place : ndarray of float32, shape (4, y, x)
        As in `StackChange`, in ADU; without elements where no drift was seen.
    """

    total: Array
    count: Counts
    late: Array
    n_late: Counts
    off_place: NDArray[np.float32]

    @property
    def mean(self) -> Array:
        """Mean over the frames that entered."""
        return self.total / np.maximum(self.count, 1)

    def change(self, scale: float, n_frames: int) -> StackChange | None:
        """Return the change in units of `scale` ADU^-1; None of stacks that are too short."""
        if n_frames < _FEWEST_FRAMES:
            return None
        n_early = self.count - self.n_late
        difference = self.late / np.maximum(self.n_late, 1)
        difference -= (self.total - self.late) / np.maximum(n_early, 1)
        difference *= scale
        samples = self.n_late / np.maximum(self.count, 1) * n_early
        with np.errstate(over="ignore", invalid="ignore"):
            off_place = self.off_place * np.float32(scale)
            images = np.concatenate([difference[np.newaxis].astype(np.float32), off_place])
        # A cosmic ray takes one frame; where drift takes more, the halves show other parts of a
        # dot. Numbers that no camera makes may be too large for these images.
        few = self.count + 1 < _NEARLY_ALL * self.count.max(initial=0)
        unknown = few | ~np.all(np.isfinite(images), axis=0)
        images[:, unknown], samples[unknown] = 0.0, 0.0
        return StackChange(images[0], samples.astype(np.float32), images[1:])


def still_sums(
    statistics: StackStatistics, *, excluded: Mask, cosmic: Mask, off_px: Array, bias: float
) -> FrameSums:
    """Add frames that stay where they are.

    Parameters
    ----------
    statistics : StackStatistics
    excluded : ndarray of bool, shape (y, x)
        Pixels to leave out.
    cosmic : ndarray of bool, shape (y, x)
        Pixels whose largest value is to be left out.
    off_px : ndarray, shape (t, 2)
        (x, y) of how far each frame is off the mean place.
    bias : float
        Camera output without light.
    """
    n_frames, half = statistics.n_frames, statistics.half
    hit = np.where(cosmic, statistics.highest, 0.0)
    is_late = statistics.highest_frame >= half
    count = np.where(excluded, 0, n_frames - cosmic).astype(np.int32)
    n_late = np.where(excluded, 0, n_frames - half - (cosmic & is_late)).astype(np.int32)
    off_place = np.zeros((4 if off_px.any() else 0, *hit.shape), np.float32)
    if len(off_place):
        factors = _factors(off_px, half)
        for (start, stop), image in zip(
            pairwise(statistics.bin_edges.tolist()), statistics.time_bins, strict=True
        ):
            _add_off_place(off_place, factors[start:stop].sum(axis=0), image - bias)
    return FrameSums(
        statistics.total - hit, count, statistics.late - hit * is_late, n_late, off_place
    )


def moved_sums(
    stack: Stack,
    whole: NDArray[np.int64],
    statistics: StackStatistics,
    *,
    excluded: Mask,
    cosmic: Mask,
    off_px: Array,
    bias: float,
) -> FrameSums:
    """Add frames, each moved back by its whole-pixel drift; further parameters as `still_sums`.

    Parameters
    ----------
    stack : Stack
        Read a second time.
    whole : ndarray of int, shape (t, 2)
        (x, y) by which to move each frame back.
    """
    _, height, width = stack.shape
    half = statistics.half
    total, late = np.zeros((2, height, width))
    count, n_late = np.zeros((2, height, width), np.int32)
    off_place = np.zeros((4, height, width), np.float32)
    factors = _factors(off_px, half)
    moves = np.flatnonzero(np.any(np.diff(whole, axis=0), axis=1)) + 1
    cuts = np.unique([0, half, *moves.tolist(), *statistics.bin_edges.tolist()])
    stretches = list(pairwise(cuts.tolist()))
    for (start, stop), in_stretch in zip(stretches, stretch_sums(stack, stretches), strict=True):
        frame = statistics.highest_frame
        hit = cosmic & (start <= frame) & (frame < stop)
        light = np.where(excluded, 0.0, in_stretch - np.where(hit, statistics.highest, 0.0))
        entered = np.where(excluded, 0, stop - start - hit).astype(np.int32)
        target, source = _overlap(whole[start], height, width)
        total[target] += light[source]
        count[target] += entered[source]
        if start >= half:
            late[target] += light[source]
            n_late[target] += entered[source]
        per_frame = (light / (stop - start) - bias)[source]
        _add_off_place(off_place[:, *target], factors[start:stop].sum(axis=0), per_frame)
    return FrameSums(total, count, late, n_late, off_place)


def _factors(off_px: Array, half: int) -> Array:
    """Factor (t, 4) of each frame in the images of `StackChange.off_place`."""
    n_frames = len(off_px)
    share = np.full((n_frames, 1), -1.0 / max(half, 1))
    share[half:] = 1.0 / (n_frames - half)
    return np.hstack([share * off_px, off_px / n_frames])


def _add_off_place(off_place: NDArray[np.float32], factors: Array, light: Array) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        for image, factor in zip(off_place, factors, strict=True):
            image += (factor * light).astype(np.float32)


def _overlap(
    drift: NDArray[np.int64], height: int, width: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Slices of the moved and of the original frame that show the same place."""
    dx, dy = int(drift[0]), int(drift[1])
    target = (
        slice(max(0, -dy), min(height, height - dy)),
        slice(max(0, -dx), min(width, width - dx)),
    )
    source = (
        slice(max(0, dy), min(height, height + dy)),
        slice(max(0, dx), min(width, width + dx)),
    )
    return target, source
