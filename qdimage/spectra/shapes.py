"""Emission lines: light per nm of a line that holds one count, by peak and full width.

Every line is a function of (wavelength, peak, width at half maximum, shape); lines without a shape
ignore it.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.special import voigt_profile

from qdimage.domain.spectrum_fit import LineModel

Array = NDArray[np.float64]
Shape = Callable[[Array, float, float, float], Array]

_LN2 = math.log(2.0)
_SYMMETRIC = 1e-4
# Olivero and Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17, 233 (1977): the width of a Voigt
# line is a fL + sqrt(b fL^2 + fG^2), to 2e-4.
_VOIGT_LINEAR, _VOIGT_SQUARE = 0.5346, 0.2166
# Of three-point Gaussian quadrature over a pixel.
_NODES = np.array([-math.sqrt(0.6), 0.0, math.sqrt(0.6)]) / 2
_WEIGHTS = np.array([5.0, 8.0, 5.0]) / 18

BOUNDS: Mapping[LineModel, tuple[float, float] | None] = {
    "gaussian": None,
    "lorentzian": None,
    "voigt": (0.0, 1.0),
    "asymmetric": (-1.2, 1.2),
}


def gaussian(x: Array, peak: float, fwhm: float, _: float) -> Array:
    """Return a Gaussian."""
    height = 2 * math.sqrt(_LN2 / math.pi) / fwhm
    return np.asarray(height * np.exp(-4 * _LN2 * ((x - peak) / fwhm) ** 2))


def lorentzian(x: Array, peak: float, fwhm: float, _: float) -> Array:
    """Return a Lorentzian."""
    return np.asarray(2 / (math.pi * fwhm) / (1 + 4 * ((x - peak) / fwhm) ** 2))


def voigt(x: Array, peak: float, fwhm: float, share: float) -> Array:
    """Return a Voigt line, whose Lorentzian has the given share of the width."""
    lorentz = share * fwhm
    square = (fwhm - _VOIGT_LINEAR * lorentz) ** 2 - _VOIGT_SQUARE * lorentz**2
    sigma = math.sqrt(max(square, 0.0) / (8 * _LN2))
    return np.asarray(voigt_profile(x - peak, sigma, lorentz / 2))


def asymmetric(x: Array, peak: float, fwhm: float, skew: float) -> Array:
    """Return a log-normal line; it has a tail to long wavelengths where its skew is positive.

    Fraser and Suzuki, Anal. Chem. 41, 37 (1969); widths grow as sinh(skew) / skew.
    """
    if abs(skew) < _SYMMETRIC:
        return gaussian(x, peak, fwhm, 0.0)
    scale = fwhm * skew / math.sinh(skew)
    argument = 1 + 2 * skew * (x - peak) / scale
    log = np.log(np.where(argument > 0, argument, 1.0))
    area = scale / 2 * math.sqrt(math.pi / _LN2) * math.exp(skew**2 / (4 * _LN2))
    return np.asarray(np.where(argument > 0, np.exp(-_LN2 * (log / skew) ** 2) / area, 0.0))


SHAPES: Mapping[LineModel, Shape] = {
    "gaussian": gaussian,
    "lorentzian": lorentzian,
    "voigt": voigt,
    "asymmetric": asymmetric,
}


def in_pixels(
    shape: Shape, x: Array, width: Array, peak: float, fwhm: float, of_shape: float
) -> Array:
    """Return the part of a line that falls onto each pixel of centre x and a width."""
    nodes = x[:, np.newaxis] + width[:, np.newaxis] * _NODES
    return np.asarray(
        width * (shape(nodes.ravel(), peak, fwhm, of_shape).reshape(nodes.shape) @ _WEIGHTS)
    )
