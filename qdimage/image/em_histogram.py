"""Differences of successive frames: their histogram, and its shape behind an EM register."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.image.pair_statistics import frame_pairs

Floats = NDArray[np.float64]

_SAMPLED = 200_000
_MAD_TO_SIGMA = 1.4826
_BINS_PER_SIGMA = 4
_MOST_BINS = 2**16
_LEAST_DENSITY = 1e-300
_REGISTER_GAIN = 300.0


@dataclass(frozen=True)
class DifferenceHistogram:
    """How often the difference of a pixel in two successive frames has each value.

    Attributes
    ----------
    difference_adu : ndarray, shape (k,)
        Centres of the bins.
    counts : ndarray, shape (k,)
    width_adu : float
    is_rounded : bool
        The frames' values are integers.
    """

    difference_adu: Floats
    counts: Floats
    width_adu: float
    is_rounded: bool


def difference_histogram(
    stacks: Iterable[Stack], *, within: NDArray[np.bool_] | None = None
) -> DifferenceHistogram:
    """Read stacks once, in bounded memory; a shift of a whole frame is taken out.

    The bias of each pixel cancels in a difference, so that no map of it is needed.

    Parameters
    ----------
    stacks : iterable of Stack
    within : ndarray of bool, shape (y, x), optional
        Pixels to use.
    """
    counts = np.zeros(0)
    width, half = 0.0, 0
    rounded = True
    for stack in stacks:
        rounded &= stack.dtype.kind in "ui"
        for first, second in frame_pairs(stack):
            difference = (
                (second - first)[within] if within is not None else (second - first).ravel()
            )
            if not width:
                width, half = _binning(difference, stack.dtype.kind in "ui")
                counts = np.zeros(2 * half + 1)
            shift = _centre(difference)
            index = np.rint((difference - shift) / width).astype(np.int64) + half
            inside = index[(index >= 0) & (index < counts.size)]
            counts += np.bincount(inside, minlength=counts.size)
    centres = width * (np.arange(counts.size, dtype=np.float64) - half)
    return DifferenceHistogram(centres, counts, width, rounded)


def _binning(difference: Floats, rounded: bool) -> tuple[float, int]:
    """Width of a bin and how many lie on each side."""
    sigma = _MAD_TO_SIGMA * float(np.median(np.abs(difference[:: _thinning(difference)])))
    width = max(sigma, 0.5 if rounded else np.finfo(float).tiny) / _BINS_PER_SIGMA
    if rounded:
        # Bins that hold the same number of integers each.
        width = float(max(1.0, np.floor(width)))
    return width, _MOST_BINS // 4


def _centre(difference: Floats) -> float:
    """Shift of the whole frame: the mean of what lies around the median."""
    sample = difference[:: _thinning(difference)]
    middle = float(np.median(sample))
    sigma = max(_MAD_TO_SIGMA * float(np.median(np.abs(sample - middle))), 1e-9)
    near = difference[np.abs(difference - middle) <= 2 * sigma]
    shift = float(near.mean()) if near.size else middle
    # A shift within its error would only smear integers.
    return shift if abs(shift) > 5 * sigma / np.sqrt(near.size) else 0.0


def _thinning(values: Floats) -> int:
    return max(1, values.size // _SAMPLED)


def density(
    histogram: DifferenceHistogram,
    *,
    read_noise_adu: float,
    adu_per_electron: float,
    electrons: float,
    in_register: float = 0.0,
    register_gain: float = _REGISTER_GAIN,
) -> Floats:
    """Share of differences in each bin.

    A pixel holds a Poisson number of electrons, each of which comes out of the register with an
    exponential distribution of mean g (Basden, Haniff and Mackay, MNRAS 345, 985, 2003), and
    Gaussian read noise: a characteristic function in closed form, exp(-s^2 w^2/2 + L (1/(1 - igw)
    - 1)), which the difference of two frames squares in modulus. Electrons that arise at an
    unknown place within the register have outputs of mean g G^(u - 1), u even in 0 ... 1.
    """
    n, width = 2 * histogram.counts.size, histogram.width_adu
    omega = 2 * np.pi * np.fft.rfftfreq(n, width)
    g = adu_per_electron
    squared = (g * omega) ** 2
    log_modulus = -((read_noise_adu * omega) ** 2) - 2 * electrons * squared / (1 + squared)
    if in_register > 0:
        low = g / register_gain
        mean_log = 0.5 * (np.log1p(squared) - np.log1p((low * omega) ** 2)) / np.log(register_gain)
        log_modulus -= 2 * in_register * mean_log
    transform = np.exp(log_modulus)
    if histogram.is_rounded:
        transform *= np.sinc(omega / (2 * np.pi)) ** 2
    if not histogram.is_rounded or width > 1:
        transform *= np.sinc(width * omega / (2 * np.pi))
    values = np.fft.fftshift(np.fft.irfft(transform, n))
    start = n // 2 - histogram.counts.size // 2
    return np.asarray(np.maximum(values[start : start + histogram.counts.size], _LEAST_DENSITY))
