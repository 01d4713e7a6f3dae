"""The normal density and its integral from a table: what spots are made of, in a few operations."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import erf

Array = NDArray[np.float64]

_PER_SIGMA = 32
# Beyond, what is left of the integral is below the rounding of one half.
_LAST = 8.5
_HALF, _THIRD, _FOURTH, _FIFTH, _SIXTH = 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6


def _series() -> Array:
    """Integral from 0, and the Taylor coefficients of the density, at every node."""
    z = np.arange(-_LAST, _LAST + 0.5 / _PER_SIGMA, 1.0 / _PER_SIGMA)
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    table = np.empty((len(z), 8))
    table[:, 0], table[:, 1], table[:, 2] = 0.5 * erf(z / math.sqrt(2.0)), density, -z * density
    for n in range(2, 6):
        # Derivatives of the density: f(n) = -z f(n - 1) - (n - 1) f(n - 2), here over n!.
        table[:, n + 1] = (-z * table[:, n] - table[:, n - 1]) / n
    table[:, 7] = z
    return table


_TABLE = _series()


@njit(cache=True)
def normal(z: float) -> tuple[float, float]:
    """Return the unit normal density, and its integral from 0 to `z`, to 1e-12.

    A Taylor series about the nearest of 32 nodes in a standard deviation.
    """
    if not -_LAST < z < _LAST:
        return 0.0, 0.5 if z > 0 else -0.5
    row = _TABLE[int((z + _LAST) * _PER_SIGMA + 0.5)]
    c0, c1, c2, c3, c4, c5, d = row[1], row[2], row[3], row[4], row[5], row[6], z - row[7]
    density = c0 + d * (c1 + d * (c2 + d * (c3 + d * (c4 + d * c5))))
    above = c0 + d * (
        c1 * _HALF + d * (c2 * _THIRD + d * (c3 * _FOURTH + d * (c4 * _FIFTH + d * c5 * _SIXTH)))
    )
    return density, row[0] + d * above
