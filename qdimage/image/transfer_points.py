"""Pixels of a stack in groups of equal brightness, for the photon transfer line."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter

from qdimage.image.pair_statistics import PairStatistics
from qdimage.image.photon_transfer import TransferPoints
from qdimage.image.still_pixels import Mask, neighbour_covariance

Floats = NDArray[np.float64]

_BULK = np.linspace(0.0, 0.9, 13)
_TAIL_STEP = 0.7
_FEWEST_PIXELS = 25
_MOST_SATURATED = 1e-3
_PATTERN_REACH = 31
_PATTERN_SIGMA = 4.0
_KERNEL_VARIANCE = 20.0  # of the sum of squares of the kernel below
_SURROUNDINGS = 9
_FAR_OUT = 6.0
_MAD_TO_SIGMA = 1.4826


def grouped_points(
    statistics: PairStatistics, still: Mask, *, pattern: Floats | None = None, stack: int = 0
) -> TransferPoints:
    """Group the pixels that hold still by the mean of one half, and judge them by the other.

    Parameters
    ----------
    statistics : PairStatistics
        With pairs in both halves.
    still : ndarray of bool, shape (y, x)
    pattern : ndarray, shape (y, x), optional
        How each pixel's bias differs from the level of the bias, ADU.
    stack : int
        What to call the stack.
    """
    known = pattern is not None
    mean = statistics.mean - (pattern if pattern is not None else 0.0)
    if not known:
        mean = mean - line_pattern(statistics)
    shared = neighbour_covariance(statistics)
    parts = []
    left = 0.0 if known else pattern_variance(statistics, mean, still)
    for sorting, judging in ((0, 1), (1, 0)):
        order = np.flatnonzero(still.ravel())
        order = order[np.argsort(mean[sorting].ravel()[order], kind="stable")]
        n_alike = _n_alike(mean[sorting].ravel()[order], left)
        for group in _groups(order, n_alike):
            if _saturated(statistics, group):
                break
            parts.append(
                _point(statistics, mean[sorting], mean[judging], judging, shared, group, stack)
            )
    return _with_pattern(_joined(parts), left)


def whole_point(
    statistics: PairStatistics, still: Mask, *, pattern: Floats | None = None, stack: int = 0
) -> TransferPoints:
    """Return all pixels that hold still as one group: one stack of a series of flats."""
    mean = statistics.pooled_mean - (pattern if pattern is not None else 0.0)
    group = np.flatnonzero(still.ravel())
    shared = neighbour_covariance(statistics)
    return _joined([_point(statistics, mean, mean, None, shared, group, stack)])


def join_points(parts: list[TransferPoints]) -> TransferPoints:
    """Return the groups of several stacks together."""
    names = [name for name in TransferPoints.__dataclass_fields__ if name != "pattern_variance"]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    }
    joined = TransferPoints(**columns)
    return _with_pattern(joined, max(part.pattern_variance for part in parts))


def line_pattern(statistics: PairStatistics) -> Floats:
    """Return the bias of columns and rows, (y, x) with median 0; 0 where the pattern is light's.

    A pattern of light has the variance of light with it, one of the bias has none.
    """
    mean, variance = statistics.pooled_mean, statistics.pooled_variance
    pattern = np.zeros_like(mean)
    for axis in (0, 1):
        lines = _sharp(np.median(mean, axis=axis))
        of_variance = _sharp(np.mean(variance, axis=axis))
        noise = _MAD_TO_SIGMA * np.median(np.abs(np.diff(of_variance))) / np.sqrt(2)
        power = float(np.sum(lines**2))
        if power <= 0:
            continue
        slope, slope_err = float(np.sum(lines * of_variance)) / power, noise / np.sqrt(power)
        needed = _slope_of_light(statistics)
        if slope + _PATTERN_SIGMA * slope_err < 0.5 * needed:
            pattern += np.expand_dims(lines, axis)
    return pattern


def _slope_of_light(statistics: PairStatistics) -> float:
    """Rough slope of the variance against the mean, over the pixels of a stack."""
    order = np.argsort(statistics.mean[0].ravel(), kind="stable")
    groups = np.array_split(order, 20)
    x = np.array([statistics.mean[1].ravel()[group].mean() for group in groups])
    y = np.array([statistics.variance[1].ravel()[group].mean() for group in groups])
    return float((y[-1] - y[0]) / (x[-1] - x[0])) if x[-1] > x[0] else 0.0


def _sharp(line: Floats) -> Floats:
    return np.asarray(line - median_filter(line, _PATTERN_REACH, mode="nearest"))


def pattern_variance(statistics: PairStatistics, mean: Floats, still: Mask) -> float:
    """Variance of the bias from pixel to pixel, ADU^2: of a pixel's mean from its neighbours'.

    Both halves of the stack must agree on it, in pixels of the dimmer half of the surroundings.
    What has the variance of light with it is light.

    Parameters
    ----------
    statistics : PairStatistics
    mean : ndarray, shape (2, y, x)
        Of the two halves.
    still : ndarray of bool, shape (y, x)
    """
    around = uniform_filter(mean.mean(axis=0), _SURROUNDINGS)[1:-1, 1:-1]
    inside = still[1:-1, 1:-1]
    if inside.sum() < _FEWEST_PIXELS:
        return 0.0
    inside = inside & (around <= np.median(around[inside]))
    first, second = (_roughness(each)[inside] for each in mean)
    # What is left of bright dots stands out.
    size = np.abs(first + second)
    typical = size <= _FAR_OUT * np.median(size)
    first, second = first[typical], second[typical]
    power = float(np.mean(first * second))
    if power <= 0:
        return 0.0
    of_variance = [_roughness(each)[inside][typical] for each in statistics.variance]
    # The mean of the one half with the variance of the other: noise has no part in it.
    products = first * of_variance[1] + second * of_variance[0]
    slope = _slope_of_light(statistics)
    if slope <= 0:
        return power / _KERNEL_VARIANCE
    full = 2 * power * slope
    light = float(np.mean(products)) / full
    light_err = float(np.std(products) / np.sqrt(products.size)) / full
    share = float(np.clip(1 - light + light_err, 0.0, 1.0))
    return share * power / _KERNEL_VARIANCE


def _roughness(image: Floats) -> Floats:
    inner = image[1:-1, 1:-1]
    around = image[:-2, 1:-1] + image[2:, 1:-1] + image[1:-1, :-2] + image[1:-1, 2:]
    return np.asarray(around - 4 * inner)


def _n_alike(means: Floats, pattern: float) -> int:
    """How many of the dimmest pixels differ by no more than the pattern of the bias makes them."""
    if pattern <= 0:
        return 0
    middle = float(np.median(means))
    return int(np.searchsorted(means, middle + _PATTERN_SIGMA * np.sqrt(pattern)))


def _groups(order: NDArray[np.int64], n_alike: int) -> list[NDArray[np.int64]]:
    """Split sorted pixels: the dark bulk into equal parts, the bright tail ever finer."""
    n = len(order)
    shares = list(_BULK)
    rest = (1 - _BULK[-1]) * _TAIL_STEP
    while rest * n >= _FEWEST_PIXELS:
        shares.append(1 - rest)
        rest *= _TAIL_STEP
    edges = np.unique(np.rint(np.array([*shares, 1.0]) * n).astype(np.int64))
    edges = np.unique(np.concatenate([[0], edges[edges >= n_alike]]))
    return [part for part in np.split(order, edges[1:-1]) if len(part) >= _FEWEST_PIXELS]


def _saturated(statistics: PairStatistics, group: NDArray[np.int64]) -> bool:
    at_ceiling = statistics.n_at_ceiling.ravel()[group]
    return bool(at_ceiling.sum() > _MOST_SATURATED * group.size * 2 * statistics.n_all)


def _point(
    statistics: PairStatistics,
    sorting: Floats,
    judging: Floats,
    half: int | None,
    shared: Floats,
    group: NDArray[np.int64],
    stack: int,
) -> tuple[float, ...]:
    variance = statistics.pooled_variance if half is None else statistics.variance[half]
    v, m = variance.ravel()[group], judging.ravel()[group]
    both = np.cov(v, m)
    level = float(v.mean())
    return (
        float(m.mean()),
        level,
        float(sorting.ravel()[group].mean()),
        float(shared.ravel()[group].mean()),
        level / np.sqrt(2.0 * statistics.n_all * group.size),
        group.size,
        both[0, 0],
        both[1, 1],
        both[0, 1],
        stack,
    )


def _joined(parts: list[tuple[float, ...]]) -> TransferPoints:
    columns = np.array(parts, np.float64).reshape(len(parts), 10)
    return TransferPoints(
        mean=columns[:, 0],
        variance=columns[:, 1],
        sorted_by=columns[:, 2],
        covariance=columns[:, 3],
        covariance_err=columns[:, 4],
        n_pixels=columns[:, 5].astype(np.int64),
        moments=columns[:, 6:9],
        stack=columns[:, 9].astype(np.int64),
    )


def _with_pattern(points: TransferPoints, variance: float) -> TransferPoints:
    return replace(points, pattern_variance=variance)
