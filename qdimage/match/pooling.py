"""The fraction of several fields together, where fields may differ.

The logits of the fields' fractions are taken as normally distributed: a field in which all dots
turn on at a voltage higher by so much is one whose logit is lower by so much, at every voltage.
The likelihood of the mean fraction is integrated over the spread of the fields, since with two or
three fields the most likely spread is too often 0 and a profile interval too short; spreads are
weighed by a half-normal of 1 logit, a factor of e in the odds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2
from scipy.stats import t as student

from qdimage.domain.fraction_pool import PooledFraction
from qdimage.domain.turn_on import TurnOn
from qdimage.match.binomial_normal import field_log_likelihoods
from qdimage.match.count_interval import count_deviance, fraction_interval
from qdimage.match.profiles import crossings, vertex

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite.hermgauss(31)
_PRIOR_SIGMA = 1.0
_SIGMAS = 3.0 * np.linspace(0.0, 1.0, 21) ** 1.5
_N_MEANS, _ROUNDS = 31, 3
# Of the angle whose squared sine is the mean.
_BORDER = 0.02
_NEAR = 16.0
_ONWARD = 8.0
# Square of the logistic distribution's scale against the normal one's, which makes the mean of
# logistic values nearly that of one at a shrunken logit (Zeger, Liang and Albert, Biometrics 44,
# 1049, 1988).
_SHRINK = (16.0 * np.sqrt(3.0) / (15.0 * np.pi)) ** 2


def pool(parts: Sequence[TurnOn], *, confidence: float) -> tuple[TurnOn, PooledFraction]:
    """Pool the fields of a device: the sums of their counts, and the mean of their fractions.

    Parameters
    ----------
    parts : sequence of TurnOn
        One for each field.
    confidence : float
    """
    filled = [part for part in parts if part.n_pl]
    n_pl = sum(part.n_pl for part in parts)
    counts = [
        effective_counts(part.n_pl, part.fraction, part.low, part.high, confidence)
        for part in filled
    ]
    lit, n = np.array(counts).reshape(-1, 2).T
    pooled = pool_fractions(lit, n, confidence=confidence)
    if len(filled) == 1:
        pooled = replace(
            pooled, fraction=filled[0].fraction, low=filled[0].low, high=filled[0].high
        )

    def mean(values: Iterable[float]) -> float:
        total = sum(value * part.n_pl for value, part in zip(values, filled, strict=True))
        return total / n_pl if n_pl else float("nan")

    whole = TurnOn(
        n_pl,
        sum(part.n_lit for part in parts),
        sum(part.n_el_only for part in parts),
        sum(part.n_edge for part in parts),
        sum(part.n_outside for part in parts),
        sum(part.n_unresolved for part in parts),
        mean(part.chance_share for part in filled) if n_pl else 0.0,
        pooled.fraction,
        pooled.low,
        pooled.high,
        float(np.fmax(mean(part.extrapolated for part in filled), pooled.fraction)),
        sum(part.n_rejected for part in parts),
        sum(part.n_faint for part in parts),
        mean(part.blend_share for part in filled),
    )
    return whole, pooled


def effective_counts(
    n: int, fraction: float, low: float, high: float, confidence: float
) -> tuple[float, float]:
    """Return as many lit dots and dots as would give a fraction its interval by counting alone.

    Never more than there are.
    """
    _, counted_low, counted_high = fraction_interval(fraction * n, n, confidence)
    worth = float(n)
    if high - low > counted_high - counted_low:
        worth *= ((counted_high - counted_low) / (high - low)) ** 2
    return fraction * worth, worth


def pool_fractions(lit: Array, n: Array, *, confidence: float) -> PooledFraction:
    """Return the mean fraction of fields and how much they differ.

    Parameters
    ----------
    lit, n : ndarray, shape (n fields,)
        Lit dots and dots of each field, above 0; need not be whole numbers.
    confidence : float
    """
    nan = float("nan")
    total_lit, total = float(lit.sum()), float(n.sum())
    alone = fraction_interval(total_lit, total, confidence)
    if len(n) < 2:
        return PooledFraction(*alone, len(n), nan, nan, nan, 1.0)
    surface = _surface(lit, n)
    integrated = _log_sum(surface.log_likelihood + np.log(_weights()), axis=1)
    deviance = 2.0 * (integrated.max() - integrated)
    level = _level(surface, n, confidence)
    means = np.sin(surface.angles) ** 2
    # As for a single field, where none or all of the dots are lit.
    low_level, high_level = (
        level + max(count_deviance(total, total_lit / total, end) - _chi2(confidence), 0.0)
        for end in alone[1:]
    )
    low, high = crossings(means, deviance, low_level, high_level)
    fraction = float(means[deviance.argmin()])
    if total_lit <= 0:
        fraction = low = 0.0
    if total_lit >= total:
        fraction = high = 1.0
    low, high = min(low, alone[1]), max(high, alone[2])
    excess = max(((high - low) / (alone[2] - alone[1])) ** 2, 1.0)
    return PooledFraction(
        fraction, low, high, len(n), *_between(surface, fraction, confidence), excess
    )


@dataclass(frozen=True)
class _Surface:
    """The likelihood at angles (whose squared sine is the mean fraction) and at `_SIGMAS`."""

    angles: Array
    log_likelihood: Array


def _surface(lit: Array, n: Array) -> _Surface:
    angles = np.linspace(_BORDER, np.pi / 2 - _BORDER, _N_MEANS)
    for last in range(_ROUNDS):
        log_likelihood = _on_grid(lit, n, angles)
        if last == _ROUNDS - 1:
            break
        best = log_likelihood.max(axis=1)
        near = np.flatnonzero(best >= best.max() - 0.5 * _NEAR)
        first, end = max(near[0] - 1, 0), min(near[-1] + 1, _N_MEANS - 1)
        # At the border of the grid, one step on towards none or all lit.
        below = angles[first] if near[0] else angles[0] / _ONWARD
        above = (
            angles[end]
            if near[-1] < _N_MEANS - 1
            else np.pi / 2 - (np.pi / 2 - angles[-1]) / _ONWARD
        )
        angles = np.linspace(below, above, _N_MEANS)
    return _Surface(angles, log_likelihood)


def _on_grid(lit: Array, n: Array, angles: Array) -> Array:
    """Log-likelihood at each angle and spread; the logit that gives a mean is interpolated."""
    sigma = np.broadcast_to(_SIGMAS, (len(angles), len(_SIGMAS)))
    centre = logit(np.sin(angles) ** 2)[:, None] * np.sqrt(1.0 + _SHRINK * sigma**2)
    fields = field_log_likelihoods(lit, n, centre.ravel(), sigma.ravel())
    at_centre = fields.sum(axis=1).reshape(centre.shape)
    means, _ = fraction_moments(centre, sigma)
    reached = np.arcsin(np.sqrt(means))
    return np.column_stack(
        [np.interp(angles, reached[:, k], at_centre[:, k]) for k in range(len(_SIGMAS))]
    )


def fraction_moments(centre: Array, sigma: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of fractions whose logits are normally distributed."""
    values = expit(centre[..., None] + np.sqrt(2.0) * sigma[..., None] * _NODES)
    weights = _WEIGHTS / np.sqrt(np.pi)
    mean = values @ weights
    variance = (values - mean[..., None]) ** 2 @ weights
    return np.asarray(mean), np.where(sigma > 0, np.sqrt(variance), 0.0)


def _weights() -> Array:
    weights = np.gradient(_SIGMAS) * np.exp(-0.5 * (_SIGMAS / _PRIOR_SIGMA) ** 2)
    return np.asarray(weights / weights.sum())


def _level(surface: _Surface, n: Array, confidence: float) -> float:
    """Level of the deviance: between that of counting and Student's, as the fields differ.

    With Student's the integrated likelihood of a normal mean has its exact interval.
    """
    fields = len(n)
    quantile = float(student.ppf(0.5 + 0.5 * confidence, fields - 1))
    few = (fields - 1) * np.log1p(quantile**2 / (fields - 1))
    posterior = np.exp(surface.log_likelihood - surface.log_likelihood.max()) @ np.diag(_weights())
    at = int(posterior.sum(axis=1).argmax())
    mean = np.sin(surface.angles[at]) ** 2
    counting = 1.0 / (n.mean() * mean * (1.0 - mean))
    of_spread = posterior.sum(axis=0) / posterior.sum()
    share = float((of_spread * _SIGMAS**2 / (_SIGMAS**2 + counting)).sum())
    return _chi2(confidence) + share * max(float(few) - _chi2(confidence), 0.0)


def _between(surface: _Surface, fraction: float, confidence: float) -> tuple[float, float, float]:
    """Standard deviation of the fields' fractions: most likely, and its interval.

    NaN where none or all are lit: any spread of logits then fits.
    """
    if not 0.0 < fraction < 1.0:
        return float("nan"), float("nan"), float("nan")
    marginal = _log_sum(surface.log_likelihood, axis=0)
    deviance = 2.0 * (marginal.max() - marginal)
    low, high = crossings(_SIGMAS, deviance, _chi2(confidence), _chi2(confidence))
    best = vertex(_SIGMAS, deviance)
    sigma = np.array([best, low, high])
    centre = logit(fraction) * np.sqrt(1.0 + _SHRINK * sigma**2)
    _, spread = fraction_moments(centre, sigma)
    return float(spread[0]), float(spread[1]), float(spread[2])


def _chi2(confidence: float) -> float:
    return float(chi2.ppf(confidence, 1))


def _log_sum(values: Array, axis: int) -> Array:
    largest = values.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - largest).sum(axis=axis)) + largest.squeeze(axis))
