"""The pixel-integrated Gaussian spot and its derivatives."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.normal_table import normal

Array = NDArray[np.float64]

_SQRT_2 = math.sqrt(2.0)
_SQRT_2_PI = math.sqrt(2.0 * math.pi)


@njit(cache=True, inline="never")
def pixel_profile(
    first: int, centre: float, sigma: float, value: Array, by_centre: Array, by_sigma: Array
) -> None:
    """Fill the integral of a unit normal density over pixels ``first, first + 1, ...``.

    Parameters
    ----------
    first : int
        First pixel.
    centre, sigma : float
        Of the normal density, px.
    value, by_centre, by_sigma : ndarray, shape (n,)
        Filled with the integral and its derivatives by centre and by sigma.
    """
    left = first - 0.5 - centre
    density_left = math.exp(-0.5 * (left / sigma) ** 2) / (_SQRT_2_PI * sigma)
    cumulative_left = 0.5 * math.erf(left / (_SQRT_2 * sigma))
    for index in range(value.shape[0]):
        right = left + 1.0
        density_right = math.exp(-0.5 * (right / sigma) ** 2) / (_SQRT_2_PI * sigma)
        cumulative_right = 0.5 * math.erf(right / (_SQRT_2 * sigma))
        value[index] = cumulative_right - cumulative_left
        by_centre[index] = density_left - density_right
        by_sigma[index] = (left * density_left - right * density_right) / sigma
        left, density_left, cumulative_left = right, density_right, cumulative_right


@njit(cache=True)
def add_spots(image: Array, x: Array, y: Array, flux: Array, sigma: float, reach: int) -> None:
    """Add pixel-integrated Gaussian spots to an image, in place.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    x, y, flux : ndarray, shape (n,)
    sigma : float
        px.
    reach : int
        Pixels on each side of a spot that it is drawn on.
    """
    height, width = image.shape
    size = 2 * reach + 1
    row, column = np.empty(size), np.empty(size)
    unused_a, unused_b = np.empty(size), np.empty(size)
    for k in range(x.shape[0]):
        x0, y0 = int(np.rint(x[k])) - reach, int(np.rint(y[k])) - reach
        pixel_profile(x0, x[k], sigma, column, unused_a, unused_b)
        pixel_profile(y0, y[k], sigma, row, unused_a, unused_b)
        for j in range(max(0, -y0), min(size, height - y0)):
            for i in range(max(0, -x0), min(size, width - x0)):
                image[y0 + j, x0 + i] += flux[k] * row[j] * column[i]


def spot_profile(sigma: float, reach: int) -> Array:
    """Return the 1-d profile of a spot centred on a pixel, shape (2 * reach + 1,)."""
    value, unused_a, unused_b = np.empty((3, 2 * reach + 1))
    pixel_profile(-reach, 0.0, sigma, value, unused_a, unused_b)
    return np.asarray(value)


@njit(cache=True)
def even_derivatives(
    first: int, centre: float, sigma: float, value: Array, slope: Array, work: Array
) -> None:
    """Fill integrals over pixels of the even derivatives of a unit normal density.

    Parameters
    ----------
    first : int
        First pixel.
    centre, sigma : float
        Of the normal density, px.
    value, slope : ndarray, shape (m, n)
        Row k is filled with ``sigma^(2k)`` times the integral of the derivative of order 2k, and
        with its derivative by the centre.
    work : ndarray, shape (2, 2m + 1)
        Overwritten.
    """
    n_orders, n = value.shape
    left, right = work[0], work[1]
    cumulative_left = _edge(first - 0.5 - centre, sigma, 2 * n_orders, left)
    for index in range(n):
        cumulative = _edge(first + index + 0.5 - centre, sigma, 2 * n_orders, right)
        value[0, index] = cumulative - cumulative_left
        slope[0, index] = (left[0] - right[0]) / sigma
        for k in range(1, n_orders):
            value[k, index] = right[2 * k - 1] - left[2 * k - 1]
            slope[k, index] = (left[2 * k] - right[2 * k]) / sigma
        left, right, cumulative_left = right, left, cumulative


@njit(cache=True)
def _edge(offset: float, sigma: float, n: int, derivative: Array) -> float:
    """Fill derivatives 0 to n of the unit normal density at an edge, and return its integral."""
    z = offset / sigma
    density, integral = normal(z)
    before, now = 0.0, 1.0
    sign = 1.0
    for order in range(n + 1):
        derivative[order] = sign * now * density
        before, now = now, z * now - order * before
        sign = -sign
    return integral
