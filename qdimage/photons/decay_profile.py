"""Profile intervals of what a decay's fit says."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.decay import Estimate
from qdimage.photons.decay_fit import fit_decay_from, information
from qdimage.photons.decay_likelihood import N_PARAMETERS, DecayData, Quantity, quantity

Array = NDArray[np.float64]

# One parameter of a regular likelihood: 68.3 and 95 % of chi-square.
LEVEL_68, LEVEL_95 = 1.0, 3.84

_PULL = 25.0
_STEP, _MAX_STEPS = 0.6, 40
_STUCK = 1e-3
_SHORT = 0.3


def lifetime(k: int) -> Quantity:
    """Return the lifetime of an exponential, as a quantity."""
    one = np.eye(3)[k]
    return Quantity(one, 1.0, one, 0.0)


def share(k: int, of: Array) -> Quantity:
    """Return its share of the photons of the marked exponentials."""
    return Quantity(np.eye(3)[k], 0.0, of, 0.0)


def amplitude(k: int) -> Quantity:
    """Return its share of the intensity right after the pulse."""
    return Quantity(np.eye(3)[k], -1.0, np.ones(3), -1.0)


MEAN_LIFETIME = Quantity(np.ones(3), 1.0, np.ones(3), 0.0)


def profiled(data: DecayData, theta: Array, components: int, what: Quantity) -> Estimate:
    """Return a quantity at the best point of a fit, with its profile intervals.

    An end that the bounds of the parameters keep from being reached is where they are met.

    Parameters
    ----------
    data : DecayData
    theta : ndarray, shape (N_PARAMETERS,)
        The best point.
    components : int
    what : Quantity
    """
    slope = np.empty(N_PARAMETERS)
    value = quantity(what, theta, components, slope)
    spread = _spread(data, theta, components, slope)
    # The best point once more, from itself: both ends are measured against it.
    least = fit_decay_from(data, components, theta.copy(), what, value, 0.0)
    if spread <= 0.0:
        return Estimate(value, value, value, value, value)
    ends = [_ends(data, theta, components, what, least, side * spread) for side in (-1.0, 1.0)]
    (low_68, low_95), (high_68, high_95) = ends
    return Estimate(value, low_68, high_68, low_95, high_95)


def _spread(data: DecayData, theta: Array, components: int, slope: Array) -> float:
    """Standard deviation of a quantity by the expected information."""
    matrix = information(data, theta, components)
    free = (np.diag(matrix) > 0) & ~data.held
    scale = np.sqrt(np.diag(matrix)[free])
    inverse = np.linalg.pinv(matrix[np.ix_(free, free)] / np.outer(scale, scale), rcond=1e-10)
    scaled = slope[free] / scale
    return math.sqrt(max(float(scaled @ inverse @ scaled), 0.0))


def _ends(
    data: DecayData, theta: Array, components: int, what: Quantity, least: float, spread: float
) -> tuple[float, float]:
    """Walk to one side until the deviance has risen by the level of 95 %."""
    scratch = np.empty(N_PARAMETERS)
    here = quantity(what, theta, components, scratch)
    pull = _PULL / spread**2
    nodes, heights = [here], [0.0]
    point, step = theta.copy(), _STEP
    for _ in range(_MAX_STEPS):
        target = nodes[-1] + step * spread
        deviance = fit_decay_from(data, components, point, what, target, pull)
        reached = quantity(what, point, components, scratch)
        height = math.sqrt(max(deviance - least, 0.0))
        if abs(reached - nodes[-1]) < _STUCK * abs(step * spread) or height < heights[-1]:
            break
        if height - heights[-1] < _SHORT:
            step *= 1.6
        nodes.append(reached)
        heights.append(height)
        if height**2 > LEVEL_95:
            break
    return _crossing(nodes, heights, LEVEL_68), _crossing(nodes, heights, LEVEL_95)


def _crossing(nodes: list[float], heights: list[float], level: float) -> float:
    """Where the height reaches the root of a level; it is linear between nodes."""
    limit = math.sqrt(level)
    for k in range(1, len(nodes)):
        if heights[k] >= limit:
            part = (limit - heights[k - 1]) / (heights[k] - heights[k - 1])
            return float(nodes[k - 1] + part * (nodes[k] - nodes[k - 1]))
    return float(nodes[-1])
