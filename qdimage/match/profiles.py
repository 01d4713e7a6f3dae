"""Where a likelihood that was computed at places crosses the level of an interval."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.turn_on_curve import Estimate

Array = NDArray[np.float64]

# Places that differ by less in deviance are equally good.
_EQUAL = 0.02


def profiled(values: Array, deviance: Array, level: float) -> Estimate:
    """Return the best value, and the ends of what is possible.

    Of a value that stands at several places, the best one counts. An interval that is not closed
    ends at the first or last place.

    Parameters
    ----------
    values : ndarray, shape (p,)
    deviance : ndarray, shape (p,)
        Twice the loss of log-likelihood, 0 at the best place.
    level : float
    """
    axis, where = np.unique(values, return_inverse=True)
    profile = np.full(len(axis), np.inf)
    np.minimum.at(profile, where, deviance)
    flat = axis[profile <= profile.min() + _EQUAL]
    low, high = crossings(axis, profile, level, level)
    return Estimate(float(0.5 * (flat[0] + flat[-1])), low, high)


def crossings(
    axis: Array, profile: Array, level_low: float, level_high: float
) -> tuple[float, float]:
    """Return where a profile passes a level below its lowest place, and one above it."""
    best = int(profile.argmin())
    at_low = np.flatnonzero(profile[: best + 1] <= max(level_low, profile[best]))
    at_high = best + np.flatnonzero(profile[best:] <= max(level_high, profile[best]))
    return (
        _crossing(axis, profile, int(at_low[0]), -1, level_low),
        _crossing(axis, profile, int(at_high[-1]), 1, level_high),
    )


def vertex(axis: Array, profile: Array) -> float:
    """Return the lowest place of the parabola through the three lowest places."""
    at = int(profile.argmin())
    if not 0 < at < len(axis) - 1:
        return float(axis[at])
    near = slice(at - 1, at + 2)
    curve = np.polynomial.Polynomial.fit(axis[near], profile[near], 2)
    return float(curve.deriv().roots()[0])


def _crossing(axis: Array, profile: Array, inside: int, step: int, level: float) -> float:
    """Between two places, the root of the deviance runs straight."""
    outside = inside + step
    if not 0 <= outside < len(axis) or not np.isfinite(profile[outside]):
        return float(axis[inside])
    a, b, root = np.sqrt([max(profile[inside], 0.0), profile[outside], max(level, 0.0)])
    part = (root - a) / (b - a) if b > a else 0.0
    return float(axis[inside] + part * (axis[outside] - axis[inside]))
