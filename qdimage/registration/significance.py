"""Could unrelated dots agree as well, somewhere in all that was searched?"""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.registration.points import Pairs, Points
from qdimage.registration.prior import Prior, parameters_of

Array = NDArray[np.float64]

# Local density of the reference's dots is counted in rings that leave out the partner itself:
# the outer one sees clumps, the inner ones a pattern that both sets follow loosely. The innermost
# counts by how much it exceeds its own fluctuation: a blend or two of a true field are no pattern.
_RINGS_PX = ((0.75, 2.5), (1.5, 5.0), (5.0, 25.0))
_FLUCTUATIONS = (2.0, 0.0, 0.0)
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
    ratio[pairs.moving] = _spot_density(pairs) / _density(mapped[inside], pairs, fixed)
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


def _density(mapped: Array, pairs: Pairs, fixed: Points) -> float:
    """Reference dots for each square pixel: in the frame, or more around the mapped dots."""
    densest = len(fixed) / (fixed.width * fixed.height)
    apart = np.hypot(pairs.residuals[:, 0], pairs.residuals[:, 1])
    for (near, far), sigmas in zip(_RINGS_PX, _FLUCTUATIONS, strict=True):
        within = [
            float(np.sum(fixed.tree.query_ball_point(mapped, radius, return_length=True)))
            for radius in (near, far)
        ]
        n_others = within[1] - within[0] - float(np.sum((apart > near) & (apart <= far)))
        n_others -= sigmas * float(np.sqrt(max(n_others, 0.0)))
        densest = max(densest, n_others / (len(mapped) * np.pi * (far**2 - near**2)))
    return densest


def _log_occam(transform: Transform, prior: Prior) -> float:
    """Logarithm of the share of the prior that fits as well as this transform."""
    parameters = parameters_of(transform)
    _, log_volume = np.linalg.slogdet(transform.covariance)
    n = len(parameters)
    return float(prior.log_density(parameters) + 0.5 * n * np.log(2 * np.pi) + 0.5 * log_volume)
