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
# The Gaussian is not quite the spot: this share of its light may stay.
_LEFT_OVER_SHARE = 0.05


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
    light = np.zeros_like(image) if light is None else light
    extra = variance_slope * light / np.maximum(n_samples, 1) + (_LEFT_OVER_SHARE * light) ** 2
    mesh = _clipped_means(
        image - light, n_samples, extra, rows, columns, variance_slope, read_variance
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
    extra: Array,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    slope: float,
    read: float,
) -> Array:
    mesh = np.full((rows.shape[0] - 1, columns.shape[0] - 1), np.nan)
    for j in range(mesh.shape[0]):
        for i in range(mesh.shape[1]):
            y0, y1, x0, x1 = rows[j], rows[j + 1], columns[i], columns[i + 1]
            values = image[y0:y1, x0:x1].copy().ravel()
            samples = n_samples[y0:y1, x0:x1].copy().ravel()
            added = extra[y0:y1, x0:x1].copy().ravel()
            usable = samples > 0
            if usable.sum() >= _MIN_USABLE_SHARE * usable.size:
                mesh[j, i] = _clipped_mean(
                    values[usable], samples[usable], added[usable], slope, read
                )
    return mesh


@njit(cache=True)
def _clipped_mean(
    values: Array, samples: NDArray[np.int32], added: Array, slope: float, read: float
) -> float:
    # The median of a discrete, skewed distribution can be far too low: start no lower than
    # the mean of the darker three quarters.
    ordered = np.sort(values)
    darker = ordered[: max(1, (3 * values.size) // 4)]
    level = float(max(np.median(values), np.mean(darker)))
    for _ in range(_ITERATIONS):
        total, weight, narrowest = 0.0, 0.0, float(np.inf)
        for k in range(values.size):
            sigma = np.sqrt((slope * max(level, 0.0) + read) / samples[k] + added[k])
            narrowest = min(narrowest, sigma)
            reach = _CLIP_SIGMA * sigma
            if -reach <= values[k] - level <= reach + _LONE_ELECTRON * slope / samples[k]:
                total += values[k] / sigma**2
                weight += 1.0 / sigma**2
        if weight == 0.0:
            return level
        change = total / weight - level
        level = float(level + change)
        if abs(change) < 1e-3 * narrowest:
            break
    return level


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
