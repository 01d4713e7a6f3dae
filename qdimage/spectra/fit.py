"""A spectrum without cosmic rays and dark, its line and its bands."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import Spectrum
from qdimage.domain.spectrum_fit import Noise, SpectrumFit
from qdimage.spectra.bands import bands_of
from qdimage.spectra.cosmic import without_cosmic_rays
from qdimage.spectra.line import fit_line
from qdimage.spectra.noise import noise_of, refined
from qdimage.spectra.options import SpectrumOptions

Array = NDArray[np.float64]

_ROUNDS = 2


@dataclass(frozen=True)
class CleanSpectrum:
    """A spectrum as it is fitted.

    Attributes
    ----------
    wavelength_nm, pixel_nm, counts : ndarray, shape (n,)
        Counts of all frames, without cosmic rays, less the dark or a bias that was given.
    hit : ndarray of bool, shape (n,)
        Pixels whose counts are a guess.
    n_cosmic : int
        Spikes that were taken out.
    noise : Noise
    """

    wavelength_nm: Array
    pixel_nm: Array
    counts: Array
    hit: NDArray[np.bool_]
    n_cosmic: int
    noise: Noise


def clean(
    spectrum: Spectrum, options: SpectrumOptions, dark: Spectrum | None = None
) -> CleanSpectrum | Refusal:
    """Take out cosmic rays, subtract a dark or a known bias, and find how the counts scatter."""
    raw = spectrum.counts
    noise = noise_of(raw, len(spectrum.frames), options)
    # Cosmic rays make the scatter look larger, so that weak ones are found only without the others.
    for _ in range(_ROUNDS):
        counts, hit = without_cosmic_rays(spectrum.frames, noise, options.cosmic_sigma)
        noise = noise_of(counts, len(spectrum.frames), options, hit)
    changed = int(np.sum(hit)) or int(np.sum(np.abs(counts - raw) > 1e-9 * np.abs(raw)))
    if dark is None and noise.source == "given":
        bias = len(spectrum.frames) * options.bias_counts
        counts = counts - bias
        noise = Noise(noise.counts_per_electron, noise.offset_counts - bias, noise.source)
    if dark is not None:
        found = _less_dark(counts, spectrum, dark, noise, options)
        if isinstance(found, Refusal):
            return found
        counts, noise = found
    return CleanSpectrum(spectrum.wavelength_nm, spectrum.pixel_nm, counts, hit, changed, noise)


def _less_dark(
    counts: Array, spectrum: Spectrum, dark: Spectrum, noise: Noise, options: SpectrumOptions
) -> tuple[Array, Noise] | Refusal:
    """Counts less a dark of the same pixels, and their noise, the dark's own included."""
    same = dark.wavelength_nm.shape == spectrum.wavelength_nm.shape
    if not same or not np.allclose(dark.wavelength_nm, spectrum.wavelength_nm, atol=1e-3):
        return Refusal(
            f"{dark.path}: found other wavelengths than the spectrum's, expected a dark of the "
            "same pixels; record one so"
        )
    # Frames count: the bias grows with them, the dark current with the exposure.
    share = len(spectrum.frames) / len(dark.frames)
    if spectrum.exposure_s and dark.exposure_s:
        share = spectrum.exposure_s / dark.exposure_s
    level, _ = without_cosmic_rays(dark.frames, noise, options.cosmic_sigma)
    mean = float(level.mean())
    # The dark's own noise adds as if so many counts more had been there.
    offset = noise.offset_counts / max(share, 1e-9)
    own = share**2 * max(mean - offset, 0.0)
    shifted = Noise(
        noise.counts_per_electron, noise.offset_counts - share * mean - own, noise.source
    )
    return counts - share * level, shifted


def fit_spectrum(cleaned: CleanSpectrum, options: SpectrumOptions) -> SpectrumFit | Refusal:
    """Fit the line and measure the bands of a clean spectrum."""
    x, counts, noise = cleaned.wavelength_nm, cleaned.counts, cleaned.noise
    line = fit_line(x, cleaned.pixel_nm, counts, cleaned.hit, noise, options)
    if isinstance(line, Refusal):
        return line
    if noise.source == "scatter":
        seen = ~cleaned.hit[line.first : line.last]
        residual = counts[line.first : line.last] - line.fitted
        noise = refined(noise, residual[seen], line.fitted[seen])
        better = fit_line(x, cleaned.pixel_nm, counts, cleaned.hit, noise, options)
        line = line if isinstance(better, Refusal) else better
    return SpectrumFit(line, bands_of(x, counts, noise, line, options), noise)
