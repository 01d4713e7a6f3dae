"""A refined transform together with what it rests on."""

import numpy as np
from scipy.stats import chi2

from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Pairs, Points
from qdimage.registration.prior import Prior
from qdimage.registration.refine import refine
from qdimage.registration.significance import chance_probability

MANUAL = "manual"
_ALL_TERMS = "affine+radial"
GATE_SIGMA = float(np.sqrt(chi2(2).ppf(0.99)))


def refined(
    start: Transform,
    prior: Prior,
    moving: Points,
    fixed: Points,
    *,
    options: RegisterOptions,
    model: str = _ALL_TERMS,
) -> tuple[Registration, Pairs]:
    """Refine a transform and ask how easily chance does as well; return also its pairs."""
    transform, pairs = refine(
        start,
        prior,
        moving,
        fixed,
        gate_sigma=GATE_SIGMA,
        systematic_px=options.systematic_error_px,
    )
    return judged(transform, pairs, moving, fixed, model=model, prior=prior), pairs


def judged(
    transform: Transform,
    pairs: Pairs,
    moving: Points,
    fixed: Points,
    *,
    model: str,
    prior: Prior | None,
) -> Registration:
    """Attach to a transform the probability that unrelated dots agree as well."""
    chance_p = chance_probability(transform, pairs, moving, fixed, prior)
    indices = np.column_stack([moving.index[pairs.moving], fixed.index[pairs.fixed]])
    return Registration(transform, model, indices, pairs.residuals, chance_p)
