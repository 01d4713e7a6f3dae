"""The transform between two channels of one field, or the reason why there is none."""

import numpy as np
from numpy.typing import NDArray

from qdimage.model.localizations import Localizations
from qdimage.model.refusal import Refusal
from qdimage.model.registration import Registration
from qdimage.model.transform import Transform
from qdimage.register.judge import refined
from qdimage.register.options import RegisterOptions
from qdimage.register.points import Points, voters
from qdimage.register.prior import similarity_prior
from qdimage.register.refine import bendable
from qdimage.register.search import starting_points

_N_STARTS = 40
_FEWEST = 3


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
    included.

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
    best = min(_candidates(a, b, options), key=lambda each: each.chance_p, default=None)
    if best is None or best.chance_p > options.max_chance_probability:
        return Refusal(_no_agreement(best, a, b, options))
    return best


def _candidates(a: Points, b: Points, options: RegisterOptions) -> list[Registration]:
    rotation = float(np.deg2rad(options.max_rotation_deg))
    starts = starting_points(
        a,
        b,
        max_shift_px=options.max_shift_px,
        max_rotation_rad=rotation,
        scale_prior=options.scale_prior,
        n_best=_N_STARTS,
    )
    found = []
    for matrix in starts:
        prior = similarity_prior(
            matrix,
            centre=a.centre,
            scale=options.scale_prior,
            shear=options.shear_prior,
            radial_px=options.radial_prior_px,
            shift_px=max(options.max_shift_px, 1.0),
            rotation_rad=max(rotation, 1.0 / a.half_diagonal),
        )
        candidate = refined(bendable(matrix, a), prior, a, b, options=options)
        if _within_range(candidate.transform, a, options):
            found.append(candidate)
    return found


def _within_range(transform: Transform, a: Points, options: RegisterOptions) -> bool:
    """Whether the refined transform is still one of those that were allowed."""
    shift = np.hypot(*(transform.apply(a.centre[np.newaxis])[0] - a.centre))
    linear: NDArray[np.float64] = transform.matrix[:, :2]
    rotation = np.rad2deg(np.arctan2(linear[1, 0] - linear[0, 1], linear[0, 0] + linear[1, 1]))
    slack_px, slack_deg = 1.0, np.rad2deg(1.0 / a.half_diagonal)
    return bool(
        shift <= options.max_shift_px + slack_px
        and abs(rotation) <= options.max_rotation_deg + slack_deg
    )


def _no_agreement(best: Registration | None, a: Points, b: Points, options: RegisterOptions) -> str:
    if best is None:
        return (
            f"no two of {len(a)} dots here lie on the reference's {len(b)} dots within "
            f"{options.max_shift_px:g} px and {options.max_rotation_deg:g} degrees; check that "
            "both stacks show the same field, or raise register.max_shift_px"
        )
    return (
        f"the best agreement is {best.n_inliers} of {len(a)} dots here on the reference's "
        f"{len(b)} dots, which chance reaches with probability {best.chance_p:.2g} (allowed "
        f"{options.max_chance_probability:g}); check that both stacks show the same field, or "
        "raise register.max_shift_px or the exposure"
    )
