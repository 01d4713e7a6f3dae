"""How unlikely it is that noise alone looks like this dot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qdimage.domain.camera import NoiseModel
from qdimage.numerics.psf import spot_profile

Array = NDArray[np.float64]

_PIXEL_VARIANCE = 1 / 12
_Z_GRID = np.linspace(1.0, 25.0, 49)
_LEVELS = 6
_BISECTIONS = 48
_LARGEST_TILT = 1 - 1e-9


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
    table = np.stack(
        [
            _deviates(
                weights, repeats, np.exp(level), read, n_frames, em=noise.excess_factor_sq > 1
            )
            for level in log_level
        ]
    )
    return TailTable(log_level, table, unit)


def _deviates(
    weights: Array, repeats: Array, electrons: float, read: float, n_frames: int, *, em: bool
) -> Array:
    """Equivalent normal deviates for each signal-to-noise ratio of the grid."""
    excess = 2.0 if em else 1.0
    spread = np.sqrt(n_frames * (excess * electrons + read) * np.sum(repeats * weights**2))
    target = _Z_GRID * spread
    low, high = np.zeros_like(target), np.full_like(target, _tilt_limit(em, target, electrons))
    for _ in range(_BISECTIONS):
        tilt = (low + high) / 2
        _, slope, _ = _cumulants(tilt, weights, repeats, electrons, read, n_frames, em=em)
        low, high = np.where(slope < target, tilt, low), np.where(slope < target, high, tilt)
    tilt = (low + high) / 2
    value, slope, curvature = _cumulants(tilt, weights, repeats, electrons, read, n_frames, em=em)
    r = np.sqrt(np.maximum(2 * (tilt * slope - value), 1e-12))
    u = tilt * np.sqrt(curvature)
    return np.asarray(r + np.log(u / r) / r)


def _tilt_limit(em: bool, target: Array, electrons: float) -> float:
    return _LARGEST_TILT if em else float(np.log1p(target.max() / electrons) + 5.0)


def _cumulants(
    tilt: Array,
    weights: Array,
    repeats: Array,
    electrons: float,
    read: float,
    n_frames: int,
    *,
    em: bool,
) -> tuple[Array, Array, Array]:
    """Cumulant-generating function of the centred sum, and its first two derivatives."""
    tw = tilt[:, None] * weights
    if em:
        value = 1 / (1 - tw) - 1 - tw
        slope = weights * (1 / (1 - tw) ** 2 - 1)
        curvature = weights**2 * 2 / (1 - tw) ** 3
    else:
        value = np.expm1(tw) - tw
        slope = weights * np.expm1(tw)
        curvature = weights**2 * np.exp(tw)
    square = np.sum(repeats * weights**2)
    return (
        n_frames * (electrons * value @ repeats + 0.5 * read * square * tilt**2),
        n_frames * (electrons * slope @ repeats + read * square * tilt),
        n_frames * (electrons * curvature @ repeats + read * square),
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
    """Return the deviate above which an image shows `peaks` noise peaks on average."""

    def excess(u: float) -> float:
        expected = expected_noise_peaks(np.array([u]), n_pixels=n_pixels, psf_sigma_px=psf_sigma_px)
        return float(expected[0] - peaks)

    if excess(1.0) <= 0:
        return 1.0
    return float(brentq(excess, 1.0, 30.0))
