"""A smooth background under sparse spots."""

import math
from typing import NamedTuple

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
_START_SAMPLE = 64
# Iteration ends at this share of the noise of the quietest pixel.
_SETTLED_SIGMA = 1e-3
# Weights stay while the background's variance changes by no more than this share.
_SAME_VARIANCE = 0.1
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
    out: Array | None = None,
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
    out : ndarray, shape (y, x), optional
        Room for the answer.
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
    out = np.empty_like(image) if out is None else out
    along_y = _interpolation(rows, image.shape[0])
    along_x = _interpolation(columns, image.shape[1])
    np.matmul(along_y @ _fill_missing(mesh), along_x.T, out=out)
    return out


def _edges(length: int, box: int) -> NDArray[np.int64]:
    return np.linspace(0, length, max(1, round(length / box)) + 1).round().astype(np.int64)


class _Box(NamedTuple):
    """Room for the usable pixels of a box; arrays of shape (pixels,).

    Attributes
    ----------
    values : ndarray
        Without the light of spots.
    share, added : ndarray
        One over the frames, and variance beside the background's.
    weight : ndarray
        Inverse variance.
    """

    values: Array
    share: Array
    added: Array
    weight: Array


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
    n = _largest_step(rows) * _largest_step(columns)
    box = _Box(np.empty(n), np.empty(n), np.empty(n), np.empty(n))
    for j in range(mesh.shape[0]):
        for i in range(mesh.shape[1]):
            top, bottom, left, right = rows[j], rows[j + 1], columns[i], columns[i + 1]
            n, even = _fill_box(box, image, n_samples, light, top, bottom, left, right, slope)
            if n > 0 and n >= _MIN_USABLE_SHARE * (bottom - top) * (right - left):
                mesh[j, i] = _clipped_mean(box, n, even, slope, read)
    return mesh


@njit(cache=True)
def _largest_step(edges: NDArray[np.int64]) -> int:
    largest = 0
    for k in range(edges.shape[0] - 1):
        largest = max(largest, edges[k + 1] - edges[k])
    return largest


@njit(cache=True)
def _fill_box(
    box: _Box,
    image: Array,
    n_samples: NDArray[np.int32],
    light: Array,
    top: int,
    bottom: int,
    left: int,
    right: int,
    slope: float,
) -> tuple[int, bool]:
    """Fill the usable pixels; return how many they are, and whether all have one variance."""
    n, samples, share, even = 0, 0, 0.0, light.size == 0
    for y in range(top, bottom):
        for x in range(left, right):
            if n_samples[y, x] > 0:
                if n_samples[y, x] != samples:
                    even = even and n == 0
                    samples = n_samples[y, x]
                    share = 1.0 / samples
                box.share[n] = share
                own = light[y, x] if light.size else 0.0
                box.values[n] = image[y, x] - own
                box.added[n] = slope * own * share + (_LEFT_OVER_SHARE * own) ** 2
                n += 1
    return n, even


@njit(cache=True)
def _start(values: Array) -> float:
    """Median of a sample, or the mean of its darker three quarters if that is higher.

    The median of a discrete, skewed distribution can be far too low.
    """
    ordered = np.sort(values[:: max(1, values.size // _START_SAMPLE)])
    darker = ordered[: max(1, (3 * ordered.size) // 4)]
    return float(max(ordered[ordered.size // 2], darker.mean()))


@njit(cache=True)
def _clipped_mean(box: _Box, n: int, even: bool, slope: float, read: float) -> float:
    values = box.values[:n]
    level = _start(values)
    share = box.share[:n]
    narrowest = share[0] if even else share.min()
    weighed = math.inf
    for _ in range(_ITERATIONS):
        one_frame = slope * max(level, 0.0) + read
        if even:
            change = _even_change(values, level, one_frame * narrowest, slope * narrowest)
        else:
            if not abs(one_frame - weighed) <= _SAME_VARIANCE * one_frame:
                _weigh(box.weight[:n], share, box.added[:n], one_frame)
                weighed = one_frame
            change = _change(values, box.weight[:n], share, level, _LONE_ELECTRON * slope)
        level += change
        if abs(change) < _SETTLED_SIGMA * math.sqrt(one_frame * narrowest):
            break
    return level


@njit(cache=True)
def _even_change(values: Array, level: float, variance: float, slope: float) -> float:
    """Mean distance from the level of values within reach, where all have one variance."""
    reach = _CLIP_SIGMA * math.sqrt(variance)
    lowest, highest = -reach, reach + _LONE_ELECTRON * slope
    t0, t1, t2, t3, n0, n1, n2, n3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    # In four lanes, which do not wait for each other.
    whole = values.size - values.size % 4
    for k in range(0, whole, 4):
        v0, v1, v2, v3 = values[k], values[k + 1], values[k + 2], values[k + 3]
        w0 = _within(v0 - level, lowest, highest)
        w1 = _within(v1 - level, lowest, highest)
        w2 = _within(v2 - level, lowest, highest)
        w3 = _within(v3 - level, lowest, highest)
        t0, n0 = t0 + w0 * (v0 - level), n0 + w0
        t1, n1 = t1 + w1 * (v1 - level), n1 + w1
        t2, n2 = t2 + w2 * (v2 - level), n2 + w2
        t3, n3 = t3 + w3 * (v3 - level), n3 + w3
    for k in range(whole, values.size):
        w0 = _within(values[k] - level, lowest, highest)
        t0, n0 = t0 + w0 * (values[k] - level), n0 + w0
    number = n0 + n1 + n2 + n3
    return (t0 + t1 + t2 + t3) / number if number > 0.0 else 0.0


@njit(cache=True)
def _within(off: float, lowest: float, highest: float) -> float:
    return 1.0 if lowest <= off and off <= highest else 0.0


@njit(cache=True)
def _weigh(weight: Array, share: Array, added: Array, one_frame: float) -> None:
    for k in range(weight.size):
        weight[k] = 1.0 / (one_frame * share[k] + added[k])


@njit(cache=True)
def _change(values: Array, weight: Array, share: Array, level: float, lone: float) -> float:
    """Weighted mean distance from the level of values within reach."""
    t0, t1, w0, w1 = 0.0, 0.0, 0.0, 0.0
    whole = values.size - values.size % 2
    for k in range(0, whole, 2):
        a, b = values[k] - level, values[k + 1] - level
        u = _weight_within(a, weight[k], lone * share[k])
        v = _weight_within(b, weight[k + 1], lone * share[k + 1])
        t0, w0 = t0 + u * a, w0 + u
        t1, w1 = t1 + v * b, w1 + v
    for k in range(whole, values.size):
        a = values[k] - level
        u = _weight_within(a, weight[k], lone * share[k])
        t0, w0 = t0 + u * a, w0 + u
    return (t0 + t1) / (w0 + w1) if w0 + w1 > 0.0 else 0.0


@njit(cache=True)
def _weight_within(off: float, weight: float, lone: float) -> float:
    beyond = off - min(max(off, 0.0), lone)
    return weight if beyond * beyond * weight <= _CLIP_SIGMA**2 else 0.0


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
