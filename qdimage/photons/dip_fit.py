"""Fit of a dip of K signed exponentials by damped Poisson scoring."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.cholesky import solve_positive
from qdimage.photons.dip_likelihood import (
    CENTRE,
    G2_0,
    MAX_COMPONENTS,
    MAX_PARAMETERS,
    PLATEAU,
    TIMES,
    DipData,
    deviance_and_scores,
    n_parameters,
)

Array = NDArray[np.float64]

_MAX_STEPS = 60
# Deviance is asked for to this: thresholds of intervals are of order one.
_SETTLED = 1e-3
_LARGEST_DAMPING = 1e7
# Weights of nearly equal time constants grow without end and cancel; the likelihood does not change
# any more long before this.
_LARGEST_WEIGHT = 30.0
_LARGEST_STEP = 0.7
# Of a step, the decrease of the deviance is foretold by its slope; a fit is given up where this
# many times as much would not be enough, and damping does not hold the steps back.
_HOPE, _FREE_DAMPING = 5.0, 1e-2


@njit(cache=True)
def fill_bounds(bounds: Array, components: int, low: Array, high: Array) -> None:
    """Fill the least and the largest value of each parameter.

    Parameters
    ----------
    bounds : ndarray, shape (6,)
        Least and largest g2(0), centre, logarithm of a time constant.
    components : int
    low, high : ndarray
        Filled.
    """
    low[PLATEAU], high[PLATEAU] = -math.inf, math.inf
    low[G2_0], high[G2_0] = bounds[0], bounds[1]
    low[CENTRE], high[CENTRE] = bounds[2], bounds[3]
    for i in range(components):
        low[TIMES + i], high[TIMES + i] = bounds[4], bounds[5]
    for i in range(components - 1):
        low[TIMES + components + i] = -_LARGEST_WEIGHT
        high[TIMES + components + i] = _LARGEST_WEIGHT


@njit(cache=True)
def fit_dip(
    data: DipData,
    components: int,
    theta: Array,
    hold_g2_0: bool,
    enough: float,
) -> float:
    """Fit a dip from a start, which is replaced by the best point; return its deviance.

    Parameters
    ----------
    data : DipData
    components : int
    theta : ndarray
        Start, and end.
    hold_g2_0 : bool
        Whether g2(0) stays where it is.
    enough : float
        A deviance already reached elsewhere: a fit that promises nothing below it is given up.
    """
    n, n_bins = n_parameters(components), data.counts.shape[0]
    basis, shape = np.empty((3 * MAX_COMPONENTS, n_bins)), np.empty(n_bins)
    matrix, trial_matrix = np.empty((n, n)), np.empty((n, n))
    vector, trial_vector = np.empty(n), np.empty(n)
    system, step = np.empty((n, n)), np.empty(n)
    low, high = np.empty(MAX_PARAMETERS), np.empty(MAX_PARAMETERS)
    fill_bounds(data.bounds, components, low, high)
    free = np.empty(n, np.int64)
    for a in range(n):
        theta[a] = min(max(theta[a], low[a]), high[a])
    trial = theta.copy()
    value = deviance_and_scores(data, theta, components, basis, shape, matrix, vector)
    damping, settled = 1e-3, 0
    for _ in range(_MAX_STEPS):
        n_free = 0
        for a in range(n):
            at_end = (theta[a] <= low[a] and vector[a] > 0.0) or (
                theta[a] >= high[a] and vector[a] < 0.0
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
        foretold = 0.0
        for i in range(n_free):
            foretold -= step[i] * vector[free[i]]
        if damping < _FREE_DAMPING and value - _HOPE * foretold > enough:
            break
        trial[:] = theta
        for i in range(n_free):
            a = free[i]
            size = step[i]
            if TIMES <= a < TIMES + components or a == PLATEAU:
                size = min(max(size, -_LARGEST_STEP), _LARGEST_STEP)
            trial[a] = min(max(theta[a] + size, low[a]), high[a])
        trial_value = deviance_and_scores(
            data, trial, components, basis, shape, trial_matrix, trial_vector
        )
        if trial_value <= value:
            settled = settled + 1 if value - trial_value < _SETTLED else 0
            theta[:] = trial
            value = trial_value
            matrix, trial_matrix = trial_matrix, matrix
            vector, trial_vector = trial_vector, vector
            damping = max(damping * 0.2, 1e-9)
            if settled == 2 or (settled == 1 and foretold < _SETTLED):
                break
        else:
            damping *= 6.0
            if damping > _LARGEST_DAMPING:
                break
    return value
