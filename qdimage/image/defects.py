"""Pixels that must not be believed: saturated, hot, hit by a cosmic ray."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve

from qdimage.domain.camera import NoiseModel
from qdimage.image.hot_pixels import sharp_pixels
from qdimage.image.statistics import StackStatistics

Mask = NDArray[np.bool_]

_AROUND = np.array([[1.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0]]) / 8
_NARROWEST_PSF_PX = 0.55
_HIT_SHARPNESS = 3.0
# Single-electron output, in mean outputs, that is too large to be one; the EM register's output
# falls off as exp(-x). A hit is looked for among all 1e9 values of a stack, and a frame's light
# must not be lost; a hot pixel only among the pixels, and may be one falsely at no great loss.
_HIT_TAIL = 21.0
_HOT_TAIL = 10.0


def saturated_pixels(statistics: StackStatistics) -> Mask:
    """Pixels that reached the camera's ceiling in any frame."""
    return statistics.n_at_ceiling > 0


def hot_pixels(
    mean: NDArray[np.float64],
    *,
    noise: NoiseModel,
    n_frames: int,
    threshold: float,
    psf_sigma_px: float | None,
) -> Mask:
    """Pixels that stand out alone where any dot would light up its neighbours too.

    Parameters
    ----------
    mean : ndarray, shape (y, x)
        Mean signal per frame.
    noise : NoiseModel
    n_frames : int
    threshold : float
        Excess over the neighbours' median, in standard deviations.
    psf_sigma_px : float or None
        Expected width of a dot; the narrowest imaginable where not known.

    Notes
    -----
    A Gaussian spot of standard deviation s centred on a pixel gives each of the four neighbours
    exp(-1/(2 s^2)) of the centre, and more when it is off centre. A pixel is hot when its
    neighbours have less than half of that, by more than their noise.
    """
    width = max(psf_sigma_px or _NARROWEST_PSF_PX, _NARROWEST_PSF_PX)
    return np.asarray(
        sharp_pixels(
            mean,
            noise.variance_slope / n_frames,
            noise.read_variance / n_frames,
            threshold,
            _single_electron_tail(noise, _HOT_TAIL) / n_frames,
            0.5 * float(np.exp(-0.5 / width**2)),
        )
    )


def _single_electron_tail(noise: NoiseModel, outputs: float) -> float:
    return outputs * noise.unit_per_electron if noise.excess_factor_sq > 1 else 0.0


def cosmic_hits(
    statistics: StackStatistics,
    *,
    adu_per_signal: float,
    bias_adu: float,
    noise: NoiseModel,
    threshold: float,
) -> Mask:
    """Pixels whose largest value is a hit: far above every other frame, and sharp.

    Neighbours of a hit in the same frame are taken too when they pass a quarter of the threshold.

    Parameters
    ----------
    statistics : StackStatistics
    adu_per_signal, bias_adu : float
        Conversion of the noise model's unit to ADU.
    noise : NoiseModel
    threshold : float
        In standard deviations of one frame, beside the EM register's own tail.
    """
    if statistics.n_frames < 3:
        return np.zeros(statistics.total.shape, bool)
    highest = (statistics.highest - bias_adu) / adu_per_signal
    second = (statistics.second - bias_adu) / adu_per_signal
    spread = np.sqrt(noise.variance_slope * np.maximum(second, 0.0) + noise.read_variance)
    tail = _single_electron_tail(noise, _HIT_TAIL)
    jump = highest - second
    sharp = jump > _HIT_SHARPNESS * convolve(np.maximum(jump, 0.0), _AROUND, mode="reflect")
    certain = (jump > threshold * spread + tail) & sharp
    likely = jump > 0.25 * (threshold * spread + tail)
    return np.asarray(certain | (likely & _beside_in_same_frame(certain, statistics.highest_frame)))


def _beside_in_same_frame(certain: Mask, frame: NDArray[np.int64]) -> Mask:
    """Pixels that touch a certain hit of the frame in which they had their own largest value."""
    padded = np.pad(np.where(certain, frame, -1), 1, constant_values=-1)
    height, width = certain.shape
    beside = np.zeros_like(certain)
    for dy in range(3):
        for dx in range(3):
            beside |= padded[dy : dy + height, dx : dx + width] == frame
    return beside
