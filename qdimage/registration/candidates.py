"""Transforms that the dots propose, each refined and judged."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.anywhere import mirrored, starts_anywhere
from qdimage.registration.judge import refined
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Pairs, Points
from qdimage.registration.prior import Prior, similarity_prior
from qdimage.registration.refine import bendable
from qdimage.registration.search import starting_points

Array = NDArray[np.float64]

_N_STARTS = 40
_N_ANYWHERE = 20


@dataclass(frozen=True)
class Candidate:
    """A refined transform, what brought it about, and the pairs that it rests on."""

    found: Registration
    pairs: Pairs
    prior: Prior


@dataclass(frozen=True)
class Range:
    """What is searched, and the share of the probability that the transform lies there.

    Attributes
    ----------
    shift_px, rotation_rad : float
        Largest shift of the moving frame's centre, and rotation.
    share : float
    """

    shift_px: float
    rotation_rad: float
    share: float


def likely_range(b: Points, options: RegisterOptions) -> Range:
    """Return the range that one camera's channels keep to."""
    shift_px = min(options.likely_shift_px, _max_shift_px(b, options))
    rotation_deg = min(options.likely_rotation_deg, options.max_rotation_deg)
    return Range(shift_px, float(np.deg2rad(rotation_deg)), 1.0 - options.unlikely_share)


def whole_range(b: Points, options: RegisterOptions) -> Range:
    """Return the range of one orientation of what is possible at all."""
    share = options.unlikely_share / (2 if options.allow_mirror else 1)
    rotation_rad = float(np.deg2rad(options.max_rotation_deg))
    return Range(_max_shift_px(b, options), rotation_rad, share)


def _max_shift_px(b: Points, options: RegisterOptions) -> float:
    return b.half_diagonal if options.max_shift_px is None else options.max_shift_px


def searched(a: Points, b: Points, options: RegisterOptions) -> list[Candidate]:
    """Return the refined transforms inside the likely range."""
    within = likely_range(b, options)
    starts = starting_points(
        a,
        b,
        max_shift_px=within.shift_px,
        max_rotation_rad=within.rotation_rad,
        scale_prior=options.scale_prior,
        n_best=_N_STARTS,
    )
    return _refined_within(starts, within, a, b, options)


def searched_anywhere(a: Points, b: Points, options: RegisterOptions) -> list[Candidate]:
    """Return the refined transforms with any shift and rotation that are allowed, and mirrors."""
    within = whole_range(b, options)
    found: list[Candidate] = []
    for mirror in (False, True)[: 1 + options.allow_mirror]:
        starts = starts_anywhere(
            mirrored(a) if mirror else a,
            b,
            max_shift_px=within.shift_px,
            max_rotation_rad=within.rotation_rad,
            scale_prior=options.scale_prior,
            n_best=_N_ANYWHERE,
        )
        if mirror:
            flip = np.array([[-1.0, 0.0, a.width - 1], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
            starts = [matrix @ flip for matrix in starts]
        found += _refined_within(starts, within, a, b, options)
    return found


def _refined_within(
    starts: list[Array], within: Range, a: Points, b: Points, options: RegisterOptions
) -> list[Candidate]:
    found = [refine_from(matrix, a, b, within, options) for matrix in starts]
    return [each for each in found if _is_within(each.found.transform, a, within)]


def refine_from(
    matrix: Array, a: Points, b: Points, within: Range, options: RegisterOptions
) -> Candidate:
    """Refine and judge a start with the prior of a search over a range."""
    prior = similarity_prior(
        matrix,
        centre=a.centre,
        scale=options.scale_prior,
        shear=options.shear_prior,
        radial_px=options.radial_prior_px,
        shift_px=max(within.shift_px, 1.0),
        rotation_rad=max(within.rotation_rad, 1.0 / a.half_diagonal),
    )
    prior = replace(prior, log_peak=prior.log_peak + float(np.log(within.share)))
    return Candidate(*refined(bendable(matrix, a), prior, a, b, options=options), prior)


def _is_within(transform: Transform, a: Points, within: Range) -> bool:
    """Whether the refined transform is still one of those that were allowed."""
    shift = np.hypot(*(transform.apply(a.centre[np.newaxis])[0] - a.centre))
    linear: Array = transform.matrix[:, :2]
    if np.linalg.det(linear) < 0:
        # A rotation after the exchange of left and right.
        linear = linear * np.array([-1.0, 1.0])
    rotation = np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1])
    slack_px, slack_rad = 1.0, 1.0 / a.half_diagonal
    return bool(
        shift <= within.shift_px + slack_px and abs(rotation) <= within.rotation_rad + slack_rad
    )
