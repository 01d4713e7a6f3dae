"""Poisson likelihood of a correlation curve, compiled."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Order of the first scores; those of the curve's own parameters follow.
PLATEAU, SHARE, FIRST = 0, 1, 2
_LEAST_LEVEL = 1e-9


@njit(cache=True)
def deviance(counts: Array, exposure: Array, g2: Array, plateau: float, share: float) -> float:
    """Return the deviance of counts whose levels are plateau * exposure * (1 - share (1 - g2)).

    Parameters
    ----------
    counts, exposure, g2 : ndarray, shape (n,)
    plateau : float
    share : float
        Of the coincidences, those between signal photons.
    """
    total = 0.0
    for k in range(counts.shape[0]):
        level = max(plateau * exposure[k] * (1.0 - share * (1.0 - g2[k])), _LEAST_LEVEL)
        total += level - counts[k]
        if counts[k] > 0.0:
            total += counts[k] * math.log(counts[k] / level)
    return 2.0 * total


@njit(cache=True)
def scores(
    counts: Array,
    exposure: Array,
    g2: Array,
    slopes: Array,
    plateau: float,
    share: float,
    vector: Array,
    matrix: Array,
) -> None:
    """Fill half the gradient of the deviance, and the expected information.

    Parameters
    ----------
    counts, exposure, g2, plateau, share
        See `deviance`.
    slopes : ndarray, shape (m, n)
        Derivatives of g2 by further parameters.
    vector : ndarray, shape (m + 2,)
        Filled: by ln plateau, by share, by the further parameters.
    matrix : ndarray, shape (m + 2, m + 2)
        Filled.
    """
    m = slopes.shape[0] + FIRST
    by = np.empty(m)
    vector[:] = 0.0
    matrix[:] = 0.0
    for k in range(counts.shape[0]):
        scale = plateau * exposure[k]
        level = max(scale * (1.0 - share * (1.0 - g2[k])), _LEAST_LEVEL)
        by[PLATEAU] = level
        by[SHARE] = scale * (g2[k] - 1.0)
        for a in range(FIRST, m):
            by[a] = scale * share * slopes[a - FIRST, k]
        slope = 1.0 - counts[k] / level
        for a in range(m):
            vector[a] += slope * by[a]
            weighted = by[a] / level
            for b in range(a + 1):
                matrix[a, b] += weighted * by[b]
    for a in range(m):
        for b in range(a):
            matrix[b, a] = matrix[a, b]
