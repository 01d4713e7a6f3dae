"""Could unrelated dots agree as well, somewhere in all that was searched?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.special import gammaln
from scipy.stats import binom

from qdimage.model.transform import Transform
from qdimage.register.points import Pairs, Points

Array = NDArray[np.float64]

# Local density of the reference's dots is counted in a ring that leaves out the partner itself.
_RING_PX = (5.0, 25.0)
_LARGEST_SHARE = 0.5


@dataclass(frozen=True)
class Search:
    """What was free while the transform was looked for.

    Attributes
    ----------
    shift_px : float
        Largest shift; 0 if the transform was given.
    rotation_rad : float
        Largest rotation; 0 if it was given.
    scale : float
        Largest deviation of the scale from 1; 0 if it was given.
    """

    shift_px: float = 0.0
    rotation_rad: float = 0.0
    scale: float = 0.0

    @property
    def n_seeds(self) -> int:
        """Pairs of dots that it takes to fix a transform."""
        if self.shift_px == 0:
            return 0
        return 2 if self.rotation_rad > 0 or self.scale > 0 else 1


def chance_probability(
    transform: Transform,
    pairs: Pairs,
    moving: Points,
    fixed: Points,
    *,
    search: Search,
    gate_sigma: float,
    systematic_px: float,
) -> float:
    """Return an upper bound for the probability of such an agreement between unrelated dots.

    The number of false alarms of an a-contrario test (Moisan and Stival, Int. J. Comput. Vis. 57,
    201, 2004): the transforms that two pairs of dots can propose inside the searched range, times
    the binomial tail of all further pairs, divided by the number of seeds that propose the same
    transform. Unrelated dots are Poisson with the density that surrounds the mapped dots.
    """
    mapped, inside = _mapped_inside(transform, moving, fixed)
    n, k = int(inside.sum()), len(pairs.moving)
    seeds = search.n_seeds
    if n <= seeds or k <= seeds:
        return 1.0
    density = _density(mapped[inside], fixed)
    area = np.pi * _gate_variance(transform, moving, fixed, systematic_px)[inside] * gate_sigma**2
    share = min(float(np.mean(1.0 - np.exp(-density * area))), _LARGEST_SHARE)
    log_tail = float(binom.logsf(k - seeds - 1, n - seeds, share))
    log_seeds = _log_seeds(moving, n, density, search)
    log_same = _log_choose(k, seeds)
    return float(np.exp(min(0.0, log_tail + log_seeds - log_same)))


def _mapped_inside(
    transform: Transform, moving: Points, fixed: Points
) -> tuple[Array, NDArray[np.bool_]]:
    mapped = transform.apply(moving.positions)
    edge = np.array([fixed.width, fixed.height]) - 0.5
    return mapped, np.asarray(np.all((mapped > -0.5) & (mapped < edge), axis=1))


def _gate_variance(
    transform: Transform, moving: Points, fixed: Points, systematic_px: float
) -> Array:
    own = transform.position_covariance(moving.positions)
    scale_sq = abs(np.linalg.det(transform.matrix[:, :2]))
    variance = scale_sq * moving.variance + np.mean(fixed.variance) + systematic_px**2
    return np.asarray(variance + 0.5 * np.trace(own, axis1=1, axis2=2))


def _density(mapped: Array, fixed: Points) -> float:
    """Reference dots for each square pixel: the frame's mean, or that around the mapped dots."""
    tree = cKDTree(fixed.positions)
    inner, outer = (
        tree.query_ball_point(mapped, radius, return_length=True) for radius in _RING_PX
    )
    ring = np.pi * (_RING_PX[1] ** 2 - _RING_PX[0] ** 2)
    local = float(np.mean(outer - inner)) / ring
    return max(local, len(fixed) / (fixed.width * fixed.height))


def _log_seeds(moving: Points, n: int, density: float, search: Search) -> float:
    """Logarithm of the number of transforms that seeds propose inside the searched range."""
    if search.n_seeds == 0:
        return 0.0
    first = n * density * np.pi * search.shift_px**2
    if search.n_seeds == 1:
        return float(np.log(max(first, 1.0)))
    reach_sq = float(np.mean(np.sum((moving.positions - moving.centre) ** 2, axis=1)))
    # Given the first pair, the second's partner lies in a sector as wide as rotation and scale.
    sector = 2 * search.rotation_rad * 2 * max(search.scale, 1e-6) * 2 * reach_sq
    second = 0.5 * (n - 1) * density * max(sector, np.pi)
    return float(np.log(max(first * second, 1.0)))


def _log_choose(n: int, k: int) -> float:
    return float(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
