"""Poisson likelihood of a dip made of signed exponentials, with its scores."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.photons.dip_shape import fill_bin_means

Array = NDArray[np.float64]

# Parameters of a dip of K components, in this order: logarithm of the plateau, g2(0), centre, K
# logarithms of time constants, K - 1 weights. The first component's weight is what is left of
# 1 - g2(0).
PLATEAU, G2_0, CENTRE, TIMES = 0, 1, 2, 3
MAX_COMPONENTS = 4
MAX_PARAMETERS = 2 * MAX_COMPONENTS + 2

# Expected counts below which the logarithm is continued by a parabola, and the stiffness that keeps
# a model from going below zero where nothing was counted.
_LEAST_COUNTS = 0.01
_STIFFNESS = 100.0
# Stiffness of the optional condition that the curve does not fall from zero delay on, as weights
# per time relative to the fastest one allowed.
_RISING = 1e4


class DipData(NamedTuple):
    """What a dip is fitted to, as the kernels take it.

    Attributes
    ----------
    edges_ns : ndarray, shape (n + 1,)
    exposure, counts : ndarray, shape (n,)
        Coincidences expected of uncorrelated light, and those found.
    sigma_ns : float
        Standard deviation of the response.
    plateau, plateau_err : float
        A plateau known from elsewhere, relative to the exposure; error 0: not known.
    rising_ns : float
        Above 0: the curve must not fall from zero delay on; time scale of that condition.
    bounds : ndarray, shape (6,)
        Least and largest g2(0), centre (ns), logarithm of a time constant (ns).
    """

    edges_ns: Array
    exposure: Array
    counts: Array
    sigma_ns: float
    plateau: float
    plateau_err: float
    rising_ns: float
    bounds: Array


@njit(cache=True)
def n_parameters(components: int) -> int:
    """Return the number of parameters of a dip."""
    return 2 * components + 2


@njit(cache=True)
def first_weight(theta: Array, components: int) -> float:
    """Return the weight of the first component."""
    weight = 1.0 - theta[G2_0]
    for i in range(1, components):
        weight -= theta[TIMES + components + i - 1]
    return float(weight)


@njit(cache=True)
def fill_shape(
    edges: Array, sigma: float, theta: Array, components: int, basis: Array, shape: Array
) -> None:
    """Fill the dip relative to its plateau, averaged over each bin.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
    sigma : float
        Standard deviation of the response, ns.
    theta : ndarray
    components : int
    basis : ndarray, shape (3 * MAX_COMPONENTS, n)
        Filled: bin means of each component, then their derivatives by ln tau, then by the centre.
    shape : ndarray, shape (n,)
        Filled.
    """
    shape[:] = 1.0
    for i in range(components):
        fill_bin_means(
            edges,
            theta[CENTRE],
            math.exp(theta[TIMES + i]),
            sigma,
            basis[i],
            basis[MAX_COMPONENTS + i],
            basis[2 * MAX_COMPONENTS + i],
        )
        weight = first_weight(theta, components) if i == 0 else theta[TIMES + components + i - 1]
        for k in range(shape.shape[0]):
            shape[k] -= weight * basis[i, k]


@njit(cache=True)
def _term(level: float, count: float) -> tuple[float, float, float]:
    """Deviance of one bin, half its slope by the level, half its expected curvature."""
    if level >= _LEAST_COUNTS:
        value = level - count
        if count > 0.0:
            value += count * math.log(count / level)
        return 2.0 * value, 1.0 - count / level, 1.0 / level
    below = (level - _LEAST_COUNTS) / _LEAST_COUNTS
    value = level - count + _STIFFNESS * (level - _LEAST_COUNTS) ** 2 / 2
    slope = 1.0 + _STIFFNESS * (level - _LEAST_COUNTS)
    if count > 0.0:
        value += count * (math.log(count / _LEAST_COUNTS) - below + 0.5 * below * below)
        slope += count * (below - 1.0) / _LEAST_COUNTS
    return 2.0 * value, slope, count / _LEAST_COUNTS**2 + _STIFFNESS


@njit(cache=True)
def deviance_and_scores(
    data: DipData,
    theta: Array,
    components: int,
    basis: Array,
    shape: Array,
    matrix: Array,
    vector: Array,
) -> float:
    """Return the deviance; fill half its gradient and the expected information.

    Parameters
    ----------
    data : DipData
    theta, components
        Where to evaluate.
    basis, shape : ndarray
        Scratch, see `fill_shape`.
    matrix, vector : ndarray
        Filled: the information and half the gradient.
    """
    n = n_parameters(components)
    fill_shape(data.edges_ns, data.sigma_ns, theta, components, basis, shape)
    matrix[:n, :n] = 0.0
    vector[:n] = 0.0
    height = math.exp(theta[PLATEAU])
    rest = first_weight(theta, components)
    by = np.empty(MAX_PARAMETERS)
    total = 0.0
    for k in range(shape.shape[0]):
        scale = height * data.exposure[k]
        level = scale * shape[k]
        value, slope, curvature = _term(level, data.counts[k])
        total += value
        by[PLATEAU] = level
        by[G2_0] = scale * basis[0, k]
        by_centre = 0.0
        for i in range(components):
            weight = rest if i == 0 else theta[TIMES + components + i - 1]
            by[TIMES + i] = -scale * weight * basis[MAX_COMPONENTS + i, k]
            by_centre -= weight * basis[2 * MAX_COMPONENTS + i, k]
            if i > 0:
                by[TIMES + components + i - 1] = scale * (basis[0, k] - basis[i, k])
        by[CENTRE] = scale * by_centre
        for a in range(n):
            vector[a] += slope * by[a]
            weighted = curvature * by[a]
            for b in range(a + 1):
                matrix[a, b] += weighted * by[b]
    if data.plateau_err > 0.0:
        pull = (height - data.plateau) / data.plateau_err
        by_height = height / data.plateau_err
        total += pull * pull
        vector[PLATEAU] += pull * by_height
        matrix[PLATEAU, PLATEAU] += by_height * by_height
    if data.rising_ns > 0.0:
        total += _rising(data.rising_ns, theta, components, rest, by, matrix, vector)
    for a in range(n):
        for b in range(a):
            matrix[b, a] = matrix[a, b]
    return total


@njit(cache=True)
def _rising(
    scale_ns: float,
    theta: Array,
    components: int,
    rest: float,
    by: Array,
    matrix: Array,
    vector: Array,
) -> float:
    """Add the penalty on a slope g2'(0+) = sum a_i / tau_i below zero."""
    first = scale_ns * math.exp(-theta[TIMES])
    slope = rest * first
    by[:] = 0.0
    by[G2_0] = -first
    by[TIMES] = -rest * first
    for i in range(1, components):
        rate = scale_ns * math.exp(-theta[TIMES + i])
        weight = theta[TIMES + components + i - 1]
        slope += weight * rate
        by[TIMES + i] = -weight * rate
        by[TIMES + components + i - 1] = rate - first
    if slope >= 0.0:
        return 0.0
    for a in range(n_parameters(components)):
        vector[a] += _RISING * slope * by[a]
        for b in range(a + 1):
            matrix[a, b] += _RISING * by[a] * by[b]
    return _RISING * slope * slope
