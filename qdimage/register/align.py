"""The transform between two channels of one field, or the reason why there is none."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.model.localizations import Localizations
from qdimage.model.refusal import Refusal
from qdimage.model.registration import Registration
from qdimage.model.transform import Transform
from qdimage.register.judge import refined
from qdimage.register.options import RegisterOptions
from qdimage.register.points import Pairs, Points, voters
from qdimage.register.prior import Prior, similarity_prior
from qdimage.register.refine import bendable
from qdimage.register.search import starting_points
from qdimage.register.significance import chance_probability

_N_STARTS = 40
_N_DISPLACED = 12
_FEWEST = 3
# What another transform achieves, the arrangement alone achieves; how often it repeats by chance
# varies less than this.
_RIVAL_WEIGHT = 2.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Candidate:
    """A refined transform, what brought it about, and the pairs that it rests on."""

    found: Registration
    pairs: Pairs
    prior: Prior


def align(
    moving: Localizations,
    fixed: Localizations,
    *,
    moving_shape: tuple[int, int],
    fixed_shape: tuple[int, int],
    options: RegisterOptions,
) -> Registration | Refusal:
    """Map a channel to the reference by the dots that both show.

    Shifts, rotations and scales inside the likely range are searched; the best candidates are
    refined; the one that chance explains least is accepted if unrelated dots would agree as well
    with a probability of at most ``options.max_chance_probability``, all that was searched
    included. Dots in a lattice or in a row agree in many ways and more often than chance; they are
    refused by the second best of those ways.

    Parameters
    ----------
    moving, fixed : Localizations
        Dots of the EL channel and of the PL reference.
    moving_shape, fixed_shape : (height, width)
    options : RegisterOptions
    """
    a, b = voters(moving, moving_shape), voters(fixed, fixed_shape)
    if min(len(a), len(b)) < _FEWEST:
        return Refusal(
            f"found {len(a)} dots here and {len(b)} in the reference, at least {_FEWEST} of each "
            "are needed to register; use a longer exposure or another voltage"
        )
    candidates = _candidates(a, b, options)
    best = min(candidates, key=lambda each: each.found.chance_p, default=None)
    if best is None:
        return Refusal(_no_candidate(a, b, options))
    if best.found.chance_p > options.max_chance_probability:
        return Refusal(_no_agreement(best.found, a, b, options))
    rivals = candidates + _displaced(best, a, b, options)
    rival_p, rival = _strongest_rival(best, rivals, a, b)
    margin = _evidence(best.found.chance_p) - _RIVAL_WEIGHT * _evidence(rival_p)
    if margin < _evidence(options.max_chance_probability):
        return Refusal(_ambiguous(best.found, rival.found, a))
    return best.found


def _evidence(probability: float) -> float:
    return -float(np.log(max(probability, np.finfo(float).tiny)))


def _strongest_rival(
    best: _Candidate, candidates: list[_Candidate], a: Points, b: Points
) -> tuple[float, _Candidate]:
    """The candidate that chance explains least by pairs which are not the best one's."""
    own = set(map(tuple, best.found.pairs.tolist()))
    judged = []
    for each in candidates:
        other = np.array([tuple(pair) not in own for pair in each.found.pairs.tolist()], bool)
        pairs = each.pairs.chosen(other)
        judged.append(chance_probability(each.found.transform, pairs, a, b, each.prior))
    first = int(np.argmin(judged))
    return judged[first], candidates[first]


def _candidates(a: Points, b: Points, options: RegisterOptions) -> list[_Candidate]:
    """Refined transforms inside the range."""
    rotation = float(np.deg2rad(options.max_rotation_deg))
    starts = starting_points(
        a,
        b,
        max_shift_px=options.max_shift_px,
        max_rotation_rad=rotation,
        scale_prior=options.scale_prior,
        n_best=_N_STARTS,
    )
    found = [_refine(matrix, a, b, options.max_shift_px, options) for matrix in starts]
    return [each for each in found if _within_range(each.found.transform, a, options)]


def _displaced(
    best: _Candidate, a: Points, b: Points, options: RegisterOptions
) -> list[_Candidate]:
    """Refined displacements of the best transform, also beyond the range.

    A pattern that is wider than the range repeats only there.
    """
    transform = best.found.transform
    mapped = Points(transform.apply(a.positions), a.variance, a.index, a.width, a.height)
    reach = max(b.width, b.height) / 2
    starts = starting_points(
        mapped, b, max_shift_px=reach, max_rotation_rad=0.0, scale_prior=0.0, n_best=_N_DISPLACED
    )
    matrices = []
    for start in starts:
        matrix = transform.matrix.copy()
        matrix[:, 2] += start[:, 2]
        matrices.append(matrix)
    return [_refine(matrix, a, b, reach, options) for matrix in matrices]


def _refine(
    matrix: Array, a: Points, b: Points, shift_px: float, options: RegisterOptions
) -> _Candidate:
    prior = similarity_prior(
        matrix,
        centre=a.centre,
        scale=options.scale_prior,
        shear=options.shear_prior,
        radial_px=options.radial_prior_px,
        shift_px=max(shift_px, 1.0),
        rotation_rad=max(float(np.deg2rad(options.max_rotation_deg)), 1.0 / a.half_diagonal),
    )
    return _Candidate(*refined(bendable(matrix, a), prior, a, b, options=options), prior)


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


def _no_candidate(a: Points, b: Points, options: RegisterOptions) -> str:
    return (
        f"no two of {len(a)} dots here lie on the reference's {len(b)} dots within "
        f"{options.max_shift_px:g} px and {options.max_rotation_deg:g} degrees; check that "
        "both stacks show the same field, or raise register.max_shift_px"
    )


def _no_agreement(best: Registration, a: Points, b: Points, options: RegisterOptions) -> str:
    return (
        f"the best agreement is {best.n_inliers} of {len(a)} dots here on the reference's "
        f"{len(b)} dots, which chance reaches with probability {best.chance_p:.2g} (allowed "
        f"{options.max_chance_probability:g}); check that both stacks show the same field, or "
        "raise register.max_shift_px or the exposure"
    )


def _ambiguous(best: Registration, rival: Registration, a: Points) -> str:
    centre = a.centre[np.newaxis]
    apart = np.hypot(*(best.transform.apply(centre) - rival.transform.apply(centre))[0])
    return (
        f"the best agreement is {best.n_inliers} of {len(a)} dots, but {rival.n_inliers} agree "
        f"under another transform {apart:.1f} px from it: the dots lie in a regular pattern; give "
        "the channel a transform or pins, or lower register.max_shift_px"
    )
