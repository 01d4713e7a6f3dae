"""Transforms that a person gives, by a matrix or by pinned pairs, put to the same test."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.model.localizations import Localizations
from qdimage.model.refusal import Refusal
from qdimage.model.registration import Registration
from qdimage.model.transform import Transform
from qdimage.register.judge import GATE_SIGMA, MANUAL, judged
from qdimage.register.options import RegisterOptions
from qdimage.register.points import Points, nearest_pairs, voters
from qdimage.register.prior import similarity_prior
from qdimage.register.refine import bendable, fit_pairs

Array = NDArray[np.float64]

_PIN_ERR_PX = 0.5


def check_transform(
    moving: Localizations,
    fixed: Localizations,
    transform: Transform,
    *,
    moving_shape: tuple[int, int],
    fixed_shape: tuple[int, int],
    options: RegisterOptions,
) -> Registration | Refusal:
    """Accept a given transform unless chance brings as many dots together."""
    a, b = voters(moving, moving_shape), voters(fixed, fixed_shape)
    if min(len(a), len(b)) == 0:
        return Refusal(
            f"found {len(a)} dots here and {len(b)} in the reference: the given transform cannot "
            "be tested; use a longer exposure or another voltage"
        )
    pairs = nearest_pairs(
        transform,
        a,
        b,
        cKDTree(b.positions),
        systematic_px=options.systematic_error_px,
        reach_px=options.sibling_shift_px,
    )
    own = transform.position_covariance(a.positions[pairs.moving])
    variance = pairs.variance + 0.5 * np.trace(own, axis1=1, axis2=2)
    pairs = pairs.chosen(np.sum(pairs.residuals**2, axis=1) <= GATE_SIGMA**2 * variance)
    found = judged(transform, pairs, a, b, model=MANUAL, prior=None)
    if found.chance_p > options.max_chance_probability:
        return Refusal(
            f"the given transform brings {found.n_inliers} of {len(a)} dots onto dots of the "
            f"reference, which chance does with probability {found.chance_p:.2g} (allowed "
            f"{options.max_chance_probability:g}); correct or remove transform or pins"
        )
    return found


def transform_from_pins(
    pins: Array, *, moving_shape: tuple[int, int], options: RegisterOptions
) -> Transform:
    """Fit a transform to places that a person pinned.

    Parameters
    ----------
    pins : ndarray, shape (n, 4)
        x, y in the channel and x, y in the field.
    moving_shape : (height, width)
    """
    height, width = moving_shape
    variance, index = np.full(len(pins), _PIN_ERR_PX**2), np.arange(len(pins), dtype=np.int64)
    a = Points(pins[:, :2], variance, index, width, height)
    b = Points(pins[:, 2:], variance, index, width, height)
    shift = np.mean(pins[:, 2:] - pins[:, :2], axis=0)
    matrix = np.column_stack([np.eye(2), shift])
    prior = similarity_prior(
        matrix,
        centre=a.centre,
        scale=options.scale_prior,
        shear=options.shear_prior,
        radial_px=options.radial_prior_px,
        shift_px=np.inf,
        rotation_rad=np.pi,
    )
    return fit_pairs(bendable(matrix, a), prior, a, b)
