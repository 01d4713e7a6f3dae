"""Nikon's ``.nd2`` files as image stacks, by nd2 (extra ``nd2``)."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.io.extras import needed
from qdimage.io.frame_choice import choose_frames
from qdimage.io.tiff_file import one_line

_SECONDS_PER = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0}
# What NIS Elements writes of the camera, line after line, in words.
_PATTERNS = {
    "em_gain": r"(?:EM Gain|Multiplier|EM Multiplication Gain)\s*[:=]\s*([0-9.]+)",
    "temperature_c": r"(?:Camera )?Temperature\s*[:=]\s*(-?[0-9.]+)",
    "binning": r"Binning\s*[:=]\s*(\d+)x\1\b",
}
_EXPOSURE = r"Exposure\s*[:=]\s*([0-9.]+)\s*(ms|us|µs|min|s)\b"


def open_nd2(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    """Open an nd2 file that varies in time, or z, and channel; see `qdimage.io.open_stack`."""
    nd2 = needed(path, "nd2", "nd2")
    try:
        file = nd2.ND2File(path)
    except Exception as error:
        raise FormatError(
            f"{path}: found no readable nd2 file ({one_line(error)}), expected one; copy or export "
            "it again"
        ) from error
    try:
        n_frames, n_channels, height, width = _sizes(path, file)
        channel = _channel(path, n_channels, channel_index)
        chosen = choose_frames(path, n_frames, frames, frames_excluded)
        dtype = np.dtype(file.dtype)
        metadata = _metadata(file)
    except FormatError:
        file.close()
        raise

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty((max(stop - start, 0), height, width), dtype)
        for index, number in enumerate(chosen[start:stop]):
            try:
                frame = np.asarray(file.read_frame(number))
            except Exception as error:
                raise FormatError(
                    f"{path}: frame {number} cannot be read ({one_line(error)}); copy it again"
                ) from error
            block[index] = frame.reshape(n_channels, height, width)[channel]
        return block

    return Stack(str(path), (len(chosen), height, width), dtype, read, metadata, file.close)


def _sizes(path: Path, file: Any) -> tuple[int, int, int, int]:
    """Return frames, channels, height and width."""
    sizes: Mapping[str, int] = file.sizes
    if file.is_rgb:
        raise FormatError(f"{path}: found colour pixels, expected grey ones; export raw frames")
    loops = {axis: size for axis, size in sizes.items() if axis not in "YXCS" and size > 1}
    if len(loops) > 1:
        named = ", ".join(f"{axis} {size}" for axis, size in loops.items())
        raise FormatError(
            f"{path}: found several axes that vary ({named}), expected one; export one series"
        )
    height, width = int(sizes["Y"]), int(sizes["X"])
    n_frames, n_channels = math.prod(loops.values()), int(sizes.get("C", 1))
    promised = n_frames * n_channels * height * width
    # Frames may be packed, but not a camera's noise by more than this.
    if promised > 100 * path.stat().st_size:
        raise FormatError(
            f"{path}: found {n_frames} frames of {width} x {height} in {path.stat().st_size} "
            "bytes; the header is wrong, copy or export the file again"
        )
    return n_frames, n_channels, height, width


def _channel(path: Path, n: int, channel_index: int | None) -> int:
    if channel_index is None and n > 1:
        raise FormatError(
            f"{path}: found {n} channels in one file, expected one; set channel_index to "
            f"0 ... {n - 1}"
        )
    index = channel_index or 0
    if index >= n:
        raise FormatError(
            f"{path}: found channel_index {index}, expected 0 ... {n - 1}; correct it"
        )
    return index


def _metadata(file: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    try:
        text = "\n".join(str(each) for each in (file.text_info or {}).values())
        size = float(file.voxel_size().x)
    except Exception:  # noqa: BLE001  what is told of the frames is no reason not to read them
        return found
    if math.isfinite(size) and size > 0 and size != 1.0:
        found["pixel_size_um"] = size
    exposure = re.search(_EXPOSURE, text)
    if exposure is not None:
        found["exposure_s"] = float(exposure[1]) * _SECONDS_PER[exposure[2]]
    for key, pattern in _PATTERNS.items():
        match = re.search(pattern, text)
        if match is not None:
            found[key] = float(match[1])
    if found.get("em_gain", 1.0) < 1:
        del found["em_gain"]
    return {key: value for key, value in found.items() if key == "temperature_c" or value > 0}
