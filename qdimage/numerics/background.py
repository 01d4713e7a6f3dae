"""A smooth background under sparse spots."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_CLIP_SIGMA = 5.0
_ITERATIONS = 20
# Far below one electron per pixel, lone electrons are outside five standard deviations and make up
# most of the light. An EM register's output for one of them falls off as exp(-x): of its charge
# (1 + x) exp(-x) = 0.7 % lie above x = 7 electrons, which are 3.5 variance slopes.
_LONE_ELECTRON = 3.5
_MIN_USABLE_SHARE = 0.2
# Pixels of a box that say where to begin; the mean is of all of them.
_START_SAMPLE = 128
# Iteration ends at this share of the noise of the quietest pixel.
_SETTLED_SIGMA = 1e-3
# The Gaussian is not quite the spot: this share of its light may stay.
_LEFT_OVER_SHARE = 0.05

_DARK = np.empty((0, 0))


def smooth_background(
    image: Array,
    n_samples: NDArray[np.int32],
    *,
    box_px: int,
    variance_slope: float,
    read_variance: float,
    light: Array | None = None,
) -> Array:
    """Return a background map: clipped means of boxes, interpolated linearly.

    Values that differ from the box's mean by more than five standard deviations of the camera's
    noise are left out until nothing changes, but none that a lone electron can explain. The mean,
    unlike the median, does not break down at a fraction of a photon per pixel.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Mean over frames.
    n_samples : ndarray of int, shape (y, x)
        Frames in each pixel; 0 where it is not usable.
    box_px : int
        Side of a box; at least one box is used along each axis.
    variance_slope, read_variance : float
        One-frame variance = slope * mean + read variance.
    light : ndarray, shape (y, x), optional
        Of fitted spots, to be taken off first; what it leaves over counts as noise.
    """
    rows = _edges(image.shape[0], box_px)
    columns = _edges(image.shape[1], box_px)
    mesh = _clipped_means(
        image,
        n_samples,
        _DARK if light is None else light,
        rows,
        columns,
        variance_slope,
        read_variance,
    )
    mesh = _fill_missing(mesh)
    return np.asarray(
        _interpolation(rows, image.shape[0]) @ mesh @ _interpolation(columns, image.shape[1]).T
    )


def _edges(length: int, box: int) -> NDArray[np.int64]:
    return np.linspace(0, length, max(1, round(length / box)) + 1).round().astype(np.int64)


@njit(cache=True)
def _clipped_means(
    image: Array,
    n_samples: NDArray[np.int32],
    light: Array,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    slope: float,
    read: float,
) -> Array:
    mesh = np.full((rows.shape[0] - 1, columns.shape[0] - 1), np.nan)
    largest = np.diff(rows).max() * np.diff(columns).max()
    values, share, added = np.empty(largest), np.empty(largest), np.empty(largest)
    for j in range(mesh.shape[0]):
        for i in range(mesh.shape[1]):
            n = 0
            for y in range(rows[j], rows[j + 1]):
                for x in range(columns[i], columns[i + 1]):
                    if n_samples[y, x] > 0:
                        values[n] = image[y, x]
                        share[n] = 1.0 / n_samples[y, x]
                        added[n] = 0.0
                        if light.size:
                            values[n] -= light[y, x]
                            added[n] = slope * light[y, x] * share[n]
                            added[n] += (_LEFT_OVER_SHARE * light[y, x]) ** 2
                        n += 1
            size = (rows[j + 1] - rows[j]) * (columns[i + 1] - columns[i])
            if n > 0 and n >= _MIN_USABLE_SHARE * size:
                mesh[j, i] = _clipped_mean(values[:n], share[:n], added[:n], slope, read)
    return mesh


@njit(cache=True)
def _start(values: Array) -> float:
    """Median of a sample, or the mean of its darker three quarters if that is higher.

    The median of a discrete, skewed distribution can be far too low.
    """
    ordered = np.sort(values[:: max(1, values.size // _START_SAMPLE)])
    darker = ordered[: max(1, (3 * ordered.size) // 4)]
    return float(max(ordered[ordered.size // 2], darker.mean()))


@njit(cache=True)
def _clipped_mean(values: Array, share: Array, added: Array, slope: float, read: float) -> float:
    """Return the clipped mean; `share` is one over each pixel's frames."""
    level = _start(values)
    narrowest = share.min()
    even = narrowest == share.max() and added.max() == 0.0
    for _ in range(_ITERATIONS):
        one_frame = slope * max(level, 0.0) + read
        if even:
            change = _even_change(values, level, one_frame * narrowest, slope * narrowest)
        else:
            change = _change(values, level, share, added, one_frame, slope)
        level += change
        if abs(change) < _SETTLED_SIGMA * np.sqrt(one_frame * narrowest):
            break
    return level


@njit(cache=True)
def _even_change(values: Array, level: float, variance: float, slope: float) -> float:
    """Mean distance from the level of values within reach, where all have one variance."""
    reach = _CLIP_SIGMA * np.sqrt(variance)
    lowest, highest = level - reach, level + reach + _LONE_ELECTRON * slope
    total, n = 0.0, 0.0
    for k in range(values.size):
        if lowest <= values[k] <= highest:
            total += values[k] - level
            n += 1.0
    return total / n if n > 0.0 else 0.0


@njit(cache=True)
def _change(
    values: Array, level: float, share: Array, added: Array, one_frame: float, slope: float
) -> float:
    """Weighted mean distance from the level of values within reach."""
    total, weight = 0.0, 0.0
    for k in range(values.size):
        variance = one_frame * share[k] + added[k]
        off = values[k] - level
        beyond = max(off - _LONE_ELECTRON * slope * share[k], 0.0) if off > 0 else off
        if beyond * beyond <= _CLIP_SIGMA**2 * variance:
            inverse = 1.0 / variance
            total += off * inverse
            weight += inverse
    return total / weight if weight > 0.0 else 0.0


def _fill_missing(mesh: Array) -> Array:
    missing = np.isnan(mesh)
    return np.where(missing, np.nanmedian(mesh) if not missing.all() else 0.0, mesh)


def _interpolation(edges: NDArray[np.int64], length: int) -> Array:
    """Matrix (length, boxes) that interpolates linearly between box centres, and beyond them."""
    centres = (edges[:-1] + edges[1:] - 1) / 2
    n_boxes = len(centres)
    matrix = np.zeros((length, n_boxes))
    if n_boxes == 1:
        matrix[:] = 1.0
        return matrix
    position = np.arange(length)
    left = np.clip(np.searchsorted(centres, position) - 1, 0, n_boxes - 2)
    share = (position - centres[left]) / (centres[left + 1] - centres[left])
    matrix[position, left] = 1 - share
    matrix[position, left + 1] = share
    return matrix
