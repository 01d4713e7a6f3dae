"""Goodness of fit where counts are too few for the deviance to be chi-square."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import gammaincc

Array = NDArray[np.float64]

# Above this level the deviance of a Poisson count has mean 1 + 1/(6 level) and variance 2 to a
# percent; below it they are summed.
_MANY = 50.0
_LEAST = 1e-9


@njit(cache=True)
def deviance_moments(level: float) -> tuple[float, float]:
    """Return mean and variance of the deviance of one Poisson count."""
    if level > _MANY:
        return 1.0 + 1.0 / (6.0 * level), 2.0 + 2.0 / (3.0 * level)
    last = int(level + 10.0 * math.sqrt(level) + 20.0)
    probability, mean, square = math.exp(-level), 0.0, 0.0
    for count in range(last):
        value = level - count
        if count > 0:
            probability *= level / count
            value += count * math.log(count / level)
        mean += probability * 2.0 * value
        square += probability * 4.0 * value * value
    return mean, square - mean * mean


def goodness(counts: Array, levels: Array, free: int) -> tuple[float, int, float]:
    """Return deviance, degrees of freedom, and the probability of a larger deviance.

    The deviance is compared with a scaled chi-square of its own mean and variance (Satterthwaite,
    Biometrics Bull. 2, 110, 1946), as far as the free parameters leave them.

    Parameters
    ----------
    counts, levels : ndarray, shape (n,)
        Counts, and those expected of the fit.
    free : int
        Parameters that were fitted.
    """
    levels = np.maximum(levels, _LEAST)
    some = np.maximum(counts, 1.0)
    deviance = float(2 * np.sum(levels - counts + counts * np.log(some / levels)))
    moments = np.array([deviance_moments(level) for level in levels])
    mean = max(float(moments[:, 0].sum()) - free, 1.0)
    variance = max(float(moments[:, 1].sum()) - 2 * free, 1.0)
    p_value = float(gammaincc(mean * mean / variance, deviance * mean / variance))
    return deviance, len(counts) - free, p_value
