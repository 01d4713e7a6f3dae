"""Files: one module for each format, chosen here by the file's name."""

from collections.abc import Callable, Sequence
from pathlib import Path

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError


def _open_tiff(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    from qdimage.io.tiff import open_tiff

    return open_tiff(
        path, channel_index=channel_index, frames=frames, frames_excluded=frames_excluded
    )


def _open_sif(
    path: Path,
    *,
    channel_index: int | None,
    frames: tuple[int, int] | None,
    frames_excluded: Sequence[int],
) -> Stack:
    from qdimage.io.sif import open_sif_stack

    return open_sif_stack(
        path, channel_index=channel_index, frames=frames, frames_excluded=frames_excluded
    )


STACK_READERS: dict[str, Callable[..., Stack]] = {
    ".tif": _open_tiff,
    ".tiff": _open_tiff,
    ".btf": _open_tiff,
    ".tf8": _open_tiff,
    ".sif": _open_sif,
}


def open_stack(
    path: Path | str,
    *,
    channel_index: int | None = None,
    frames: tuple[int, int] | None = None,
    frames_excluded: Sequence[int] = (),
) -> Stack:
    """Open a stack; no frame is read before it is asked for.

    Parameters
    ----------
    path : pathlib.Path or str
        A TIFF of any kind: plain, BigTIFF, ImageJ, OME (also several files), Micro-Manager; or an
        Andor ``.sif``.
    channel_index : int, optional
        Which channel, from 0, of a file with several.
    frames : (int, int), optional
        Half-open range ``[first, stop)`` of the frames to use, from 0.
    frames_excluded : sequence of int, optional
        Frames of the file, from 0, to leave out.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file or the choice, and what to do.
    """
    path = Path(path)
    if path.is_dir():
        raise FormatError(f"{path}: found a folder, expected a file; name the stack in it")
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file; correct the path")
    reader = STACK_READERS.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(STACK_READERS)
        raise FormatError(
            f"{path}: found the suffix {path.suffix!r}, expected one of {known}; "
            "export the stack as TIFF"
        )
    if path.stat().st_size == 0:
        raise FormatError(f"{path}: the file is empty (0 bytes); copy or export it again")
    return reader(path, channel_index=channel_index, frames=frames, frames_excluded=frames_excluded)
