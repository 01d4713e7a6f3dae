"""What every reader of spectra checks before it hands one over."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.errors import FormatError

Array = NDArray[np.float64]
Rows = tuple[int, int]

MOST_BYTES = 1 << 28
LEAST_PIXELS, MOST_PIXELS = 8, 1 << 20
_SHORTEST_NM, _LONGEST_NM = 100.0, 20_000.0
_MOST_COUNTS = 1e15
_LONGEST_S = 1e7


def read_bytes(path: Path) -> bytes:
    """Return the whole of a file that is not too large for a spectrum.

    Raises
    ------
    FormatError
        If it is missing, a folder, empty, too large or cannot be read.
    """
    if not path.is_file():
        what = "found a folder" if path.is_dir() else "there is no such file"
        raise FormatError(f"{path}: {what}, expected a spectrum; correct the path")
    try:
        size = path.stat().st_size
        if not 0 < size <= MOST_BYTES:
            raise FormatError(
                f"{path}: found {size} bytes, expected 1 to {MOST_BYTES} of a spectrum; "
                "export it again"
            )
        return path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); name a file") from error


def made_spectrum(
    path: Path,
    wavelength_nm: Array,
    images: Array,
    *,
    rows: Rows | None,
    exposure_s: float | None,
    meta: Mapping[str, str],
    warnings: tuple[str, ...] = (),
) -> Spectrum:
    """Check what was read, choose the rows of the sensor, and let wavelengths rise.

    Parameters
    ----------
    path : pathlib.Path
    wavelength_nm : ndarray, shape (n,)
    images : ndarray, shape (frames, rows, n)
        Counts.
    rows : (int, int) or None
        Half-open range of the rows that are summed; None where there is one alone.
    exposure_s : float or None
        Of all frames; what is no positive number becomes None.
    meta, warnings
        As in `Spectrum`.

    Raises
    ------
    FormatError
        If the axis is no wavelength in nm, or the rows or the counts make no sense.
    """
    frames = _summed_rows(path, images, rows)
    if not LEAST_PIXELS <= wavelength_nm.size <= MOST_PIXELS or not frames.shape[0]:
        raise FormatError(
            f"{path}: found {frames.shape[0]} frames of {wavelength_nm.size} pixels, expected "
            f"frames of {LEAST_PIXELS} to {MOST_PIXELS}; export the whole spectrum"
        )
    if not np.all((wavelength_nm >= _SHORTEST_NM) & (wavelength_nm <= _LONGEST_NM)):
        raise FormatError(
            f"{path}: found an axis from {wavelength_nm[0]:g} to {wavelength_nm[-1]:g}, expected "
            f"wavelengths of {_SHORTEST_NM:g} to {_LONGEST_NM:g} nm; calibrate the axis, or "
            "export it in nm"
        )
    if not np.all(np.abs(frames) <= _MOST_COUNTS):
        raise FormatError(
            f"{path}: found counts that are not finite or beyond {_MOST_COUNTS:g}, expected those "
            "of a detector; export the spectrum again"
        )
    if wavelength_nm[0] > wavelength_nm[-1]:
        wavelength_nm, frames = wavelength_nm[::-1], frames[:, ::-1]
    if not np.all(np.diff(wavelength_nm) > 0):
        raise FormatError(
            f"{path}: found wavelengths that go up and down, expected one range from end to end; "
            "export each range alone, without joining them"
        )
    return Spectrum(
        path,
        np.ascontiguousarray(wavelength_nm, np.float64),
        np.ascontiguousarray(frames, np.float64),
        seconds(exposure_s),
        dict(meta),
        warnings,
    )


def seconds(value: float | None) -> float | None:
    """Return an exposure, or None where a file's number makes no sense."""
    known = value is not None and math.isfinite(value) and 0 < value <= _LONGEST_S
    return value if known else None


def _summed_rows(path: Path, images: Array, rows: Rows | None) -> Array:
    height = images.shape[1]
    if rows is None:
        if height != 1:
            raise FormatError(
                f"{path}: found {height} rows or tracks, expected one; name those to sum as rows, "
                f"from 0, such as 0 {height}"
            )
        return np.asarray(images[:, 0], np.float64)
    first, stop = rows
    if not 0 <= first < stop <= height:
        raise FormatError(
            f"{path}: found rows {first} to {stop} of {height}, expected a range inside; correct it"
        )
    return np.asarray(images[:, first:stop].sum(axis=1, dtype=np.float64))
