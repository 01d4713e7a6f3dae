"""From a profile of the deviance to an interval."""

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def hull(nodes: Array, values: Array, level: float) -> tuple[float, float]:
    """Return the ends of the smallest interval that holds all points within a level of the lowest.

    Between nodes the square root of the height is linear, as it is for a parabola.

    Parameters
    ----------
    nodes, values : ndarray, shape (n,)
        Growing values of the parameter, and the profile there.
    level : float
        Above the lowest value.
    """
    height = np.sqrt(np.maximum(values - values.min(), 0.0))
    limit = math.sqrt(level)
    inside = np.flatnonzero(height <= limit)
    ends = []
    for last, beyond in ((inside[0], inside[0] - 1), (inside[-1], inside[-1] + 1)):
        if not 0 <= beyond < len(nodes):
            ends.append(float(nodes[last]))
            continue
        part = (limit - height[last]) / (height[beyond] - height[last])
        ends.append(float(nodes[last] + part * (nodes[beyond] - nodes[last])))
    return ends[0], ends[1]
