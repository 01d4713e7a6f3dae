"""Pixels that stand out alone: the hot kernel, which takes medians only where they can matter."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_REACH = 2
_SIDE = 2 * _REACH + 1
_N_AROUND = _SIDE * _SIDE
_MIDDLE = _N_AROUND // 2
_TINY = 2.3e-308


@njit(cache=True)
def sharp_pixels(
    mean: Array, slope: float, read: float, threshold: float, tail: float, least_beside: float
) -> Mask:
    """Return which pixels stand out above the median around them, without their neighbours.

    Parameters
    ----------
    mean : ndarray, shape (y, x)
    slope, read : float
        Variance of a pixel of `mean` = slope * level + read.
    threshold : float
        In standard deviations above the median of the 5 x 5 pixels around.
    tail : float
        Further excess that noise reaches.
    least_beside : float
        Share of a pixel's excess that its four neighbours have on average beside any dot.
    """
    height, width = mean.shape
    sharp = np.zeros((height, width), np.bool_)
    lowest = mean.min()
    least = lowest + threshold * _spread(lowest, slope, read) + tail
    local = np.full((height, width), math.nan)
    values = np.empty(_N_AROUND)
    for j in range(height):
        for i in range(width):
            value = mean[j, i]
            if not value > least:
                continue
            highest = _highest_level(value - tail, threshold**2 * slope, threshold**2 * read)
            if not _mostly_below(mean, j, i, highest):
                continue
            level = _local_median(mean, j, i, local, values)
            sigma = _spread(level, slope, read)
            excess = value - level
            if not excess > threshold * sigma + tail:
                continue
            beside = 0.0
            for dj, di in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                y, x = _inside(j + dj, height), _inside(i + di, width)
                beside += 0.25 * (mean[y, x] - _local_median(mean, y, x, local, values))
            sharp[j, i] = beside + sigma < least_beside * excess
    return sharp


@njit(cache=True)
def _spread(level: float, slope: float, read: float) -> float:
    return max(math.sqrt(slope * max(level, 0.0) + read), _TINY)


@njit(cache=True)
def _highest_level(value: float, slope: float, read: float) -> float:
    """Level above which value - level > sqrt(slope * max(level, 0) + read) fails, rounded up."""
    above = 0.5 * (math.sqrt(slope**2 + 4.0 * max(slope * value + read, 0.0)) - slope)
    return max(value - above, min(value - math.sqrt(read), 0.0)) + 1e-9 * abs(value)


@njit(cache=True)
def _mostly_below(mean: Array, j: int, i: int, level: float) -> bool:
    """Whether the median around a pixel is at most a level."""
    height, width = mean.shape
    above = 0
    for y in range(j - _REACH, j + _REACH + 1):
        row = _inside(y, height)
        for x in range(i - _REACH, i + _REACH + 1):
            if mean[row, _inside(x, width)] > level:
                above += 1
                if above > _MIDDLE:
                    return False
    return True


@njit(cache=True)
def _local_median(mean: Array, j: int, i: int, known: Array, values: Array) -> float:
    """Return the median of the 5 x 5 pixels around one, mirrored at the border, and keep it."""
    if not math.isnan(known[j, i]):
        return float(known[j, i])
    height, width = mean.shape
    n = 0
    for y in range(j - _REACH, j + _REACH + 1):
        row = _inside(y, height)
        for x in range(i - _REACH, i + _REACH + 1):
            value = mean[row, _inside(x, width)]
            place = n
            while place > 0 and values[place - 1] > value:
                values[place] = values[place - 1]
                place -= 1
            values[place] = value
            n += 1
    known[j, i] = values[_MIDDLE]
    return float(values[_MIDDLE])


@njit(cache=True)
def _inside(index: int, length: int) -> int:
    """Mirror an index at the border, whose pixel is repeated."""
    while index < 0 or index >= length:
        index = -1 - index if index < 0 else 2 * length - 1 - index
    return index
