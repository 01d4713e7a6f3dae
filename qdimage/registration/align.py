"""The transform between two channels of one field, or the reason why there is none."""

from dataclasses import replace

import numpy as np

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.registration.candidates import (
    Candidate,
    likely_range,
    searched,
    searched_anywhere,
    whole_range,
)
from qdimage.registration.model_choice import supported_model
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Points, voters
from qdimage.registration.rivals import displaced, strongest_rival

_FEWEST = 3
# What another transform achieves, the arrangement alone achieves; how often it repeats by chance
# varies less than this.
_RIVAL_WEIGHT = 2.0


def align(
    moving: Localizations,
    fixed: Localizations,
    *,
    moving_shape: tuple[int, int],
    fixed_shape: tuple[int, int],
    options: RegisterOptions,
) -> Registration | Refusal:
    """Map a channel to the reference by the dots that both show.

    Shifts, rotations and scales inside the likely range are searched first, and all others after
    that; the best candidates are refined; the one that chance explains least is accepted if
    unrelated dots would agree as well with a probability of at most
    ``options.max_chance_probability``, all that was searched included: the likely range spends
    most of it. Dots in a lattice or in a row agree in many ways and more often than chance; they
    are refused by the second best of those ways.

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
    candidates = searched(a, b, options)
    best = _best(candidates)
    if not _convincing(best, options) and options.unlikely_share > 0:
        elsewhere = searched_anywhere(a, b, options)
        if _convincing(_best(elsewhere), options):
            candidates, best = elsewhere, _best(elsewhere)
    if best is None:
        return Refusal(_no_candidate(a, b, options))
    if not _convincing(best, options):
        return Refusal(_no_agreement(best.found, a, b, options))
    rivals = candidates + displaced(best, a, b, options)
    rival_p, rival = strongest_rival(best, rivals, a, b)
    margin = _evidence(best.found.chance_p) - _RIVAL_WEIGHT * _evidence(rival_p)
    if margin < _evidence(options.max_chance_probability):
        return Refusal(_ambiguous(best.found, rival.found, a))
    return replace(best.found, model=supported_model(best.found.transform, best.pairs, a))


def _best(candidates: list[Candidate]) -> Candidate | None:
    return min(candidates, key=lambda each: each.found.chance_p, default=None)


def _convincing(best: Candidate | None, options: RegisterOptions) -> bool:
    return (
        best is not None
        and best.found.chance_p <= options.max_chance_probability
        and best.found.n_inliers >= _FEWEST
    )


def _evidence(probability: float) -> float:
    return -float(np.log(max(probability, np.finfo(float).tiny)))


def _no_candidate(a: Points, b: Points, options: RegisterOptions) -> str:
    return (
        f"no two of {len(a)} dots here lie on the reference's {len(b)} dots, searched "
        f"{_searched(b, options)}; check that both stacks show the same field, or raise "
        "the exposure"
    )


def _searched(b: Points, options: RegisterOptions) -> str:
    """The range that was searched, in words."""
    within = whole_range(b, options) if options.unlikely_share > 0 else likely_range(b, options)
    mirror = " and mirrored" if options.allow_mirror and options.unlikely_share > 0 else ""
    degrees = np.rad2deg(within.rotation_rad)
    return f"to {within.shift_px:.0f} px and {degrees:.3g} degrees{mirror}"


def _no_agreement(best: Registration, a: Points, b: Points, options: RegisterOptions) -> str:
    return (
        f"the best agreement is {best.n_inliers} of {len(a)} dots here on the reference's "
        f"{len(b)} dots, which chance reaches with probability {best.chance_p:.2g} (needed are "
        f"{_FEWEST} dots and at most {options.max_chance_probability:g}), searched "
        f"{_searched(b, options)}; check that both stacks show the same field, raise the exposure, "
        "or pin pairs of dots that you recognize"
    )


def _ambiguous(best: Registration, rival: Registration, a: Points) -> str:
    centre = a.centre[np.newaxis]
    apart = np.hypot(*(best.transform.apply(centre) - rival.transform.apply(centre))[0])
    return (
        f"the best agreement is {best.n_inliers} of {len(a)} dots, but {rival.n_inliers} agree "
        f"under another transform {apart:.1f} px from it, as in a regular pattern; give the "
        "channel a transform or pins"
    )
