"""Fit of the overlapping peaks of a correlation under pulses, by damped Poisson scoring."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.cholesky import solve_positive
from qdimage.photons.dip_shape import fill_bin_means

Array = NDArray[np.float64]

# Parameters: coincidences of a far peak, g2(0), logarithm of the lifetime, centre, flat background
# per ns relative to that of all peaks, relative change of the period, how much higher peaks near
# zero delay are, logarithm of the delay (ns) over which they are; then logarithm of a second
# lifetime, and its share in the other peaks and in the central one, where photons of a cascade
# follow each other.
PEAK, G2_0, LIFETIME, CENTRE, FLAT, PERIOD, NEAR, NEAR_TIME = range(8)
SECOND, SHARE, CENTRAL_SHARE = 8, 9, 10
N_PARAMETERS = 11
# Of one lifetime: those of a second one are held.
N_SINGLE = 8
# Rows of shapes of one lifetime: the central peak, the others, the others by how near they are;
# then derivatives of the three by the logarithm of the lifetime and by the centre, of the last by
# the logarithm of the delay over which it falls, and of the last two by the period.
_ROWS = 12
N_ROWS = 2 * _ROWS

# Lifetimes after which a peak is nothing.
_REACH = 16.0
_MAX_STEPS = 60
_SETTLED = 1e-4
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
def fill_peaks(
    data: PeakData,
    log_lifetime: float,
    centre: float,
    change: float,
    log_near: float,
    peaks: Array,
) -> None:
    """Fill the density of the central peak and of all others, each of unit area.

    Parameters
    ----------
    data : PeakData
    log_lifetime, centre, change, log_near : float
    peaks : ndarray, shape (_ROWS, n)
        Filled; see there.
    """
    tau, edges = math.exp(log_lifetime), data.edges_ns
    period = data.period_ns * (1.0 + change)
    reach = _REACH * tau + 10.0 * data.sigma_ns
    first = math.floor((edges[0] - centre - reach) / period)
    last = math.ceil((edges[-1] - centre + reach) / period)
    n = data.counts.shape[0]
    mean, by_time, by_centre = np.empty(n), np.empty(n), np.empty(n)
    peaks[:] = 0.0
    area, near_ns = 2.0 * tau, math.exp(log_near)
    for m in range(first, last + 1):
        fill_bin_means(edges, centre + m * period, tau, data.sigma_ns, mean, by_time, by_centre)
        distance = abs(m) * data.period_ns / near_ns
        near = math.exp(-distance)
        moved = m * data.period_ns
        for k in range(n):
            value = mean[k] / area
            slope, shift = (by_time[k] - mean[k]) / area, by_centre[k] / area
            if m == 0:
                peaks[0, k] += value
                peaks[3, k] += slope
                peaks[6, k] += shift
            else:
                peaks[1, k] += value
                peaks[2, k] += near * value
                peaks[4, k] += slope
                peaks[5, k] += near * slope
                peaks[7, k] += shift
                peaks[8, k] += near * shift
                peaks[9, k] += near * distance * value
                peaks[10, k] += moved * shift
                peaks[11, k] += near * moved * shift


@njit(cache=True)
def peak_levels(data: PeakData, theta: Array, components: int, peaks: Array) -> Array:
    """Counts expected in each bin; fills `peaks`."""
    fill_peaks(data, theta[LIFETIME], theta[CENTRE], theta[PERIOD], theta[NEAR_TIME], peaks[:_ROWS])
    shape = theta[G2_0] * peaks[0] + peaks[1] + theta[NEAR] * peaks[2]
    if components == 2:
        second = peaks[_ROWS:]
        fill_peaks(data, theta[SECOND], theta[CENTRE], theta[PERIOD], theta[NEAR_TIME], second)
        shape = theta[G2_0] * _mixed(peaks[0], second[0], theta[CENTRAL_SHARE])
        shape += _mixed(peaks[1], second[1], theta[SHARE])
        shape += theta[NEAR] * _mixed(peaks[2], second[2], theta[SHARE])
    shape += theta[FLAT] / data.period_ns
    levels: Array = theta[PEAK] * np.diff(data.edges_ns) * shape
    return levels


@njit(cache=True)
def _mixed(first: Array, second: Array, share: float) -> Array:
    result: Array = (1.0 - share) * first + share * second
    return result


@njit(cache=True)
def deviance_and_scores(
    data: PeakData, theta: Array, components: int, peaks: Array, matrix: Array, vector: Array
) -> float:
    """Return the deviance; fill half its gradient and the expected information.

    Parameters
    ----------
    data : PeakData
    theta : ndarray, shape (N_PARAMETERS,)
    components : int
        Lifetimes, 1 or 2.
    peaks : ndarray, shape (N_ROWS, n)
        Scratch, see `fill_peaks`.
    matrix, vector : ndarray
        Filled.
    """
    levels = peak_levels(data, theta, components, peaks)
    n = N_PARAMETERS if components == 2 else N_SINGLE
    share = theta[SHARE] if components == 2 else 0.0
    central = theta[CENTRAL_SHARE] if components == 2 else 0.0
    height, near = theta[G2_0], theta[NEAR]
    second = peaks[_ROWS:]
    if components == 1:
        second = np.zeros_like(peaks[:_ROWS])
    scale = theta[PEAK] * np.diff(data.edges_ns)
    by = np.zeros((n, levels.shape[0]))
    by[PEAK] = levels / theta[PEAK]
    by[G2_0] = scale * _mixed(peaks[0], second[0], central)
    by[LIFETIME] = scale * (
        height * (1.0 - central) * peaks[3] + (1.0 - share) * (peaks[4] + near * peaks[5])
    )
    by[CENTRE] = scale * (
        height * _mixed(peaks[6], second[6], central)
        + _mixed(peaks[7], second[7], share)
        + near * _mixed(peaks[8], second[8], share)
    )
    by[FLAT] = scale / data.period_ns
    by[PERIOD] = scale * (
        _mixed(peaks[10], second[10], share) + near * _mixed(peaks[11], second[11], share)
    )
    by[NEAR] = scale * _mixed(peaks[2], second[2], share)
    by[NEAR_TIME] = scale * near * _mixed(peaks[9], second[9], share)
    if components == 2:
        by[SECOND] = scale * (height * central * second[3] + share * (second[4] + near * second[5]))
        by[SHARE] = scale * (second[1] - peaks[1] + near * (second[2] - peaks[2]))
        by[CENTRAL_SHARE] = scale * height * (second[0] - peaks[0])
    matrix[:n, :n] = 0.0
    vector[:n] = 0.0
    total = 0.0
    for k in range(levels.shape[0]):
        level, count = max(levels[k], _LEAST_LEVEL), data.counts[k]
        total += 2.0 * (level - count)
        if count > 0.0:
            total += 2.0 * count * math.log(count / level)
        for a in range(n):
            vector[a] += (1.0 - count / level) * by[a, k]
            for b in range(a + 1):
                matrix[a, b] += by[a, k] * by[b, k] / level
    for a in range(n):
        for b in range(a):
            matrix[b, a] = matrix[a, b]
    return total


@njit(cache=True)
def fit_peaks(data: PeakData, theta: Array, components: int, hold_g2_0: bool) -> float:
    """Fit from a start, which is replaced by the best point; return its deviance.

    Parameters
    ----------
    data : PeakData
    theta : ndarray, shape (N_PARAMETERS,)
    components : int
        Lifetimes, 1 or 2.
    hold_g2_0 : bool
        Whether g2(0) stays where it is.
    """
    peaks = np.empty((N_ROWS, data.counts.shape[0]))
    n = N_PARAMETERS if components == 2 else N_SINGLE
    matrix, trial_matrix = np.empty((n, n)), np.empty((n, n))
    vector, trial_vector = np.empty(n), np.empty(n)
    system, step = np.empty((n, n)), np.empty(n)
    free, trial = np.empty(n, np.int64), theta.copy()
    value = deviance_and_scores(data, theta, components, peaks, matrix, vector)
    damping = 1e-4
    for _ in range(_MAX_STEPS):
        n_free = 0
        for a in range(n):
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
            if a in (LIFETIME, SECOND, NEAR_TIME):
                size = min(max(size, -_LARGEST_STEP), _LARGEST_STEP)
            trial[a] = min(max(theta[a] + size, data.low[a]), data.high[a])
        found = deviance_and_scores(data, trial, components, peaks, trial_matrix, trial_vector)
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
