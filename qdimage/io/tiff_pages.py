"""Checking pages before anything is read, and reading one of them."""

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.tiff_file import collected_log, one_line
from qdimage.io.tiff_layout import Plane
from qdimage.io.tiff_lzw import lzw_makes_sense

# No lossless coder makes a camera frame smaller than this by more than noise allows.
_LARGEST_EXPANSION = 5_000
_LZW = 5
_ALWAYS_BELIEVED_BYTES = 64 * 2**20
_NATIVE = "<" if sys.byteorder == "little" else ">"


def check_pages(path: Path, planes: list[Plane]) -> tuple[int, int, np.dtype[Any]]:
    """Return (height, width, dtype) that all frames share; refuse what is no camera frame.

    Raises
    ------
    FormatError
        For colour, complex or mixed pages, and for data that are not inside the file.
    """
    first = planes[0].page.tags
    _check_kind(path, first)
    for plane in planes:
        page = plane.page.tags
        if page.shape != first.shape or page.dtype != first.dtype:
            raise FormatError(
                f"{path}: frame {plane.number} is {_describe(page)}, frame {planes[0].number} is "
                f"{_describe(first)}, expected one shape and type; export the frames alike"
            )
        if plane is planes[0] or plane.index == 0:
            _check_extent(path, plane)
    height, width = first.shape
    dtype = np.dtype(first.dtype)
    return int(height), int(width), dtype.newbyteorder("=")


def _describe(page: tifffile.TiffPage) -> str:
    return f"{' x '.join(str(size) for size in page.shape)} {page.dtype}"


def _check_kind(path: Path, page: tifffile.TiffPage) -> None:
    if page.samplesperpixel > 1 or page.photometric in (2, 3, 6):
        raise FormatError(
            f"{path}: found colour pixels ({page.samplesperpixel} samples each), expected one "
            "grey value; export the camera's raw frames, not a picture of them"
        )
    if page.dtype is None or np.dtype(page.dtype).kind not in "uif":
        raise FormatError(
            f"{path}: found pixels of type {page.dtype}, expected integers or real numbers; "
            "export the camera's raw frames"
        )
    if len(page.shape) != 2 or 0 in page.shape:
        raise FormatError(
            f"{path}: found pages of shape {_describe(page)}, expected two-dimensional frames; "
            "export the camera's raw frames"
        )


def _check_extent(path: Path, plane: Plane) -> None:
    """Compare what a page promises with the size of the file, before memory is taken."""
    number, page, offsets = plane.number, plane.page.tags, plane.page.offsets
    size = page.parent.filehandle.size
    n_segments = math.prod(page.chunked)
    n_listed = min(len(offsets), len(page.databytecounts))
    if n_listed < n_segments:
        raise FormatError(
            f"{path}: frame {number} lists {n_listed} of {n_segments} parts; "
            "the file is damaged, copy or export it again"
        )
    for offset, count in zip(offsets, page.databytecounts, strict=False):
        if offset <= 0 or count <= 0:
            raise FormatError(
                f"{path}: a part of frame {number} was never written, expected all of it; "
                "copy or export the file again"
            )
        if offset + count > size:
            raise FormatError(
                f"{path}: the data of frame {number} should end at byte {offset + count}, the "
                f"file has {size} bytes; it is cut short or damaged, copy or export it again"
            )
    stored = sum(page.databytecounts)
    packed = page.compression != 1 or page.bitspersample % 8 != 0
    itemsize = np.dtype(page.dtype).itemsize
    # A tile is decoded whole, also where it reaches beyond the frame.
    decoded = max(page.nbytes, n_segments * math.prod(page.chunks) * itemsize)
    too_much = decoded > max(_ALWAYS_BELIEVED_BYTES, _LARGEST_EXPANSION * stored)
    if too_much or (not packed and page.nbytes > stored):
        raise FormatError(
            f"{path}: frame {number} should hold {page.nbytes} bytes, the file stores {stored} "
            "for it; its header is wrong or it is cut short, copy or export it again"
        )


def read_plane(
    path: Path, plane: Plane, frame: NDArray[Any], *, must_be_finite: bool = True
) -> None:
    """Read one frame into an array of its shape and type.

    Raises
    ------
    FormatError
        If its data are damaged, or a value is no number where it must be one.
    """
    where = f"frame {plane.number}"
    page = plane.page.tags
    as_stored = page.is_contiguous and page.predictor == 1 and page.fillorder == 1
    messages: list[str] = []
    try:
        if as_stored or plane.index > 0:
            found = _stored(plane, frame)
        else:
            if page.compression == _LZW:
                _check_lzw(plane)
            with collected_log() as messages:
                found = np.asarray(page.asarray(maxworkers=1))
    except Exception as error:  # every codec has errors of its own
        raise FormatError(
            f"{path}: {where} cannot be decoded ({one_line(error)}); copy or export the file again"
        ) from error
    if messages or found.shape != frame.shape:
        reason = one_line(messages[0]) if messages else f"shape {found.shape}"
        raise FormatError(f"{path}: {where} is damaged ({reason}); copy or export the file again")
    if found is not frame:
        frame[:] = found
    if must_be_finite and frame.dtype.kind == "f" and not np.isfinite(frame).all():
        raise FormatError(
            f"{path}: {where} has values that are no finite numbers, expected none; "
            "export the camera's raw frames"
        )


def _check_lzw(plane: Plane) -> None:
    page, handle = plane.page.tags, plane.page.tags.parent.filehandle
    n_wanted = math.prod(page.chunks) * np.dtype(page.dtype).itemsize
    for offset, count in zip(plane.page.offsets, page.databytecounts, strict=False):
        with handle.lock:
            handle.seek(offset)
            data = np.frombuffer(handle.read(count), np.uint8)
        if not lzw_makes_sense(data, n_wanted):
            raise tifffile.TiffFileError("codes of LZW that are not in the table")


def _stored(plane: Plane, frame: NDArray[Any]) -> NDArray[Any]:
    """Fill a frame with the bytes of the file, and return it."""
    page = plane.page.tags
    handle = page.parent.filehandle
    buffer: Any = frame
    with handle.lock:
        handle.seek(plane.page.offsets[0] + plane.index * page.nbytes)
        n_read = handle.readinto(buffer)
    if n_read != frame.nbytes:
        raise tifffile.TiffFileError(f"{n_read} of {frame.nbytes} bytes can be read")
    if page.parent.byteorder != _NATIVE:
        frame.byteswap(inplace=True)
    return frame
