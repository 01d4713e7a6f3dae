"""The g2(0) that PL does not go below, with its own error."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.population import G2Values, Limit
from qdimage.domain.refusal import Refusal
from qdimage.photons.population_likelihood import LEAST_DOTS
from qdimage.photons.population_share import Profile

Array = NDArray[np.float64]

_SIGMAS_OF_95 = 1.96
_LEAST_LIMIT = 1e-3


def given_limit(value: float, err: float, source: str) -> Limit:
    """Return a limit that is stated with its standard deviation."""
    reach = _SIGMAS_OF_95 * err
    return Limit(value, max(value - reach, min(_LEAST_LIMIT, value)), value + reach, source)


def yield_limit(
    biexciton_qy: float, exciton_qy: float, biexciton_qy_err: float, exciton_qy_err: float
) -> Limit:
    """Return g2(0) at weak excitation: the biexciton's quantum yield over the exciton's.

    Standard deviations add as relative ones, so that both ends stay above 0.
    """
    value = biexciton_qy / exciton_qy
    relative = math.hypot(biexciton_qy_err / biexciton_qy, exciton_qy_err / exciton_qy)
    factor = math.exp(_SIGMAS_OF_95 * relative)
    return Limit(value, value / factor, value * factor, "quantum yields of biexciton and exciton")


def smallest_limit(values: G2Values) -> Limit | Refusal:
    """Return the smallest true g2(0) among dots, freed from their errors.

    The smallest of noisy values is too small. Here it is the smallest of the true values, each
    known as well as its own interval and the other dots tell: the median of that, and its 95 %.

    Parameters
    ----------
    values : G2Values
        Of the PL dots, each once.
    """
    if len(values) < LEAST_DOTS:
        return Refusal(
            f"found too few PL dots ({len(values)}), expected at least {LEAST_DOTS} to see "
            "their end; measure more, or state population.limit_g2_0"
        )
    middle = max(float(np.median(values.value)), _LEAST_LIMIT)
    profile = Profile(values, Limit(middle, middle, middle, ""))
    cumulative = np.cumsum(profile.posteriors(), axis=1)
    none_below = np.prod(np.clip(1.0 - cumulative, 0.0, 1.0), axis=0)
    low, value, high = (
        max(float(np.interp(q, 1.0 - none_below, profile.grid.edges[1:])), _LEAST_LIMIT)
        for q in (0.025, 0.5, 0.975)
    )
    return Limit(value, low, high, f"smallest g2(0) of {len(values)} PL dots")
