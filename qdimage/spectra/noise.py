"""How the counts of a spectrum scatter, from differences of neighbouring pixels."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from qdimage.domain.spectrum_fit import Noise
from qdimage.spectra.options import SpectrumOptions

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A pixel less the cubic through its four neighbours: what is smooth vanishes.
_KERNEL = np.array([1.0, -4.0, 6.0, -4.0, 1.0]) / 6
_GAIN = float(np.sum(_KERNEL**2))
# Squares of neighbouring differences are correlated: variance of their mean over that of
# independent ones, the sum of squared correlations.
_CORRELATED = float(np.sum((np.correlate(_KERNEL, _KERNEL, "full") / _GAIN) ** 2))
_ROUNDS = 20
_CLIP = 16.0
# Gamma-distributed charges make n electrons' squares scatter more than a normal number's: their
# fourth cumulant is 24 n for a mean of 1, where Poisson numbers have n.
_OF_GAMMA = 1.5
_DARK, _LEAST_OF_DARK = 0.2, 0.5
# More would overlook a gain of three in a spectrum of a single line.
_DOUBT = 2.5
_MEDIAN_OF_SQUARE = 0.455
_LEAST_PIXELS = 40
# Few would let the level's own noise flatten the line of variance against level.
_LEVEL_PIXELS = 15
_BRIGHTEST = 0.1
_FACTOR = 2.0
_MOST_ERR = 1.0


def noise_of(
    counts: Array, n_frames: int, options: SpectrumOptions, hit: Mask | None = None
) -> Noise:
    """Return how counts scatter: as given, as photons do, or as neighbours do.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Summed over the frames, nothing subtracted.
    n_frames : int
    options : SpectrumOptions
    hit : ndarray of bool, shape (n,), optional
        Pixels that say nothing, since a cosmic ray hit them.
    """
    if options.electrons_per_count is not None:
        per_electron = options.excess_noise_squared / options.electrons_per_count
        read = n_frames * (options.read_noise_e / options.electrons_per_count) ** 2
        offset = n_frames * options.bias_counts - read / per_electron
        return Noise(per_electron, offset, "given")
    poisson = Noise(1.0, 0.0, "poisson")
    if counts.size < _LEAST_PIXELS:
        return poisson
    level = uniform_filter1d(counts, _LEVEL_PIXELS, mode="nearest")[2:-2]
    square = np.convolve(counts, _KERNEL, "valid") ** 2 / _GAIN
    if hit is not None:
        seen = np.convolve(hit, np.ones(5), "valid") < 0.5
        level, square = level[seen], square[seen]
    if square.size < _LEAST_PIXELS or not square.any() or _as_photons(square, level):
        return poisson
    return _line_of(square, level, _CORRELATED)


def refined(noise: Noise, residual: Array, level: Array) -> Noise:
    """Return the noise that the residuals of a fit show, if it was found from scatter.

    The fitted level has no noise of its own, which had flattened the line. Differences of residuals
    come first, where a line that does not fit vanishes. Residuals themselves are more than
    independent differences, but may not change the slope by more than a factor of two.
    """
    if noise.source != "scatter":
        return noise
    if residual.size >= _LEAST_PIXELS:
        square = np.convolve(residual, _KERNEL, "valid") ** 2 / _GAIN
        noise = _line_of(square, level[2:-2], _CORRELATED)
    found = _line_of(residual**2, level, 1.0)
    low, high = noise.counts_per_electron / _FACTOR, noise.counts_per_electron * _FACTOR
    if not low <= found.counts_per_electron <= high:
        return noise
    return found


def _as_photons(square: Array, level: Array) -> bool:
    """Whether squared differences agree with a variance that equals the level."""
    if level.min() < 0 or level.sum() <= 0:
        return False
    scatter = np.minimum(square, _CLIP * np.maximum(level, 1.0))
    bright = level >= np.quantile(level, 1 - _BRIGHTEST)
    for part in (bright, ~bright):
        error = math.sqrt(_CORRELATED * np.sum(2 * level[part] ** 2 + level[part]))
        if abs(scatter[part].sum() - level[part].sum()) > _DOUBT * error:
            return False
    return True


def _line_of(square: Array, level: Array, correlated: float) -> Noise:
    """Fit the variance as a straight line of the level."""
    scatter = square[level <= np.quantile(level, _DARK)]
    dark = float(np.median(scatter)) / _MEDIAN_OF_SQUARE
    # Without a floor, a few dark pixels that happen to agree would weigh more than all others.
    least = max(_LEAST_OF_DARK * dark, 1e-6 * float(square.max()))
    variance = np.full(level.shape, max(float(np.median(square)) / _MEDIAN_OF_SQUARE, least))
    spread_of_square = variance**2
    slope = offset = error = 0.0
    for _ in range(_ROUNDS):
        clipped = np.minimum(square, _CLIP * variance)
        weight = 1 / spread_of_square
        centre = float(np.sum(weight * level) / weight.sum())
        middle = float(np.sum(weight * clipped) / weight.sum())
        spread = float(np.sum(weight * (level - centre) ** 2))
        slope = float(np.sum(weight * (level - centre) * clipped)) / spread if spread > 0 else 0.0
        error = math.sqrt(2 * correlated / spread) if spread > 0 else math.inf
        if slope < 2 * error or slope <= 0:
            # No growth with the level is seen: one variance for all.
            slope = max(slope, middle / max(10 * float(np.ptp(level)), 1e-9), 1e-9)
        offset = centre - middle / slope
        variance = np.maximum(slope * (level - offset), least)
        of_photons = np.maximum(variance - dark, 0)
        spread_of_square = variance**2 + _OF_GAMMA * of_photons * slope**2
    return Noise(slope, offset, "scatter", min(error / slope, _MOST_ERR))
