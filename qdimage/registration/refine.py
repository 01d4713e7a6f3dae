"""From a rough transform to the best one: robust least squares with priors."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.registration.points import Pairs, Points, pairs_of
from qdimage.registration.prior import Prior, parameters_of
from qdimage.registration.refine_kernel import refined, updated

Array = NDArray[np.float64]

_REACHES_PX = np.array([3.0, 2.5, 2.0, 1.5])
_MAX_STEPS = 20
_SETTLED_PX = 1e-3
_HUBER_SIGMA = 2.0


def bendable(matrix: Array, moving: Points) -> Transform:
    """An affine map with a radial term of 0 about the centre of the moving frame."""
    centre = (float(moving.centre[0]), float(moving.centre[1]))
    return Transform(matrix, 0.0, centre, moving.half_diagonal, np.zeros((7, 7)))


def fit_pairs(start: Transform, prior: Prior, moving: Points, fixed: Points) -> Transform:
    """Fit a transform to points that are known to be the same, in order."""
    transform, variance = start, np.asarray(moving.variance + fixed.variance)
    for _ in range(_MAX_STEPS):
        residuals = transform.apply(moving.positions) - fixed.positions
        parameters, covariance = updated(
            parameters_of(transform),
            _frame(transform),
            moving.positions,
            residuals,
            variance,
            _HUBER_SIGMA,
            prior.mean,
            prior.precision,
        )
        transform = _with(transform, parameters, covariance)
    return transform


def refine(
    start: Transform,
    prior: Prior,
    moving: Points,
    fixed: Points,
    *,
    gate_sigma: float,
    systematic_px: float,
) -> tuple[Transform, Pairs]:
    """Return the transform that fits the dots which it brings together, and those pairs.

    Iteratively reweighted least squares, weighted by the localization errors with Huber's weights;
    the reach shrinks to what the errors allow, `gate_sigma` standard deviations.
    """
    parameters, covariance, partner = refined(
        parameters_of(start),
        _frame(start),
        start.covariance,
        moving.positions,
        moving.variance,
        fixed.positions,
        fixed.variance,
        prior.mean,
        prior.precision,
        _REACHES_PX,
        gate_sigma,
        systematic_px,
        _HUBER_SIGMA,
        _MAX_STEPS,
        _SETTLED_PX,
    )
    transform = _with(start, parameters, covariance)
    return transform, pairs_of(transform, moving, fixed, partner, systematic_px=systematic_px)


def _frame(transform: Transform) -> Array:
    return np.array([*transform.centre_px, transform.radius_px])


def _with(transform: Transform, parameters: Array, covariance: Array) -> Transform:
    return Transform(
        parameters[:6].reshape(2, 3),
        float(parameters[6]),
        transform.centre_px,
        transform.radius_px,
        covariance,
    )
