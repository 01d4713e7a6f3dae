"""Spectra from files: one reader for each format."""

from collections.abc import Callable, Mapping
from pathlib import Path

from qdimage.domain.spectrum import Spectrum
from qdimage.errors import FormatError
from qdimage.io.spectrum_parts import Rows
from qdimage.io.spectrum_sif import open_sif
from qdimage.io.spectrum_spe import open_spe
from qdimage.io.spectrum_text import open_text_spectrum

SPECTRUM_READERS: Mapping[str, Callable[..., Spectrum]] = {
    ".asc": open_text_spectrum,
    ".csv": open_text_spectrum,
    ".sif": open_sif,
    ".spe": open_spe,
    ".txt": open_text_spectrum,
}


def open_spectrum(path: Path, *, rows: Rows | None = None) -> Spectrum:
    """Read a spectrum in any known format, which the suffix names.

    Parameters
    ----------
    path : pathlib.Path
    rows : (int, int), optional
        Half-open range of the sensor's rows or the file's tracks to sum, from 0, where there are
        several.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    reader = SPECTRUM_READERS.get(path.suffix.lower())
    if reader is None:
        raise FormatError(
            f"{path}: found the suffix {path.suffix!r}, expected one of "
            f"{', '.join(SPECTRUM_READERS)}; export the spectrum as .csv"
        )
    return reader(path, rows=rows)
