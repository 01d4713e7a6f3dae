"""Images in TIFF files of one page, such as the mean images of channels."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.atomic import replacing
from qdimage.io.tiff_file import collected_log, one_line, open_one
from qdimage.io.tiff_layout import Plane
from qdimage.io.tiff_pages import check_pages, read_plane

_EXPECTED = "an image of a finished run; run the analysis again"


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
    image = read_only_page(path, _EXPECTED)
    if image.dtype != np.float32:
        raise FormatError(
            f"{path}: found {image.dtype} values of shape {image.shape}, expected {_EXPECTED}"
        )
    return np.asarray(image, np.float64)


def read_only_page(path: Path, expected: str) -> NDArray[Any]:
    """Read the page (y, x) of a file that has one; values that are no numbers stay.

    Parameters
    ----------
    path : pathlib.Path
    expected : str
        What the file should be, and what to do if it is not.

    Raises
    ------
    FormatError
        If it is no TIFF, is damaged, has several pages, or promises more than it stores.
    """
    try:
        file = open_one(path)
        with file.tiff, collected_log():
            plane = Plane(file.pages[0])
            height, width, dtype = check_pages(path, [plane])
            if len(file.pages) > 1:
                raise FormatError(f"{path}: found {len(file.pages)} pages; keep one")
            image = np.empty((height, width), dtype)
            read_plane(path, plane, image, must_be_finite=False)
    except FormatError as error:
        reason = str(error).removeprefix(f"{path}: ").rpartition("; ")[0]
        raise FormatError(f"{path}: cannot be read ({reason}), expected {expected}") from error
    except Exception as error:  # damaged headers reach every corner of the parser
        raise FormatError(
            f"{path}: cannot be read ({one_line(error)}), expected {expected}"
        ) from error
    return image
