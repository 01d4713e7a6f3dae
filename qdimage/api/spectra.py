"""Calls about spectra."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike, analysis_options

if TYPE_CHECKING:
    from qdimage.pipeline.spectrum import SpectrumAnswer


def spectrum(
    file: PathLike,
    *,
    against: PathLike | None = None,
    dark: PathLike | None = None,
    against_dark: PathLike | None = None,
    rows: tuple[int, int] | None = None,
    exposure_s: float | None = None,
    turn_on_v: float | None = None,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
) -> "SpectrumAnswer":
    """Find the line of a spectrum and the light in its bands, with errors and limits.

    Parameters
    ----------
    file : path
        ``.asc``, ``.sif``, ``.spe``, ``.txt`` or ``.csv``.
    against : path, optional
        Spectrum of the same dot to compare with, as of PL.
    dark : path, optional
        Spectrum without light, which is subtracted, scaled by exposure.
    against_dark : path, optional
        The same of `against`.
    rows : (int, int), optional
        Half-open range of the rows of an image, or tracks, that are summed.
    exposure_s : float, optional
        Of all frames; from the file where not given.
    turn_on_v : float, optional
        Voltage at which the dot begins to emit; gives how far below the photon's energy that is.
    options, assignments
        As in `plan`; those of ``spectrum`` count.

    Returns
    -------
    SpectrumAnswer
        With the spectrum, and its line and bands or the reason why there are none.

    Raises
    ------
    FormatError, ConfigurationError
        If a file cannot be read, or the settings make no sense.
    """
    from dataclasses import replace

    from qdimage.pipeline.spectrum import SpectrumSettings, compare_answers, spectrum_of_file

    settings = SpectrumSettings(
        dark=None if dark is None else Path(dark),
        rows=rows,
        exposure_s=exposure_s,
        turn_on_v=turn_on_v,
    )
    analysis = analysis_options(options, assignments)
    found = spectrum_of_file(Path(file), settings=settings, options=analysis.spectrum)
    if against is None:
        return found
    other = spectrum_of_file(
        Path(against),
        settings=SpectrumSettings(
            dark=None if against_dark is None else Path(against_dark), rows=rows
        ),
        options=analysis.spectrum,
    )
    return replace(found, against=Path(against), comparison=compare_answers(found, other))


def draw_spectra(found: "Sequence[SpectrumAnswer]", file: PathLike) -> None:
    """Draw what `spectrum` found into a file, one spectrum below the other.

    Parameters
    ----------
    found : sequence of SpectrumAnswer
        At most 12.
    file : path
        ``.png``, ``.svg`` or ``.pdf``.

    Raises
    ------
    ConfigurationError
        If the file's name ends otherwise, or there are none or too many.
    """
    from qdimage.reporting.spectrum_figures import write_spectra

    write_spectra(found, Path(file))
