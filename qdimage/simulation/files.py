"""The simulated stacks on disk."""

import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import replacing

_LARGEST_PLAIN_TIFF = 4_000_000_000


@contextmanager
def filling(folder: Path) -> Iterator[list[Path]]:
    """Make a folder, and give a list of what is made: on failure all of that is removed.

    Whoever makes a path appends it. Only those are removed, for another program may have begun
    to write in the same folder.

    Raises
    ------
    ConfigurationError
        If the system refuses to write.
    """
    made: list[Path] = []
    try:
        if not folder.is_dir():
            folder.mkdir(parents=True)
            made.append(folder)
        yield made
    except BaseException as error:
        for path in reversed(made):
            _remove(path)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise ConfigurationError(
                f"{folder}: cannot be written ({error.strerror or error}); "
                "make room there, or name another folder"
            ) from error
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def write_stack(
    path: Path, frames: Iterator[NDArray[np.uint16]], *, shape: tuple[int, int, int]
) -> None:
    """Write 16-bit frames as a TIFF, one page each, deflated with a horizontal predictor."""
    n_bytes = math.prod(shape) * np.dtype(np.uint16).itemsize
    with replacing(path) as partial:
        tifffile.imwrite(
            partial,
            frames,
            shape=shape,
            dtype=np.uint16,
            photometric="minisblack",
            compression="zlib",
            predictor=True,
            metadata=None,
            software=False,
            # Noise hardly shrinks, and a plain TIFF that outgrows its offsets fails at its end.
            bigtiff=n_bytes > _LARGEST_PLAIN_TIFF,
        )
