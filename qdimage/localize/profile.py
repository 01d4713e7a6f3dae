"""What bright spots look like together: normal equations of their common profile."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_noise import Noise
from qdimage.localize.fit_window import dot
from qdimage.numerics.psf import even_derivatives
from qdimage.numerics.psf_terms import PsfTerms, draw_spot

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@njit(cache=True)
def _fill_basis(
    basis: Array,
    sigma: float,
    n_core: int,
    wings: PsfTerms,
    spot: Array,
    x0: int,
    y0: int,
    shape: tuple[int, int],
) -> None:
    """Fill powers of sigma^2 del^2 of a normal density, then the wings, then a constant."""
    height, width = shape
    work = np.empty((2, 2 * n_core + 3))
    along_x, slope_x = np.empty((n_core, width)), np.empty((n_core, width))
    along_y, slope_y = np.empty((n_core, height)), np.empty((n_core, height))
    even_derivatives(x0, spot[0], sigma, along_x, slope_x, work)
    even_derivatives(y0, spot[1], sigma, along_y, slope_y, work)
    basis[:, : height * width] = 0.0
    for n in range(n_core):
        binomial = 1.0
        for k in range(n + 1):
            for j in range(height):
                factor = spot[2] * binomial * along_y[k, j]
                for i in range(width):
                    basis[n, j * width + i] += factor * along_x[n - k, i]
            binomial *= (n - k) / (k + 1.0)
    for w in range(wings.wing_sigmas.shape[0]):
        even_derivatives(x0, spot[0], wings.wing_sigmas[w], along_x[:1], slope_x[:1], work)
        even_derivatives(y0, spot[1], wings.wing_sigmas[w], along_y[:1], slope_y[:1], work)
        for j in range(height):
            factor = spot[2] * wings.wing_shares[w] * along_y[0, j]
            for i in range(width):
                basis[n_core, j * width + i] += factor * along_x[0, i]
    basis[n_core + 1, : height * width] = 1.0


@njit(cache=True)
def profile_equations(
    image: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    spots: Array,
    chosen: Index,
    others_start: Index,
    others: Index,
    psf: PsfTerms,
    sigma: float,
    n_core: int,
    wings: PsfTerms,
    noise: Noise,
    reach: int,
    mask_px: float,
) -> tuple[Array, Array]:
    """Return the normal equations of the profile that chosen spots have in common.

    Parameters
    ----------
    image, samples, background : ndarray, shape (y, x)
    light : ndarray, shape (y, x)
        Of all spots, by `psf`.
    spots : ndarray, shape (n, 4)
    chosen : ndarray of int
    others_start, others : ndarray of int
        For each chosen spot its neighbours, as compressed rows, about whose middles pixels are
        left out.
    psf : PsfTerms
        Of the light.
    sigma : float
        Width of the density whose derivatives are fitted; `n_core` of them.
    wings : PsfTerms
        Its wings are one further unknown; a constant is the last.
    noise : Noise
    reach : int
    mask_px : float

    Returns
    -------
    normal, right : ndarray, shape (n_core + 2, n_core + 2) and (n_core + 2,)
    """
    height, width = image.shape
    side = 2 * reach + 1
    n = n_core + 2
    basis, value = np.empty((n, side * side)), np.empty(side * side)
    weight, weighted = np.empty(side * side), np.empty(side * side)
    terms = psf.core.shape[0] + psf.wing_sigmas.shape[0]
    drawn = np.empty((2, 3, terms, side))
    own = np.empty((side, side))
    centred = np.empty(4)
    normal, right = np.zeros((n, n)), np.zeros(n)
    for position in range(chosen.shape[0]):
        spot = spots[chosen[position]]
        cx, cy = int(np.rint(spot[0])), int(np.rint(spot[1]))
        own[:] = 0.0
        centred[:] = spot
        centred[0] += reach - cx
        centred[1] += reach - cy
        draw_spot(own, psf, centred, 1.0, reach, drawn)
        p = 0
        for j in range(side):
            for i in range(side):
                y, x = cy - reach + j, cx - reach + i
                weight[p], value[p] = 0.0, 0.0
                if 0 <= y < height and 0 <= x < width and samples[y, x] > 0:
                    level = max(background[y, x] + light[y, x], noise.least)
                    weight[p] = samples[y, x] / (noise.slope * level + noise.read)
                    value[p] = image[y, x] - background[y, x] - light[y, x] + own[j, i]
                p += 1
        for k in others[others_start[position] : others_start[position + 1]]:
            _leave_out(weight, spots[k, 0] - cx + reach, spots[k, 1] - cy + reach, side, mask_px)
        _fill_basis(basis, sigma, n_core, wings, centred, 0, 0, (side, side))
        for a in range(n):
            for p in range(side * side):
                weighted[p] = weight[p] * basis[a, p]
            right[a] += dot(weighted, value, side * side)
            for b in range(a + 1):
                total = dot(weighted, basis[b], side * side)
                normal[a, b] += total
                if a != b:
                    normal[b, a] += total
    return normal, right


@njit(cache=True)
def _leave_out(weight: Array, x: float, y: float, side: int, within_px: float) -> None:
    for j in range(max(0, math.ceil(y - within_px)), min(side, int(y + within_px) + 1)):
        for i in range(max(0, math.ceil(x - within_px)), min(side, int(x + within_px) + 1)):
            if (j - y) ** 2 + (i - x) ** 2 < within_px * within_px:
                weight[j * side + i] = 0.0
