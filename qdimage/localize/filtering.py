"""The matched filter of a spot over a whole image, and its maxima: hot kernels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Single = NDArray[np.float32]


def matched_filter(
    mean: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    slope: float,
    read: float,
    least: float,
    profile: Array,
    out: Single | None = None,
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
    out : ndarray of float32, shape (2, y, x), optional
        Room for the answer.

    Returns
    -------
    ratio, information : ndarray of float32, shape (y, x)
        Signal over noise, and the inverse variance of the flux: ratio / sqrt(information) is the
        flux of a spot at the pixel.
    """
    ratio, information = np.empty((2, *mean.shape), np.float32) if out is None else out
    single = profile.astype(np.float32)
    _filter_rows(mean, samples, background, light, slope, read, least, single, ratio, information)
    return ratio, information


@njit(cache=True)
def _filter_rows(
    mean: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    slope: float,
    read: float,
    least: float,
    profile: Single,
    ratio: Single,
    information: Single,
) -> None:
    """Fill signal over noise and information row by row, with no more rows held than are needed.

    Nothing is beyond the border.
    """
    height, width = mean.shape
    size = profile.shape[0]
    reach = size // 2
    square = profile * profile
    signals, weights = np.empty((size, width), np.float32), np.empty((size, width), np.float32)
    left_over = np.zeros(width + 2 * reach, np.float32)
    weight = np.zeros(width + 2 * reach, np.float32)
    for j in range(height + reach):
        if j < height:
            _weigh_row(
                mean[j],
                samples[j],
                background[j],
                light[j],
                slope,
                read,
                least,
                left_over[reach : reach + width],
                weight[reach : reach + width],
            )
            _along(signals[j % size], left_over, profile, reach)
            _along(weights[j % size], weight, square, reach)
        row = j - reach
        if row >= 0:
            _across(ratio[row], signals, profile, row, height)
            _across(information[row], weights, square, row, height)
            _divide(ratio[row], information[row])


@njit(cache=True)
def _weigh_row(
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
    for i in range(mean.shape[0]):
        level = background[i] + light[i]
        inverse = samples[i] / (slope * max(level, least) + read)
        weight[i] = inverse
        left_over[i] = inverse * (mean[i] - level)


@njit(cache=True)
def _along(target: Single, padded: Single, profile: Single, reach: int) -> None:
    """Correlate a row, padded by zeros, with a symmetric profile."""
    width = target.shape[0]
    middle = padded[reach : reach + width]
    for i in range(width):
        target[i] = profile[reach] * middle[i]
    for k in range(1, reach + 1):
        share = profile[reach + k]
        before, after = padded[reach - k : reach - k + width], padded[reach + k :]
        for i in range(width):
            target[i] += share * (before[i] + after[i])


@njit(cache=True)
def _across(target: Single, rows: Single, profile: Single, row: int, height: int) -> None:
    """Correlate columns, of which the rows in reach are held, with a symmetric profile."""
    size = profile.shape[0]
    reach, width = size // 2, target.shape[0]
    middle = rows[row % size]
    for i in range(width):
        target[i] = profile[reach] * middle[i]
    for k in range(1, reach + 1):
        share = profile[reach + k]
        if row - k >= 0 and row + k < height:
            before, after = rows[(row - k) % size], rows[(row + k) % size]
            for i in range(width):
                target[i] += share * (before[i] + after[i])
        elif row - k >= 0 or row + k < height:
            only = rows[(row - k if row - k >= 0 else row + k) % size]
            for i in range(width):
                target[i] += share * only[i]


@njit(cache=True)
def _divide(ratio: Single, information: Single) -> None:
    tiny = np.float32(1e-30)
    for i in range(ratio.shape[0]):
        information[i] = max(information[i], tiny)
        ratio[i] /= np.sqrt(information[i])


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


@njit(cache=True)
def near_mask(
    mask: NDArray[np.bool_], row: NDArray[np.int64], column: NDArray[np.int64], reach: int
) -> NDArray[np.bool_]:
    """Whether any pixel of a mask is within reach of each place along both axes."""
    near = np.zeros(row.shape[0], np.bool_)
    for k in range(row.shape[0]):
        top, left = max(row[k] - reach, 0), max(column[k] - reach, 0)
        near[k] = mask[top : row[k] + reach + 1, left : column[k] + reach + 1].any()
    return near
