"""Which pixels' light holds still: no blinking, moving or saturated dot, no hit of a cosmic ray."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, convolve, uniform_filter

from qdimage.image.pair_statistics import PairStatistics

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Noise alone exceeds these in a pixel of some ten thousand.
_NEIGHBOUR_SIGMA = 4.5
_SLOW_SIGMA = 5.0
_SMALLEST_SLOW_EXCESS = 0.1
_SLOW_SIDE_PX = 5
_FEWEST_PAIRS = 3
_WINDOW = np.ones((3, 3))
_GROWN = np.ones((3, 3), bool)
# Of the largest difference in a pixel, to what a hundredth of the pixels as bright exceed.
_HIT_RATIO, _HIT_PERCENTILE = 4.0, 99.0
_LEVELS = 20


def still_pixels(statistics: PairStatistics) -> Mask:
    """Return where the variance is that of noise alone, as far as a single pixel can show it.

    A pixel is left out, with its neighbours, where its fluctuations are common to it and its
    neighbours, as those of a spot are and noise is not, or where the means of pairs scatter more
    than differences within pairs account for; and alone where one difference stands out among
    those of all pixels as bright, as a hit does.
    """
    height, width = statistics.slow.shape
    still = np.ones((height, width), bool)
    if statistics.n_all >= _FEWEST_PAIRS:
        moving = _common(statistics) | _slow(statistics)
        still &= ~binary_dilation(moving, _GROWN)
    return still & ~hit_pixels(statistics)


def neighbour_covariance(statistics: PairStatistics) -> Floats:
    """Mean covariance of a frame's pixel with its four neighbours, shape (y, x)."""
    right, below = statistics.covariance
    total = right + below
    total[:, 1:] += right[:, :-1]
    total[1:] += below[:-1]
    links = np.full(total.shape, 4.0)
    links[:, [0, -1]] -= 1
    links[[0, -1]] -= 1
    return np.asarray(total / np.maximum(links, 1))


def _common(statistics: PairStatistics) -> Mask:
    """Pixels whose 3 x 3 surroundings fluctuate together, beyond the noise of a covariance."""
    variance = _smoothed(statistics.pooled_variance)
    right, below = statistics.covariance
    total = convolve(right + below, _WINDOW, mode="constant")
    # Products of independent noise have mean 0 and the product of the variances as variance.
    products = np.zeros_like(variance)
    products[:, :-1] += variance[:, :-1] * variance[:, 1:]
    products[:-1] += variance[:-1] * variance[1:]
    sigma = np.sqrt(convolve(products, _WINDOW, mode="constant") / statistics.n_all)
    return np.asarray(total > _NEIGHBOUR_SIGMA * np.maximum(sigma, np.finfo(float).tiny))


def _slow(statistics: PairStatistics) -> Mask:
    """Pixels whose pair means scatter too much for the noise within pairs."""
    expected = _smoothed(statistics.pooled_variance, _SLOW_SIDE_PX) / 2
    ratio = _smoothed(statistics.slow, _SLOW_SIDE_PX) / np.maximum(expected, np.finfo(float).tiny)
    excess = np.log(np.maximum(ratio, np.finfo(float).tiny))
    # Fluctuation only adds, so that the lower side of the ratios is noise's; the logarithm makes
    # both sides of noise alike.
    sigma = np.zeros_like(excess)
    for level in _by_brightness(statistics):
        low, middle = np.percentile(excess.ravel()[level], [15.87, 50.0])
        sigma.ravel()[level] = max(middle - low, 1e-6)
    return np.asarray((excess > _SLOW_SIGMA * sigma) & (excess > _SMALLEST_SLOW_EXCESS))


def hit_pixels(statistics: PairStatistics) -> Mask:
    """Pixels in which one difference stands out among those of all pixels as bright."""
    hit = np.zeros(statistics.slow.size, bool)
    largest = statistics.largest.ravel()
    for level in _by_brightness(statistics):
        limit = _HIT_RATIO * np.percentile(largest[level], _HIT_PERCENTILE)
        hit[level] = largest[level] > max(limit, 1e-9)
    return hit.reshape(statistics.slow.shape)


def _by_brightness(statistics: PairStatistics) -> list[NDArray[np.int64]]:
    # A hit makes a pixel bright in one half of the stack only.
    has_halves = min(statistics.n_pairs) > 0
    level = statistics.mean.min(axis=0) if has_halves else statistics.pooled_mean
    order = np.argsort(level.ravel(), kind="stable")
    return [level for level in np.array_split(order, _LEVELS) if level.size]


def _smoothed(image: Floats, side_px: int = 3) -> Floats:
    return np.asarray(uniform_filter(image, side_px, mode="nearest"))
