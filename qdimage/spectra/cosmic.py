"""Cosmic rays: spikes of a pixel or three that no optics could make."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label, median_filter

from qdimage.domain.spectrum_fit import Noise

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_WIDEST_PX = 3
_AROUND_PX = 11
# A pixel beside a spike, in standard deviations.
_BESIDE = 3.5
_LEAST_FRAMES = 3


def without_hot_pixels(counts: Array, hot: Mask) -> Array:
    """Return counts with the median of neighbours where a pixel is hot."""
    return np.where(hot, median_filter(counts, _AROUND_PX, mode="nearest"), counts)


def without_cosmic_rays(frames: Array, noise: Noise, sigma: float) -> tuple[Array, Mask]:
    """Return the counts of all frames with spikes replaced, and which pixels had one.

    Where there are three frames or more, a spike is what the others lack, and the median of all
    stands in its place; else it is what neighbouring pixels lack.

    Parameters
    ----------
    frames : ndarray, shape (f, n)
    noise : Noise
        Of the sum of all frames.
    sigma : float
        Smallest height of a spike, in standard deviations.

    Returns
    -------
    counts : ndarray, shape (n,)
    hit : ndarray of bool, shape (n,)
        Pixels whose counts are a guess; those mended from other frames are not.
    """
    n = len(frames)
    if n >= _LEAST_FRAMES:
        usual = np.median(frames, axis=0)
        spread = np.sqrt(noise.variance(n * usual) / n)
        struck = frames - usual > sigma * spread
        return np.where(struck, usual, frames).sum(axis=0), np.zeros(frames.shape[1], bool)
    counts = frames.sum(axis=0)
    around = median_filter(counts, _AROUND_PX, mode="nearest")
    height = (counts - around) / np.sqrt(noise.variance(around))
    labels, number = label(height > sigma)
    hit = np.zeros(counts.shape, bool)
    for index in range(1, number + 1):
        (pixels,) = np.nonzero(labels == index)
        beside = height[max(pixels[0] - 1, 0)], height[min(pixels[-1] + 1, counts.size - 1)]
        if pixels.size <= _WIDEST_PX and max(_outside(beside, pixels, counts.size)) < _BESIDE:
            hit[pixels] = True
    return np.where(hit, around, counts), hit


def _outside(beside: tuple[float, float], pixels: NDArray[np.intp], size: int) -> tuple[float, ...]:
    """Heights beside a spike, without those beyond the ends of the spectrum."""
    left = (beside[0],) if pixels[0] > 0 else ()
    right = (beside[1],) if pixels[-1] < size - 1 else ()
    return (*left, *right, -np.inf)
