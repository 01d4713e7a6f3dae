"""A spectrum less what the detector shows without light."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import Spectrum
from qdimage.domain.spectrum_fit import Noise
from qdimage.spectra.cosmic import without_cosmic_rays
from qdimage.spectra.options import SpectrumOptions

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SAME_NM = 1e-3
_SAME_EXPOSURE = 0.01


@dataclass(frozen=True)
class DarkTaken:
    """What a dark makes of a spectrum.

    Attributes
    ----------
    counts : ndarray, shape (n,)
        Less the dark.
    hot : ndarray of bool, shape (n,)
        Pixels that stand out in the dark by themselves; their counts say nothing.
    noise : Noise
        Of the difference: that of the dark is in it.
    warning : str
        "" where there is nothing to know.
    """

    counts: Array
    hot: Mask
    noise: Noise
    warning: str


def less_dark(
    counts: Array, spectrum: Spectrum, dark: Spectrum, noise: Noise, options: SpectrumOptions
) -> DarkTaken | Refusal:
    """Subtract a dark of the same pixels, brought to the spectrum's frames and exposure.

    The bias grows with the frames, the dark current with the exposure. Where a frame's exposure is
    another than the dark's, the bias has to be known to tell them apart: it is given, or there is
    none since the counts scatter as photons do. Elsewhere all is scaled by exposure, and what that
    makes of the bias is left to the floor.

    Parameters
    ----------
    counts : ndarray, shape (n,)
        Of all frames of the spectrum, without cosmic rays.
    spectrum, dark : Spectrum
    noise : Noise
        Of `counts`.
    options : SpectrumOptions
    """
    same = dark.wavelength_nm.shape == spectrum.wavelength_nm.shape
    if not same or not np.allclose(dark.wavelength_nm, spectrum.wavelength_nm, atol=_SAME_NM):
        return Refusal(
            f"{dark.path}: found other wavelengths than the spectrum's, expected a dark of the "
            "same pixels; record one so"
        )
    frames, of_dark = len(spectrum.frames), len(dark.frames)
    share, bias, warning = frames / of_dark, 0.0, ""
    ratio = _exposure_ratio(spectrum, dark)
    if ratio is not None and abs(ratio / share - 1) > _SAME_EXPOSURE:
        share = ratio
        if noise.source == "given":
            bias = options.bias_counts
        elif noise.source == "scatter" and options.floor == "zero":
            return Refusal(
                f"{dark.path}: found another exposure than the spectrum's and no bias, expected a "
                "dark of the same exposure where the floor is zero; record one, or give "
                "spectrum.electrons_per_count and bias_counts"
            )
        elif noise.source == "scatter":
            warning = (
                "the dark's exposure is another and the bias is not known: the dark was scaled "
                "with its bias, which the floor takes off"
            )
    offset = noise.offset_counts * of_dark / frames
    of_its_own = replace(noise, offset_counts=offset)
    level, _ = without_cosmic_rays(dark.frames, of_its_own, options.cosmic_sigma)
    _, hot = without_cosmic_rays(dark.counts[np.newaxis], of_its_own, options.cosmic_sigma)
    expected = frames * bias + share * (level - of_dark * bias)
    # The dark's own noise adds as if so many counts more had been there.
    own = share**2 * max(float(level.mean()) - offset, 0.0)
    shifted = noise.offset_counts - float(expected.mean()) - own
    of_both = replace(noise, offset_counts=shifted)
    return DarkTaken(counts - expected, hot, of_both, warning)


def _exposure_ratio(spectrum: Spectrum, dark: Spectrum) -> float | None:
    """Exposure over the dark's, of all frames; None where one is not known."""
    if not (spectrum.exposure_s and dark.exposure_s):
        return None
    return spectrum.exposure_s / dark.exposure_s
