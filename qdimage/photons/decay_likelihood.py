"""Poisson likelihood of a decay, and quantities that follow from its parameters."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.photons.decay_shape import (
    BY_PULSE,
    BY_TIME,
    BY_WIDTH,
    N_COLUMNS,
    VALUE,
    Pulse,
    fill_decay,
)

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Parameters: logarithms of the lifetimes, photons of each exponential in one period, background
# photons in all bins, place of the pulse, logarithm of the response's standard deviation.
MAX_COMPONENTS = 3
TIMES, PHOTONS, BACKGROUND, PLACE, WIDTH = 0, 3, 6, 7, 8
N_PARAMETERS = 9
_LEAST_LEVEL = 1e-9


class DecayData(NamedTuple):
    """What is fitted.

    Attributes
    ----------
    edges_ns, counts : ndarray, shape (n + 1,), (n,)
    pulse : Pulse
    low, high : ndarray, shape (N_PARAMETERS,)
        Bounds.
    held : ndarray of bool, shape (N_PARAMETERS,)
        Parameters that stay where they are.
    """

    edges_ns: Array
    counts: Array
    pulse: Pulse
    low: Array
    high: Array
    held: Mask


class Quantity(NamedTuple):
    """A ratio of sums over the exponentials: sum a_k n_k tau_k^p / sum b_k n_k tau_k^q.

    Lifetimes, shares, amplitudes and mean lifetimes are such.
    """

    above: Array
    above_power: float
    below: Array
    below_power: float


@njit(cache=True)
def quantity(what: Quantity, theta: Array, components: int, slope: Array) -> float:
    """Return a quantity of so many exponentials; fill its derivatives by the parameters."""
    top, bottom = 0.0, 0.0
    for k in range(components):
        photons, log_tau = theta[PHOTONS + k], theta[TIMES + k]
        top += what.above[k] * photons * math.exp(what.above_power * log_tau)
        bottom += what.below[k] * photons * math.exp(what.below_power * log_tau)
    slope[:] = 0.0
    if bottom <= 0.0:
        return 0.0
    value = top / bottom
    for k in range(components):
        photons, log_tau = theta[PHOTONS + k], theta[TIMES + k]
        up = what.above[k] * math.exp(what.above_power * log_tau) / bottom
        down = value * what.below[k] * math.exp(what.below_power * log_tau) / bottom
        slope[PHOTONS + k] = up - down
        slope[TIMES + k] = photons * (what.above_power * up - what.below_power * down)
    return value


@njit(cache=True)
def levels_and_slopes(data: DecayData, theta: Array, components: int, slopes: Array) -> Array:
    """Return the photons expected in each bin; fill their derivatives, shape (N_PARAMETERS, n)."""
    n = data.counts.shape[0]
    span = data.edges_ns[n] - data.edges_ns[0]
    columns = np.empty((N_COLUMNS, n))
    slopes[:] = 0.0
    sigma = math.exp(theta[WIDTH])
    slopes[BACKGROUND] = np.diff(data.edges_ns) / span
    levels: Array = theta[BACKGROUND] * slopes[BACKGROUND]
    for k in range(components):
        photons, tau = theta[PHOTONS + k], math.exp(theta[TIMES + k])
        fill_decay(data.pulse, data.edges_ns, tau, theta[PLACE], sigma, columns)
        for i in range(n):
            levels[i] += photons * columns[VALUE, i]
            slopes[PHOTONS + k, i] = columns[VALUE, i]
            slopes[TIMES + k, i] = photons * columns[BY_TIME, i]
            slopes[PLACE, i] += photons * columns[BY_PULSE, i]
            slopes[WIDTH, i] += photons * columns[BY_WIDTH, i]
    return levels


@njit(cache=True)
def deviance_and_scores(
    data: DecayData, theta: Array, components: int, slopes: Array, matrix: Array, vector: Array
) -> float:
    """Return the deviance; fill half its gradient and the expected information."""
    levels = levels_and_slopes(data, theta, components, slopes)
    matrix[:] = 0.0
    vector[:] = 0.0
    total = 0.0
    for i in range(levels.shape[0]):
        level, count = max(levels[i], _LEAST_LEVEL), data.counts[i]
        total += 2.0 * (level - count)
        if count > 0.0:
            total += 2.0 * count * math.log(count / level)
        for a in range(N_PARAMETERS):
            slope = slopes[a, i]
            if slope == 0.0:
                continue
            vector[a] += (1.0 - count / level) * slope
            weighed = slope / level
            for b in range(a + 1):
                matrix[a, b] += weighed * slopes[b, i]
    for a in range(N_PARAMETERS):
        for b in range(a):
            matrix[b, a] = matrix[a, b]
    return total
