"""Fit of one Gaussian spot that overlaps no other: sums over pixels are products of profiles."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_noise import Noise
from qdimage.localize.fit_window import (
    LARGEST_DAMPING,
    MAX_STEPS,
    SETTLED,
    SMALLEST_FLUX,
    within_reach,
)
from qdimage.localize.register_weights import weigh_by_register
from qdimage.numerics.cholesky import factor_positive, solve_factored, solve_positive
from qdimage.numerics.psf_terms import fill_normal

Array = NDArray[np.float64]

# Rows of the profiles: the spot along an axis, its two derivatives, and 1.
_ONE = 3
# A function is compiled anew for each constant that it is given; `int` makes one a mere number.
_N_PARAMETERS, _N_WITH_SHAPE, _FIRST = 4, 7, 0
# Of x, y, flux, constant, and the variances along x and y and the covariance that are added:
# the profiles whose product is the derivative, and its factor, plain and by flux.
_BY_Y = np.array([0, 1, 0, _ONE, 0, 2, 1])
_BY_X = np.array([1, 0, 0, _ONE, 2, 0, 1])
_FACTORS = np.array([[0, 1], [0, 1], [1, 0], [1, 0], [0, 0.5], [0, 0.5], [0, 1.0]])
_PAIR = np.array([[0, 1, 3, 6], [1, 2, 4, 7], [3, 4, 5, 8], [6, 7, 8, 9]])
_N_SUMS = 14


class SingleWindow(NamedTuple):
    """Pixels that are fitted, flat, and the room for one spot in them.

    Attributes
    ----------
    data, samples, fixed : ndarray, shape (p,)
        Mean signal, frames in it (0: leave out), light that is not fitted.
    along_x, along_y : ndarray, shape (4, side)
        Profile of the spot, its derivatives by the centre, and 1.
    products : ndarray, shape (3, side)
        Of the profile along x and its first derivative: square, mixed, square.
    spot, weight, residual : ndarray, shape (p,)
        Profile of the spot, inverse variance of the data, and that times what is left over.
    rows : ndarray, shape (14, side)
        Of each row of pixels the sums of weights times products of two profiles along x, and of
        what is left over times profiles.
    score, step : ndarray, shape (2, 7) and (7,)
    matrix : ndarray, shape (2, 7, 7)
    work : ndarray, shape (7, 7)
    """

    data: Array
    samples: Array
    fixed: Array
    along_x: Array
    along_y: Array
    products: Array
    spot: Array
    weight: Array
    residual: Array
    rows: Array
    score: Array
    step: Array
    matrix: Array
    work: Array


@njit(cache=True)
def empty_single(side: int) -> SingleWindow:
    return SingleWindow(
        np.empty(side * side),
        np.empty(side * side),
        np.empty(side * side),
        np.ones((4, side)),
        np.ones((4, side)),
        np.empty((3, side)),
        np.empty(side * side),
        np.empty(side * side),
        np.empty(side * side),
        np.empty((_N_SUMS, side)),
        np.zeros((2, _N_WITH_SHAPE)),
        np.empty(_N_WITH_SHAPE),
        np.zeros((2, _N_WITH_SHAPE, _N_WITH_SHAPE)),
        np.empty((_N_WITH_SHAPE, _N_WITH_SHAPE)),
    )


@njit(cache=True)
def place(
    window: SingleWindow, sigma: float, spot: Array, x0: int, y0: int, nx: int, ny: int
) -> None:
    """Fill the profiles of a spot for a window of nx x ny pixels."""
    fill_normal(sigma, x0, spot[0], 1.0, window.along_x[:3, :nx])
    fill_normal(sigma, y0, spot[1], 1.0, window.along_y[:3, :ny])
    for i in range(nx):
        value, slope = window.along_x[0, i], window.along_x[1, i]
        window.products[0, i] = value * value
        window.products[1, i] = value * slope
        window.products[2, i] = slope * slope
    for j in range(ny):
        value = window.along_y[0, j]
        for i in range(nx):
            window.spot[j * nx + i] = value * window.along_x[0, i]


@njit(cache=True)
def _weigh(window: SingleWindow, noise: Noise, flux: float, constant: float, n: int) -> None:
    data, samples, fixed, spot = window.data, window.samples, window.fixed, window.spot
    if noise.register.size:
        for p in range(n):
            window.residual[p] = fixed[p] + constant + flux * spot[p]
        weigh_by_register(data, samples, noise, window.weight, window.residual, n)
        return
    for p in range(n):
        level = max(fixed[p] + constant + flux * spot[p], noise.least)
        weight = samples[p] / (noise.slope * level + noise.read)
        window.weight[p] = weight
        window.residual[p] = weight * (data[p] - level)


@njit(cache=True)
def _information(
    window: SingleWindow, noise: Noise, flux: float, constant: float, nx: int, ny: int, turn: int
) -> None:
    """Fill the Fisher information and the score of x, y, flux and constant."""
    value_x, slope_x = window.along_x[0], window.along_x[1]
    square, mixed, steep = window.products[0], window.products[1], window.products[2]
    xx, xy, xf, xc, yy, yf, yc = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    ff, fc, cc = 0.0, 0.0, 0.0
    by_x, by_y, by_flux, by_constant = 0.0, 0.0, 0.0, 0.0
    _weigh(window, noise, flux, constant, nx * ny)
    weights, residuals = window.weight, window.residual
    for j in range(ny):
        value, slope = window.along_y[0, j], window.along_y[1, j]
        w, wv, ws, wvv, wvs, wss = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        r, rv, rs = 0.0, 0.0, 0.0
        first = j * nx
        for i in range(nx):
            weight, residual = weights[first + i], residuals[first + i]
            w += weight
            wv += weight * value_x[i]
            ws += weight * slope_x[i]
            wvv += weight * square[i]
            wvs += weight * mixed[i]
            wss += weight * steep[i]
            r += residual
            rv += residual * value_x[i]
            rs += residual * slope_x[i]
        xx += value * value * wss
        xy += value * slope * wvs
        xf += value * value * wvs
        xc += value * ws
        yy += slope * slope * wvv
        yf += slope * value * wvv
        yc += slope * wv
        ff += value * value * wvv
        fc += value * wv
        cc += w
        by_x += value * rs
        by_y += slope * rv
        by_flux += value * rv
        by_constant += r
    score, matrix = window.score[turn], window.matrix[turn]
    score[0], score[1], score[2], score[3] = flux * by_x, flux * by_y, by_flux, by_constant
    matrix[0, 0], matrix[1, 0], matrix[1, 1] = flux * flux * xx, flux * flux * xy, flux * flux * yy
    matrix[2, 0], matrix[2, 1], matrix[2, 2] = flux * xf, flux * yf, ff
    matrix[3, 0], matrix[3, 1], matrix[3, 2], matrix[3, 3] = flux * xc, flux * yc, fc, cc


@njit(cache=True)
def fit_single(
    window: SingleWindow,
    sigma: float,
    noise: Noise,
    spot: Array,
    longest_px: float,
    x0: int,
    y0: int,
    nx: int,
    ny: int,
) -> float:
    """Fit a spot and a constant by Fisher scoring with step control, as `fit_window` does.

    A step is taken back where the likelihood's slope at its end says that it was too long: by the
    trapezoid of the slopes at both ends the likelihood must not have fallen.

    Parameters
    ----------
    window : SingleWindow
        Holds the data, and the profiles of the spot to start from; left with those of the fit.
    sigma : float
        Of the spot, px.
    noise : Noise
    spot : ndarray, shape (4,)
        x, y, flux to start from, replaced by the fit.
    longest_px : float
        How far it may go from where it starts, along x and y.
    x0, y0, nx, ny : int
        First pixel of the window in the image, and its size.

    Returns
    -------
    float
        The constant.
    """
    matrix, score, step = window.matrix, window.score, window.step
    n, start_x, start_y = int(_N_PARAMETERS), spot[0], spot[1]
    trial = spot.copy()
    constant, damping, turn = 0.0, 0.0, int(_FIRST)
    _information(window, noise, spot[2], constant, nx, ny, turn)
    for _ in range(MAX_STEPS):
        gain, moved = 0.0, False
        while not moved and damping < LARGEST_DAMPING:
            for a in range(_N_PARAMETERS):
                for b in range(a):
                    window.work[a, b] = matrix[turn, a, b]
                window.work[a, a] = matrix[turn, a, a] * (1.0 + damping) + 1e-30
                step[a] = score[turn, a]
            solve_positive(window.work, step, n)
            gain = 0.0
            for a in range(_N_PARAMETERS):
                gain += score[turn, a] * step[a]
            trial[0] = within_reach(spot[0], step[0], start_x, longest_px)
            trial[1] = within_reach(spot[1], step[1], start_y, longest_px)
            trial[2] = max(spot[2] + step[2], SMALLEST_FLUX)
            place(window, sigma, trial, x0, y0, nx, ny)
            if gain > SETTLED:
                _information(window, noise, trial[2], constant + step[3], nx, ny, 1 - turn)
                rise = (score[0, 3] + score[1, 3]) * step[3]
                for a in range(3):
                    rise += (score[0, a] + score[1, a]) * (trial[a] - spot[a])
                if not rise >= 0.0:
                    damping = max(10.0 * damping, 1e-2)
                    continue
            moved = True
            spot[:] = trial
            constant += step[3]
            turn = 1 - turn
            damping = 0.1 * damping if damping > 1e-3 else 0.0
        if not moved:
            place(window, sigma, spot, x0, y0, nx, ny)
            break
        if gain <= SETTLED:
            break
    return constant


@njit(cache=True)
def judge_single(
    window: SingleWindow, noise: Noise, flux: float, constant: float, nx: int, ny: int
) -> tuple[float, float, float]:
    """Return the matched filter without the spot, the level there, and chi-square by freedom.

    The room for the Fisher information and the score is filled with those of x, y, flux, constant,
    and what would be added to the spot's variance along x, along y, and to its covariance.
    """
    _weigh(window, noise, flux, constant, nx * ny)
    _sum_rows(window, nx, ny)
    _assemble(window, flux, ny)
    data, samples, fixed, spot = window.data, window.samples, window.fixed, window.spot
    numerator, information, level_sum, weight_sum = 0.0, 0.0, 0.0, 0.0
    chi_sq, n_used = 0.0, 0
    for p in range(nx * ny):
        if samples[p] > 0:
            level, left_over = max(fixed[p], noise.least), data[p] - fixed[p]
            share = spot[p] * samples[p] / (noise.slope * level + noise.read)
            numerator += share * left_over
            information += share * spot[p]
            level_sum += spot[p] * level
            weight_sum += spot[p]
            off = left_over - constant - flux * spot[p]
            model = max(data[p] - off, noise.least)
            chi_sq += samples[p] * off * off / (noise.slope * model + noise.read)
            n_used += 1
    chi_sq /= max(n_used - _N_PARAMETERS, 1)
    if information <= 0.0 or weight_sum <= 0.0:
        return 0.0, noise.least, chi_sq
    return numerator / math.sqrt(information), level_sum / weight_sum, chi_sq


@njit(cache=True)
def _sum_rows(window: SingleWindow, nx: int, ny: int) -> None:
    """Fill sums along rows of weights times two profiles, and of what is left over times one."""
    x, rows = window.along_x, window.rows
    for j in range(ny):
        s00, s10, s11, s20, s21, s22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        s30, s31, s32, s33 = 0.0, 0.0, 0.0, 0.0
        r0, r1, r2, r3 = 0.0, 0.0, 0.0, 0.0
        for i in range(nx):
            weight, residual = window.weight[j * nx + i], window.residual[j * nx + i]
            x0, x1, x2 = x[0, i], x[1, i], x[2, i]
            w0, w1, w2 = weight * x0, weight * x1, weight * x2
            s33 += weight
            s30 += w0
            s31 += w1
            s32 += w2
            s00 += w0 * x0
            s10 += w0 * x1
            s11 += w1 * x1
            s20 += w0 * x2
            s21 += w1 * x2
            s22 += w2 * x2
            r0 += residual * x0
            r1 += residual * x1
            r2 += residual * x2
            r3 += residual
        rows[0, j], rows[1, j], rows[2, j], rows[3, j], rows[4, j] = s00, s10, s11, s20, s21
        rows[5, j], rows[6, j], rows[7, j], rows[8, j], rows[9, j] = s22, s30, s31, s32, s33
        rows[10, j], rows[11, j], rows[12, j], rows[13, j] = r0, r1, r2, r3


@njit(cache=True)
def _assemble(window: SingleWindow, flux: float, ny: int) -> None:
    """Fill information and score from the sums along rows."""
    matrix, score = window.matrix[0], window.score[0]
    y, rows = window.along_y, window.rows
    factors = np.empty(_N_WITH_SHAPE)
    for a in range(_N_WITH_SHAPE):
        factors[a] = _FACTORS[a, 0] + _FACTORS[a, 1] * flux
    for a in range(_N_WITH_SHAPE):
        by_y, by_x = _BY_Y[a], _BY_X[a]
        total = 0.0
        for j in range(ny):
            total += y[by_y, j] * rows[10 + by_x, j]
        score[a] = factors[a] * total
        for b in range(a + 1):
            other_y, row = _BY_Y[b], rows[_PAIR[by_x, _BY_X[b]]]
            total = 0.0
            for j in range(ny):
                total += y[by_y, j] * y[other_y, j] * row[j]
            matrix[a, b] = factors[a] * factors[b] * total
        matrix[a, a] += 1e-30


@njit(cache=True)
def errors_of_single(window: SingleWindow, errors: Array, shape: Array) -> None:
    """Fill errors, and the change of the shape, from the information that was filled.

    Parameters
    ----------
    window : SingleWindow
        Its information is replaced by factors.
    errors : ndarray, shape (3,)
        Filled with the standard deviations of x, y and flux, the spot's width being known.
    shape : ndarray, shape (9,)
        Filled with the variance along x, along y and the covariance that the spot has more than
        the field's, one step of scoring from the fit, everything else free; and the covariance of
        these in the order xx, xx-yy, xx-xy, yy, yy-xy, xy.
    """
    factor, score, column = window.matrix[0], window.score[0], window.step
    n, n_all = int(_N_PARAMETERS), int(_N_WITH_SHAPE)
    # The factor of a part of the parameters is a part of the factor of all.
    factor_positive(factor, n_all)
    for a in range(3):
        column[:] = 0.0
        column[a] = 1.0
        solve_factored(factor, column, n)
        errors[a] = math.sqrt(max(column[a], 0.0))
    for a in range(3):
        column[:] = 0.0
        column[_N_PARAMETERS + a] = 1.0
        solve_factored(factor, column, n_all)
        change = 0.0
        for b in range(_N_WITH_SHAPE):
            change += column[b] * score[b]
        shape[a] = change
        for b in range(a, 3):
            shape[3 + (a * (5 - a)) // 2 + b] = column[_N_PARAMETERS + b]
