"""TIFF stacks, page by page, with nothing left out in silence."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError, QdimageError
from qdimage.io.frame_choice import choose_frames
from qdimage.io.tiff_file import collected_log, one_line, open_files
from qdimage.io.tiff_layout import Layout, Plane, find_layout
from qdimage.io.tiff_metadata import read_metadata
from qdimage.io.tiff_pages import check_pages, read_plane


def open_tiff(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    """Open a TIFF stack of any kind; see `qdimage.io.open_stack`."""
    files = open_files(path)
    try:
        with collected_log():
            layout = find_layout(files)
            metadata = read_metadata(files.first.tiff, layout)
            planes = _choose_channel(path, layout, channel_index)
            kept = choose_frames(path, len(planes), frames, frames_excluded)
            planes = [planes[index] for index in kept]
            height, width, dtype = check_pages(path, planes)
    except QdimageError:
        files.close()
        raise
    except Exception as error:  # a description can be wrong in any way
        files.close()
        raise FormatError(
            f"{path}: its description makes no sense ({type(error).__name__}: {one_line(error)}); "
            "export it again"
        ) from error

    def fill(start: int, block: NDArray[Any]) -> None:
        for index, frame in enumerate(block, start):
            read_plane(path, planes[index], frame)

    def read(start: int, stop: int) -> NDArray[Any]:
        block = np.empty((max(stop - start, 0), height, width), dtype)
        fill(start, block)
        return block

    shape = (len(planes), height, width)
    return Stack(str(path), shape, dtype, read, metadata, files.close, fill)


def _choose_channel(path: Path, layout: Layout, channel_index: int | None) -> list[Plane]:
    n = len(layout.channels)
    if channel_index is None and n > 1:
        raise FormatError(
            f"{path}: found {n} channels in one file, expected one; set channel_index to "
            f"0 ... {n - 1}"
        )
    index = channel_index or 0
    if not 0 <= index < n:
        raise FormatError(
            f"{path}: found channel_index {index}, expected 0 ... {n - 1}, since the file has "
            f"{n} channel{'s' if n > 1 else ''}; correct it"
        )
    return layout.channels[index]
