"""Bias maps: a TIFF of one page, the bias of each pixel in ADU."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.image_file import read_only_page, write_image

_EXPECTED = "a bias map; run qdimage calibrate again"


def write_bias_map(path: Path, bias_adu: NDArray[np.float64]) -> None:
    """Write a map (y, x), whole or not at all."""
    write_image(path, bias_adu)


def read_bias_map(path: Path) -> NDArray[np.float64]:
    """Read a map.

    Raises
    ------
    FormatError
        If it is missing or damaged, or no single page of finite numbers.
    """
    if not path.is_file():
        raise FormatError(f"{path}: there is no such bias map; correct bias_map in the camera file")
    image = read_only_page(path, _EXPECTED)
    if not np.isfinite(image).all():
        raise FormatError(f"{path}: found values that are no finite numbers, expected {_EXPECTED}")
    return np.asarray(image, np.float64)
