"""The weights of a mixture that make its data likeliest, by an interior-point method."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 200
# Of the log-likelihood that further steps could gain.
_TOLERANCE = 1e-5
_BORDER = 0.99
_CENTRING = 0.15
_LEAST = 1e-300
_RIDGE = 1e-12


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
    gradient, curvature = np.empty(k), np.empty((k, k))
    columns = np.empty((k, m + 1))
    columns[:, 1:] = held.T
    transposed = np.ascontiguousarray(held.T)
    value = 0.0
    for _ in range(_STEPS):
        value = _expand(density, weights, gradient, curvature)
        toward = gradient - transposed @ multipliers
        gap = (weights * slack).sum()
        if gap < _TOLERANCE and np.abs(((toward - slack) * weights).sum()) < _TOLERANCE:
            break
        target = _CENTRING * gap / k
        for j in range(k):
            curvature[j, j] += slack[j] / weights[j]
        columns[:, 0] = target / weights - toward
        solved = _solved(curvature, columns)
        per_multiplier = np.ascontiguousarray(solved[:, 1:])
        missing = values - held @ (weights + solved[:, 0])
        onto = _multipliers(held @ per_multiplier, missing)
        onward = solved[:, 0] + per_multiplier @ onto
        further = target / weights - slack - slack / weights * onward
        length = min(_longest(weights, onward), _longest(slack, further))
        weights = np.maximum(weights + length * onward, _LEAST)
        slack = np.maximum(slack + length * further, _LEAST)
        multipliers += length * onto
    return weights, value


@njit(cache=True)
def _expand(density: Array, weights: Array, gradient: Array, curvature: Array) -> float:
    """Return the log-likelihood; fill in the negative of its gradient and of its second derivative.

    Of the latter, the lower triangle. Loops, since threads of a matrix library in so small products
    wait for each other for longer than they work.
    """
    n, k = density.shape
    row = np.empty(k)
    gradient[:] = 0.0
    curvature[:] = 0.0
    value = 0.0
    for i in range(n):
        total = 0.0
        for j in range(k):
            total += density[i, j] * weights[j]
        value += np.log(total)
        for j in range(k):
            share = density[i, j] / total
            row[j] = share
            gradient[j] -= share
            for other in range(j + 1):
                curvature[j, other] += share * row[other]
    return value


@njit(cache=True)
def _solved(matrix: Array, columns: Array) -> Array:
    """Solve positive definite equations, given the lower triangle, which is overwritten."""
    k, m = columns.shape
    for j in range(k):
        for other in range(j + 1):
            total = matrix[j, other]
            for inner in range(other):
                total -= matrix[j, inner] * matrix[other, inner]
            if other < j:
                matrix[j, other] = total / matrix[other, other]
            else:
                matrix[j, j] = np.sqrt(max(total, _LEAST))
    solved = columns.copy()
    for c in range(m):
        for j in range(k):
            for inner in range(j):
                solved[j, c] -= matrix[j, inner] * solved[inner, c]
            solved[j, c] /= matrix[j, j]
        for j in range(k - 1, -1, -1):
            for inner in range(j + 1, k):
                solved[j, c] -= matrix[inner, j] * solved[inner, c]
            solved[j, c] /= matrix[j, j]
    return solved


@njit(cache=True)
def _multipliers(matrix: Array, right: Array) -> Array:
    """Solve the held sums' equations, which may say nearly the same."""
    scale = np.sqrt(np.diag(matrix))
    for a in range(len(scale)):
        for b in range(len(scale)):
            matrix[a, b] /= scale[a] * scale[b]
        matrix[a, a] += _RIDGE
    return np.linalg.solve(matrix, right / scale) / scale


@njit(cache=True)
def _longest(values: Array, step: Array) -> float:
    """Share of a step, at most 1, that leaves all values above 0."""
    length = 1.0
    for j in range(len(values)):
        if step[j] < 0:
            length = min(length, -_BORDER * values[j] / step[j])
    return length
