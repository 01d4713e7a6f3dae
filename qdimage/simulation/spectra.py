"""Spectra of a dot on a background, as a detector records them."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.domain.spectrum_fit import LineModel

Array = NDArray[np.float64]

_LN2 = float(np.log(2.0))
_LORENTZIAN_SHARE, _GAUSSIAN_SHARE, _SKEW = 0.6, 0.6192, 0.3


@dataclass(frozen=True)
class SpectrumTruth:
    """What emits, and what records it.

    Attributes
    ----------
    counts : float
        Electrons that the dot's line gives, on average.
    peak_nm, fwhm_nm : float
    model : str
        Kind of line; of a Voigt both parts add about equally, the asymmetric one is skewed by 0.3.
    background : float
        Electrons of Poly-TPD's emission, nearly all between 400 and 500 nm, for each of the dot's.
    background_tail_nm : float
        Mean length of an exponential tail of that emission to long wavelengths.
    first_nm, step_nm, pixels : float, float, int
        Of the detector.
    bias_counts, electrons_per_count, read_noise_e : float
        Electrons before a multiplying register, read noise behind it.
    em_gain : float
        Of that register; 1 for none.
    frames : int
    cosmic_rays : int
        Spikes, of 1000 electrons on average.
    """

    counts: float = 1e4
    peak_nm: float = 630.0
    fwhm_nm: float = 20.0
    model: LineModel = "gaussian"
    background: float = 0.0
    background_tail_nm: float = 0.0
    first_nm: float = 380.0
    step_nm: float = 0.4
    pixels: int = 1000
    bias_counts: float = 0.0
    electrons_per_count: float = 1.0
    read_noise_e: float = 0.0
    em_gain: float = 1.0
    frames: int = 1
    cosmic_rays: int = 0


def simulate_spectrum(truth: SpectrumTruth, generator: np.random.Generator) -> Spectrum:
    """Draw every photon's wavelength, and read the detector out.

    Photons are drawn one by one, so that nothing is shared with the lines that are fitted.
    """
    edges = truth.first_nm + truth.step_nm * (np.arange(truth.pixels + 1) - 0.5)
    frames = []
    for _ in range(truth.frames):
        share = truth.counts / truth.frames
        dot = _emitted(truth, generator.poisson(share), generator)
        # As broad as the emission of Poly-TPD.
        back = 450.0 + 20.0 * generator.standard_normal(
            generator.poisson(share * truth.background / _WITHIN)
        )
        back += truth.background_tail_nm * generator.standard_exponential(back.size)
        electrons = np.histogram(np.concatenate([dot, back]), edges)[0].astype(float)
        if truth.em_gain > 1:
            # Of a high gain: n electrons become a gamma number of shape n (Basden et al. 2003).
            electrons = generator.standard_gamma(electrons)
        read_e = truth.read_noise_e / truth.em_gain
        electrons += read_e * generator.standard_normal(truth.pixels)
        struck = generator.integers(0, truth.pixels, truth.cosmic_rays)
        np.add.at(electrons, struck, 300 + generator.exponential(700, truth.cosmic_rays))
        frames.append(truth.bias_counts + electrons / truth.electrons_per_count)
    counts = np.array(frames)
    if truth.bias_counts or truth.electrons_per_count != 1 or truth.read_noise_e:
        counts = np.rint(counts)
    centres = (edges[1:] + edges[:-1]) / 2
    return Spectrum(Path("simulated.csv"), centres, counts, exposure_s=float(truth.frames))


# Share of a normal number of 450 +- 20 between 400 and 500.
_WITHIN = 0.98758


def _emitted(truth: SpectrumTruth, number: int, generator: np.random.Generator) -> Array:
    sigma = truth.fwhm_nm / np.sqrt(8 * _LN2)
    if truth.model == "gaussian":
        return np.asarray(truth.peak_nm + sigma * generator.standard_normal(number))
    if truth.model == "lorentzian":
        half = truth.fwhm_nm / 2
        return np.asarray(truth.peak_nm + half * generator.standard_cauchy(number))
    if truth.model == "voigt":
        # Shares of 0.6 and 0.6192 of the width make up the whole (Olivero and Longbothum 1977).
        normal = _GAUSSIAN_SHARE * sigma * generator.standard_normal(number)
        cauchy = _LORENTZIAN_SHARE * truth.fwhm_nm / 2 * generator.standard_cauchy(number)
        return np.asarray(truth.peak_nm + normal + cauchy)
    skew = _SKEW
    scale = truth.fwhm_nm * skew / np.sinh(skew)
    # exp(-ln 2 (u / skew)^2 + u) is the density of u.
    spread = skew / np.sqrt(2 * _LN2)
    u = spread**2 + spread * generator.standard_normal(number)
    return np.asarray(truth.peak_nm + scale * (np.exp(u) - 1) / (2 * skew))


def line_shape(truth: SpectrumTruth) -> float | None:
    """Return the shape of the line that is drawn: a Lorentzian's share, a skew, or None."""
    return {"voigt": _LORENTZIAN_SHARE, "asymmetric": _SKEW}.get(truth.model)


def dark_spectrum(truth: SpectrumTruth, generator: np.random.Generator) -> Spectrum:
    """Return what the same detector records without light."""
    return simulate_spectrum(replace(truth, counts=0.0, cosmic_rays=0), generator)
