"""What the detector counted in the dot's band, in the background's, and where it is dark."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum_fit import Line, Noise
from qdimage.spectra.options import SpectrumOptions

Array = NDArray[np.float64]

_STRETCH_NM, _LEAST_STRETCH = 20.0, 20
_LEAST_PIXELS = 5
# In standard deviations.
_AGREE = 2.0
_FAR_FWHMS = 2.0


@dataclass(frozen=True)
class BandSums:
    """Sums of scaled counts, whose variance is their mean, of (dot, background, dark).

    Attributes
    ----------
    sums, pixels : ndarray, shape (3,)
        Scaled counts, and how many pixels they are from.
    fixed : float or None
        Level of a pixel without light where it is known, so that no dark pixels are needed.
    """

    sums: Array
    pixels: Array
    fixed: float | None

    @property
    def floor(self) -> float:
        """Level of a pixel without light."""
        return self.fixed if self.fixed is not None else float(self.sums[2] / self.pixels[2])


def band_sums(
    wavelength_nm: Array, counts: Array, noise: Noise, line: Line | None, options: SpectrumOptions
) -> BandSums | Refusal:
    """Add up both bands and the floor.

    The floor of the detector is the level of the darkest stretches outside both bands and the line.
    Which are darkest is decided by the even pixels for the odd ones, and by the odd ones for the
    even, so that the choice does not make the floor too low.

    Parameters
    ----------
    wavelength_nm, counts : ndarray, shape (n,)
        Counts without cosmic rays.
    noise : Noise
    line : Line or None
    options : SpectrumOptions
    """
    scaled = noise.scaled(counts)
    dot = _inside(wavelength_nm, options.dot_low_nm, options.dot_high_nm)
    back = _inside(wavelength_nm, options.background_low_nm, options.background_high_nm)
    for name, band in (("dot", dot), ("background", back)):
        if not _covered(wavelength_nm, band, name, options):
            return Refusal(
                f"the spectrum from {wavelength_nm[0]:.0f} to {wavelength_nm[-1]:.0f} nm does not "
                f"cover the {name} band; set spectrum.{name}_low_nm and {name}_high_nm"
            )
    dark = np.zeros_like(dot)
    if options.floor == "measured":
        found = _darkest(wavelength_nm, scaled, ~(dot | back) & _far(wavelength_nm, line))
        if found is None:
            return Refusal(
                "found no dark stretch outside both bands for the detector's floor; subtract a "
                "dark spectrum and set spectrum.floor to zero"
            )
        dark = found
    # Without a stretch the floor is known: no counts.
    fixed = None if dark.any() else -noise.offset_counts / noise.counts_per_electron
    parts = (dot, back, dark)
    return BandSums(
        np.array([float(scaled[each].sum()) for each in parts]),
        np.array([float(each.sum()) for each in parts]),
        fixed,
    )


def _inside(x: Array, low: float, high: float) -> NDArray[np.bool_]:
    return np.asarray((x >= low) & (x <= high))


def _covered(x: Array, band: NDArray[np.bool_], name: str, options: SpectrumOptions) -> bool:
    """Whether pixels reach over most of a band."""
    low, high = (getattr(options, f"{name}_{end}_nm") for end in ("low", "high"))
    return int(band.sum()) >= _LEAST_PIXELS and float(np.ptp(x[band])) >= 0.5 * (high - low)


def _far(x: Array, line: Line | None) -> NDArray[np.bool_]:
    if line is None:
        return np.ones(x.shape, bool)
    return np.asarray(np.abs(x - line.peak_nm.value) > _FAR_FWHMS * line.fwhm_nm.value)


def _darkest(x: Array, scaled: Array, allowed: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """Pixels of the darkest stretches, odd ones where even ones say so, and the other way round.

    None where there is no stretch.
    """
    # Of coarse pixels a stretch has to be wider.
    wide = max(_STRETCH_NM, 1.2 * _LEAST_STRETCH * float(np.median(np.diff(x))))
    stretch = ((x - x[0]) // wide).astype(int)
    even = np.arange(x.size) % 2 == 0
    dark = np.zeros_like(allowed)
    for half in (even, ~even):
        parts = [allowed & (stretch == index) for index in np.unique(stretch[allowed])]
        parts = [each for each in parts if int(each.sum()) >= _LEAST_STRETCH]
        if not parts:
            return None
        for each in _as_dark_as_can_be(parts, half, scaled):
            dark |= each & ~half
    return dark


def _as_dark_as_can_be(
    parts: list[NDArray[np.bool_]], half: NDArray[np.bool_], scaled: Array
) -> list[NDArray[np.bool_]]:
    """The darkest stretch, and those that agree with it within their errors."""
    parts = sorted(parts, key=lambda each: float(scaled[each & half].mean()))
    chosen, total, pixels = [parts[0]], 0.0, 0.0
    for each in parts:
        n, counts = float((each & half).sum()), float(scaled[each & half].sum())
        if pixels:
            level = max(total / pixels, 0.0)
            spread = np.sqrt(level * n * (1 + n / pixels) + 1)
            if counts - n * level > _AGREE * spread:
                break
            chosen.append(each)
        total, pixels = total + counts, pixels + n
    return chosen
