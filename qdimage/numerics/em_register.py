"""The distribution of an electron-multiplying register's output, read noise included.

Of n electrons the register makes a gamma distribution of shape n (in units of the mean output of
one), of none nothing; n is a Poisson number, and the amplifier adds a normal one (Basden, Haniff
and Mackay, Mon. Not. R. Astron. Soc. 345, 985, 2003). The sum of frames has the same distribution
with the sums of the means and of the read variances.
"""

import math
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
# The normal is integrated as far as that; a read noise below that, in electrons, is taken for it.
_REACH_SIGMA, _LEAST_READ = 5.5, 0.02
_ROOT_2_PI = math.sqrt(2.0 * math.pi)
# Levels at which the information is tabulated, in electrons; beyond them its share is constant.
_FIRST_LOG, _LOG_STEP, _N_LEVELS = math.log(1e-3), 0.4, 42
_NEAR_ZERO, _FAR = 120, 200
_TAIL = 7.0


@njit(cache=True)
def _scaled_bessel(z: float) -> tuple[float, float]:
    """Return I0(z) exp(-z) and 2 I1(z) exp(-z) / z, z >= 0, to 1e-7.

    The polynomials of Abramowitz and Stegun (Handbook of Mathematical Functions, 1964), 9.8.1-4.
    """
    if z < 3.75:
        t = (z / 3.75) ** 2
        zero = 1.0 + t * (
            3.5156229
            + t * (3.0899424 + t * (1.2067492 + t * (0.2659732 + t * (0.0360768 + t * 0.0045813))))
        )
        one = 0.5 + t * (
            0.87890594
            + t
            * (0.51498869 + t * (0.15084934 + t * (0.02658733 + t * (0.00301532 + t * 0.00032411))))
        )
        scale = math.exp(-z)
        return scale * zero, 2.0 * scale * one
    t = 3.75 / z
    zero = 0.39894228 + t * (
        0.01328592
        + t
        * (
            0.00225319
            + t
            * (
                -0.00157565
                + t
                * (
                    0.00916281
                    + t * (-0.02057706 + t * (0.02635537 + t * (-0.01647633 + t * 0.00392377)))
                )
            )
        )
    )
    one = 0.39894228 + t * (
        -0.03988024
        + t
        * (
            -0.00362018
            + t
            * (
                0.00163801
                + t
                * (
                    -0.01031555
                    + t * (0.02282967 + t * (-0.02895312 + t * (0.01787654 - t * 0.00420059)))
                )
            )
        )
    )
    root = math.sqrt(z)
    return zero / root, 2.0 * one / (z * root)


@njit(cache=True)
def register_density(output: float, mean: float, read: float) -> tuple[float, float, float]:
    """Return the density of an output, that with one electron more, and the factor of both.

    Parameters
    ----------
    output : float
        In units of the mean output of one electron.
    mean : float
        Expected electrons, above 0.
    read : float
        Standard deviation of the read noise, in the same unit.

    Returns
    -------
    density, one_more, log_factor
        The densities are the first two times exp(log_factor).
    """
    read = max(read, _LEAST_READ)
    root = math.sqrt(mean)
    lowest = max(0.0, output - _REACH_SIGMA * read)
    highest = max(0.0, output) + _REACH_SIGMA * read
    half, middle = 0.5 * (highest - lowest), 0.5 * (highest + lowest)
    none = -mean - 0.5 * (output / read) ** 2
    # The largest of the exponents there are, so that none of the sums vanishes.
    log_factor = none
    for k in range(_NODES.size):
        log_factor = max(log_factor, _exponent(middle + half * _NODES[k], output, root, read))
    density, one_more = math.exp(none - log_factor), 0.0
    for k in range(_NODES.size):
        charge = middle + half * _NODES[k]
        exponent = _exponent(charge, output, root, read)
        share = half * _WEIGHTS[k] * math.exp(exponent - log_factor)
        zero, one = _scaled_bessel(2.0 * root * math.sqrt(charge))
        density += share * mean * one
        one_more += share * zero
    scale = 1.0 / (_ROOT_2_PI * read)
    return scale * density, scale * one_more, log_factor


@njit(cache=True)
def _exponent(charge: float, output: float, root: float, read: float) -> float:
    return -((root - math.sqrt(charge)) ** 2) - 0.5 * ((output - charge) / read) ** 2


@njit(cache=True)
def register_score(output: float, mean: float, read: float) -> float:
    """Return the derivative of the log-density by the mean: another electron's odds, less one."""
    density, one_more, _ = register_density(output, mean, read)
    return one_more / density - 1.0


@njit(cache=True)
def register_gain(mean: float, table: Array) -> float:
    """Return the Fisher information of one output over that of a normal of the same variance.

    Parameters
    ----------
    mean : float
        Expected electrons.
    table : ndarray
        From `information_table`.
    """
    place = (math.log(max(mean, 1e-12)) - _FIRST_LOG) / _LOG_STEP
    if place <= 0.0:
        return float(table[0])
    left = min(int(place), table.size - 2)
    share = min(place - left, 1.0)
    return float((1.0 - share) * table[left] + share * table[left + 1])


@lru_cache(maxsize=16)
def information_table(read: float) -> Array:
    """Tabulate `register_gain` for a read noise, in units of the mean output of one electron."""
    levels = np.exp(_FIRST_LOG + _LOG_STEP * np.arange(_N_LEVELS))
    read = max(read, _LEAST_READ)
    table = np.array([_information(float(level), read) for level in levels])
    return np.asarray(table * (2.0 * levels + read**2))


@njit(cache=True)
def _information(mean: float, read: float) -> float:
    """Mean square of the score: near zero in steps of the read noise, beyond in those of roots."""
    first, last = -7.0 * read, 8.0 * read
    step = (last - first) / _NEAR_ZERO
    total = 0.0
    for k in range(_NEAR_ZERO):
        total += step * _square_score(first + (k + 0.5) * step, mean, read)
    most = math.sqrt(max(mean, last)) + _TAIL
    root = math.sqrt(last)
    step = (most - root) / _FAR
    for k in range(_FAR):
        at = root + (k + 0.5) * step
        total += 2.0 * at * step * _square_score(at * at, mean, read)
    return total


@njit(cache=True)
def _square_score(output: float, mean: float, read: float) -> float:
    density, one_more, log_factor = register_density(output, mean, read)
    return (one_more / density - 1.0) ** 2 * density * math.exp(log_factor)
