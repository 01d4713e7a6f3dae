"""Means and variances of pixels from pairs of frames, with what all pixels share taken out."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.image.statistics import chunk_frames

Floats = NDArray[np.float64]

_LARGEST_HISTOGRAM = 2**16
_OUTLIER_SIGMA = 20.0
_SAMPLED_PIXELS = 20_000
_MAD_TO_SIGMA = 1.4826
_NOISE_MARGIN = 2.0
_PILE_REACH = 50
_PILE_RATIO = 20.0


@dataclass(frozen=True)
class StackSurvey:
    """What one pass over a stack gives, in ADU.

    Attributes
    ----------
    mean : ndarray, shape (y, x)
    frame_means : ndarray, shape (t,)
    values : ndarray of int, shape (65536,), or None
        How often each value occurs; None where the values are no unsigned 16-bit integers.
    """

    mean: Floats
    frame_means: Floats
    values: NDArray[np.int64] | None


@dataclass(frozen=True)
class PairStatistics:
    """Per-pixel statistics of pairs of successive frames, in ADU.

    Frames 2k and 2k + 1 are a pair; pairs of even and of odd k are two independent halves of the
    stack, so that pixels can be sorted by the one and judged by the other. From each difference
    the part is taken out that all pixels share: a constant and a multiple of the mean image, as a
    shifting bias level and flickering light give.

    Attributes
    ----------
    n_pairs : tuple of int
        Pairs in each half.
    mean : ndarray, shape (2, y, x)
        Mean over each half's frames.
    variance : ndarray, shape (2, y, x)
        Variance of one frame: the mean of half the squared differences.
    largest : ndarray, shape (y, x)
        Largest absolute difference.
    covariance : ndarray, shape (2, y, x)
        Covariance of a frame's pixel with its right, and with its lower neighbour; 0 beyond the
        edge. Noise of light and camera has none.
    slow : ndarray, shape (y, x)
        Variance of the pairs' means; that of noise is half of `variance`.
    n_at_ceiling : ndarray of int, shape (y, x)
        Frames at or above the ceiling.
    ceiling_adu : float
        As given, or lower where values pile up.
    flicker : float
        Relative standard deviation of the light from frame to frame that was taken out.
    survey : StackSurvey
    """

    n_pairs: tuple[int, int]
    mean: Floats
    variance: Floats
    largest: Floats
    covariance: Floats
    slow: Floats
    n_at_ceiling: NDArray[np.int64]
    ceiling_adu: float
    flicker: float
    survey: StackSurvey

    @property
    def n_all(self) -> int:
        """Pairs in both halves."""
        return sum(self.n_pairs)

    @property
    def pooled_variance(self) -> Floats:
        """Variance of one frame from all pairs, shape (y, x)."""
        return np.asarray(np.tensordot(self.n_pairs, self.variance, 1) / self.n_all)

    @property
    def pooled_mean(self) -> Floats:
        """Mean over all pairs, shape (y, x)."""
        return np.asarray(np.tensordot(self.n_pairs, self.mean, 1) / self.n_all)


def survey_stack(stack: Stack) -> StackSurvey:
    """Read a stack once, in bounded memory."""
    n_frames, height, width = stack.shape
    total = np.zeros((height, width))
    frame_means = np.zeros(n_frames)
    counted = stack.dtype.kind == "u" and stack.dtype.itemsize <= 2
    values = np.zeros(_LARGEST_HISTOGRAM, np.int64) if counted else None
    for first, block in stack.blocks(chunk_frames(stack)):
        frame_means[first : first + len(block)] = block.mean(axis=(1, 2), dtype=np.float64)
        total += block.sum(axis=0, dtype=np.float64)
        if values is not None:
            values += np.bincount(block.ravel(), minlength=_LARGEST_HISTOGRAM)
    return StackSurvey(total / n_frames, frame_means, values)


def frame_pairs(stack: Stack) -> Iterator[tuple[Floats, Floats]]:
    """Yield the pairs (2k, 2k + 1) of frames as ADU, in bounded memory."""
    step = 2 * max(1, chunk_frames(stack) // 2)
    n_frames = stack.shape[0] - stack.shape[0] % 2
    for start in range(0, n_frames, step):
        block: NDArray[Any] = stack.reader(start, min(start + step, n_frames))
        frames = block.astype(np.float64)
        for index in range(0, len(frames), 2):
            yield frames[index], frames[index + 1]


def pair_statistics(stack: Stack, *, ceiling_adu: float) -> PairStatistics:
    """Read a stack twice, in bounded memory; it has two frames at least.

    Parameters
    ----------
    stack : Stack
    ceiling_adu : float
        Value from which a pixel counts as saturated.
    """
    survey = survey_stack(stack)
    if survey.values is not None:
        ceiling_adu = min(ceiling_adu, _pile_up(survey.values))
    shape = survey.mean.shape
    pattern = survey.mean - survey.mean.mean()
    power = float(np.sum(pattern**2))
    sums, squares = np.zeros((2, *shape)), np.zeros((2, *shape))
    covariance = np.zeros((2, *shape))
    slow, largest = np.zeros(shape), np.zeros(shape)
    at_ceiling = np.zeros(shape, np.int64)
    counts, shares = [0, 0], []
    for index, (first, second) in enumerate(frame_pairs(stack)):
        difference = second - first
        middle = (first + second) / 2 - survey.mean
        constant, share = _shared(difference, pattern, power)
        shares.append(share)
        difference -= constant + share * pattern
        constant, share = _shared(middle, pattern, power)
        middle -= constant + share * pattern
        half = index % 2
        counts[half] += 1
        _accumulate(difference, middle, squares[half], covariance, slow, largest)
        sums[half] += first + second
        at_ceiling += (first >= ceiling_adu).astype(np.int64) + (second >= ceiling_adu)
    n_all = sum(counts)
    each = np.maximum(counts, 1)[:, np.newaxis, np.newaxis]
    noise = 0.0
    if power > 0:
        noise = float(np.sum(pattern**2 * squares.sum(axis=0))) / (2 * n_all * power**2)
    return PairStatistics(
        n_pairs=(counts[0], counts[1]),
        mean=sums / (2 * each),
        variance=squares / (2 * each),
        largest=largest,
        covariance=covariance / (2 * n_all),
        slow=slow / max(n_all - 1, 1),
        n_at_ceiling=at_ceiling,
        ceiling_adu=ceiling_adu,
        flicker=math.sqrt(max(float(np.mean(np.square(shares))) / 2 - _NOISE_MARGIN * noise, 0.0)),
        survey=survey,
    )


def _pile_up(values: NDArray[np.int64]) -> float:
    """Return the largest value where it is far more frequent than those below, else infinity."""
    largest = int(np.flatnonzero(values)[-1])
    below = values[max(0, largest - _PILE_REACH) : largest]
    usual = float(below.mean()) if below.size else 0.0
    piled = values[largest] > _PILE_RATIO * (usual + 1.0)
    return float(largest) if piled else float("inf")


def _shared(image: Floats, pattern: Floats, power: float) -> tuple[float, float]:
    """Least-squares constant and multiple of the pattern (mean 0); outliers are drawn in."""
    flat = image.ravel()
    sample = flat[:: max(1, flat.size // _SAMPLED_PIXELS)]
    centre = float(np.median(sample))
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(sample - centre)))
    # Bright pixels are noisier than the typical one: the limit is far out.
    reach = _OUTLIER_SIGMA * max(sigma, 1.0) + 0.1 * np.abs(pattern)
    drawn_in = np.clip(image, centre - reach, centre + reach)
    share = float(np.sum(drawn_in * pattern)) / power if power > 0 else 0.0
    return float(drawn_in.mean()), share


@njit(cache=True)
def _accumulate(
    difference: Floats,
    middle: Floats,
    squares: Floats,
    covariance: Floats,
    slow: Floats,
    largest: Floats,
) -> None:
    height, width = difference.shape
    for y in range(height):
        for x in range(width):
            here = difference[y, x]
            squares[y, x] += here * here
            slow[y, x] += middle[y, x] * middle[y, x]
            largest[y, x] = max(largest[y, x], abs(here))
            if x + 1 < width:
                covariance[0, y, x] += here * difference[y, x + 1]
            if y + 1 < height:
                covariance[1, y, x] += here * difference[y + 1, x]
