"""Mean images of channels as 32-bit TIFF files, for pictures and for napari."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.atomic import replacing


def write_image(path: Path, image: NDArray[np.float64]) -> None:
    """Write an image (y, x); NaN where a pixel is not usable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        tifffile.imwrite(
            partial,
            image.astype(np.float32),
            photometric="minisblack",
            compression="zlib",
            predictor=True,
            metadata=None,
            software=False,
        )


def read_image(path: Path) -> NDArray[np.float64]:
    """Read an image that `write_image` wrote.

    Raises
    ------
    FormatError
        If it is missing or damaged.
    """
    try:
        image = tifffile.imread(path)
    except (OSError, ValueError) as error:
        raise FormatError(
            f"{path}: cannot be read ({error}), expected an image of a finished run; "
            "run the analysis again"
        ) from error
    return np.asarray(image, np.float64)
