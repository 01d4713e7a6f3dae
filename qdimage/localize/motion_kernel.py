"""What changed of each spot from one half of a stack to the other: the fits."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_noise import Noise
from qdimage.localize.fit_window import Window, dot, empty_window, multiply, render
from qdimage.numerics.cholesky import factor_positive, solve_factored
from qdimage.numerics.psf_terms import PsfTerms, n_terms

Array = NDArray[np.float64]
Single = NDArray[np.float32]
Index = NDArray[np.int64]

# Neighbours whose brightness may change, and of these the nearest, which may move too.
MAX_NEAR, MAX_CLOSE = 12, 6
X, Y, FLUX, XX, XY, YY, FLUX_VARIANCE, CHI_SQ, OFF_X, OFF_Y, MEAN_OFF_X, MEAN_OFF_Y = range(12)
N_CHANGES = 12
_OWN = 4


@njit(cache=True)
def fit_changes(
    difference: Single,
    samples: Single,
    off_place: Single,
    background: Array,
    light: Array,
    spots: Array,
    near_start: Index,
    near: Index,
    distance: Array,
    close_px: float,
    psf: PsfTerms,
    noise: Noise,
    reach: int,
    result: Array,
) -> None:
    """Fit the light that each spot has gained and how far it has moved, beside its neighbours'.

    Weighted least squares, linear in the derivatives of the spot by its place and its flux, in
    those of its neighbours, and in a constant.

    Parameters
    ----------
    difference, samples, off_place : ndarray of float32
        As in `StackChange`.
    background, light : ndarray, shape (y, x)
        Of the mean image; their sum says how noisy a pixel is.
    spots : ndarray, shape (n, 4)
        x, y, flux and blur.
    near_start, near, distance : ndarray
        Neighbours from `near_pairs`.
    close_px : float
        Neighbours that are as close may have moved, too.
    psf : PsfTerms
    noise : Noise
    reach : int
        Pixels on each side of a spot that are fitted.
    result : ndarray, shape (n, N_CHANGES)
        Filled with flux times displacement along x and y, the flux gained, the variances of these
        (xx, xy, yy; flux), chi-square per degree of freedom, and flux times displacement by the
        drift: its difference between the halves, along x and y, and its mean.
    """
    height, width = difference.shape
    window = empty_window(MAX_NEAR + MAX_CLOSE, 2 * reach + 1, n_terms(psf))
    most = _OWN + MAX_NEAR + 2 * MAX_CLOSE
    n_right = 1 + off_place.shape[0]
    matrix, right = np.empty((most, most)), np.empty((n_right, most))
    column, values = np.empty(most), np.empty((n_right, window.data.size))
    for index in range(spots.shape[0]):
        cx, cy = int(np.rint(spots[index, 0])), int(np.rint(spots[index, 1]))
        x0, y0 = max(cx - reach, 0), max(cy - reach, 0)
        nx, ny = min(cx + reach + 1, width) - x0, min(cy + reach + 1, height) - y0
        shape, n = (ny, nx), nx * ny
        n_used, p = 0, 0
        for j in range(y0, y0 + ny):
            for i in range(x0, x0 + nx):
                level = max(background[j, i] + light[j, i], noise.least)
                window.weight[p] = samples[j, i] / (noise.slope * level + noise.read)
                values[0, p] = difference[j, i]
                for k in range(1, n_right):
                    values[k, p] = off_place[k - 1, j, i]
                n_used += samples[j, i] > 0
                p += 1
        m = _fill_columns(
            window, psf, spots, index, near_start, near, distance, close_px, x0, y0, shape
        )
        own = result[index]
        own[:] = 0.0
        own[XX], own[YY], own[FLUX_VARIANCE] = math.inf, math.inf, math.inf
        if n_used <= m:
            continue
        for a in range(m):
            for p in range(n):
                window.model[p] = window.weight[p] * window.gradient[a, p]
            for b in range(a + 1):
                matrix[a, b] = dot(window.model, window.gradient[b], n)
            for k in range(n_right):
                right[k, a] = dot(window.model, values[k], n)
        scores = right[0, :m].copy()
        factor_positive(matrix, m)
        for k in range(n_right):
            solve_factored(matrix, right[k], m)
        own[X], own[Y], own[FLUX] = right[0, 0], right[0, 1], right[0, 2]
        for k in range(1, n_right):
            own[OFF_X + k - 1] = right[k, 2]
        for a in range(3):
            column[:m] = 0.0
            column[a] = 1.0
            solve_factored(matrix, column, m)
            if a == 0:
                own[XX], own[XY] = column[0], column[1]
            elif a == 1:
                own[YY] = column[1]
            else:
                own[FLUX_VARIANCE] = column[2]
        left_over = 0.0
        for p in range(n):
            left_over += window.weight[p] * values[0, p] ** 2
        for a in range(m):
            left_over -= scores[a] * right[0, a]
        own[CHI_SQ] = left_over / (n_used - m)


@njit(cache=True)
def _fill_columns(
    window: Window,
    psf: PsfTerms,
    spots: Array,
    index: int,
    near_start: Index,
    near: Index,
    distance: Array,
    close_px: float,
    x0: int,
    y0: int,
    shape: tuple[int, int],
) -> int:
    """Fill the derivatives by place and flux, the constant, then those of the neighbours."""
    gradient, by_x, by_y = window.gradient, window.profiles[0], window.profiles[1]
    render(window, psf, spots[index], x0, y0, shape)
    multiply(gradient[0], by_y[0], by_x[1], 1.0, shape)
    multiply(gradient[1], by_y[1], by_x[0], 1.0, shape)
    multiply(gradient[2], by_y[0], by_x[0], 1.0, shape)
    gradient[3, : shape[0] * shape[1]] = 1.0
    m, first, last = int(_OWN), near_start[index], near_start[index + 1]
    for position in range(first, min(last, first + MAX_NEAR)):
        render(window, psf, spots[near[position]], x0, y0, shape)
        multiply(gradient[m], by_y[0], by_x[0], 1.0, shape)
        m += 1
        if distance[position] < close_px and position < first + MAX_CLOSE:
            multiply(gradient[m], by_y[0], by_x[1], 1.0, shape)
            multiply(gradient[m + 1], by_y[1], by_x[0], 1.0, shape)
            m += 2
    return m
