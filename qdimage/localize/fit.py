"""Fits of all spots of an image, one after the other: errors, shapes, significance."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_window import (
    Noise,
    Window,
    draw,
    empty_window,
    fisher,
    fit_window,
    multiply,
    render,
)
from qdimage.numerics.cholesky import solve_positive
from qdimage.numerics.psf_terms import PsfTerms, draw_spot, n_terms

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_TOGETHER = 8
X_ERR, Y_ERR, FLUX_ERR, CONSTANT, BLUR_ERR, RATIO, LEVEL, CHI_SQ = range(8)
SHAPE, SHAPE_COVARIANCE = slice(8, 11), slice(11, 17)
N_RESULTS = 17


@njit(cache=True)
def _column_of_inverse(matrix: Array, n: int, index: int, work: Array, column: Array) -> None:
    """Fill one column of the inverse of the leading n x n block."""
    for a in range(n):
        for b in range(n):
            work[a, b] = matrix[a, b]
        work[a, a] += 1e-30
        column[a] = 1.0 if a == index else 0.0
    solve_positive(work, column, n)


@njit(cache=True)
def _shape(
    window: Window, n_spots: int, flux: float, shape: tuple[int, int], matrix: Array, result: Array
) -> None:
    """Fill how much wider the first spot is than the field's, and the covariance of that.

    One step of scoring from the fit, in the variances along x and y and the covariance that would
    be added to the spot (px^2), everything else free. The profiles are those of the first spot.
    """
    n = 3 * n_spots + 1
    n_pixels = shape[0] * shape[1]
    gradient = window.gradient
    multiply(gradient[n], window.profiles, 0, 2, 0.5 * flux, shape)
    multiply(gradient[n + 1], window.profiles, 2, 0, 0.5 * flux, shape)
    multiply(gradient[n + 2], window.profiles, 1, 1, flux, shape)
    score, weighted = np.empty(n + 3), np.empty(n_pixels)
    work, column = np.empty((n + 3, n + 3)), np.empty(n + 3)
    fisher(window, n_pixels, n + 3, matrix, score, weighted)
    for a in range(3):
        _column_of_inverse(matrix, n + 3, n + a, work, column)
        change = 0.0
        for b in range(n + 3):
            change += column[b] * score[b]
        result[8 + a] = change
        for b in range(a, 3):
            # In the order xx, xx-yy, xx-xy, yy, yy-xy, xy.
            result[11 + (a * (5 - a)) // 2 + b] = column[n + b]


@njit(cache=True)
def _judge(
    window: Window, noise: Noise, flux: float, constant: float, n: int, n_free: int, result: Array
) -> None:
    """Fill the matched filter without the first spot, the level there, and chi-square."""
    profile = window.gradient[2]
    numerator, information, level_sum, weight_sum = 0.0, 0.0, 0.0, 0.0
    chi_sq, n_used = 0.0, 0
    for p in range(n):
        if window.samples[p] <= 0:
            continue
        others = window.model[p] - constant - flux * profile[p]
        level = max(others, noise.least)
        weight = window.samples[p] / (noise.slope * level + noise.read)
        numerator += weight * profile[p] * (window.data[p] - others)
        information += weight * profile[p] ** 2
        level_sum += profile[p] * level
        weight_sum += profile[p]
        chi_sq += window.weight[p] * (window.data[p] - window.model[p]) ** 2
        n_used += 1
    known = information > 0.0 and weight_sum > 0.0
    result[RATIO] = numerator / math.sqrt(information) if known else 0.0
    result[LEVEL] = level_sum / weight_sum if known else noise.least
    result[CHI_SQ] = chi_sq / max(n_used - n_free, 1)


@njit(cache=True)
def fit_all(
    image: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    spots: Array,
    order: Index,
    together_start: Index,
    together: Index,
    psf: PsfTerms,
    noise: Noise,
    with_blur: NDArray[np.bool_],
    with_shape: bool,
    reach: int,
    draw_reach: int,
    result: Array,
) -> None:
    """Fit spots, each with its close neighbours free and all others held.

    Parameters
    ----------
    image, samples, background : ndarray, shape (y, x)
    light : ndarray, shape (y, x)
        Of all spots as they stand, updated in place.
    spots : ndarray, shape (n, 4)
        x, y, flux, blur; updated in place, one after the other.
    order : ndarray of int
        Which to fit, and in which order.
    together_start, together : ndarray of int
        For each spot the neighbours fitted with it, as compressed rows.
    psf : PsfTerms
    noise : Noise
    with_blur : ndarray of bool, shape (n,)
        Whether a spot's own width is fitted as well.
    with_shape : bool
        Whether to test how far a spot is wider than the others, along each axis.
    reach, draw_reach : int
        Pixels on each side of a spot that are fitted, and on which its light is drawn.
    result : ndarray, shape (n, N_RESULTS)
        Filled with errors of x, y and flux, constant, the blur's error, signal-to-noise of
        the matched filter without the spot, level under it, chi-square per degree of freedom; the
        change of the spot's shape (variance along x, along y, covariance; px^2) and its covariance.
    """
    height, width = image.shape
    terms = n_terms(psf)
    window = empty_window(MAX_TOGETHER + 1, 2 * reach + 1, terms)
    drawn = np.empty((2, 3, terms, 2 * draw_reach + 1))
    matrix = np.empty((3 * MAX_TOGETHER + 8, 3 * MAX_TOGETHER + 8))
    work, column = matrix.copy(), np.empty(matrix.shape[0])
    group = np.empty((MAX_TOGETHER + 1, 4))
    longest = 2.0 * psf.core_sigma
    for index in order:
        cx, cy = int(np.rint(spots[index, 0])), int(np.rint(spots[index, 1]))
        x0, x1 = max(cx - reach, 0), min(cx + reach + 1, width)
        y0, y1 = max(cy - reach, 0), min(cy + reach + 1, height)
        shape = (y1 - y0, x1 - x0)
        n_pixels = shape[0] * shape[1]
        n_spots = 1 + together_start[index + 1] - together_start[index]
        group[0] = spots[index]
        for k in range(1, n_spots):
            group[k] = spots[together[together_start[index] + k - 1]]
        fitted = group[:n_spots]
        window.fixed[:n_pixels] = 0.0
        draw(window, psf, False, fitted, 0.0, x0, y0, shape)
        p = 0
        for j in range(y0, y1):
            for i in range(x0, x1):
                window.data[p] = image[j, i]
                window.samples[p] = samples[j, i]
                window.fixed[p] = background[j, i] + light[j, i] - window.model[p]
                p += 1
        free = with_blur[index]
        constant = fit_window(window, psf, noise, fitted, free, longest, x0, y0, shape, matrix)
        own = result[index]
        n_free = 3 * n_spots + 1 + (1 if free else 0)
        for a in range(3):
            _column_of_inverse(matrix, n_free, a, work, column)
            own[a] = math.sqrt(max(column[a], 0.0))
        own[CONSTANT], own[BLUR_ERR] = constant, 0.0
        if free:
            _column_of_inverse(matrix, n_free, n_free - 1, work, column)
            own[BLUR_ERR] = math.sqrt(max(column[n_free - 1], 0.0))
        _judge(window, noise, fitted[0, 2], constant, n_pixels, n_free, own)
        if with_shape:
            render(window, psf, fitted[0], x0, y0, shape)
            _shape(window, n_spots, fitted[0, 2], shape, matrix, own)
        draw_spot(light, psf, spots[index], -1.0, draw_reach, drawn)
        spots[index] = fitted[0]
        draw_spot(light, psf, fitted[0], 1.0, draw_reach, drawn)
