"""The light of unit spots in an image's pixels, and how it changes where they move."""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.special import ndtr

from qdimage.domain.field_psf import FieldPsf
from qdimage.numerics.psf_terms import PsfTerms, fill_profiles, n_terms, psf_terms

Array = NDArray[np.float64]

REACH_SIGMA = 4.0


def spot_matrix(
    shape: tuple[int, int], positions: Array, sigma: Array, psf: FieldPsf | None = None
) -> csc_matrix:
    """Pixel-integrated unit spots, one column for each, shape (y * x, n).

    Parameters
    ----------
    shape : (height, width)
    positions : ndarray, shape (n, 2)
        (x, y), px.
    sigma : ndarray, shape (n,)
        Width of each spot: the point-spread function with the uncertainty of the position added in
        squares, since that is the light's mean distribution around an uncertain place.
    psf : FieldPsf, optional
        The channel's image of a point, of which `sigma` is the width; a Gaussian where not given.
        All of its light is one, that beyond the pixels about the place included.
    """
    if psf is not None and not psf.is_gaussian:
        return _columns_of_values(shape, *_patches(positions, sigma, psf, (0, 0)))
    pixel, low, high = _pixels(positions, sigma)
    profile = ndtr(high) - ndtr(low)
    return _columns(shape, pixel, profile[:, 0], profile[:, 1])


def slope_matrices(
    shape: tuple[int, int], positions: Array, sigma: Array, psf: FieldPsf | None = None
) -> tuple[csc_matrix, csc_matrix]:
    """Change of each spot of `spot_matrix` for a displacement by 1 px along x, and along y."""
    if psf is not None and not psf.is_gaussian:
        along_x = _patches(positions, sigma, psf, (0, 1))
        along_y = _patches(positions, sigma, psf, (1, 0))
        return _columns_of_values(shape, *along_x), _columns_of_values(shape, *along_y)
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


def _patches(
    positions: Array, sigma: Array, psf: FieldPsf, orders: tuple[int, int]
) -> tuple[NDArray[np.int64], Array]:
    """Pixels (n, 2, k) around each place, and its spot's derivative of orders (y, x) in them."""
    reach = int(np.ceil(REACH_SIGMA * sigma.max(initial=0.0))) + 1
    pixel = np.rint(positions).astype(np.int64)[:, :, np.newaxis] + np.arange(-reach, reach + 1)
    blur = sigma**2 - psf.sigma_px**2
    value = np.empty((len(positions), 2 * reach + 1, 2 * reach + 1))
    _fill_patches(value, psf_terms(psf), positions, blur, pixel[:, :, 0].copy(), *orders)
    return pixel, value


@njit(cache=True)
def _fill_patches(
    value: Array,
    psf: PsfTerms,
    positions: Array,
    blur: Array,
    first: NDArray[np.int64],
    order_y: int,
    order_x: int,
) -> None:
    terms, side = n_terms(psf), value.shape[1]
    profiles = np.empty((2, 3, terms, side))
    value[:] = 0.0
    for n in range(value.shape[0]):
        for axis in range(2):
            start, centre = first[n, axis], positions[n, axis]
            fill_profiles(psf, blur[n], start, centre, axis == 0, profiles[axis])
        for t in range(terms):
            for j in range(side):
                for i in range(side):
                    value[n, j, i] += profiles[1, order_y, t, j] * profiles[0, order_x, t, i]


def _columns(
    shape: tuple[int, int], pixel: NDArray[np.int64], along_x: Array, along_y: Array
) -> csc_matrix:
    """Columns of the products of two profiles."""
    return _columns_of_values(shape, pixel, along_y[:, :, np.newaxis] * along_x[:, np.newaxis, :])


def _columns_of_values(
    shape: tuple[int, int], pixel: NDArray[np.int64], value: Array
) -> csc_matrix:
    """Columns of values (n, y, x) in pixels (n, 2, k) around each place."""
    height, width = shape
    row, column = np.broadcast_arrays(pixel[:, 1, :, np.newaxis], pixel[:, 0, np.newaxis, :])
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    ends = np.cumsum(inside.sum(axis=(1, 2)))
    flat = row[inside] * width + column[inside]
    starts = np.concatenate([[0], ends])
    return csc_matrix((value[inside], flat, starts), shape=(height * width, len(value)))
