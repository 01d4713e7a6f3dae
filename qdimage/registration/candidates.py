"""Transforms that the dots propose, each refined and judged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.judge import refined
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Pairs, Points
from qdimage.registration.prior import Prior, similarity_prior
from qdimage.registration.refine import bendable
from qdimage.registration.search import starting_points

Array = NDArray[np.float64]

_N_STARTS = 40


@dataclass(frozen=True)
class Candidate:
    """A refined transform, what brought it about, and the pairs that it rests on."""

    found: Registration
    pairs: Pairs
    prior: Prior


def searched(a: Points, b: Points, options: RegisterOptions) -> list[Candidate]:
    """Return the refined transforms inside the range."""
    rotation = float(np.deg2rad(options.max_rotation_deg))
    starts = starting_points(
        a,
        b,
        max_shift_px=options.max_shift_px,
        max_rotation_rad=rotation,
        scale_prior=options.scale_prior,
        n_best=_N_STARTS,
    )
    found = [refine_from(matrix, a, b, options.max_shift_px, options) for matrix in starts]
    return [each for each in found if _within_range(each.found.transform, a, options)]


def refine_from(
    matrix: Array, a: Points, b: Points, shift_px: float, options: RegisterOptions
) -> Candidate:
    """Refine and judge a start with the prior of a search over shifts up to `shift_px`."""
    prior = similarity_prior(
        matrix,
        centre=a.centre,
        scale=options.scale_prior,
        shear=options.shear_prior,
        radial_px=options.radial_prior_px,
        shift_px=max(shift_px, 1.0),
        rotation_rad=max(float(np.deg2rad(options.max_rotation_deg)), 1.0 / a.half_diagonal),
    )
    return Candidate(*refined(bendable(matrix, a), prior, a, b, options=options), prior)


def _within_range(transform: Transform, a: Points, options: RegisterOptions) -> bool:
    """Whether the refined transform is still one of those that were allowed."""
    shift = np.hypot(*(transform.apply(a.centre[np.newaxis])[0] - a.centre))
    linear: Array = transform.matrix[:, :2]
    rotation = np.rad2deg(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
    slack_px, slack_deg = 1.0, np.rad2deg(1.0 / a.half_diagonal)
    return bool(
        shift <= options.max_shift_px + slack_px
        and abs(rotation) <= options.max_rotation_deg + slack_deg
    )
