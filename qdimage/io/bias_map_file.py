"""Bias maps: a TIFF of one page, the bias of each pixel in ADU."""

from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.image_file import write_image
from qdimage.io.tiff_file import collected_log, one_line

_MOST_BYTES = 2**31


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
    with collected_log():
        try:
            with tifffile.TiffFile(path) as file:
                page = file.pages.first
                if page.nbytes > _MOST_BYTES:
                    raise ValueError(f"a page of {page.nbytes} bytes")
                n_pages, image = len(file.pages), page.asarray()
        except Exception as error:  # damaged headers reach every corner of the parser
            raise FormatError(
                f"{path}: cannot be read ({one_line(error)}), expected a bias map; run qdimage "
                "calibrate again"
            ) from error
    usable = image.ndim == 2 and image.dtype.kind in "uif" and n_pages == 1
    if not usable or not np.isfinite(image).all():
        raise FormatError(
            f"{path}: found {n_pages} pages of {image.dtype} values of shape {image.shape}, "
            "expected one page of finite ADU; run qdimage calibrate again"
        )
    return np.asarray(image, np.float64)
