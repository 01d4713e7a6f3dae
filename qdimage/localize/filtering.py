"""The matched filter of a spot over a whole image, and its maxima: hot kernels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Single = NDArray[np.float32]


@njit(cache=True)
def _weighted(
    mean: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    slope: float,
    read: float,
    least: float,
    left_over: Single,
    weight: Single,
) -> None:
    for j in range(mean.shape[0]):
        for i in range(mean.shape[1]):
            level = background[j, i] + light[j, i]
            inverse = samples[j, i] / (slope * max(level, least) + read)
            weight[j, i] = inverse
            left_over[j, i] = inverse * (mean[j, i] - level)


@njit(cache=True)
def _correlate(image: Single, profile: Single, between: Single, out: Single) -> None:
    """Correlate with a symmetric profile along x and y; nothing is beyond the border."""
    height, width = image.shape
    reach = profile.shape[0] // 2
    for j in range(height):
        row, target = image[j], between[j]
        for i in range(width):
            target[i] = profile[reach] * row[i]
        for k in range(1, min(reach, width - 1) + 1):
            share = profile[reach + k]
            for i in range(width - k):
                target[i] += share * row[i + k]
            for i in range(width - k):
                target[i + k] += share * row[i]
    for j in range(height):
        target = out[j]
        row = between[j]
        for i in range(width):
            target[i] = profile[reach] * row[i]
        for k in range(1, reach + 1):
            share = profile[reach + k]
            if j + k < height:
                row = between[j + k]
                for i in range(width):
                    target[i] += share * row[i]
            if j - k >= 0:
                row = between[j - k]
                for i in range(width):
                    target[i] += share * row[i]


@njit(cache=True)
def matched_filter(
    mean: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    slope: float,
    read: float,
    least: float,
    profile: Array,
) -> tuple[Single, Single]:
    """Filter what light and background leave over by a spot that is a product of profiles.

    Parameters
    ----------
    mean, background, light : ndarray, shape (y, x)
    samples : ndarray of int, shape (y, x)
        Frames in each pixel; 0 where it is not usable.
    slope, read, least : float
        One-frame variance = slope * level + read; smallest level.
    profile : ndarray, shape (2 * reach + 1,)

    Returns
    -------
    ratio, information : ndarray of float32, shape (y, x)
        Signal over noise, and the inverse variance of the flux: ratio / sqrt(information) is the
        flux of a spot at the pixel.
    """
    shape = mean.shape
    left_over, weight = np.empty(shape, np.float32), np.empty(shape, np.float32)
    between = np.empty(shape, np.float32)
    ratio, information = np.empty(shape, np.float32), np.empty(shape, np.float32)
    _weighted(mean, samples, background, light, slope, read, least, left_over, weight)
    single = profile.astype(np.float32)
    _correlate(left_over, single, between, ratio)
    _correlate(weight, single * single, between, information)
    tiny = np.float32(1e-30)
    for j in range(shape[0]):
        for i in range(shape[1]):
            information[j, i] = max(information[j, i], tiny)
            ratio[j, i] /= np.sqrt(information[j, i])
    return ratio, information


@njit(cache=True)
def local_maxima(ratio: Single, threshold: float) -> Array:
    """Return the places of maxima among the eight neighbours, shape (n, 2), x and y.

    Each is moved to the top of the parabolas through it and its neighbours.
    """
    height, width = ratio.shape
    found = np.empty((ratio.size // 2 + 1, 2))
    n = 0
    for j in range(height):
        for i in range(width):
            value = ratio[j, i]
            if not value > threshold:
                continue
            highest = True
            for dj in range(-1, 2):
                for di in range(-1, 2):
                    y, x = j + dj, i + di
                    if 0 <= y < height and 0 <= x < width and (dj != 0 or di != 0):
                        before = dj < 0 or (dj == 0 and di < 0)
                        other = ratio[y, x]
                        if other > value or (before and other == value):
                            highest = False
            if highest:
                found[n, 0], found[n, 1] = i, j
                if 0 < i < width - 1:
                    found[n, 0] += _top(ratio[j, i - 1], value, ratio[j, i + 1])
                if 0 < j < height - 1:
                    found[n, 1] += _top(ratio[j - 1, i], value, ratio[j + 1, i])
                n += 1
    return found[:n].copy()


@njit(cache=True)
def _top(before: float, middle: float, after: float) -> float:
    """Offset of the top of the parabola through three neighbours, at most half a pixel."""
    curvature = 2.0 * middle - before - after
    if curvature <= 0.0:
        return 0.0
    return min(max(0.5 * (after - before) / curvature, -0.5), 0.5)
