"""How unlikely it is that noise alone looks like this dot."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.domain.camera import NoiseModel
from qdimage.numerics.psf import spot_profile

Array = NDArray[np.float64]

_PIXEL_VARIANCE = 1 / 12
_Z_GRID = np.linspace(1.0, 25.0, 49)
_LEVELS = 6
_STEPS = 100
_SETTLED = 1e-9
_LARGEST_TILT = 1 - 1e-9
_NEWTON_STEPS, _JUST_ABOVE_ONE = 12, 1 + 1e-9


@dataclass(frozen=True)
class TailTable:
    """Matched-filter signal-to-noise to the normal deviate of the same tail probability.

    Attributes
    ----------
    log_level : ndarray, shape (l,)
        Logarithms of the background levels, in electrons per pixel and frame.
    deviate : ndarray, shape (l, z)
        Equivalent normal deviates on the grid of signal-to-noise ratios.
    unit_per_electron : float
        To convert a background to electrons.
    """

    log_level: Array
    deviate: Array
    unit_per_electron: float

    def normal_deviate(self, signal_to_noise: Array, background: Array) -> Array:
        """Return the normal deviate with the tail probability of `signal_to_noise`.

        Parameters
        ----------
        signal_to_noise : ndarray
            Matched-filter statistic over its standard deviation.
        background : ndarray, same shape
            Level under it, in the image's unit.
        """
        level = np.log(np.maximum(background, 1e-12) / self.unit_per_electron)
        position = np.interp(level, self.log_level, np.arange(len(self.log_level)))
        lower = np.minimum(position.astype(int), len(self.log_level) - 2)
        share = position - lower
        ratio = np.maximum(signal_to_noise, _Z_GRID[0])
        step = _Z_GRID[1] - _Z_GRID[0]
        column = (ratio - _Z_GRID[0]) / step
        left = np.minimum(column.astype(int), len(_Z_GRID) - 2)
        along = column - left
        table = self.deviate
        low = table[lower, left] * (1 - along) + table[lower, left + 1] * along
        high = table[lower + 1, left] * (1 - along) + table[lower + 1, left + 1] * along
        deviate = low * (1 - share) + high * share
        # Below the grid nothing is decided; above it the last step goes on: both stay monotone.
        return np.asarray(deviate + (signal_to_noise - ratio))


def tail_table(
    noise: NoiseModel, *, n_frames: int, psf_sigma_px: float, lowest: float, highest: float
) -> TailTable:
    """Tabulate the tail of the matched filter under the camera's noise.

    The filter's output is a weighted sum of pixels. With an EM register each electron's output is
    exponential, so its cumulant-generating function is known exactly, and the Lugannani-Rice
    saddlepoint formula in the form of Barndorff-Nielsen (Biometrika 73, 307, 1986) gives the
    equivalent normal deviate, r + log(u/r)/r.

    Parameters
    ----------
    noise : NoiseModel
    n_frames : int
        Frames averaged.
    psf_sigma_px : float
        Width of the filter.
    lowest, highest : float
        Range of the background, in the image's unit.
    """
    unit = noise.unit_per_electron if noise.unit_per_electron > 0 else 1.0
    smallest = 1e-3
    low = max(lowest / unit, smallest)
    high = max(highest / unit, 2 * low)
    log_level = np.linspace(np.log(low), np.log(high), _LEVELS)
    profile = spot_profile(psf_sigma_px, int(np.ceil(4 * psf_sigma_px)))
    values, counts = np.unique(
        np.round(np.outer(profile, profile) / profile.max() ** 2, 6), return_counts=True
    )
    weights, repeats = values[values > 1e-4], counts[values > 1e-4].astype(np.float64)
    read = noise.read_variance / unit**2
    table = _deviates(
        weights, repeats, np.exp(log_level), read, n_frames, noise.excess_factor_sq > 1, _Z_GRID
    )
    return TailTable(log_level, table, unit)


@njit(cache=True)
def _deviates(
    weights: Array,
    repeats: Array,
    levels: Array,
    read: float,
    n_frames: int,
    em: bool,
    ratios: Array,
) -> Array:
    """Equivalent normal deviates (levels, ratios); levels in electrons per pixel and frame."""
    table = np.empty((levels.size, ratios.size))
    excess = 2.0 if em else 1.0
    square = np.sum(repeats * weights**2)
    for i in range(levels.size):
        spread = math.sqrt(n_frames * (excess * levels[i] + read) * square)
        tilt = 0.0
        for j in range(ratios.size):
            target = ratios[j] * spread
            low = tilt
            high = _LARGEST_TILT if em else math.log1p(target / levels[i]) + 5.0
            for _ in range(_STEPS):
                _, slope, curvature = _cumulants(
                    tilt, weights, repeats, levels[i], read, n_frames, em
                )
                if slope < target:
                    low = tilt
                else:
                    high = tilt
                step = (target - slope) / curvature
                if abs(step) < _SETTLED * tilt:
                    break
                tilt = tilt + step if low < tilt + step < high else (low + high) / 2
            value, slope, curvature = _cumulants(
                tilt, weights, repeats, levels[i], read, n_frames, em
            )
            r = math.sqrt(max(2 * (tilt * slope - value), 1e-12))
            table[i, j] = r + math.log(tilt * math.sqrt(curvature) / r) / r
    return table


@njit(cache=True)
def _cumulants(
    tilt: float,
    weights: Array,
    repeats: Array,
    electrons: float,
    read: float,
    n_frames: int,
    em: bool,
) -> tuple[float, float, float]:
    """Cumulant-generating function of the centred sum, and its first two derivatives."""
    value, slope, curvature, square = 0.0, 0.0, 0.0, 0.0
    for k in range(weights.size):
        w, n = weights[k], repeats[k]
        tw = tilt * w
        if em:
            inverse = 1.0 / (1.0 - tw)
            value += n * (inverse - 1.0 - tw)
            slope += n * w * (inverse * inverse - 1.0)
            curvature += n * w * w * 2.0 * inverse * inverse * inverse
        else:
            value += n * (math.expm1(tw) - tw)
            slope += n * w * math.expm1(tw)
            curvature += n * w * w * math.exp(tw)
        square += n * w * w
    return (
        n_frames * (electrons * value + 0.5 * read * square * tilt * tilt),
        n_frames * (electrons * slope + read * square * tilt),
        n_frames * (electrons * curvature + read * square),
    )


def expected_noise_peaks(deviate: Array, *, n_pixels: int, psf_sigma_px: float) -> Array:
    """Return the number of noise peaks above a deviate that an image shows on average.

    The density of maxima of a smooth Gaussian random field above a high level (Adler, The Geometry
    of Random Fields, 1981): A / (2 s^2) (2 pi)^(-3/2) u exp(-u^2 / 2) for white noise filtered with
    a Gaussian of standard deviation s.
    """
    width_sq = psf_sigma_px**2 + _PIXEL_VARIANCE
    u = np.maximum(np.asarray(deviate, float), 1.0)
    return np.asarray(n_pixels / (2 * width_sq) * (2 * np.pi) ** -1.5 * u * np.exp(-0.5 * u**2))


def deviate_for_noise_peaks(peaks: float, *, n_pixels: int, psf_sigma_px: float) -> float:
    """Return the deviate above which an image shows `peaks` noise peaks on average, at least 1."""
    at_one = expected_noise_peaks(np.ones(1), n_pixels=n_pixels, psf_sigma_px=psf_sigma_px)[0]
    # With u exp(-u^2 / 2) falling from u = 1 on, Newton's method in logarithms.
    target = math.log(peaks / at_one) - 0.5 if at_one > peaks else -0.5
    u = math.sqrt(1.0 - 2.0 * (target + 0.5)) if target < -0.5 else 1.0
    for _ in range(_NEWTON_STEPS if u > 1.0 else 0):
        u = max(u - (math.log(u) - 0.5 * u * u - target) / (1.0 / u - u), _JUST_ABOVE_ONE)
    return u
