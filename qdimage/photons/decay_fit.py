"""Fit of a decay from a start, by damped Poisson scoring."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.cholesky import solve_positive
from qdimage.photons.decay_likelihood import (
    N_PARAMETERS,
    PHOTONS,
    PLACE,
    DecayData,
    Quantity,
    deviance_and_scores,
    quantity,
)

Array = NDArray[np.float64]

_MAX_STEPS = 100
_SETTLED = 1e-5
_FIRST_DAMPING, _LARGEST_DAMPING = 1e-3, 1e9
_LARGEST_LOG_STEP = 0.7


@njit(cache=True)
def _with_spring(
    data: DecayData,
    theta: Array,
    components: int,
    what: Quantity,
    target: float,
    pull: float,
    slopes: Array,
    matrix: Array,
    vector: Array,
) -> tuple[float, float]:
    """Return deviance, and deviance plus the spring; fill gradient and information of the sum."""
    value = deviance_and_scores(data, theta, components, slopes, matrix, vector)
    if pull <= 0.0:
        return value, value
    slope = np.empty(N_PARAMETERS)
    off = quantity(what, theta, components, slope) - target
    for a in range(N_PARAMETERS):
        vector[a] += pull * off * slope[a]
        for b in range(N_PARAMETERS):
            matrix[a, b] += pull * slope[a] * slope[b]
    return value, value + pull * off * off


@njit(cache=True)
def fit_decay_from(
    data: DecayData, components: int, theta: Array, what: Quantity, target: float, pull: float
) -> float:
    """Fit from a start, which is replaced by the best point; return its deviance.

    A spring may pull a quantity to a target. Where it ends, the deviance is the least one of all
    points with that value of the quantity, so that it lies on the profile, however weak the pull.

    Parameters
    ----------
    data : DecayData
    components : int
    theta : ndarray, shape (N_PARAMETERS,)
    what, target, pull
        The spring adds pull (quantity - target)^2 to the deviance; none where pull is 0.
    """
    slopes = np.empty((N_PARAMETERS, data.counts.shape[0]))
    matrix = np.empty((N_PARAMETERS, N_PARAMETERS))
    trial_matrix = np.empty((N_PARAMETERS, N_PARAMETERS))
    vector, trial_vector = np.empty(N_PARAMETERS), np.empty(N_PARAMETERS)
    system, step = np.empty((N_PARAMETERS, N_PARAMETERS)), np.empty(N_PARAMETERS)
    free, trial = np.empty(N_PARAMETERS, np.int64), theta.copy()
    bare, value = _with_spring(data, theta, components, what, target, pull, slopes, matrix, vector)
    damping = _FIRST_DAMPING
    for _ in range(_MAX_STEPS):
        n_free = 0
        for a in range(N_PARAMETERS):
            at_end = (theta[a] <= data.low[a] and vector[a] > 0.0) or (
                theta[a] >= data.high[a] and vector[a] < 0.0
            )
            if not at_end and not data.held[a] and matrix[a, a] > 0.0:
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
            if a < PHOTONS or a > PLACE:
                size = min(max(size, -_LARGEST_LOG_STEP), _LARGEST_LOG_STEP)
            trial[a] = min(max(theta[a] + size, data.low[a]), data.high[a])
        found_bare, found = _with_spring(
            data, trial, components, what, target, pull, slopes, trial_matrix, trial_vector
        )
        if found <= value:
            # A small gain by a much damped step says nothing.
            settled = value - found < _SETTLED and damping <= _FIRST_DAMPING
            theta[:] = trial
            value, bare = found, found_bare
            matrix, trial_matrix = trial_matrix, matrix
            vector, trial_vector = trial_vector, vector
            damping = max(damping * 0.1, 1e-12)
            if settled:
                break
        else:
            damping *= 8.0
            if damping > _LARGEST_DAMPING:
                break
    return float(bare)


@njit(cache=True)
def information(data: DecayData, theta: Array, components: int) -> Array:
    """Return the expected information of all parameters, shape (N_PARAMETERS, N_PARAMETERS)."""
    slopes = np.empty((N_PARAMETERS, data.counts.shape[0]))
    matrix = np.empty((N_PARAMETERS, N_PARAMETERS))
    deviance_and_scores(data, theta, components, slopes, matrix, np.empty(N_PARAMETERS))
    return matrix


NO_SPRING = Quantity(np.zeros(3), 0.0, np.zeros(3), 0.0)
