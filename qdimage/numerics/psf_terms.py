"""A field's image of a point as a sum of products of profiles along x and y."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.domain.field_psf import FieldPsf
from qdimage.numerics.normal_table import normal
from qdimage.numerics.psf import even_derivatives

Array = NDArray[np.float64]


class PsfTerms(NamedTuple):
    """A `FieldPsf` as compiled kernels take it.

    Attributes
    ----------
    core_sigma : float
    core : ndarray, shape (m,)
        Coefficients of the powers of ``sigma^2 del^2``.
    wing_sigmas, wing_shares : ndarray, shape (k,)
    """

    core_sigma: float
    core: Array
    wing_sigmas: Array
    wing_shares: Array


def psf_terms(psf: FieldPsf) -> PsfTerms:
    """Return the numbers of an image of a point."""
    return PsfTerms(
        psf.core_sigma_px,
        np.array(psf.core, float),
        np.array(psf.wing_sigmas_px, float),
        np.array(psf.wing_shares, float),
    )


@njit(cache=True)
def n_terms(psf: PsfTerms) -> int:
    """Number of products."""
    return int(psf.core.shape[0] + psf.wing_sigmas.shape[0])


@njit(cache=True)
def fill_profiles(
    psf: PsfTerms, blur: float, first: int, centre: float, along_x: bool, profile: Array
) -> None:
    """Fill one factor of every product, integrated over pixels ``first, first + 1, ...``.

    The image is ``sum_t profile_y[0, t, :, None] * profile_x[0, t]``; the coefficients are in the
    profiles along y.

    Parameters
    ----------
    psf : PsfTerms
    blur : float
        Variance by which the image is blurred, px^2; may be negative, above the narrowest width.
    first : int
        First pixel.
    centre : float
        Of the spot, px.
    along_x : bool
    profile : ndarray, shape (3, t, n)
        Filled with the profiles, their derivatives by the centre, and second derivatives.
    """
    n = profile.shape[2]
    n_core = psf.core.shape[0]
    sigma = math.sqrt(psf.core_sigma**2 + blur)
    if n_core + psf.wing_sigmas.shape[0] == 1:
        fill_normal(sigma, first, centre, 1.0 if along_x else psf.core[0], profile[:, 0])
        return
    value, slope = np.empty((n_core + 1, n)), np.empty((n_core + 1, n))
    work = np.empty((2, 2 * n_core + 3))
    even_derivatives(first, centre, sigma, value, slope, work)
    square = 1.0 / sigma**2
    if along_x:
        for m in range(n_core):
            profile[0, m] = value[m]
            profile[1, m] = slope[m]
            for i in range(n):
                profile[2, m, i] = square * value[m + 1, i]
    else:
        shrink = psf.core_sigma**2 / sigma**2
        profile[:, :n_core] = 0.0
        for m in range(n_core):
            power, binomial = shrink**m, 1.0
            for k in range(n_core - m):
                # (d2x + d2y)^(m + k) holds binomial(m + k, k) of d2x^m d2y^k.
                factor = psf.core[m + k] * power * binomial
                for i in range(n):
                    profile[0, m, i] += factor * value[k, i]
                    profile[1, m, i] += factor * slope[k, i]
                    profile[2, m, i] += factor * square * value[k + 1, i]
                power *= shrink
                binomial *= (m + k + 1.0) / (k + 1.0)
    for k in range(psf.wing_sigmas.shape[0]):
        wing = math.sqrt(psf.wing_sigmas[k] ** 2 + blur)
        share = 1.0 if along_x else psf.wing_shares[k]
        even_derivatives(first, centre, wing, value[:2], slope[:2], work)
        for i in range(n):
            profile[0, n_core + k, i] = share * value[0, i]
            profile[1, n_core + k, i] = share * slope[0, i]
            profile[2, n_core + k, i] = share * value[1, i] / wing**2


@njit(cache=True)
def fill_normal(sigma: float, first: int, centre: float, factor: float, profile: Array) -> None:
    """Fill a normal density, integrated over pixels, times a factor, and its two derivatives.

    Parameters
    ----------
    sigma : float
    first : int
    centre : float
    factor : float
    profile : ndarray, shape (3, n)
        As `fill_profiles` fills one term.
    """
    inverse = 1.0 / sigma
    by_centre, by_variance = factor * inverse, factor * inverse * inverse
    z = (first - 0.5 - centre) * inverse
    density, cumulative = normal(z)
    for i in range(profile.shape[1]):
        z_right = z + inverse
        right, cumulative_right = normal(z_right)
        profile[0, i] = factor * (cumulative_right - cumulative)
        profile[1, i] = by_centre * (density - right)
        profile[2, i] = by_variance * (z * density - z_right * right)
        z, density, cumulative = z_right, right, cumulative_right


@njit(cache=True)
def draw_spot(
    image: Array, psf: PsfTerms, spot: Array, sign: float, reach: int, work: Array
) -> None:
    """Add a spot to an image, in place.

    Parameters
    ----------
    image : ndarray, shape (y, x)
    psf : PsfTerms
    spot : ndarray, shape (4,)
        x, y, flux, and the variance by which it is blurred, px^2.
    sign : float
        Factor of its flux.
    reach : int
        Pixels on each side that it is drawn on.
    work : ndarray, shape (2, 3, t, 2 * reach + 1)
        Overwritten.
    """
    height, width = image.shape
    size = 2 * reach + 1
    x0, y0 = int(np.rint(spot[0])) - reach, int(np.rint(spot[1])) - reach
    first = (x0, y0)
    for axis in range(2):
        fill_profiles(psf, spot[3], first[axis], spot[axis], axis == 0, work[axis])
    left, right = max(0, -x0), min(size, width - x0)
    for j in range(max(0, -y0), min(size, height - y0)):
        for t in range(work.shape[2]):
            factor = sign * spot[2] * work[1, 0, t, j]
            for i in range(left, right):
                image[y0 + j, x0 + i] += factor * work[0, 0, t, i]


@njit(cache=True)
def draw_spots(image: Array, psf: PsfTerms, spots: Array, reach: int, sign: float = 1.0) -> None:
    """Add spots (n, 4), rows of x, y, flux and blur, to an image, or take them off (sign -1)."""
    work = np.empty((2, 3, n_terms(psf), 2 * reach + 1))
    for k in range(spots.shape[0]):
        draw_spot(image, psf, spots[k], sign, reach, work)
