"""Mean and spread of a population, with the errors of measurement taken out.

The true values are taken as gamma distributed, which lives on [0, inf) and runs from a point to a
long tail; each dot enters with its whole likelihood, so that one that says little weighs little.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc
from scipy.stats import t as student

from qdimage.domain.population import G2Values, Spread
from qdimage.domain.refusal import Refusal
from qdimage.photons.population_likelihood import LEAST_DOTS, Grid, grid_of, likelihoods

Array = NDArray[np.float64]

_N_COARSE, _N_FINE = 16, 32
_WORTH_A_LOOK = 14.0
_LEAST_RELATIVE, _LARGEST_RELATIVE = 0.01, 3.0
_HIGHEST_SHAPE = 1e6


def spread_of(values: G2Values, *, confidence: float = 0.95) -> Spread | Refusal:
    """Return mean and standard deviation from dot to dot, with profile-likelihood intervals.

    The likelihood ratio is held against the one that makes a normal mean's interval Student's.

    Parameters
    ----------
    values : G2Values
        Each dot once.
    confidence : float
    """
    n = len(values)
    if n < LEAST_DOTS:
        return Refusal(
            f"found too few dots ({n}), expected at least {LEAST_DOTS} to speak of a spread; "
            "measure more"
        )
    grid = grid_of(values, max(float(np.median(values.high_95)), 1e-3))
    evidence = likelihoods(values, grid)
    level = n * np.log1p(student.ppf(0.5 + 0.5 * confidence, n - 1) ** 2 / (n - 1))
    highest = float(values.high_95.max())
    means = np.geomspace(highest * 1e-3, highest, _N_COARSE)
    relative = np.geomspace(_LEAST_RELATIVE, _LARGEST_RELATIVE, _N_COARSE)
    for _ in range(2):
        deviance = _deviance(evidence, grid, means, relative)
        near = deviance <= deviance.min() + _WORTH_A_LOOK
        means = _closer(means, near.any(axis=1))
        relative = _closer(relative, near.any(axis=0))
    deviance = _deviance(evidence, grid, means, relative)
    deviance -= deviance.min()
    best = np.unravel_index(int(deviance.argmin()), deviance.shape)
    mean, spread = means[best[0]], means[best[0]] * relative[best[1]]
    inside = deviance <= level
    possible_means = means[inside.any(axis=1)]
    possible_spreads = (means[:, None] * relative)[inside]
    # At the least relative spread there may as well be none.
    none = bool(inside[:, relative <= 1.001 * _LEAST_RELATIVE].any())
    return Spread(
        float(mean),
        float(possible_means[0]),
        float(possible_means[-1]),
        0.0 if relative[best[1]] <= 1.001 * _LEAST_RELATIVE else float(spread),
        0.0 if none else float(possible_spreads.min()),
        float(possible_spreads.max()),
    )


def _deviance(evidence: Array, grid: Grid, means: Array, relative: Array) -> Array:
    """Return -2 ln L, shape (means, relative spreads)."""
    shape = np.minimum(1.0 / relative**2, _HIGHEST_SHAPE)[None, :, None]
    scaled = shape * grid.edges / means[:, None, None]
    population = np.diff(gammainc(shape, scaled), axis=2)
    seen = np.maximum(population @ evidence.T, 1e-300)
    return np.asarray(-2.0 * np.log(seen).sum(axis=2))


def _closer(values: Array, near: NDArray[np.bool_]) -> Array:
    """Return more of the places around those that are near the best, one beyond on each side."""
    at = np.flatnonzero(near)
    first, last = max(at[0] - 1, 0), min(at[-1] + 1, len(values) - 1)
    return np.geomspace(values[first], values[last], _N_FINE)
