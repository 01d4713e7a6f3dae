"""An image moved by a part of a pixel."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True)
def moved_back(
    image: NDArray[np.float64], dx: float, dy: float, moved: NDArray[np.float64]
) -> None:
    """Write an image moved by (-dx, -dy) px, linearly interpolated; edges go on.

    Parameters
    ----------
    image, moved : ndarray, shape (y, x)
    dx, dy : float
    """
    height, width = image.shape
    left, top = math.floor(dx), math.floor(dy)
    right_share, low_share = dx - left, dy - top
    for y in range(height):
        above = image[min(max(y + top, 0), height - 1)]
        below = image[min(max(y + top + 1, 0), height - 1)]
        for x in range(width):
            one, two = min(max(x + left, 0), width - 1), min(max(x + left + 1, 0), width - 1)
            upper = above[one] + right_share * (above[two] - above[one])
            lower = below[one] + right_share * (below[two] - below[one])
            moved[y, x] = upper + low_share * (lower - upper)
