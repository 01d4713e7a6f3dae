"""What one file of a spectrum says, alone or against another of the same dot."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import Spectrum
from qdimage.domain.spectrum_fit import BandLight, SpectraCompared, SpectrumFit
from qdimage.errors import ConfigurationError
from qdimage.io.spectrum_file import open_spectrum
from qdimage.spectra.compare import compared
from qdimage.spectra.fit import CleanSpectrum, clean, fit_spectrum, measure_light
from qdimage.spectra.options import SpectrumOptions


@dataclass(frozen=True)
class SpectrumSettings:
    """How one file is read.

    Attributes
    ----------
    dark : pathlib.Path or None
        A spectrum without light, which is subtracted.
    rows : (int, int) or None
        Half-open range of the sensor's rows that are summed.
    exposure_s : float or None
        Instead of what the file says.
    turn_on_v : float or None
        Voltage at which the dot, or the device, begins to emit.
    scope : {"dot", "area"}
        Of an area the bands are an answer without a line.
    """

    dark: Path | None = None
    rows: tuple[int, int] | None = None
    exposure_s: float | None = None
    turn_on_v: float | None = None
    scope: Literal["dot", "area"] = "dot"


@dataclass(frozen=True)
class SpectrumAnswer:
    """A spectrum, and its line and bands or the reason why there are none.

    Attributes
    ----------
    file : pathlib.Path
    spectrum : Spectrum
    cleaned : CleanSpectrum or None
        None where a dark could not be subtracted.
    answer : SpectrumFit or Refusal
    options : SpectrumOptions
        Which bands were meant.
    settings : SpectrumSettings
    light : BandLight or Refusal
        Of both bands, also where there is no line.
    against : pathlib.Path or None
        The other spectrum of the same dot.
    comparison : SpectraCompared, Refusal or None
        With that other spectrum.
    """

    file: Path
    spectrum: Spectrum
    cleaned: CleanSpectrum | None
    answer: SpectrumFit | Refusal
    options: SpectrumOptions
    settings: SpectrumSettings
    light: BandLight | Refusal
    against: Path | None = None
    comparison: SpectraCompared | Refusal | None = None


def spectrum_of_file(
    path: Path, *, settings: SpectrumSettings, options: SpectrumOptions
) -> SpectrumAnswer:
    """Read a spectrum, clean it, fit its line and measure its bands.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong with a file or the settings, and what to do.
    """
    for name in ("exposure_s", "turn_on_v"):
        value = getattr(settings, name)
        if value is not None and not 0 < value < math.inf:
            raise ConfigurationError(f"found {name} = {value}, expected more than 0; correct it")
    spectrum, cleaned = cleaned_file(path, settings=settings, options=options)
    if isinstance(cleaned, Refusal):
        return SpectrumAnswer(path, spectrum, None, cleaned, options, settings, cleaned)
    answer = fit_spectrum(cleaned, options)
    light = measure_light(cleaned, answer, options)
    return SpectrumAnswer(path, spectrum, cleaned, answer, options, settings, light)


def cleaned_file(
    path: Path, *, settings: SpectrumSettings, options: SpectrumOptions
) -> tuple[Spectrum, CleanSpectrum | Refusal]:
    """Read a spectrum, take out cosmic rays and subtract its dark.

    Raises
    ------
    FormatError
        In one line, what is wrong with a file, and what to do.
    """
    spectrum = open_spectrum(path, rows=settings.rows)
    if settings.exposure_s is not None:
        spectrum = replace(spectrum, exposure_s=settings.exposure_s)
    dark = None if settings.dark is None else open_spectrum(settings.dark, rows=settings.rows)
    return spectrum, clean(spectrum, options, dark)


def compare_answers(found: SpectrumAnswer, other: SpectrumAnswer) -> SpectraCompared | Refusal:
    """Compare two spectra of one dot, as EL against PL."""
    parts = [
        (each.cleaned.wavelength_nm, each.cleaned.counts, each.answer.noise, each.answer.line)
        for each in (found, other)
        if each.cleaned is not None and isinstance(each.answer, SpectrumFit)
    ]
    if len(parts) < 2:
        return Refusal("one of the two spectra has no line to compare")
    return compared(parts[0], parts[1])
