"""The light of unit spots in an image's pixels, and how it changes where they move."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.special import ndtr

Array = NDArray[np.float64]

REACH_SIGMA = 4.0


def spot_matrix(shape: tuple[int, int], positions: Array, sigma: Array) -> csc_matrix:
    """Pixel-integrated unit spots, one column for each, shape (y * x, n).

    Parameters
    ----------
    shape : (height, width)
    positions : ndarray, shape (n, 2)
        (x, y), px.
    sigma : ndarray, shape (n,)
        Width of each spot: the point-spread function with the uncertainty of the position added in
        squares, since that is the light's mean distribution around an uncertain place.
    """
    pixel, low, high = _pixels(positions, sigma)
    profile = ndtr(high) - ndtr(low)
    return _columns(shape, pixel, profile[:, 0], profile[:, 1])


def slope_matrices(
    shape: tuple[int, int], positions: Array, sigma: Array
) -> tuple[csc_matrix, csc_matrix]:
    """Change of each spot of `spot_matrix` for a displacement by 1 px along x, and along y."""
    pixel, low, high = _pixels(positions, sigma)
    profile = ndtr(high) - ndtr(low)
    slope = (_bell(low) - _bell(high)) / sigma[:, np.newaxis, np.newaxis]
    return (
        _columns(shape, pixel, slope[:, 0], profile[:, 1]),
        _columns(shape, pixel, profile[:, 0], slope[:, 1]),
    )


def _bell(deviate: Array) -> Array:
    return np.asarray(np.exp(-0.5 * deviate**2) / np.sqrt(2 * np.pi))


def _pixels(positions: Array, sigma: Array) -> tuple[NDArray[np.int64], Array, Array]:
    """Pixels (n, 2, k) around each place along x and y, and their edges in units of sigma."""
    reach = int(np.ceil(REACH_SIGMA * sigma.max(initial=0.0))) + 1
    span = np.arange(-reach, reach + 1)
    pixel = np.rint(positions).astype(np.int64)[:, :, np.newaxis] + span
    width = sigma[:, np.newaxis, np.newaxis]
    middle = (pixel - positions[:, :, np.newaxis]) / width
    return pixel, middle - 0.5 / width, middle + 0.5 / width


def _columns(
    shape: tuple[int, int], pixel: NDArray[np.int64], along_x: Array, along_y: Array
) -> csc_matrix:
    """Columns of the products of two profiles."""
    height, width = shape
    value = along_y[:, :, np.newaxis] * along_x[:, np.newaxis, :]
    row, column = np.broadcast_arrays(pixel[:, 1, :, np.newaxis], pixel[:, 0, np.newaxis, :])
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    ends = np.cumsum(inside.sum(axis=(1, 2)))
    flat = row[inside] * width + column[inside]
    starts = np.concatenate([[0], ends])
    return csc_matrix((value[inside], flat, starts), shape=(height * width, len(value)))
