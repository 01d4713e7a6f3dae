"""A spectrum without cosmic rays and dark, its line and its bands."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import Spectrum
from qdimage.domain.spectrum_fit import BandLight, Noise, SpectrumFit
from qdimage.spectra.band_light import light_of
from qdimage.spectra.band_sums import band_sums
from qdimage.spectra.bands import ratio_of
from qdimage.spectra.cosmic import without_cosmic_rays, without_hot_pixels
from qdimage.spectra.dark import less_dark
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
    warning : str
        What is to know about the dark, "" for nothing.
    """

    wavelength_nm: Array
    pixel_nm: Array
    counts: Array
    hit: NDArray[np.bool_]
    n_cosmic: int
    noise: Noise
    warning: str = ""


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
    warning = ""
    if dark is None and noise.source == "given":
        bias = len(spectrum.frames) * options.bias_counts
        counts = counts - bias
        noise = replace(noise, offset_counts=noise.offset_counts - bias)
    if dark is not None:
        found = less_dark(counts, spectrum, dark, noise, options)
        if isinstance(found, Refusal):
            return found
        hit = hit | found.hot
        counts, noise, warning = without_hot_pixels(found.counts, hit), found.noise, found.warning
        if noise.source == "scatter":
            # Pixels that differ without light scatter less once the dark is off.
            noise = noise_of(counts, len(spectrum.frames), options, hit)
    return CleanSpectrum(
        spectrum.wavelength_nm, spectrum.pixel_nm, counts, hit, changed, noise, warning
    )


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
    sums = band_sums(x, counts, noise, line, options)
    bands = sums if isinstance(sums, Refusal) else ratio_of(sums, noise)
    return SpectrumFit(line, bands, noise)


def measure_light(
    cleaned: CleanSpectrum, found: SpectrumFit | Refusal, options: SpectrumOptions
) -> BandLight | Refusal:
    """Measure the light in both bands, whether or not a line was found there."""
    line, noise = (None, cleaned.noise) if isinstance(found, Refusal) else (found.line, found.noise)
    sums = band_sums(cleaned.wavelength_nm, cleaned.counts, noise, line, options)
    return sums if isinstance(sums, Refusal) else light_of(sums, noise)
