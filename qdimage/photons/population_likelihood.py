"""The likelihood of each dot's true g2(0), from the ends of its intervals.

Each side of -2 ln L is a power of the distance from the best value that passes through the ends of
both intervals: the square for a normal error, less where a Poisson tail or the bound at 0 bends it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.population import G2Values

Array = NDArray[np.float64]

LEAST_DOTS = 3

# -2 ln L at the ends of a 68 and a 95 % interval of one parameter.
_LEVEL_68, _LEVEL_95 = 1.0, 3.84
_LEAST_DISTANCE = 1e-5
_LEAST_POWER, _LARGEST_POWER = 1.0, 4.0
# No error is known to be normal farther out than some five standard deviations.
_MOST_DEVIANCE = 28.0
_N_CELLS = 480
_HIGHEST, _HIGHEST_TO_LIMIT, _HIGHEST_TO_VALUES = 1.5, 6.0, 1.6


@dataclass(frozen=True)
class Grid:
    """Cells of g2(0) on [0, highest], of equal width in asinh(g2(0) / scale).

    Attributes
    ----------
    edges, middles : ndarray, shape (cells + 1,) and (cells,)
    scale : float
        Below it cells are equally wide, above it their width grows with g2(0).
    """

    edges: Array
    middles: Array
    scale: float

    def stretched(self, value: Array | float) -> Array:
        """Return asinh(value / scale)."""
        return np.arcsinh(np.asarray(value) / self.scale)

    def share_below(self, limit: float) -> Array:
        """Return the share of each cell that lies below a limit."""
        low, high = self.stretched(self.edges[:-1]), self.stretched(self.edges[1:])
        return np.clip((self.stretched(limit) - low) / (high - low), 0.0, 1.0)


def grid_of(values: G2Values, limit: float) -> Grid:
    """Return cells that hold every dot's likelihood and the limit."""
    highest = max(_HIGHEST, _HIGHEST_TO_LIMIT * limit, _HIGHEST_TO_VALUES * values.high_95.max())
    scale = 0.3 * limit
    points = np.linspace(0.0, np.arcsinh(highest / scale), 2 * _N_CELLS + 1)
    theta = scale * np.sinh(points)
    return Grid(theta[::2], theta[1::2], scale)


def likelihoods(values: G2Values, grid: Grid) -> Array:
    """Return each dot's likelihood in each cell, its largest 1.

    An interval that ends at 0 does not tell the error on that side: it is then taken as that of
    the other side, and never so small that 0 were excluded.

    Returns
    -------
    ndarray, shape (dots, cells)
    """
    up_68, up_95 = values.high_68 - values.value, values.high_95 - values.value
    down_68, down_95 = values.value - values.low_68, values.value - values.low_95
    hidden = values.low_95 <= 0
    down_68 = np.where(hidden, np.nan, down_68)
    down_95 = np.where(hidden, np.maximum(up_95, down_95), down_95)
    offset = grid.middles[None, :] - values.value[:, None]
    deviance = np.where(
        offset >= 0,
        _side(np.abs(offset), up_68, up_95),
        _side(np.abs(offset), down_68, down_95),
    )
    deviance -= deviance.min(axis=1, keepdims=True)
    return np.exp(-0.5 * np.minimum(deviance, _MOST_DEVIANCE))


def _side(distance: Array, at_68: Array, at_95: Array) -> Array:
    far = np.maximum(at_95, _LEAST_DISTANCE)
    near = np.where(at_68 > 0, np.minimum(at_68, 0.999 * far), np.nan)
    power = np.log(_LEVEL_95 / _LEVEL_68) / np.log(far / near)
    power = np.clip(np.nan_to_num(power, nan=2.0), _LEAST_POWER, _LARGEST_POWER)
    return np.asarray(_LEVEL_95 * (distance / far[:, None]) ** power[:, None])
