"""Distributions of dwell times by likelihood: exponential, power law, and power law with a cutoff.

Dwells shorter than the shortest that is seen are missing (left truncation); the one that the end of
the measurement cut short lasted for at least as long (right censoring). All three laws are cases of
t^-a exp(-t / c) above the shortest dwell: a = 0 is the exponential, c without end the power law.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from qdimage.domain.refusal import Refusal
from qdimage.domain.trace import DwellFit, DwellLaw

Array = NDArray[np.float64]

_LARGEST_EXPONENT = 6.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_PANELS = 24
# Relative to the shortest dwell: where exp(-x c) has vanished, and the longest cutoff of interest.
_VANISHED = 40.0
_LONGEST_OVER_LAST = 1e3


class _Sample(NamedTuple):
    """Dwells relative to the shortest that is seen."""

    complete: Array
    censored: Array

    @property
    def longest(self) -> float:
        return float(np.concatenate([self.complete, self.censored]).max())


def fit_dwells(
    complete_s: Array, last_s: float | None, *, shortest_s: float, least_dwells: int
) -> DwellFit | Refusal:
    """Fit the three laws, and return the one with the best Bayesian information criterion.

    Parameters
    ----------
    complete_s : ndarray
        Dwells whose beginning and end were seen; those below `shortest_s` are left out.
    last_s : float or None
        Of one whose beginning was seen.
    shortest_s : float
    least_dwells : int
        Complete ones without which the fit is refused.
    """
    complete = complete_s[complete_s >= shortest_s] / shortest_s
    if complete.size < least_dwells:
        return Refusal(
            f"found {complete.size} complete dwells of {shortest_s:.2g} s or longer, expected at "
            f"least {least_dwells} for their distribution; measure longer"
        )
    seen_last = last_s is not None and last_s >= shortest_s
    censored = np.array([last_s / shortest_s] if last_s is not None and seen_last else [])
    sample = _Sample(complete, censored)
    mean = float(np.sum(complete - 1) + np.sum(censored - 1)) / complete.size
    mean = max(mean, 1e-9)
    exponential = _log_likelihood(sample, 0.0, 1 / mean)
    power, power_value = _power_law(sample)
    exponent, decay, truncated_value = _truncated(sample, (power, 1 / mean))
    penalty = math.log(complete.size + censored.size)
    laws: dict[DwellLaw, float] = {
        "exponential": 2 * exponential - penalty,
        "power law": 2 * power_value - penalty,
        "truncated power law": 2 * truncated_value - 2 * penalty,
    }
    law = max(laws, key=lambda each: laws[each])
    gain = 2 * (truncated_value - exponential)
    n = complete.size
    if law == "exponential":
        cutoff = mean * shortest_s
        return DwellFit(law, math.nan, math.nan, cutoff, cutoff / math.sqrt(n), gain, n)
    if law == "power law":
        err = _curvature_err(lambda a: _log_likelihood(sample, a, 0.0), power)
        return DwellFit(law, power, err, math.nan, math.nan, gain, n)
    exponent_err, decay_err = _errors(sample, exponent, decay)
    cutoff = shortest_s / decay
    return DwellFit(law, exponent, exponent_err, cutoff, cutoff * decay_err, gain, n)


def _log_likelihood(sample: _Sample, exponent: float, decay: float) -> float:
    complete, censored = sample
    whole = log_survival_integral(1.0, exponent, decay)
    value = -exponent * float(np.log(complete).sum()) - decay * float(complete.sum())
    value -= (complete.size + censored.size) * whole
    return value + sum(log_survival_integral(float(x), exponent, decay) for x in censored)


def log_survival_integral(lower: float, exponent: float, decay: float) -> float:
    """Return the logarithm of the integral of x^-exponent exp(-decay x) from `lower` on."""
    if decay <= 0.0:
        if exponent <= 1.0:
            return math.inf
        return (1 - exponent) * math.log(lower) - math.log(exponent - 1)
    # In u = log(x / lower), up to where the exponential has vanished.
    end = math.log1p(_VANISHED / (decay * lower))
    edges = np.linspace(0.0, end, _PANELS + 1)
    half = np.diff(edges)[:, np.newaxis] / 2
    u = edges[:-1, np.newaxis] + half * (1 + _NODES)
    # exp(-decay lower) is taken out, so that nothing underflows.
    inside = np.exp((1 - exponent) * u - decay * lower * np.expm1(u))
    total = float(np.sum(half * _WEIGHTS * inside))
    return math.log(total) + (1 - exponent) * math.log(lower) - decay * lower


def _power_law(sample: _Sample) -> tuple[float, float]:
    found = minimize_scalar(
        lambda a: -_log_likelihood(sample, a, 0.0),
        bounds=(1.0 + 1e-6, _LARGEST_EXPONENT),
        method="bounded",
        options={"xatol": 1e-7},
    )
    return float(found.x), -float(found.fun)


def _truncated(sample: _Sample, start: tuple[float, float]) -> tuple[float, float, float]:
    """Return exponent, decay and log-likelihood of the power law with a cutoff."""
    least = 1 / (_LONGEST_OVER_LAST * sample.longest)
    bounds = ((0.0, _LARGEST_EXPONENT), (math.log(least), math.log(max(10 * start[1], 1.0))))
    best = None
    for exponent, decay in ((0.5, start[1]), (start[0], 1 / sample.longest)):
        found = minimize(
            lambda p: -_log_likelihood(sample, float(p[0]), math.exp(p[1])),
            np.array([exponent, min(max(math.log(decay), bounds[1][0]), bounds[1][1])]),
            method="L-BFGS-B",
            bounds=bounds,
        )
        if best is None or found.fun < best.fun:
            best = found
    assert best is not None  # noqa: S101  there are two starts
    return float(best.x[0]), math.exp(float(best.x[1])), -float(best.fun)


def _errors(sample: _Sample, exponent: float, decay: float) -> tuple[float, float]:
    """Return standard deviations of exponent and of log(decay), from the likelihood's curvature."""

    def value(a: float, b: float) -> float:
        return _log_likelihood(sample, a, math.exp(b))

    steps = (1e-3, 1e-3)
    centre = np.array([exponent, math.log(decay)])
    hessian = np.empty((2, 2))
    for i in range(2):
        for j in range(2):
            total = 0.0
            for sign_i in (-1, 1):
                for sign_j in (-1, 1):
                    moved = centre.copy()
                    moved[i] += sign_i * steps[i]
                    moved[j] += sign_j * steps[j]
                    total += sign_i * sign_j * value(float(moved[0]), float(moved[1]))
            hessian[i, j] = -total / (4 * steps[i] * steps[j])
    if np.linalg.det(hessian) <= 0 or hessian[0, 0] <= 0:
        return math.nan, math.nan
    variance = np.diag(np.linalg.inv(hessian))
    return math.sqrt(variance[0]), math.sqrt(variance[1])


def _curvature_err(value: Callable[[float], float], at: float) -> float:
    step = min(1e-3, (at - 1.0) / 2)
    curvature = -(value(at + step) - 2 * value(at) + value(at - step)) / step**2
    return 1 / math.sqrt(curvature) if curvature > 0 else math.nan
