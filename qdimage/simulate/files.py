"""The simulated stacks on disk."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.io.atomic import replacing


def write_stack(
    path: Path, frames: Iterator[NDArray[np.uint16]], *, shape: tuple[int, int, int]
) -> None:
    """Write 16-bit frames as a TIFF, one page each, deflated with a horizontal predictor."""
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
        )
