"""Fits of all spots of an image, one after the other: errors, shapes, significance."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_noise import Noise
from qdimage.localize.fit_single import (
    SingleWindow,
    empty_single,
    errors_of_single,
    fit_single,
    judge_single,
    place,
)
from qdimage.localize.fit_window import (
    Window,
    draw,
    empty_window,
    fisher,
    fit_window,
    multiply,
    render,
)
from qdimage.numerics.cholesky import factor_positive, solve_factored
from qdimage.numerics.psf_terms import PsfTerms, draw_spot, n_terms

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_TOGETHER = 8
X_ERR, Y_ERR, FLUX_ERR, CONSTANT, BLUR_ERR, RATIO, LEVEL, CHI_SQ = range(8)
_SHAPE_START = 8
SHAPE, SHAPE_COVARIANCE = slice(_SHAPE_START, 11), slice(11, 17)
N_RESULTS = 17


@njit(cache=True)
def _errors(factor: Array, n: int, column: Array, result: Array, free: bool) -> None:
    """Fill the errors of the first spot; a factor of the information of n parameters and more."""
    for a in range(3):
        _column_of_inverse(factor, n, a, column)
        result[X_ERR + a] = math.sqrt(max(column[a], 0.0))
    result[BLUR_ERR] = 0.0
    if free:
        _column_of_inverse(factor, n, n - 1, column)
        result[BLUR_ERR] = math.sqrt(max(column[n - 1], 0.0))


@njit(cache=True)
def _factored(window: Window, n_pixels: int, n: int, factor: Array, score: Array) -> None:
    """Fill a factor of the Fisher information, and the score, of the first n parameters."""
    fisher(window, n_pixels, n, factor, score, np.empty(n_pixels))
    for a in range(n):
        factor[a, a] += 1e-30
    factor_positive(factor, n)


@njit(cache=True)
def _column_of_inverse(factor: Array, n: int, index: int, column: Array) -> None:
    """Fill one column of the inverse of the matrix whose factor it is."""
    column[:n] = 0.0
    column[index] = 1.0
    solve_factored(factor, column, n)


@njit(cache=True)
def _shape(
    window: Window,
    n_spots: int,
    flux: float,
    shape: tuple[int, int],
    factor: Array,
    score: Array,
    column: Array,
    result: Array,
) -> None:
    """Fill how much wider the first spot is than the field's, and the covariance of that.

    One step of scoring from the fit, in the variances along x and y and the covariance that would
    be added to the spot (px^2), everything else free. The profiles are those of the first spot.
    The factor is left with that of all other parameters at its head.
    """
    n = 3 * n_spots + 1
    gradient = window.gradient
    by_x, by_y = window.profiles[0], window.profiles[1]
    multiply(gradient[n], by_y[0], by_x[2], 0.5 * flux, shape)
    multiply(gradient[n + 1], by_y[2], by_x[0], 0.5 * flux, shape)
    multiply(gradient[n + 2], by_y[1], by_x[1], flux, shape)
    _factored(window, shape[0] * shape[1], n + 3, factor, score)
    for a in range(3):
        _column_of_inverse(factor, n + 3, n + a, column)
        change = 0.0
        for b in range(n + 3):
            change += column[b] * score[b]
        result[_SHAPE_START + a] = change
        for b in range(a, 3):
            # In the order xx, xx-yy, xx-xy, yy, yy-xy, xy.
            result[_SHAPE_START + 3 + (a * (5 - a)) // 2 + b] = column[n + b]


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
        spread = noise.slope * max(window.model[p], noise.least) + noise.read
        chi_sq += window.samples[p] * (window.data[p] - window.model[p]) ** 2 / spread
        n_used += 1
    known = information > 0.0 and weight_sum > 0.0
    result[RATIO] = numerator / math.sqrt(information) if known else 0.0
    result[LEVEL] = level_sum / weight_sum if known else noise.least
    result[CHI_SQ] = chi_sq / max(n_used - n_free, 1)


@njit(cache=True)
def _cut_out(shape: tuple[int, int], spot: Array, reach: int) -> tuple[int, int, int, int]:
    """First column and row of a spot's window, and its width and height."""
    height, width = shape
    cx, cy = int(np.rint(spot[0])), int(np.rint(spot[1]))
    x0, y0 = max(cx - reach, 0), max(cy - reach, 0)
    return x0, y0, min(cx + reach + 1, width) - x0, min(cy + reach + 1, height) - y0


@njit(cache=True)
def _fit_alone(
    window: SingleWindow,
    image: Array,
    samples: NDArray[np.int32],
    background: Array,
    light: Array,
    psf: PsfTerms,
    noise: Noise,
    spot: Array,
    cut: tuple[int, int, int, int],
    result: Array,
) -> None:
    """Fit a Gaussian spot that overlaps no other, and fill its row of results."""
    x0, y0, nx, ny = cut
    sigma = math.sqrt(psf.core_sigma**2 + spot[3])
    place(window, sigma, spot, x0, y0, nx, ny)
    p = 0
    for j in range(ny):
        for i in range(nx):
            y, x = y0 + j, x0 + i
            window.data[p] = image[y, x]
            window.samples[p] = samples[y, x]
            window.fixed[p] = background[y, x] + light[y, x] - spot[2] * window.spot[p]
            p += 1
    longest = 2.0 * psf.core_sigma
    constant = fit_single(window, sigma, noise, spot, longest, x0, y0, nx, ny)
    result[CONSTANT], result[BLUR_ERR] = constant, 0.0
    ratio, level, chi_sq = judge_single(window, noise, spot[2], constant, nx, ny)
    result[RATIO], result[LEVEL], result[CHI_SQ] = ratio, level, chi_sq
    errors_of_single(window, result[X_ERR : FLUX_ERR + 1], result[_SHAPE_START:])


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
    terms = n_terms(psf)
    window = empty_window(MAX_TOGETHER + 1, 2 * reach + 1, terms)
    single = empty_single(2 * reach + 1)
    drawn = np.empty((2, 3, terms, 2 * draw_reach + 1))
    side = 3 * MAX_TOGETHER + 8
    matrices = np.empty((2, side, side))
    factor, column, score = matrices[0], np.empty(side), np.empty(side)
    group = np.empty((MAX_TOGETHER + 1, 4))
    longest = 2.0 * psf.core_sigma
    for index in order:
        cut = _cut_out(image.shape, spots[index], reach)
        x0, y0, nx, ny = cut
        shape = (ny, nx)
        own = result[index]
        n_spots = 1 + together_start[index + 1] - together_start[index]
        group[0] = spots[index]
        if n_spots == 1 and terms == 1 and not with_blur[index]:
            _fit_alone(
                single,
                image,
                samples,
                background,
                light,
                psf,
                noise,
                group[0],
                cut,
                own,
            )
            draw_spot(light, psf, spots[index], -1.0, draw_reach, drawn)
            spots[index] = group[0]
            draw_spot(light, psf, spots[index], 1.0, draw_reach, drawn)
            continue
        for k in range(1, n_spots):
            group[k] = spots[together[together_start[index] + k - 1]]
        fitted = group[:n_spots]
        window.fixed[: nx * ny] = 0.0
        draw(window, psf, with_blur[index], fitted, 0.0, x0, y0, shape)
        p = 0
        for j in range(y0, y0 + ny):
            for i in range(x0, x0 + nx):
                window.data[p] = image[j, i]
                window.samples[p] = samples[j, i]
                window.fixed[p] = background[j, i] + light[j, i] - window.model[p]
                p += 1
        free = with_blur[index]
        constant = fit_window(window, psf, noise, fitted, free, longest, x0, y0, shape, matrices)
        n_free = 3 * n_spots + 1 + (1 if free else 0)
        own[CONSTANT] = constant
        _judge(window, noise, fitted[0, 2], constant, nx * ny, n_free, own)
        if free or not with_shape:
            _factored(window, nx * ny, n_free, factor, score)
            _errors(factor, n_free, column, own, free)
        if with_shape:
            render(window, psf, fitted[0], x0, y0, shape)
            _shape(window, n_spots, fitted[0, 2], shape, factor, score, column, own)
        if with_shape and not free:
            _errors(factor, n_free, column, own, free)
        draw_spot(light, psf, spots[index], -1.0, draw_reach, drawn)
        spots[index] = fitted[0]
        draw_spot(light, psf, fitted[0], 1.0, draw_reach, drawn)
