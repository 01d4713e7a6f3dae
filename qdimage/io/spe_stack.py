"""Princeton Instruments' ``.spe`` files as image stacks, frame by frame."""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.io.frame_choice import choose_frames, only_channel
from qdimage.io.spe_layout import HEADER_BYTES, SpeLayout, find_spe_layout, found


def open_spe_stack(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    """Open the frames of a ``.spe`` file; see `qdimage.io.open_stack`."""
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
        layout = find_spe_layout(path, data)
        chosen = choose_frames(path, layout.frames, frames, frames_excluded)
    except FormatError:
        close()
        raise
    stored = np.dtype(layout.kind)
    dtype = stored.newbyteorder("=")

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty((max(stop - start, 0), layout.height, layout.width), dtype)
        size = layout.height * layout.width * stored.itemsize
        for index, frame in enumerate(chosen[start:stop]):
            at = HEADER_BYTES + frame * layout.stride
            values = np.frombuffer(data[at : at + size], stored)
            if dtype.kind == "f" and not np.isfinite(values).all():
                raise FormatError(
                    f"{path}: frame {frame} has values that are no finite numbers, expected none; "
                    "copy or export the file again"
                )
            block[index] = values.reshape(layout.height, layout.width)
        return block

    shape = (len(chosen), layout.height, layout.width)
    return Stack(str(path), shape, dtype, read, _metadata(layout), close)


def _metadata(layout: SpeLayout) -> dict[str, float]:
    """Return the exposure, and of version 3 the EM gain, temperature and binning that were set."""
    stated: dict[str, float | None] = {"exposure_s": layout.exposure_s}
    if layout.root is not None:
        quality = found(layout.root, "Quality")
        gain = _text(layout, "EMGain")
        is_register = quality is not None and quality.text == "ElectronMultiplied"
        stated["em_gain"] = gain if is_register else None
        stated["temperature_c"] = _text(layout, "Reading")
        mapping = found(layout.root, "SensorMapping")
        if mapping is not None and mapping.get("xBinning") == mapping.get("yBinning"):
            stated["binning"] = _number(mapping.get("xBinning"))
    kept = {key: value for key, value in stated.items() if value is not None}
    return {key: value for key, value in kept.items() if key == "temperature_c" or value > 0}


def _text(layout: SpeLayout, name: str) -> float | None:
    element = None if layout.root is None else found(layout.root, name)
    return None if element is None else _number(element.text)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if np.isfinite(value) else None
