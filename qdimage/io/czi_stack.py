"""Zeiss's ``.czi`` files as image stacks, by pylibCZIrw (extra ``czi``)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.io.extras import needed
from qdimage.io.frame_choice import choose_frames
from qdimage.io.tiff_file import one_line

_KINDS = {"Gray8": np.uint8, "Gray16": np.uint16, "Gray32Float": np.float32}
_SCALE = ("ImageDocument", "Metadata", "Scaling", "Items", "Distance")


def open_czi(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    """Open a czi file that varies in time, or z, and channel; see `qdimage.io.open_stack`."""
    czi = needed(path, "pylibCZIrw.czi", "czi")
    opened = czi.open_czi(str(path))
    try:
        document = opened.__enter__()
    except Exception as error:
        raise FormatError(
            f"{path}: found no readable czi file ({one_line(error)}), expected one; copy or export "
            "it again"
        ) from error

    def close() -> None:
        opened.__exit__(None, None, None)

    try:
        box = document.total_bounding_box
        axis, n_frames = _frame_axis(path, box)
        channel = _channel(path, box, channel_index)
        (x, x_stop), (y, y_stop) = box["X"], box["Y"]
        height, width = y_stop - y, x_stop - x
        kind = document.pixel_types.get(channel)
        if kind not in _KINDS:
            raise FormatError(
                f"{path}: found pixels of type {kind}, expected one grey value; export raw frames"
            )
        if n_frames * height * width > 100 * path.stat().st_size:
            raise FormatError(
                f"{path}: found {n_frames} frames of {width} x {height} in {path.stat().st_size} "
                "bytes; the header is wrong, copy or export the file again"
            )
        chosen = choose_frames(path, n_frames, frames, frames_excluded)
    except FormatError:
        close()
        raise
    dtype = np.dtype(_KINDS[kind])

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty((max(stop - start, 0), height, width), dtype)
        for index, number in enumerate(chosen[start:stop]):
            plane = {"C": channel} | ({axis: box[axis][0] + number} if axis else {})
            try:
                frame = np.asarray(document.read(plane=plane, roi=(x, y, width, height)))
            except Exception as error:
                raise FormatError(
                    f"{path}: frame {number} cannot be read ({one_line(error)}); copy it again"
                ) from error
            block[index] = frame.reshape(height, width)
        return block

    return Stack(str(path), (len(chosen), height, width), dtype, read, _metadata(document), close)


def _frame_axis(path: Path, box: dict[str, tuple[int, int]]) -> tuple[str | None, int]:
    """Return the axis that frames are along, None for a single frame, and their number."""
    sizes = {axis: stop - start for axis, (start, stop) in box.items() if axis not in "XYC"}
    loops = {axis: size for axis, size in sizes.items() if size > 1}
    if len(loops) > 1:
        named = ", ".join(f"{axis} {size}" for axis, size in loops.items())
        raise FormatError(
            f"{path}: found several axes that vary ({named}), expected one; export one series"
        )
    return next(iter(loops.items()), (None, 1))


def _channel(path: Path, box: dict[str, tuple[int, int]], channel_index: int | None) -> int:
    first, stop = box.get("C", (0, 1))
    n = stop - first
    if channel_index is None and n > 1:
        raise FormatError(
            f"{path}: found {n} channels in one file, expected one; set channel_index to "
            f"0 ... {n - 1}"
        )
    if (channel_index or 0) >= n:
        raise FormatError(
            f"{path}: found channel_index {channel_index}, expected 0 ... {n - 1}; correct it"
        )
    return first + (channel_index or 0)


def _metadata(document: Any) -> dict[str, float]:
    """Return the pixel's size; what the camera was set to differs from file to file."""
    try:
        node = document.metadata
        for name in _SCALE:
            node = node[name]
        (size_m,) = (float(each["Value"]) for each in node if each.get("@Id") == "X")
    except Exception:  # noqa: BLE001  what is told of the frames is no reason not to read them
        return {}
    return {"pixel_size_um": size_m * 1e6} if math.isfinite(size_m) and size_m > 0 else {}
