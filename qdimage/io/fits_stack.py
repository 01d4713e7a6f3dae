"""FITS files as image stacks, by astropy (extra ``fits``)."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.io.extras import needed
from qdimage.io.frame_choice import choose_frames, only_channel
from qdimage.io.tiff_file import one_line

_NO_TEMPERATURE = -999.0
# No coder makes a camera's noise smaller than by this.
_MOST_PACKED = 100
# Data are filled up to so many bytes, at the end of a file not by every program.
_PADDING = 2880
_MOST_COUNTED = 999


def open_fits(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    """Open the first image of a FITS file; see `qdimage.io.open_stack`."""
    only_channel(path, channel_index)
    fits = needed(path, "astropy.io.fits", "fits")
    handle = path.open("rb")
    try:
        _check_counts(handle, fits.Header)
        # Scaled integers cannot be mapped; the sections below are read from the file all the same.
        file = fits.open(handle, memmap=False, lazy_load_hdus=True)
    except Exception as error:
        handle.close()
        raise FormatError(
            f"{path}: found no readable FITS file ({one_line(error)}), expected one; copy or "
            "export it again"
        ) from error

    def close() -> None:
        file.close()
        handle.close()

    try:
        image = _first_image(path, file)
        shape = tuple(int(size) for size in image.shape)
        n_frames = shape[0] if len(shape) == 3 else 1
        _check_size(path, image, shape)
        chosen = choose_frames(path, n_frames, frames, frames_excluded)
        dtype = _frame(path, image, 0, len(shape) == 3).dtype
    except FormatError:
        close()
        raise
    except Exception as error:  # the headers of later parts are read here
        close()
        raise FormatError(
            f"{path}: its header makes no sense ({one_line(error)}); copy or export it again"
        ) from error

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty((max(stop - start, 0), *shape[-2:]), dtype)
        for index, number in enumerate(chosen[start:stop]):
            block[index] = _frame(path, image, number, len(shape) == 3)
        return block

    return Stack(
        str(path), (len(chosen), shape[-2], shape[-1]), dtype, read, _metadata(image.header), close
    )


def _check_counts(handle: BinaryIO, headers: Any) -> None:
    """Refuse axes and columns without end, which the library counts one by one.

    Raises
    ------
    ValueError
        If there are more than the standard allows, or fewer data than none.
    """
    start, begins = 0, b"SIMPLE"
    while handle.read(len(begins)) == begins:
        handle.seek(start)
        header = headers.fromfile(handle)
        for key in ("NAXIS", "ZNAXIS", "TFIELDS"):
            if not 0 <= int(header.get(key, 0)) <= _MOST_COUNTED:
                raise ValueError(f"{key} is {header[key]}")
        sizes = [int(header[f"NAXIS{k + 1}"]) for k in range(int(header.get("NAXIS", 0)))]
        n = int(header.get("PCOUNT", 0)) + (math.prod(sizes) if sizes else 0)
        n_bytes = n * int(header.get("GCOUNT", 1)) * abs(int(header["BITPIX"])) // 8
        if n_bytes < 0:
            raise ValueError(f"{n_bytes} bytes of data")
        start = handle.tell() + n_bytes + -n_bytes % _PADDING
        handle.seek(start)
        begins = b"XTENSION"
    handle.seek(0)


def _first_image(path: Path, file: Any) -> Any:
    for unit in file:
        shape = getattr(unit, "shape", ())
        if getattr(unit, "is_image", False) and len(shape) in (2, 3) and 0 not in shape:
            return unit
    raise FormatError(
        f"{path}: found no image of two or three axes, expected the camera's frames; export them"
    )


def _check_size(path: Path, image: Any, shape: tuple[int, ...]) -> None:
    """Compare what the header promises with the size of the file, before memory is taken."""
    promised = math.prod(shape) * abs(int(image.header["BITPIX"])) // 8
    size = path.stat().st_size
    place = image.fileinfo()
    is_there = place["datLoc"] + place["datSpan"] <= size + _PADDING
    is_packed = type(image).__name__ == "CompImageHDU"
    if not is_there or promised > size * (_MOST_PACKED if is_packed else 1):
        raise FormatError(
            f"{path}: the header promises {promised} bytes of frames, the file has {size}; it is "
            "cut short or damaged, copy or export it again"
        )


def _frame(path: Path, image: Any, number: int, is_stack: bool) -> NDArray[Any]:
    try:
        frame = np.asarray(image.section[number] if is_stack else image.section[:, :])
    except Exception as error:
        raise FormatError(
            f"{path}: frame {number} cannot be read ({one_line(error)}); copy or export it again"
        ) from error
    if frame.dtype.kind == "f" and not np.isfinite(frame).all():
        raise FormatError(
            f"{path}: frame {number} has values that are no finite numbers, expected none; export "
            "the camera's raw frames"
        )
    return frame.astype(frame.dtype.newbyteorder("="), copy=False)


def _metadata(header: Mapping[str, Any]) -> dict[str, float]:
    """Return what the keywords of Andor Solis and the common ones say."""
    temperatures = [_number(header, key) for key in ("TEMP", "UNSTTEMP", "CCD-TEMP")]
    known = [each for each in temperatures if each is not None and each > _NO_TEMPERATURE]
    binnings = [_number(header, key) for key in ("HBIN", "VBIN", "XBINNING", "YBINNING")]
    sides = {each for each in binnings if each is not None}
    found = {
        "exposure_s": _number(header, "EXPOSURE") or _number(header, "EXPTIME"),
        "em_gain": _em_gain(header),
        "electrons_per_adu": _number(header, "SNTVTY"),
        "preamplifier_gain": _number(header, "PREAMP"),
        "binning": sides.pop() if len(sides) == 1 else None,
    }
    kept = {key: value for key, value in found.items() if value is not None and value > 0}
    return kept | ({"temperature_c": known[0]} if known else {})


def _em_gain(header: Mapping[str, Any]) -> float | None:
    """Return the gain that was set; None where the number is that of a converter, or unknown."""
    output = str(header.get("OUTPTAMP", "")).lower()
    gain = _number(header, "GAIN")
    if "conventional" in output:
        return 1.0
    if "electron multiplying" not in output or gain is None:
        return None
    if gain == 0:
        return 1.0
    return gain if _number(header, "EMREALGN") == 1 and gain >= 1 else None


def _number(header: Mapping[str, Any], key: str) -> float | None:
    text = str(header.get(key, ""))
    match = re.match(r"\s*([-+]?[0-9.]+(?:[eE][-+]?\d+)?)", text)
    try:
        value = float(match[1]) if match else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None
