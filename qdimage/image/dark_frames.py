"""What frames without light say of the bias: its level, and how pixels differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.image.pair_statistics import PairStatistics
from qdimage.image.still_pixels import hit_pixels

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MAD_TO_SIGMA = 1.4826
_FAR_OUT_SIGMA = 8.0
_ROUNDING = 1.0 / 12.0


@dataclass(frozen=True)
class BiasMap:
    """The bias of each pixel.

    Attributes
    ----------
    level_adu, level_err_adu : float
        Mean over the pixels that are not hot.
    pattern_adu : ndarray, shape (y, x)
        How each pixel differs from the level; columns, rows and single pixels are believed as far
        as they are larger than their noise.
    pattern_sd_adu : float
        True standard deviation of the pattern.
    pattern_err_adu : float
        Standard deviation of the map's error in a pixel.
    """

    level_adu: float
    level_err_adu: float
    pattern_adu: Floats
    pattern_sd_adu: float
    pattern_err_adu: float


def bias_map(statistics: PairStatistics, charge_adu: float = 0.0) -> BiasMap:
    """Return the map that dark frames give.

    Each pixel's mean is drawn towards those of its column and its row by the share that noise has
    in it, which the two halves of the stack tell (an empirical Bayes estimate; Efron and Morris,
    J. Am. Stat. Assoc. 70, 311, 1975). A mean of few frames would add noise instead.

    Parameters
    ----------
    statistics : PairStatistics
        Of dark frames.
    charge_adu : float
        Mean of the electrons that arise without light, in all pixels alike.
    """
    halves = _without_hits(statistics)
    mean = np.asarray(np.tensordot(statistics.n_pairs, halves, 1) / statistics.n_all)
    good = ordinary_pixels(mean)
    level = float(mean[good].mean())
    left = [np.where(good, half - level, 0.0) for half in halves]
    pattern, power = np.zeros_like(mean), 0.0
    for axis in (0, 1):
        lines = [half.mean(axis=axis) for half in left]
        true, kept = _believed(lines[0], lines[1], has_halves=min(statistics.n_pairs) > 0)
        shown = kept * _weighted(lines, statistics.n_pairs)
        pattern += np.expand_dims(shown, axis)
        left = [half - np.expand_dims(line, axis) for half, line in zip(left, lines, strict=True)]
        power += true
    true, kept = _believed(left[0], left[1], has_halves=min(statistics.n_pairs) > 0)
    shown = kept * _weighted(left, statistics.n_pairs)
    # A hot pixel's own mean is known far better than any average tells.
    pattern = np.where(good, pattern + shown, mean - level)
    quiet = good & ~hit_pixels(statistics)
    noise = float(statistics.pooled_variance[quiet].mean()) / (2 * statistics.n_all)
    means = statistics.survey.frame_means
    drift = _MAD_TO_SIGMA * float(np.median(np.abs(means - np.median(means))))
    shift = max(drift**2 - 2 * statistics.n_all * noise / mean.size, 0.0)
    return BiasMap(
        level_adu=level - charge_adu,
        level_err_adu=float(np.sqrt(noise / good.sum() + shift / len(means))),
        pattern_adu=pattern,
        pattern_sd_adu=float(np.sqrt(power + true)),
        pattern_err_adu=float(np.sqrt(kept * noise)),
    )


def _without_hits(statistics: PairStatistics) -> Floats:
    """Means of the halves, (2, y, x); where a cosmic ray hit one, the other's stands for both."""
    if not min(statistics.n_pairs):
        return np.stack([statistics.pooled_mean] * 2)
    return np.where(hit_pixels(statistics), statistics.mean.min(axis=0), statistics.mean)


def ordinary_pixels(mean: Floats) -> Mask:
    """Pixels that are neither hot nor dead."""
    middle = float(np.median(mean))
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(mean - middle)))
    return np.asarray(np.abs(mean - middle) <= _FAR_OUT_SIGMA * max(sigma, 0.1))


def typical_variance(statistics: PairStatistics, *, is_rounded: bool) -> tuple[float, float]:
    """Variance of a dark frame's ordinary pixel without that of rounding, and its error, ADU^2."""
    good = ordinary_pixels(statistics.pooled_mean)
    variance = statistics.pooled_variance[good]
    if statistics.n_all > 4:
        # Pixels that jump between two levels are no ordinary ones.
        variance = variance[variance < 8 * np.median(variance) + 1e-12]
    err = float(np.std(variance) / np.sqrt(variance.size))
    return max(float(variance.mean()) - _ROUNDING * is_rounded, 0.0), err


def _weighted(halves: list[Floats], n_pairs: tuple[int, int]) -> Floats:
    return np.asarray(np.tensordot(n_pairs, np.stack(halves), 1) / sum(n_pairs))


def _believed(first: Floats, second: Floats, *, has_halves: bool) -> tuple[float, float]:
    """Variance that both halves agree on, and its share in their mean."""
    if not has_halves:
        return 0.0, 0.0
    true = max(float(np.mean((first - first.mean()) * (second - second.mean()))), 0.0)
    all_of_it = float(np.var((first + second) / 2))
    return true, min(true / all_of_it, 1.0) if all_of_it > 0 else 0.0
