"""Goodness of fit of a dip where counts are too few for the deviance to be chi-square."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.special import gammaincc

from qdimage.photons.dip_likelihood import (
    MAX_COMPONENTS,
    PLATEAU,
    DipData,
    fill_shape,
    n_parameters,
)

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


def goodness(data: DipData, theta: Array, components: int) -> tuple[float, int, float]:
    """Return deviance, degrees of freedom, and the probability of a larger deviance.

    The deviance is compared with a scaled chi-square of its own mean and variance (Satterthwaite,
    Biometrics Bull. 2, 110, 1946), as far as the free parameters leave them.
    """
    n = len(data.counts)
    basis, shape = np.empty((3 * MAX_COMPONENTS, n)), np.empty(n)
    fill_shape(data.edges_ns, data.sigma_ns, theta, components, basis, shape)
    levels = np.maximum(math.exp(theta[PLATEAU]) * data.exposure * shape, _LEAST)
    some = np.maximum(data.counts, 1.0)
    deviance = float(2 * np.sum(levels - data.counts + data.counts * np.log(some / levels)))
    moments = np.array([deviance_moments(level) for level in levels])
    free = n_parameters(components)
    mean = max(float(moments[:, 0].sum()) - free, 1.0)
    variance = max(float(moments[:, 1].sum()) - 2 * free, 1.0)
    p_value = float(gammaincc(mean * mean / variance, deviance * mean / variance))
    return deviance, n - free, p_value
