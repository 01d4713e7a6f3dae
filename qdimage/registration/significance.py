"""Could unrelated dots agree as well, somewhere in all that was searched?"""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.registration.points import Pairs, Points
from qdimage.registration.prior import Prior, parameters_of

Array = NDArray[np.float64]

# Local density of the reference's dots is counted in rings that leave out the partner itself:
# the outer one sees clumps, the inner one a pattern that both sets follow loosely.
_RINGS_PX = ((1.5, 5.0), (5.0, 25.0))
_MATCHED_SHARES = np.array([0.1, 0.3, 0.5, 0.7, 0.9])
# Residuals: mostly as their errors say, some as if these were too small.
_TAILS = ((0.8, 1.0), (0.2, 3.0))


def chance_probability(
    transform: Transform, pairs: Pairs, moving: Points, fixed: Points, prior: Prior | None
) -> float:
    """Return an upper bound for the probability of such an agreement between unrelated dots.

    The Bayes factor of "a share of the dots are the reference's, under a transform from the prior"
    against "none is" exceeds 1/p with a probability of at most p if none is (Markov's inequality;
    Shafer et al., Stat. Sci. 26, 84, 2011, doi:10.1214/10-STS347). The prior spreads over all that
    was searched, which is thereby accounted for. The integral over transforms is Laplace's, around
    this one alone; what others would add is left out, which makes the bound larger.

    Parameters
    ----------
    transform : Transform
        With the covariance of its parameters.
    pairs : Pairs
        One to one.
    moving, fixed : Points
    prior : Prior or None
        None for a transform that was given: nothing was searched.
    """
    mapped = transform.apply(moving.positions)
    edge = np.array([fixed.width, fixed.height]) - 0.5
    inside = np.all((mapped > -0.5) & (mapped < edge), axis=1)
    if not inside.any():
        return 1.0
    ratio = np.zeros(len(moving))
    ratio[pairs.moving] = _spot_density(pairs) / _density(mapped[inside], fixed)
    shares = _MATCHED_SHARES[:, np.newaxis]
    log_factors = np.log1p(shares * (ratio[inside] - 1.0)).sum(axis=1)
    highest = float(log_factors.max())
    log_bayes = highest + float(np.log(np.mean(np.exp(log_factors - highest))))
    if prior is not None:
        log_bayes += _log_occam(transform, prior)
    return float(np.exp(-max(log_bayes, 0.0)))


def _spot_density(pairs: Pairs) -> Array:
    """Probability density of each residual, for each square pixel."""
    distance_sq = np.sum(pairs.residuals**2, axis=1)
    density = np.zeros(len(distance_sq))
    for share, widening in _TAILS:
        variance = widening**2 * pairs.variance
        density += share * np.exp(-0.5 * distance_sq / variance) / (2 * np.pi * variance)
    return density


def _density(mapped: Array, fixed: Points) -> float:
    """Reference dots for each square pixel: in the frame, or more around the mapped dots."""
    densest = len(fixed) / (fixed.width * fixed.height)
    for radii in _RINGS_PX:
        inner, outer = (
            fixed.tree.query_ball_point(mapped, radius, return_length=True) for radius in radii
        )
        ring = np.pi * (radii[1] ** 2 - radii[0] ** 2)
        densest = max(densest, float(np.mean(outer - inner)) / ring)
    return densest


def _log_occam(transform: Transform, prior: Prior) -> float:
    """Logarithm of the share of the prior that fits as well as this transform."""
    parameters = parameters_of(transform)
    _, log_volume = np.linalg.slogdet(transform.covariance)
    n = len(parameters)
    return float(prior.log_density(parameters) + 0.5 * n * np.log(2 * np.pi) + 0.5 * log_volume)
