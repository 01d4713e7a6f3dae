"""Small positive definite systems, inside compiled kernels."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A pivot below this share of its diagonal is rounding: that direction is left where it is.
_LEAST_PIVOT = 1e-14


@njit(cache=True)
def solve_positive(matrix: Array, vector: Array, n: int) -> None:
    """Solve the leading n x n system in place by Cholesky factors; the answer is in `vector`.

    Parameters
    ----------
    matrix : ndarray, shape (m, m), m >= n
        Positive semidefinite; its lower triangle is overwritten by the factor. A direction without
        a pivot gets a zero.
    vector : ndarray, shape (m,)
    n : int
    """
    factor_positive(matrix, n)
    solve_factored(matrix, vector, n)


@njit(cache=True)
def factor_positive(matrix: Array, n: int) -> None:
    """Overwrite the lower triangle of the leading n x n block by its Cholesky factor."""
    for j in range(n):
        whole = matrix[j, j]
        pivot = whole
        for k in range(j):
            pivot -= matrix[j, k] * matrix[j, k]
        if pivot <= _LEAST_PIVOT * whole or whole <= 0.0:
            for i in range(j, n):
                matrix[i, j] = 0.0
            matrix[j, j] = math.inf
            continue
        root = math.sqrt(pivot)
        matrix[j, j] = root
        for i in range(j + 1, n):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / root


@njit(cache=True)
def solve_factored(factor: Array, vector: Array, n: int) -> None:
    """Solve a system in place, whose matrix `factor_positive` factored."""
    for i in range(n):
        total = vector[i]
        for k in range(i):
            total -= factor[i, k] * vector[k]
        vector[i] = total / factor[i, i]
    for i in range(n - 1, -1, -1):
        total = vector[i]
        for k in range(i + 1, n):
            total -= factor[k, i] * vector[k]
        vector[i] = total / factor[i, i]
