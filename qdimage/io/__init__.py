"""Files: one module for each format, chosen here by the file's name."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from qdimage.domain.stack import Stack
from qdimage.errors import FormatError

# Module and function, since a format's packages are loaded when it is opened.
STACK_READERS: dict[str, tuple[str, str]] = {
    ".tif": ("tiff", "open_tiff"),
    ".tiff": ("tiff", "open_tiff"),
    ".btf": ("tiff", "open_tiff"),
    ".tf8": ("tiff", "open_tiff"),
    ".sif": ("sif", "open_sif_stack"),
    ".spe": ("spe_stack", "open_spe_stack"),
    ".nd2": ("nd2_stack", "open_nd2"),
    ".czi": ("czi_stack", "open_czi"),
    ".fits": ("fits_stack", "open_fits"),
    ".fit": ("fits_stack", "open_fits"),
    ".fts": ("fits_stack", "open_fits"),
}


def is_stack_file(path: Path) -> bool:
    """Return whether a file's name is that of a stack, and its content no spectrum.

    A file that cannot be read counts as one, so that whoever opens it says why.
    """
    suffix = path.suffix.lower()
    if suffix == ".sif":
        from qdimage.io.sif import holds_images

        try:
            return holds_images(path)
        except (FormatError, OSError):
            return True
    # Nothing in a .spe tells a sensor's image from a spectrograph's.
    return suffix in STACK_READERS and suffix != ".spe"


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
        A TIFF of any kind: plain, BigTIFF, ImageJ, OME (also several files), Micro-Manager; an
        Andor ``.sif``, a Princeton Instruments ``.spe``; with the extra of the same name a
        Nikon ``.nd2``, a Zeiss ``.czi`` or a ``.fits``.
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
    module, function = reader
    opened: Stack = getattr(import_module(f"qdimage.io.{module}"), function)(
        path, channel_index=channel_index, frames=frames, frames_excluded=frames_excluded
    )
    return opened
