"""Two sets of dots, and which of them lie on each other under a transform."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.transform import Transform

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# Hot pixels sit in the same place in both channels, and positions at the border are biased.
_NO_VOTE = DotFlag.HOT | DotFlag.EDGE
# A hot pixel that escaped the mask is narrower than light can be.
_NARROWEST = 0.65

# Independent errors of 3 dots put two of them as close as this once in 200,000 fields.
_FEWEST_SAME, _SAME_SIGMA = 3, 0.05


@dataclass(frozen=True)
class Points:
    """Positions (n, 2), their isotropic variance (n,), their index among all dots, frame size."""

    positions: Array
    variance: Array
    index: Indices
    width: int
    height: int

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def centre(self) -> Array:
        """Centre of the frame."""
        return np.array([self.width - 1, self.height - 1]) / 2

    @cached_property
    def tree(self) -> cKDTree:
        """To look up which dots are near."""
        return cKDTree(self.positions)

    @property
    def half_diagonal(self) -> float:
        """Distance from the centre of the frame to its corner."""
        return float(np.hypot(self.width, self.height) / 2)


def voters(dots: Localizations, shape: tuple[int, int]) -> Points:
    """Return the dots that may take part in a registration; `shape` is (height, width)."""
    is_light = dots.sigma_px >= _NARROWEST * dots.psf_sigma_px
    index = np.flatnonzero(((dots.flags & _NO_VOTE) == 0) & is_light)
    variance = np.mean(dots.position_err_px[index] ** 2, axis=1)
    height, width = shape
    return Points(dots.positions[index], variance, index.astype(np.int64), width, height)


def are_same_localizations(a: Localizations, b: Localizations) -> bool:
    """Whether two channels share even the noise of their dots, so that they are one stack."""
    if min(len(a), len(b)) < _FEWEST_SAME:
        return False
    distance, partner = cKDTree(b.positions).query(a.positions)
    variance = np.sum(a.position_err_px**2 + b.position_err_px[partner] ** 2, axis=1) / 2
    return bool(np.median(distance / np.sqrt(variance)) < _SAME_SIGMA)


@dataclass(frozen=True)
class Pairs:
    """Nearest reference dot of each moving dot, one to one.

    Attributes
    ----------
    moving, fixed : ndarray of int
        Indices into the two sets of points.
    residuals : ndarray, shape (n, 2)
        Mapped moving position minus fixed position, px.
    variance : ndarray, shape (n,)
        Of a residual's component: both localizations and the systematic part.
    """

    moving: Indices
    fixed: Indices
    residuals: Array
    variance: Array

    @property
    def distance_sigma(self) -> Array:
        """Distance in units of its standard deviation."""
        return np.asarray(np.sqrt(np.sum(self.residuals**2, axis=1) / self.variance))

    def chosen(self, keep: NDArray[np.bool_]) -> "Pairs":
        """Return the pairs where `keep` is true."""
        return Pairs(self.moving[keep], self.fixed[keep], self.residuals[keep], self.variance[keep])


def nearest_pairs(
    transform: Transform,
    moving: Points,
    fixed: Points,
    *,
    systematic_px: float,
    reach_px: float,
) -> Pairs:
    """Pair mapped moving dots with the nearest fixed dot inside `reach_px`, the closest first."""
    mapped = transform.apply(moving.positions)
    distance, partner = fixed.tree.query(mapped, distance_upper_bound=reach_px)
    found = np.flatnonzero(np.isfinite(distance))
    found = found[np.argsort(distance[found], kind="stable")]
    _, first = np.unique(partner[found], return_index=True)
    a = np.sort(found[first])
    chosen = np.full(len(moving), -1, np.int64)
    chosen[a] = partner[a]
    return pairs_of(transform, moving, fixed, chosen, systematic_px=systematic_px)


def pairs_of(
    transform: Transform,
    moving: Points,
    fixed: Points,
    partner: Indices,
    *,
    systematic_px: float,
) -> Pairs:
    """Pair each moving dot with the fixed dot `partner` (-1: none)."""
    a = np.flatnonzero(partner >= 0)
    b = partner[a]
    residuals = transform.apply(moving.positions[a]) - fixed.positions[b]
    scale_sq = abs(np.linalg.det(transform.matrix[:, :2]))
    variance = scale_sq * moving.variance[a] + fixed.variance[b] + systematic_px**2
    return Pairs(a.astype(np.int64), b.astype(np.int64), residuals, np.asarray(variance))
