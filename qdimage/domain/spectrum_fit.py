"""What is found in a spectrum: its line, its bands, and how two of one dot compare."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal

Array = NDArray[np.float64]
LineModel = Literal["gaussian", "lorentzian", "voigt", "asymmetric"]
LINE_MODELS: tuple[LineModel, ...] = ("gaussian", "lorentzian", "voigt", "asymmetric")


@dataclass(frozen=True)
class Measured:
    """A number and its standard deviation."""

    value: float
    err: float


@dataclass(frozen=True)
class Noise:
    """Variance of a count: ``counts_per_electron * (level - offset_counts)``.

    Attributes
    ----------
    counts_per_electron : float
        Counts for one electron that scatters as a Poisson number does, the multiplication's
        excess noise included.
    offset_counts : float
        Level at which the variance would be 0; below the camera's bias by what read noise adds.
    source : str
        ``poisson``, ``given``, or ``scatter``: found from how neighbouring pixels scatter.
    relative_err : float
        Of `counts_per_electron`; 0 where it is known.
    """

    counts_per_electron: float
    offset_counts: float
    source: str
    relative_err: float = 0.0

    def scaled(self, counts: Array) -> Array:
        """Return numbers whose variance is their mean."""
        return np.asarray((counts - self.offset_counts) / self.counts_per_electron)

    def variance(self, level: Array) -> Array:
        """Return the variance of counts of a level, never 0."""
        least = self.counts_per_electron**2
        return np.maximum(self.counts_per_electron * (level - self.offset_counts), least)


@dataclass(frozen=True)
class Line:
    """The emission line that fits best.

    Attributes
    ----------
    model : str
        One of `LINE_MODELS`.
    peak_nm, fwhm_nm : Measured
        Of counts per nm.
    peak_ev, fwhm_ev : Measured
        Of counts per eV, which peak a little to the red of the former.
    counts : Measured
        Below the whole line.
    shape : Measured or None
        Share of the Lorentzian in a Voigt's width; the asymmetric line's asymmetry, positive with a
        tail to long wavelengths.
    bic : mapping of str to float
        Of every line that was tried, less that of the line that was chosen.
    p_value : float
        Goodness of fit.
    first, last : int
        Half-open range of pixels that were fitted.
    fitted : ndarray, shape (last - first,)
        Counts that the fit expects.
    """

    model: LineModel
    peak_nm: Measured
    fwhm_nm: Measured
    peak_ev: Measured
    fwhm_ev: Measured
    counts: Measured
    shape: Measured | None
    bic: dict[str, float]
    p_value: float
    first: int
    last: int
    fitted: Array


@dataclass(frozen=True)
class Bands:
    """Light in the band of the dot and in that of the background, without the detector's floor.

    Attributes
    ----------
    dot, background : Measured
        Counts.
    floor_counts : float
        Level of a pixel in the darkest stretches, which was taken off.
    ratio, low, high : float
        Background over dot with its 95 % interval (profile likelihood).
    upper : float
        One-sided 95 % limit.
    p_value : float
        Of so much background, or more, by chance where there is none.
    """

    dot: Measured
    background: Measured
    floor_counts: float
    ratio: float
    low: float
    high: float
    upper: float
    p_value: float


@dataclass(frozen=True)
class Light:
    """Counts of a band without the detector's floor.

    Attributes
    ----------
    counts : Measured
    upper : float
        One-sided 95 % limit (profile likelihood).
    p_value : float
        Of so much light, or more, by chance where there is none.
    """

    counts: Measured
    upper: float
    p_value: float


@dataclass(frozen=True)
class BandLight:
    """Light of either band, each alone."""

    dot: Light
    background: Light


@dataclass(frozen=True)
class SpectrumFit:
    """Everything that one spectrum says, and the noise that it was fitted with."""

    line: Line
    bands: Bands | Refusal
    noise: Noise


@dataclass(frozen=True)
class SpectraCompared:
    """A spectrum, as of EL, against another of the same dot, as of PL.

    Attributes
    ----------
    shift_nm, shift_ev : Measured
        Peak less that of the other.
    width_ratio : Measured
        Width over that of the other.
    p_value : float or None
        Of contours as different, or more, where both are the same up to brightness and a straight
        baseline; None where they do not overlap.
    similarity : float or None
        Cosine of the contours, noise taken off their lengths: 1 where they are the same.
    """

    shift_nm: Measured
    shift_ev: Measured
    width_ratio: Measured
    p_value: float | None
    similarity: float | None
