"""Distributions of dwell times by likelihood: exponential, power law, and power law with a cutoff.

Dwells shorter than the shortest that is seen are missing (left truncation); the one that the end of
the measurement cut short lasted for at least as long (right censoring). All three laws are cases of
t^-a exp(-t / c) from some shortest dwell on: a = 0 is the exponential, c without end the power law.

A law need not hold down to the shortest dwell that is seen. It is fitted from there on, and if it
does not fit, from a longer dwell on (as Clauset, Shalizi and Newman, SIAM Rev. 51, 661, 2009,
choose the range of a power law).
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
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_PANELS = 12
# Relative to the shortest dwell: where exp(-x c) has vanished, and the longest cutoff of interest.
_VANISHED = 40.0
_LONGEST_OVER_LAST = 1e3
# Shares of the dwells that may be left out at the short end, and the distance, times the root of
# their number, up to which a law fits them: some 80 % of samples of the law itself come closer.
_LEFT_OUT = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
_CLOSE = 0.9
_MOST_COMPARED = 500


class _Sample(NamedTuple):
    """Dwells relative to the shortest of them."""

    complete: Array
    censored: Array
    sum_complete: float
    sum_log: float

    @property
    def longest(self) -> float:
        return float(np.concatenate([self.complete, self.censored]).max())


class _Fitted(NamedTuple):
    law: DwellLaw
    exponent: float
    decay: float
    gain: float


def fit_dwells(
    complete_s: Array, last_s: float | None, *, shortest_s: float, least_dwells: int
) -> DwellFit | Refusal:
    """Fit the three laws, and return the one with the best Bayesian information criterion.

    Parameters
    ----------
    complete_s : ndarray
        Dwells whose beginning and end were seen.
    last_s : float or None
        Of one whose beginning was seen.
    shortest_s : float
        Dwells below it are left out, and as many more as the fit needs.
    least_dwells : int
        Complete ones without which the fit is refused.
    """
    complete = np.sort(complete_s[complete_s >= shortest_s])
    if complete.size < least_dwells:
        return Refusal(
            f"found {complete.size} complete dwells of {shortest_s:.2g} s or longer, expected at "
            f"least {least_dwells} for their distribution; measure longer"
        )
    n_left = [round(share * complete.size) for share in _LEFT_OUT]
    longer = [float(complete[n]) for n in n_left if complete.size - n >= least_dwells]
    best: tuple[float, float, _Sample, _Fitted] | None = None
    for above_s in (shortest_s, *longer):
        sample = _sample(complete, last_s, above_s)
        fitted = _likeliest(sample)
        distance = _distance(sample, fitted)
        if best is None or distance < best[0]:
            best = (distance, above_s, sample, fitted)
        if distance < _CLOSE:
            break
    assert best is not None  # noqa: S101  the shortest is always tried
    return _described(*best)


def _sample(complete_s: Array, last_s: float | None, above_s: float) -> _Sample:
    complete = complete_s[complete_s >= above_s] / above_s
    censored = np.array([] if last_s is None or last_s < above_s else [last_s / above_s])
    return _Sample(complete, censored, float(complete.sum()), float(np.log(complete).sum()))


def _likeliest(sample: _Sample) -> _Fitted:
    n = sample.complete.size
    mean = max((sample.sum_complete - n + float(np.sum(sample.censored - 1))) / n, 1e-9)
    exponential = _log_likelihood(sample, 0.0, 1 / mean)
    power, power_value = _power_law(sample)
    exponent, decay, truncated_value = _truncated(sample, (power, 1 / mean))
    penalty = math.log(n + sample.censored.size)
    gain = 2 * (truncated_value - exponential)
    criteria = {
        _Fitted("exponential", 0.0, 1 / mean, gain): 2 * exponential - penalty,
        _Fitted("power law", power, 0.0, gain): 2 * power_value - penalty,
        _Fitted("truncated power law", exponent, decay, gain): 2 * truncated_value - 2 * penalty,
    }
    return max(criteria, key=lambda each: criteria[each])


def _described(distance: float, above_s: float, sample: _Sample, fitted: _Fitted) -> DwellFit:
    n = sample.complete.size
    law, exponent, decay, gain = fitted
    exponent_err = cutoff_s = cutoff_err_s = math.nan
    if law == "exponential":
        exponent, cutoff_s = math.nan, above_s / decay
        cutoff_err_s = cutoff_s / math.sqrt(n)
    elif law == "power law":
        exponent_err = _curvature_err(lambda a: _log_likelihood(sample, a, 0.0), exponent)
    else:
        exponent_err, decay_err = _errors(sample, exponent, decay)
        cutoff_s = above_s / decay
        cutoff_err_s = cutoff_s * decay_err
    return DwellFit(law, exponent, exponent_err, cutoff_s, cutoff_err_s, above_s, gain, distance, n)


def _distance(sample: _Sample, fitted: _Fitted) -> float:
    """Return the largest distance of the distributions, times the root of the dwells' number.

    The one that was cut short is left out.
    """
    n = sample.complete.size
    rank = np.unique(np.linspace(0, n - 1, min(n, _MOST_COMPARED)).astype(np.int64))
    lower = np.concatenate([[1.0], sample.complete[rank]])
    log_survival = log_survival_integrals(lower, fitted.exponent, fitted.decay)
    expected = -np.expm1(log_survival[1:] - log_survival[0])
    above = np.abs((rank + 1) / n - expected).max()
    below = np.abs(expected - rank / n).max()
    return float(max(above, below)) * math.sqrt(n)


def _log_likelihood(sample: _Sample, exponent: float, decay: float) -> float:
    n = sample.complete.size + sample.censored.size
    integrals = log_survival_integrals(np.concatenate([[1.0], sample.censored]), exponent, decay)
    value = -exponent * sample.sum_log - decay * sample.sum_complete - n * integrals[0]
    return float(value + integrals[1:].sum())


def log_survival_integrals(lower: Array, exponent: float, decay: float) -> Array:
    """Return the logarithm of the integral of x^-exponent exp(-decay x) from each `lower` on."""
    if decay <= 0.0:
        if exponent <= 1.0:
            return np.full(lower.size, math.inf)
        return np.asarray((1 - exponent) * np.log(lower) - math.log(exponent - 1))
    # In u = log(x / lower), up to where the exponential has vanished.
    fall = (decay * lower)[:, np.newaxis, np.newaxis]
    half = np.log1p(_VANISHED / fall) / (2 * _PANELS)
    u = half * (2 * np.arange(_PANELS)[:, np.newaxis] + 1 + _NODES)
    # exp(-decay lower) is taken out, so that nothing underflows.
    inside = np.exp((1 - exponent) * u - fall * np.expm1(u))
    total = np.sum(half * _WEIGHTS * inside, axis=(1, 2))
    return np.asarray(np.log(total) + (1 - exponent) * np.log(lower) - decay * lower)


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
            method="Nelder-Mead",
            bounds=bounds,
            options={"xatol": 1e-5, "fatol": 1e-7},
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
