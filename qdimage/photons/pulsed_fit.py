"""Fit of the overlapping peaks of a correlation under pulses, by damped Poisson scoring."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.cholesky import solve_positive
from qdimage.photons.dip_shape import fill_bin_means

Array = NDArray[np.float64]

# Parameters: coincidences of a peak, g2(0), logarithm of the lifetime, centre, flat background per
# ns relative to that of all peaks.
PEAK, G2_0, LIFETIME, CENTRE, FLAT = 0, 1, 2, 3, 4
N_PARAMETERS = 5

# Lifetimes after which a peak is nothing.
_REACH = 30.0
_MAX_STEPS = 60
_SETTLED = 1e-6
_LARGEST_DAMPING = 1e8
_LARGEST_STEP = 0.5
_LEAST_LEVEL = 1e-6


class PeakData(NamedTuple):
    """What the peaks are fitted to.

    Attributes
    ----------
    edges_ns : ndarray, shape (n + 1,)
    counts : ndarray, shape (n,)
    sigma_ns, period_ns : float
        Standard deviation of the response; time between pulses.
    low, high : ndarray, shape (N_PARAMETERS,)
        Bounds.
    """

    edges_ns: Array
    counts: Array
    sigma_ns: float
    period_ns: float
    low: Array
    high: Array


@njit(cache=True)
def fill_peaks(data: PeakData, log_lifetime: float, centre: float, peaks: Array) -> None:
    """Fill the density of the central peak and of all others, each of unit area.

    Parameters
    ----------
    data : PeakData
    log_lifetime, centre : float
    peaks : ndarray, shape (6, n)
        Filled: central and other peaks, then their derivatives by the logarithm of the lifetime,
        then by the centre.
    """
    tau, edges, period = math.exp(log_lifetime), data.edges_ns, data.period_ns
    reach = _REACH * tau + 10.0 * data.sigma_ns
    first = math.floor((edges[0] - centre - reach) / period)
    last = math.ceil((edges[-1] - centre + reach) / period)
    n = data.counts.shape[0]
    mean, by_time, by_centre = np.empty(n), np.empty(n), np.empty(n)
    peaks[:] = 0.0
    area = 2.0 * tau
    for m in range(first, last + 1):
        fill_bin_means(edges, centre + m * period, tau, data.sigma_ns, mean, by_time, by_centre)
        row = 0 if m == 0 else 1
        for k in range(n):
            peaks[row, k] += mean[k] / area
            peaks[row + 2, k] += (by_time[k] - mean[k]) / area
            peaks[row + 4, k] += by_centre[k] / area


@njit(cache=True)
def peak_levels(data: PeakData, theta: Array, peaks: Array) -> Array:
    """Counts expected in each bin; fills `peaks`."""
    fill_peaks(data, theta[LIFETIME], theta[CENTRE], peaks)
    shape = theta[G2_0] * peaks[0] + peaks[1] + theta[FLAT] / data.period_ns
    levels: Array = theta[PEAK] * np.diff(data.edges_ns) * shape
    return levels


@njit(cache=True)
def deviance_and_scores(
    data: PeakData, theta: Array, peaks: Array, matrix: Array, vector: Array
) -> float:
    """Return the deviance; fill half its gradient and the expected information.

    Parameters
    ----------
    data : PeakData
    theta : ndarray, shape (N_PARAMETERS,)
    peaks : ndarray, shape (6, n)
        Scratch, see `fill_peaks`.
    matrix, vector : ndarray
        Filled.
    """
    levels = peak_levels(data, theta, peaks)
    matrix[:] = 0.0
    vector[:] = 0.0
    by = np.empty(N_PARAMETERS)
    total = 0.0
    for k in range(levels.shape[0]):
        level, count = max(levels[k], _LEAST_LEVEL), data.counts[k]
        scale = theta[PEAK] * (data.edges_ns[k + 1] - data.edges_ns[k])
        total += 2.0 * (level - count)
        if count > 0.0:
            total += 2.0 * count * math.log(count / level)
        by[PEAK] = levels[k] / theta[PEAK]
        by[G2_0] = scale * peaks[0, k]
        by[LIFETIME] = scale * (theta[G2_0] * peaks[2, k] + peaks[3, k])
        by[CENTRE] = scale * (theta[G2_0] * peaks[4, k] + peaks[5, k])
        by[FLAT] = scale / data.period_ns
        for a in range(N_PARAMETERS):
            vector[a] += (1.0 - count / level) * by[a]
            for b in range(N_PARAMETERS):
                matrix[a, b] += by[a] * by[b] / level
    return total


@njit(cache=True)
def fit_peaks(data: PeakData, theta: Array, hold_g2_0: bool) -> float:
    """Fit from a start, which is replaced by the best point; return its deviance.

    Parameters
    ----------
    data : PeakData
    theta : ndarray, shape (N_PARAMETERS,)
    hold_g2_0 : bool
        Whether g2(0) stays where it is.
    """
    peaks = np.empty((6, data.counts.shape[0]))
    matrix, trial_matrix = np.empty((N_PARAMETERS, N_PARAMETERS)), np.empty((5, 5))
    vector, trial_vector = np.empty(N_PARAMETERS), np.empty(N_PARAMETERS)
    system, step = np.empty((N_PARAMETERS, N_PARAMETERS)), np.empty(N_PARAMETERS)
    free, trial = np.empty(N_PARAMETERS, np.int64), theta.copy()
    value = deviance_and_scores(data, theta, peaks, matrix, vector)
    damping = 1e-4
    for _ in range(_MAX_STEPS):
        n_free = 0
        for a in range(N_PARAMETERS):
            at_end = (theta[a] <= data.low[a] and vector[a] > 0.0) or (
                theta[a] >= data.high[a] and vector[a] < 0.0
            )
            if not at_end and not (hold_g2_0 and a == G2_0):
                free[n_free] = a
                n_free += 1
        for i in range(n_free):
            step[i] = -vector[free[i]]
            for j in range(n_free):
                system[i, j] = matrix[free[i], free[j]]
            system[i, i] *= 1.0 + damping
        solve_positive(system, step, n_free)
        trial[:] = theta
        for i in range(n_free):
            a, size = free[i], step[i]
            if a == LIFETIME:
                size = min(max(size, -_LARGEST_STEP), _LARGEST_STEP)
            trial[a] = min(max(theta[a] + size, data.low[a]), data.high[a])
        found = deviance_and_scores(data, trial, peaks, trial_matrix, trial_vector)
        if found <= value:
            settled = value - found < _SETTLED
            theta[:] = trial
            value = found
            matrix, trial_matrix = trial_matrix, matrix
            vector, trial_vector = trial_vector, vector
            damping = max(damping * 0.2, 1e-9)
            if settled:
                break
        else:
            damping *= 8.0
            if damping > _LARGEST_DAMPING:
                break
    return float(value)
