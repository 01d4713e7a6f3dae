"""Mean images of channels as 32-bit TIFF files, for pictures and for napari."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.atomic import replacing
from qdimage.io.tiff_file import collected_log, one_line


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
    with collected_log():
        try:
            image = tifffile.imread(path)
        except Exception as error:  # damaged headers reach every corner of the parser
            raise FormatError(
                f"{path}: cannot be read ({one_line(error)}), expected an image of a finished "
                "run; run the analysis again"
            ) from error
    if image.ndim != 2 or image.dtype != np.float32:
        raise FormatError(
            f"{path}: found {image.dtype} values of shape {image.shape}, expected an image of a "
            "finished run; run the analysis again"
        )
    return np.asarray(image, np.float64)
