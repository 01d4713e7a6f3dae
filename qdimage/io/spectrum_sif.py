"""Spectra of Andor's multi-channel files ``.sif``.

The lines before the axis differ from version to version, so that its calibration is found by
counting back from it.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.errors import FormatError
from qdimage.io.sif_layout import find_sif_layout, sif_acquisition
from qdimage.io.spectrum_parts import Rows, made_spectrum, read_bytes

# Later versions have one line more.
_BACK_TO_CALIBRATION = (10, 9)


def open_sif(path: Path, *, rows: Rows | None = None) -> Spectrum:
    """Read a spectrum, or a series of them, from a ``.sif`` file.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    data = read_bytes(path)
    layout = find_sif_layout(path, data)
    head, frames = layout.head, layout.frames
    numbers = np.frombuffer(
        data, "<f4", count=frames * layout.height * layout.width, offset=layout.start
    )
    try:
        polynomial = _calibration(head)
    except (ValueError, IndexError) as error:
        raise FormatError(
            f"{path}: found {error}, expected one; export the spectrum as .asc"
        ) from error
    images = numbers.reshape(frames, layout.height, layout.width).astype(np.float64)
    acquisition = sif_acquisition(layout)
    exposure_s, accumulations = acquisition.exposure_s, acquisition.accumulations
    what = layout.data_type
    warnings: tuple[str, ...] = ()
    if "per second" in what.lower():
        if exposure_s is None:
            raise FormatError(
                f"{path}: found counts per second and no exposure, expected counts; save them so"
            )
        images = images * (exposure_s * accumulations)
        warnings = ("the file has counts per second; they were multiplied by the exposure",)
    binning = layout.binning
    pixel = layout.left_px + binning * np.arange(layout.width, dtype=np.float64)
    pixel += (binning - 1) / 2
    return made_spectrum(
        path,
        _wavelengths(polynomial, pixel),
        images,
        rows=rows,
        exposure_s=None if exposure_s is None else exposure_s * accumulations * frames,
        meta={"detector": layout.detector, "data_type": what[:100]},
        warnings=warnings,
    )


def _calibration(head: list[bytes]) -> list[float]:
    """Coefficients of the wavelength in nm as a polynomial of the pixel, counted from 1."""
    for back in _BACK_TO_CALIBRATION:
        words = head[-back].split()
        if len(words) > 1 and all(re.fullmatch(rb"[-+.\deE]+", each) for each in words):
            return [float(each) for each in words]
    raise ValueError("no calibration of the axis")


def _wavelengths(coefficients: list[float], pixel: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = pixel[:, np.newaxis] ** np.arange(len(coefficients))
    return np.asarray(powers @ np.array(coefficients, np.float64))
