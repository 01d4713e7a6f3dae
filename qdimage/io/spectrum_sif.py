"""Andor's multi-channel files ``.sif``: lines of text, then the counts as 32-bit numbers.

The layout is not published; M. Leutenegger (2006) and the authors of sif_parser found it by
comparison with what Solis exports. The lines between the detector and the axis differ from version
to version, so that the calibration is found by counting back from the axis.
"""

import math
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.errors import FormatError
from qdimage.io.spectrum_parts import MOST_PIXELS, Rows, made_spectrum, read_bytes

_MAGIC = b"Andor Technology Multi-Channel File"
# "Pixel number", then the version of the layout, the area, frames, areas, all numbers, of a frame.
_LAYOUT = re.compile(rb"\nPixel number(6\d{4}(?: \d{1,10}){8})\r?\n")
_EXPOSURE, _ACCUMULATIONS = 12, 15
# Later versions have one line more.
_BACK_TO_CALIBRATION = (10, 9)
_MOST_FRAMES = 1 << 20


def open_sif(path: Path, *, rows: Rows | None = None) -> Spectrum:
    """Read a spectrum, or a series of them, from a ``.sif`` file.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    data = read_bytes(path)
    layout = _LAYOUT.search(data)
    if not data.startswith(_MAGIC) or layout is None:
        raise FormatError(
            f"{path}: found no layout of an Andor file, expected one that Solis wrote; export the "
            "spectrum as .asc"
        )
    head = data[: layout.start()].split(b"\n")
    try:
        width, height, first_px, binning, frames, start = _areas(data, layout)
        numbers = np.frombuffer(data, "<f4", count=frames * height * width, offset=start)
        polynomial = _calibration(head)
    except (ValueError, IndexError) as error:
        reason = " ".join(str(error).split())[:100]
        raise FormatError(
            f"{path}: found a layout that makes no sense or a file cut short ({reason}), expected "
            "counts and a calibration; copy it again, or export it as .asc"
        ) from error
    images = numbers.reshape(frames, height, width).astype(np.float64)
    exposure_s, accumulations = _exposure(head[2])
    what = head[-1].decode("latin-1").rstrip("0123456789")
    warnings: tuple[str, ...] = ()
    if "per second" in what.lower():
        if exposure_s is None:
            raise FormatError(
                f"{path}: found counts per second and no exposure, expected counts; save them so"
            )
        images = images * (exposure_s * accumulations)
        warnings = ("the file has counts per second; they were multiplied by the exposure",)
    pixel = first_px + binning * np.arange(width, dtype=np.float64) + (binning - 1) / 2
    return made_spectrum(
        path,
        _wavelengths(polynomial, pixel),
        images,
        rows=rows,
        exposure_s=None if exposure_s is None else exposure_s * accumulations * frames,
        meta={"detector": head[3].decode("latin-1").strip()[:100], "data_type": what[:100]},
        warnings=warnings,
    )


def _areas(data: bytes, layout: re.Match[bytes]) -> tuple[int, int, float, int, int, int]:
    """Return width, height, first pixel, binning, frames, and where the counts begin."""
    _, _, _, _, _, frames, areas, total, of_frame = (int(each) for each in layout[1].split())
    if areas != 1:
        raise ValueError(f"{areas} areas of the sensor")
    place = layout.end()
    line, place = _line(data, place)
    left, top, right, bottom, rows_binned, binning = (int(each) for each in line.split()[1:7])
    if min(rows_binned, binning) < 1 or not 1 <= frames <= _MOST_FRAMES:
        raise ValueError(f"binning {binning} x {rows_binned}, {frames} frames")
    width = (right - left + 1) // binning
    height = (abs(top - bottom) + 1) // rows_binned
    if not (0 < width <= MOST_PIXELS and height > 0 and width * height == of_frame):
        raise ValueError(f"{of_frame} numbers in a frame of {width} x {height}")
    if total != frames * of_frame:
        raise ValueError(f"{total} numbers in {frames} frames of {of_frame}")
    for _ in range(frames):
        line, place = _line(data, place)
        int(line)
    # A 0, or a 1 and one more line for each frame; older versions have neither.
    flag, after = _line(data, place)
    if flag.strip() in (b"0", b"1"):
        place = after
        for _ in range(frames if flag.strip() == b"1" else 0):
            _, place = _line(data, place)
    return width, height, float(left), binning, frames, place


def _calibration(head: list[bytes]) -> list[float]:
    """Coefficients of the wavelength in nm as a polynomial of the pixel, counted from 1."""
    for back in _BACK_TO_CALIBRATION:
        words = head[-back].split()
        if len(words) > 1 and all(re.fullmatch(rb"[-+.\deE]+", each) for each in words):
            return [float(each) for each in words]
    raise ValueError("no calibration of the axis")


def _line(data: bytes, place: int) -> tuple[bytes, int]:
    end = data.index(b"\n", place)
    return data[place:end], end + 1


def _exposure(line: bytes) -> tuple[float | None, int]:
    """Exposure of one accumulation, and how many were summed."""
    words = line.split(b" ")
    try:
        exposure, accumulations = float(words[_EXPOSURE]), int(words[_ACCUMULATIONS])
    except (ValueError, IndexError):
        return None, 1
    known = math.isfinite(exposure) and exposure > 0
    return (exposure if known else None), max(accumulations, 1)


def _wavelengths(coefficients: list[float], pixel: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = pixel[:, np.newaxis] ** np.arange(len(coefficients))
    return np.asarray(powers @ np.array(coefficients, np.float64))
