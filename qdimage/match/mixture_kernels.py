"""The weights of a mixture that make its data likeliest, by an interior-point method."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 200
# Of the log-likelihood that further steps could gain.
_TOLERANCE = 1e-6
_BORDER = 0.99
_CENTRING = 0.15
_LEAST = 1e-300


@njit(cache=True)
def likeliest_weights(
    density: Array, held: Array, values: Array, start: Array
) -> tuple[Array, float]:
    """Maximize a mixture's log-likelihood over weights that are not negative.

    Primal-dual steps (Wright, Primal-Dual Interior-Point Methods, 1997) on a concave function:
    the maximum is the only one, and a few dozen steps reach it where expectation-maximization
    needs thousands.

    Parameters
    ----------
    density : ndarray, shape (n, k)
        Of each datum under each component, above 0.
    held : ndarray, shape (m, k)
    values : ndarray, shape (m,)
        Held sums: ``held @ weights = values``, one of them that of all weights.
    start : ndarray, shape (k,)
        Weights above 0 that fulfil them.

    Returns
    -------
    weights : ndarray, shape (k,)
    log_likelihood : float
    """
    m, k = held.shape
    weights = start.copy()
    multipliers = np.zeros(m)
    slack = len(density) / k / weights
    system = np.zeros((k + m, k + m))
    system[:k, k:] = -held.T
    system[k:, :k] = held
    right = np.zeros(k + m)
    for _ in range(_STEPS):
        scaled = density / (density @ weights).reshape(-1, 1)
        gradient = -scaled.sum(axis=0)
        gap = weights @ slack
        unbalanced = gradient - held.T @ multipliers - slack
        if gap < _TOLERANCE and np.abs(unbalanced @ weights) < _TOLERANCE:
            break
        target = _CENTRING * gap / k
        system[:k, :k] = scaled.T @ scaled
        for j in range(k):
            system[j, j] += slack[j] / weights[j]
        right[:k] = -(gradient - held.T @ multipliers) + target / weights
        right[k:] = values - held @ weights
        step = np.linalg.solve(system, right)
        onward = step[:k]
        further = target / weights - slack - slack / weights * onward
        length = min(_longest(weights, onward), _longest(slack, further))
        weights = np.maximum(weights + length * onward, _LEAST)
        slack = np.maximum(slack + length * further, _LEAST)
        multipliers += length * step[k:]
    return weights, np.log(density @ weights).sum()


@njit(cache=True)
def _longest(values: Array, step: Array) -> float:
    """Share of a step, at most 1, that leaves all values above 0."""
    length = 1.0
    for j in range(len(values)):
        if step[j] < 0:
            length = min(length, -_BORDER * values[j] / step[j])
    return length
