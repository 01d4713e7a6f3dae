"""Images of a point, integrated over pixels: Gaussian, Airy, or a defocused pupil."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates, spline_filter, uniform_filter
from scipy.optimize import minimize_scalar
from scipy.special import erf, j1

from qdimage.simulation.options import PsfOptions

Floats = NDArray[np.float64]

_GAUSSIAN_RADIUS_SIGMA = 6.0
_AIRY_RADIUS_PX = 16
_LARGEST_RADIUS_PX = 48
_SAMPLES_PER_PX = 7  # odd, so that a pixel is a whole number of samples about its centre
_PUPIL_SAMPLES = 1024


class Psf(Protocol):
    """An image of a point that spans ``2 radius_px + 1`` pixels."""

    @property
    def radius_px(self) -> int:
        """Pixels on each side of the central one."""

    def patches(self, dx_px: Floats, dy_px: Floats) -> Floats:
        """Images of unit flux, shape (n, y, x), of points beside the central pixel's centre."""


@dataclass(frozen=True)
class GaussianPsf:
    """A Gaussian of standard deviation ``sigma_px``, integrated over each pixel."""

    sigma_px: float

    @property
    def radius_px(self) -> int:
        """Pixels on each side of the central one."""
        return math.ceil(_GAUSSIAN_RADIUS_SIGMA * self.sigma_px) + 1

    def patches(self, dx_px: Floats, dy_px: Floats) -> Floats:
        """Images of unit flux, shape (n, y, x), of points beside the central pixel's centre."""
        return _unit_flux(self._share(dy_px)[:, :, np.newaxis] * self._share(dx_px)[:, np.newaxis])

    def _share(self, offset_px: Floats) -> Floats:
        edges = np.arange(-self.radius_px, self.radius_px + 2) - 0.5
        scaled = (edges - offset_px[:, np.newaxis]) / (math.sqrt(2) * self.sigma_px)
        share: Floats = np.diff(erf(scaled), axis=1) / 2
        return share


@dataclass(frozen=True)
class SampledPsf:
    """Any shape, as spline coefficients of its pixel-integrated image on a fine grid.

    The image ends at ``radius_px`` from the point itself, not at the border of the pixels about
    it, so that its centroid moves exactly as the point does.
    """

    coefficients: Floats
    radius_px: int

    def patches(self, dx_px: Floats, dy_px: Floats) -> Floats:
        """Images of unit flux, shape (n, y, x), of points beside the central pixel's centre."""
        pixels = np.arange(-self.radius_px, self.radius_px + 1)
        middle = len(self.coefficients) // 2
        rows = middle + _SAMPLES_PER_PX * (pixels - dy_px[:, np.newaxis])
        columns = middle + _SAMPLES_PER_PX * (pixels - dx_px[:, np.newaxis])
        grid = np.broadcast_arrays(rows[:, :, np.newaxis], columns[:, np.newaxis])
        image = map_coordinates(self.coefficients, grid, prefilter=False)
        # A spline swings below zero beside the edge, and no pixel gets fewer than no photons.
        return _unit_flux(np.maximum(image, 0.0))


def make_psf(options: PsfOptions, pixel_size_um: float) -> Psf:
    """Build the point-spread function that ``options`` describe."""
    # A broadened image is the perfect one seen with smaller pixels.
    pixel_nm = 1e3 * pixel_size_um / options.width_factor
    if options.kind == "gaussian":
        return GaussianPsf(perfect_sigma_nm(options) / pixel_nm)
    if options.kind == "airy":
        return _sampled(_airy(options, pixel_nm, _AIRY_RADIUS_PX), _AIRY_RADIUS_PX)
    radius_px = _defocused_radius(options, pixel_nm)
    return _sampled(_defocused(options, pixel_nm, radius_px), radius_px)


def perfect_sigma_nm(options: PsfOptions) -> float:
    """Standard deviation of the Gaussian that resembles a perfect objective's image."""
    return 0.21 * options.emission_nm / options.numerical_aperture


def gaussian_sigma_px(psf: Psf) -> float:
    """Standard deviation of the Gaussian that fits an image best, by least squares."""
    if isinstance(psf, GaussianPsf):
        return psf.sigma_px
    centred = psf.patches(np.zeros(1), np.zeros(1))[0]
    result = minimize_scalar(
        lambda sigma: _misfit(centred, sigma), bounds=(0.2, psf.radius_px / 2), method="bounded"
    )
    return float(result.x)


def _misfit(image: Floats, sigma_px: float) -> float:
    radius = len(image) // 2
    edges = np.arange(-radius, radius + 2) - 0.5
    share = np.diff(erf(edges / (math.sqrt(2) * sigma_px))) / 2
    model = np.outer(share, share)
    amplitude = np.sum(model * image) / np.sum(model**2)
    return float(np.sum((image - amplitude * model) ** 2))


def _unit_flux(patches: Floats) -> Floats:
    return np.asarray(patches / patches.sum(axis=(1, 2), keepdims=True))


def _sampled(intensity: Floats, radius_px: int) -> SampledPsf:
    sample = np.arange(len(intensity)) - len(intensity) // 2
    within = np.hypot(sample[:, np.newaxis], sample) <= radius_px * _SAMPLES_PER_PX
    integrated = uniform_filter(np.where(within, intensity, 0.0), _SAMPLES_PER_PX, mode="constant")
    return SampledPsf(spline_filter(integrated), radius_px)


def _samples_across(radius_px: int) -> int:
    """Odd number of samples that holds the pixels, half a pixel of offset, and the spline."""
    return 2 * (radius_px + 2) * _SAMPLES_PER_PX + 1


def _airy(options: PsfOptions, pixel_nm: float, radius_px: int) -> Floats:
    middle = _samples_across(radius_px) // 2
    step_nm = pixel_nm / _SAMPLES_PER_PX
    offset = step_nm * (np.arange(2 * middle + 1) - middle)
    radius = np.hypot(offset[:, np.newaxis], offset)
    v = 2 * math.pi * options.numerical_aperture * radius / options.emission_nm
    v[middle, middle] = 1.0
    intensity = (2 * j1(v) / v) ** 2
    intensity[middle, middle] = 1.0
    return np.asarray(intensity)


def _defocused_radius(options: PsfOptions, pixel_nm: float) -> int:
    sine = min(options.numerical_aperture / options.immersion_index, 0.999)
    blur_nm = abs(options.defocus_nm) * sine / math.sqrt(1 - sine**2)
    return min(_AIRY_RADIUS_PX + math.ceil(blur_nm / pixel_nm), _LARGEST_RADIUS_PX)


def _defocused(options: PsfOptions, pixel_nm: float, radius_px: int) -> Floats:
    """Squared Fourier transform of a round pupil with the phase of a displaced point."""
    step_nm = pixel_nm / _SAMPLES_PER_PX
    frequency = np.fft.fftfreq(_PUPIL_SAMPLES, step_nm)
    radial = np.hypot(frequency[:, np.newaxis], frequency)
    cutoff = options.numerical_aperture / options.emission_nm
    inside = np.clip((cutoff - radial) / frequency[1] + 0.5, 0.0, 1.0)
    axial = np.sqrt(np.maximum((options.immersion_index / options.emission_nm) ** 2 - radial**2, 0))
    pupil = inside * np.exp(2j * math.pi * options.defocus_nm * axial)
    intensity = np.abs(np.fft.fftshift(np.fft.fft2(pupil))) ** 2
    centre, half = _PUPIL_SAMPLES // 2, _samples_across(radius_px) // 2
    within = slice(centre - half, centre + half + 1)
    return np.asarray(intensity[within, within] / intensity.max())
