"""The share of lit dots at all voltages together, each dot lit from its own voltage on.

The turn-on voltages of dots are known as intervals between measured voltages, and their
distribution is left free (Turnbull, J. R. Stat. Soc. B 38, 290, 1976,
doi:10.1111/j.2517-6161.1976.tb01597.x), with the likelihood of each flux in the place of a lit or
dark that would be certain. So the shares never fall with voltage, and a dot that is too close to
F_min at one voltage is helped by the others. Dots blink: with a probability that all of them share,
a dot is dark in a stack above its turn-on voltage, so that one dark stack does not make a bright
dot's turn-on voltage a high one.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qdimage.domain.voltage_series import DotSeries, MonotoneFraction
from qdimage.match.count_interval import count_deviance, fraction_interval
from qdimage.match.series_kernels import class_likelihoods, fit_shares, lapse_counts

Array = NDArray[np.float64]

_TOLERANCE = 1e-6
_FIRST_LAPSE, _MOST_LAPSE = 0.02, 0.5
_LAPSE_STEPS, _LAPSE_TOLERANCE = 60, 1e-4
# Classes less likely than this do not matter beside the likeliest; dots then share rows.
_DECIMALS = 7
_END_TOLERANCE = 1e-5
# Shares closer to 0 or 1 are what steps of the maximization leave.
_NONE = 1e-6
# Below, a deviance is within what they leave.
_LEAST_LEVEL = 1e-3


@dataclass(frozen=True)
class ClassEvidence:
    """Likelihoods of the turn-on classes of dots; equal rows stand once.

    Attributes
    ----------
    likelihoods : ndarray, shape (rows, n voltages + 1)
        Last column: never lit.
    weights : ndarray, shape (rows,)
        Dots of each row.
    lapse : float
    shares : ndarray, shape (n voltages + 1,)
        Most likely share of dots in each class.
    log_likelihood : float
    """

    likelihoods: Array
    weights: Array
    lapse: float
    shares: Array
    log_likelihood: float


def class_evidence(series: DotSeries) -> ClassEvidence:
    """Return what a series says of turn-on voltages, its lapses estimated."""
    n_classes = len(series.voltages_v) + 1
    chance = np.maximum.accumulate(np.clip(series.chance, 0.0, 1.0), axis=1)
    known = series.known
    # The odds of what is not known do not enter.
    odds = np.where(known, series.odds, 1.0)
    shares = np.full(n_classes, 1.0 / n_classes)
    # Of a single voltage no lapse can be told from a dark dot.
    lapse = _FIRST_LAPSE if n_classes > 2 else 0.0
    for _ in range(_LAPSE_STEPS):
        rows, weights = _distinct(class_likelihoods(odds, known, chance, lapse))
        shares, log_likelihood = fit_shares(
            rows, weights, np.maximum(shares, 1e-6), -1, 0.0, _TOLERANCE
        )
        lapses, lit = lapse_counts(odds, known, chance, lapse, shares)
        update = min(lapses / lit, _MOST_LAPSE) if lit > 0 else 0.0
        if abs(update - lapse) < _LAPSE_TOLERANCE:
            break
        lapse = update
    return ClassEvidence(rows, weights, lapse, shares, log_likelihood)


def _distinct(likelihoods: Array) -> tuple[Array, Array]:
    rows, counts = np.unique(np.round(likelihoods, _DECIMALS), axis=0, return_counts=True)
    return rows, counts.astype(float)


def monotone_fraction(
    series: DotSeries, evidence: ClassEvidence, *, confidence: float, excess: Array | None = None
) -> MonotoneFraction:
    """Return the never-falling share of lit dots, with profile-likelihood intervals.

    The likelihood is held against the level at which it gives, for dots that are surely lit or
    dark, the mid-P interval of `fraction_interval`.

    Parameters
    ----------
    series : DotSeries
        At least one dot counted at each voltage.
    evidence : ClassEvidence
        Of that series.
    confidence : float
    excess : ndarray, shape (n voltages,), optional
        Variance over that of independent dots, where fields differ.
    """
    visible = 1.0 - evidence.lapse
    fraction = np.clip(np.cumsum(evidence.shares)[:-1], 0.0, 1.0)
    fraction = np.where(fraction < _NONE, 0.0, np.where(fraction > 1.0 - _NONE, 1.0, fraction))
    n_known = series.known.sum(axis=0)
    factors = np.ones(len(fraction)) if excess is None else excess
    ends = [
        _interval(evidence, j, float(fraction[j]), n_known[j], float(factors[j]), confidence)
        for j in range(len(fraction))
    ]
    low, high = np.array(ends).reshape(-1, 2).T
    return MonotoneFraction(
        series.voltages_v,
        visible * fraction,
        visible * low,
        visible * high,
        evidence.lapse,
        evidence.log_likelihood,
    )


def _interval(
    evidence: ClassEvidence, at: int, fraction: float, n: int, excess: float, confidence: float
) -> tuple[float, float]:
    n_effective = n / excess
    _, low, high = fraction_interval(fraction * n_effective, n_effective, confidence)
    start = np.maximum(evidence.shares, 1e-6)

    def deviance(value: float) -> float:
        _, log_likelihood = fit_shares(
            evidence.likelihoods, evidence.weights, start, at, value, _TOLERANCE
        )
        return 2.0 * (evidence.log_likelihood - log_likelihood) / excess

    below = _end(deviance, fraction, 0.0, count_deviance(n_effective, fraction, low))
    above = _end(deviance, fraction, 1.0, count_deviance(n_effective, fraction, high))
    return below, above


def _end(deviance: Callable[[float], float], fraction: float, border: float, level: float) -> float:
    """Return where the deviance reaches a level between the fraction and a border."""
    level = max(level, _LEAST_LEVEL)
    if fraction == border or deviance(border) <= level:
        return border
    return float(brentq(lambda f: deviance(f) - level, fraction, border, xtol=_END_TOLERANCE))
