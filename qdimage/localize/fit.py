"""Maximum-likelihood fit of overlapping Gaussian spots: the hot kernel."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.psf import pixel_profile

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MAX_TOGETHER = 8
_MAX_STEPS = 40
_TOLERANCE_PX = 1e-4
_SMALLEST_FLUX = 1e-9


@njit(cache=True)
def _draw(
    window: Array, gradient: Array, x0: int, y0: int, spots: Array, sigma: float, with_sigma: bool
) -> None:
    """Fill the model of a window and its derivatives by (x, y, flux) of each spot, then sigma."""
    height, width = window.shape
    row, row_y, row_s = np.empty(height), np.empty(height), np.empty(height)
    column, column_x, column_s = np.empty(width), np.empty(width), np.empty(width)
    n_spots = spots.shape[0]
    for k in range(n_spots):
        pixel_profile(x0, spots[k, 0], sigma, column, column_x, column_s)
        pixel_profile(y0, spots[k, 1], sigma, row, row_y, row_s)
        flux = spots[k, 2]
        for j in range(height):
            for i in range(width):
                window[j, i] += flux * row[j] * column[i]
                gradient[3 * k, j, i] = flux * row[j] * column_x[i]
                gradient[3 * k + 1, j, i] = flux * row_y[j] * column[i]
                gradient[3 * k + 2, j, i] = row[j] * column[i]
                if with_sigma and k == 0:
                    gradient[3 * n_spots + 1, j, i] = flux * (
                        row_s[j] * column[i] + row[j] * column_s[i]
                    )


@njit(cache=True)
def _objective(
    data: Array, samples: Array, window: Array, slope: float, read: float, least: float
) -> float:
    """Quasi-log-likelihood whose variance is slope * mean + read."""
    shift = read / slope
    total = 0.0
    for j in range(data.shape[0]):
        for i in range(data.shape[1]):
            if samples[j, i] > 0:
                level = max(window[j, i], least) + shift
                total += samples[j, i] / slope * ((data[j, i] + shift) * math.log(level) - level)
    return total


@njit(cache=True)
def _fisher(
    data: Array,
    samples: Array,
    window: Array,
    gradient: Array,
    slope: float,
    read: float,
    least: float,
    matrix: Array,
    score: Array,
) -> None:
    n = score.shape[0]
    matrix[:] = 0.0
    score[:] = 0.0
    for j in range(data.shape[0]):
        for i in range(data.shape[1]):
            if samples[j, i] <= 0:
                continue
            level = max(window[j, i], least)
            weight = samples[j, i] / (slope * level + read)
            residual = weight * (data[j, i] - level)
            for a in range(n):
                by_a = gradient[a, j, i]
                score[a] += residual * by_a
                for b in range(a + 1):
                    matrix[a, b] += weight * by_a * gradient[b, j, i]
    for a in range(n):
        for b in range(a):
            matrix[b, a] = matrix[a, b]


@njit(cache=True)
def fit_window(
    data: Array,
    samples: Array,
    fixed: Array,
    x0: int,
    y0: int,
    spots: Array,
    sigma: float,
    with_sigma: bool,
    slope: float,
    read: float,
    least: float,
) -> tuple[Array, float, float, Array, bool]:
    """Fit spots and a constant in one window by Fisher scoring with step control.

    The likelihood is the Poisson form scaled to the camera's variance, F^2 and read noise included
    (Huang et al., Nature Methods 10, 653, 2013, for the read noise as added counts).

    Parameters
    ----------
    data, samples, fixed : ndarray, shape (h, w)
        Mean signal, frames in it (0: leave out), light that is not fitted.
    x0, y0 : int
        First column and row of the window in the image.
    spots : ndarray, shape (k, 3)
        x, y, flux to start from; the first is the one of interest.
    sigma : float
        Width, px; fitted for the first spot where `with_sigma`.
    slope, read, least : float
        One-frame variance = slope * mean + read; smallest mean that the model may have.

    Returns
    -------
    spots, constant, sigma, covariance, converged
        The covariance is that of (x, y, flux of each spot, constant[, sigma]).
    """
    n_spots = spots.shape[0]
    n = 3 * n_spots + 1 + (1 if with_sigma else 0)
    height, width = data.shape
    gradient = np.zeros((n, height, width))
    gradient[3 * n_spots] = 1.0
    matrix, score = np.zeros((n, n)), np.zeros(n)
    current, constant, width_now = spots.copy(), 0.0, sigma
    window = fixed + constant
    _draw(window, gradient, x0, y0, current, width_now, with_sigma)
    value = _objective(data, samples, window, slope, read, least)
    damping, converged = 1e-3, False
    for _ in range(_MAX_STEPS):
        _fisher(data, samples, window, gradient, slope, read, least, matrix, score)
        damped = matrix.copy()
        for a in range(n):
            damped[a, a] = matrix[a, a] * (1.0 + damping) + 1e-30
        step = np.linalg.solve(damped, score)
        trial = current.copy()
        for k in range(n_spots):
            for axis in range(2):
                moved_to = current[k, axis] + min(max(step[3 * k + axis], -0.5), 0.5)
                lowest, highest = spots[k, axis] - 2.0 * sigma, spots[k, axis] + 2.0 * sigma
                trial[k, axis] = min(max(moved_to, lowest), highest)
            trial[k, 2] = max(current[k, 2] + step[3 * k + 2], _SMALLEST_FLUX)
        trial_constant = constant + step[3 * n_spots]
        trial_width = width_now
        if with_sigma:
            trial_width = min(max(width_now + step[n - 1], 0.5 * sigma), 2.0 * sigma)
        trial_window = fixed + trial_constant
        _draw(trial_window, gradient, x0, y0, trial, trial_width, with_sigma)
        trial_value = _objective(data, samples, trial_window, slope, read, least)
        if trial_value >= value - 1e-12 * abs(value):
            moved = max(abs(trial[0, 0] - current[0, 0]), abs(trial[0, 1] - current[0, 1]))
            moved = max(moved, abs(trial_width - width_now))
            settled = moved < _TOLERANCE_PX and trial_value - value < 1e-3
            current, constant, width_now = trial, trial_constant, trial_width
            window, value = trial_window, trial_value
            damping = max(damping * 0.1, 1e-9)
            if settled:
                converged = True
                break
        else:
            damping = min(damping * 10.0, 1e9)
            _draw(trial_window, gradient, x0, y0, current, width_now, with_sigma)
            if damping >= 1e9:
                break
    _fisher(data, samples, window, gradient, slope, read, least, matrix, score)
    for a in range(n):
        matrix[a, a] += 1e-30
    return current, constant, width_now, np.linalg.pinv(matrix), converged


@njit(cache=True)
def filter_output(
    data: Array,
    samples: Array,
    fixed: Array,
    profile: Array,
    slope: float,
    read: float,
    least: float,
) -> tuple[float, float]:
    """Matched filter at a spot's place: signal-to-noise without the spot, and the level there."""
    numerator, information, level_sum, weight_sum = 0.0, 0.0, 0.0, 0.0
    for j in range(data.shape[0]):
        for i in range(data.shape[1]):
            if samples[j, i] > 0:
                level = max(fixed[j, i], least)
                weight = samples[j, i] / (slope * level + read)
                numerator += weight * profile[j, i] * (data[j, i] - fixed[j, i])
                information += weight * profile[j, i] ** 2
                level_sum += profile[j, i] * level
                weight_sum += profile[j, i]
    if information <= 0.0 or weight_sum <= 0.0:
        return 0.0, least
    return numerator / math.sqrt(information), level_sum / weight_sum


@njit(cache=True)
def fit_all(
    image: Array,
    samples: Array,
    background: Array,
    spots: Array,
    order: Index,
    together_start: Index,
    together: Index,
    nearby_start: Index,
    nearby: Index,
    sigma: float,
    with_sigma: bool,
    slope: float,
    read: float,
    least: float,
    reach: int,
) -> Array:
    """Fit every spot with its close neighbours free and its farther ones held.

    Parameters
    ----------
    image, samples, background : ndarray, shape (y, x)
    spots : ndarray, shape (n, 3)
        x, y, flux; updated in place, one after the other in `order`.
    order : ndarray of int, shape (n,)
    together_start, together, nearby_start, nearby : ndarray of int
        For each spot the neighbours fitted with it and those held, as compressed rows.
    sigma, with_sigma, slope, read, least
        As in `fit_window`.
    reach : int
        Pixels on each side of a spot that are fitted.

    Returns
    -------
    ndarray, shape (n, 9)
        x_err, y_err, flux_err, constant, sigma, sigma_err, signal-to-noise of the matched filter
        without the spot, level under it, chi-square per degree of freedom.
    """
    n_spots = spots.shape[0]
    height, width = image.shape
    result = np.zeros((n_spots, 9))
    for position in range(n_spots):
        index = order[position]
        cx, cy = int(np.rint(spots[index, 0])), int(np.rint(spots[index, 1]))
        x0, x1 = max(cx - reach, 0), min(cx + reach + 1, width)
        y0, y1 = max(cy - reach, 0), min(cy + reach + 1, height)
        fixed = background[y0:y1, x0:x1].copy()
        data, frames = image[y0:y1, x0:x1], samples[y0:y1, x0:x1]
        row, column = np.empty(y1 - y0), np.empty(x1 - x0)
        unused_row, unused_column = np.empty(y1 - y0), np.empty(x1 - x0)
        for other in nearby[nearby_start[index] : nearby_start[index + 1]]:
            pixel_profile(x0, spots[other, 0], sigma, column, unused_column, unused_column)
            pixel_profile(y0, spots[other, 1], sigma, row, unused_row, unused_row)
            for j in range(y1 - y0):
                for i in range(x1 - x0):
                    fixed[j, i] += spots[other, 2] * row[j] * column[i]
        friends = together[together_start[index] : together_start[index + 1]]
        group = np.empty((friends.shape[0] + 1, 3))
        group[0] = spots[index]
        for k in range(friends.shape[0]):
            group[k + 1] = spots[friends[k]]
        fitted, constant, fitted_sigma, covariance, _ = fit_window(
            data, frames, fixed, x0, y0, group, sigma, with_sigma, slope, read, least
        )
        spots[index] = fitted[0]
        for k in range(friends.shape[0]):
            pixel_profile(x0, fitted[k + 1, 0], sigma, column, unused_column, unused_column)
            pixel_profile(y0, fitted[k + 1, 1], sigma, row, unused_row, unused_row)
            for j in range(y1 - y0):
                for i in range(x1 - x0):
                    fixed[j, i] += fitted[k + 1, 2] * row[j] * column[i]
        pixel_profile(x0, fitted[0, 0], fitted_sigma, column, unused_column, unused_column)
        pixel_profile(y0, fitted[0, 1], fitted_sigma, row, unused_row, unused_row)
        profile = np.outer(row, column)
        ratio, level = filter_output(data, frames, fixed, profile, slope, read, least)
        chi_sq, n_used = 0.0, 0
        for j in range(y1 - y0):
            for i in range(x1 - x0):
                if frames[j, i] > 0:
                    model = fixed[j, i] + constant + fitted[0, 2] * profile[j, i]
                    spread = (slope * max(model, least) + read) / frames[j, i]
                    chi_sq += (data[j, i] - model) ** 2 / spread
                    n_used += 1
        n_parameters = covariance.shape[0]
        result[index, 0] = math.sqrt(max(covariance[0, 0], 0.0))
        result[index, 1] = math.sqrt(max(covariance[1, 1], 0.0))
        result[index, 2] = math.sqrt(max(covariance[2, 2], 0.0))
        result[index, 3] = constant
        result[index, 4] = fitted_sigma
        if with_sigma:
            result[index, 5] = math.sqrt(max(covariance[n_parameters - 1, n_parameters - 1], 0.0))
        result[index, 6] = ratio
        result[index, 7] = level
        result[index, 8] = chi_sq / max(n_used - n_parameters, 1)
    return result
