"""From a rough transform to the best one: robust least squares with priors."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.domain.transform import Transform
from qdimage.registration.points import Pairs, Points, nearest_pairs
from qdimage.registration.prior import Prior, parameters_of

Array = NDArray[np.float64]

_REACHES_PX = (3.0, 2.5, 2.0, 1.5)
_MAX_STEPS = 20
_SETTLED_PX = 1e-3
_HUBER_SIGMA = 2.0


def bendable(matrix: Array, moving: Points) -> Transform:
    """An affine map with a radial term of 0 about the centre of the moving frame."""
    centre = (float(moving.centre[0]), float(moving.centre[1]))
    return Transform(matrix, 0.0, centre, moving.half_diagonal, np.zeros((7, 7)))


def fit_pairs(start: Transform, prior: Prior, moving: Points, fixed: Points) -> Transform:
    """Fit a transform to points that are known to be the same, in order."""
    index = np.arange(len(moving), dtype=np.int64)
    transform = start
    for _ in range(_MAX_STEPS):
        residuals = transform.apply(moving.positions) - fixed.positions
        pairs = Pairs(index, index, residuals, moving.variance + fixed.variance)
        transform = _least_squares(transform, prior, moving.positions, pairs)
    return transform


def refine(
    start: Transform,
    prior: Prior,
    moving: Points,
    fixed: Points,
    tree: cKDTree,
    *,
    gate_sigma: float,
    systematic_px: float,
) -> tuple[Transform, Pairs]:
    """Return the transform that fits the dots which it brings together, and those pairs.

    Iteratively reweighted least squares, weighted by the localization errors with Huber's weights;
    the reach shrinks to what the errors allow, `gate_sigma` standard deviations.
    """
    transform = start
    for step in range(_MAX_STEPS):
        wide = _REACHES_PX[step] if step < len(_REACHES_PX) else 0.0
        pairs = _inside(transform, moving, fixed, tree, gate_sigma, systematic_px, wide)
        updated = _least_squares(transform, prior, moving.positions, pairs)
        moved = np.abs(updated.apply(moving.positions) - transform.apply(moving.positions))
        transform = updated
        if wide == 0.0 and moved.max(initial=0.0) < _SETTLED_PX:
            break
    return transform, _inside(transform, moving, fixed, tree, gate_sigma, systematic_px, 0.0)


def _inside(
    transform: Transform,
    moving: Points,
    fixed: Points,
    tree: cKDTree,
    gate_sigma: float,
    systematic_px: float,
    wide_px: float,
) -> Pairs:
    """Pairs within the gate of their errors, the transform's own included, or within `wide_px`."""
    pairs = nearest_pairs(
        transform,
        moving,
        fixed,
        tree,
        systematic_px=systematic_px,
        reach_px=max(_REACHES_PX[0], wide_px),
    )
    own = transform.position_covariance(moving.positions[pairs.moving])
    variance = pairs.variance + 0.5 * np.trace(own, axis1=1, axis2=2)
    distance_sq = np.sum(pairs.residuals**2, axis=1)
    return pairs.chosen(distance_sq <= np.maximum(gate_sigma**2 * variance, wide_px**2))


def _least_squares(transform: Transform, prior: Prior, moving: Array, pairs: Pairs) -> Transform:
    jacobian = transform.parameter_jacobian(moving[pairs.moving])
    weight = np.minimum(1.0, _HUBER_SIGMA / np.maximum(pairs.distance_sigma, 1e-9))
    weight = weight / pairs.variance
    information = np.einsum("nip,n,niq->pq", jacobian, weight, jacobian) + prior.precision
    current = parameters_of(transform)
    gradient = np.einsum("nip,n,ni->p", jacobian, weight, -pairs.residuals)
    gradient += prior.precision @ (prior.mean - current)
    covariance = np.linalg.pinv(information, hermitian=True)
    updated = current + covariance @ gradient
    return Transform(
        updated[:6].reshape(2, 3),
        float(updated[6]),
        transform.centre_px,
        transform.radius_px,
        covariance,
    )
