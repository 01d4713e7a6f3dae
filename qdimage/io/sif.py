"""Andor's ``.sif`` files as image stacks, frame by frame."""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.io.frame_choice import choose_frames, only_channel
from qdimage.io.sif_layout import SifLayout, find_sif_layout, sif_acquisition

_COUNT = np.dtype("<f4")


def open_sif_stack(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    """Open the frames of a ``.sif`` file; see `qdimage.io.open_stack`."""
    only_channel(path, channel_index)
    file = path.open("rb")
    try:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        file.close()
        raise FormatError(f"{path}: cannot be read ({error}); copy it again") from error

    def close() -> None:
        data.close()
        file.close()

    try:
        layout = find_sif_layout(path, data)
        scale = _scale(path, layout)
        chosen = choose_frames(path, layout.frames, frames, frames_excluded)
    except FormatError:
        close()
        raise

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty((max(stop - start, 0), layout.height, layout.width), np.float32)
        size = layout.height * layout.width * _COUNT.itemsize
        for index, frame in enumerate(chosen[start:stop]):
            at = layout.start + frame * size
            values = np.frombuffer(data[at : at + size], _COUNT)
            if not np.isfinite(values).all():
                raise FormatError(
                    f"{path}: frame {frame} has values that are no finite numbers, expected none; "
                    "copy or export the file again"
                )
            block[index] = values.reshape(layout.height, layout.width) * scale
        return block

    shape = (len(chosen), layout.height, layout.width)
    return Stack(str(path), shape, np.dtype(np.float32), read, _metadata(layout), close)


def holds_images(path: Path) -> bool:
    """Return whether a ``.sif`` file holds frames of an image, not a spectrum.

    Raises
    ------
    FormatError
        If it is no such file.
    """
    with path.open("rb") as file:
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise FormatError(f"{path}: cannot be read ({error}); copy it again") from error
        with data:
            return find_sif_layout(path, data).is_image


def _scale(path: Path, layout: SifLayout) -> np.float32:
    """Return counts for each stored number.

    Raises
    ------
    FormatError
        If they are no counts.
    """
    what = layout.data_type.lower()
    acquisition = sif_acquisition(layout)
    if not what.startswith("counts"):
        raise FormatError(
            f"{path}: found {layout.data_type!r}, expected counts; save the camera's raw frames"
        )
    if "per second" not in what:
        return np.float32(1.0)
    if acquisition.exposure_s is None:
        raise FormatError(
            f"{path}: found counts per second and no exposure, expected counts; save them so"
        )
    return np.float32(acquisition.exposure_s * acquisition.accumulations)


def _metadata(layout: SifLayout) -> dict[str, float]:
    acquisition = sif_acquisition(layout)
    exposure = acquisition.exposure_s
    found = {
        "exposure_s": None if exposure is None else exposure * acquisition.accumulations,
        "em_gain": acquisition.em_gain,
        "electrons_per_adu": acquisition.electrons_per_adu,
        "preamplifier_gain": acquisition.preamplifier_gain,
        "temperature_c": acquisition.temperature_c,
        "acquired_at_s": acquisition.taken_at_s,
        "binning": float(layout.binning) if layout.binning == layout.row_binning else None,
    }
    return {key: value for key, value in found.items() if value is not None}
