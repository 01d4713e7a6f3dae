"""Count rates of a model beside those measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2, norm

from qdimage.domain.rate_fit import Brightness, Estimate

_SIGMAS_68 = 2.0


@dataclass(frozen=True)
class Counted:
    """What is known of one curve's brightness.

    Attributes
    ----------
    counts_s : float
        Of both detectors without dark counts.
    on_fraction : float
        Share of the time that the dot is on.
    efficiency : float
        Counts per emitted photon; NaN if not known.
    efficiency_err : float
        Relative.
    err : float
        Of the count rate, relative.
    """

    counts_s: float
    on_fraction: float
    efficiency: float
    efficiency_err: float
    err: float


def compared(
    counted: Sequence[Counted | None], intensities: Sequence[Estimate]
) -> list[Brightness | None]:
    """Compare measured rates with models that were fitted without them.

    Where no efficiency is known, one that is common to all curves is taken, from their mean; a
    single curve then gives the efficiency, and nothing to compare.
    """
    logs, variances = [], []
    for each, intensity in zip(counted, intensities, strict=True):
        if each is None:
            logs.append(math.nan)
            variances.append(math.nan)
            continue
        emitted = intensity.value * 1e6 * each.on_fraction
        spread = math.log(intensity.high_68 / intensity.low_68) / _SIGMAS_68
        logs.append(math.log(each.counts_s / emitted))
        variances.append(spread**2 + each.err**2)
    found: list[Brightness | None] = []
    for k, each in enumerate(counted):
        if each is None:
            found.append(None)
            continue
        predicted = intensities[k].value * 1e6 * each.on_fraction
        log_efficiency, tension = logs[k], math.nan
        if not math.isnan(each.efficiency):
            log_efficiency = math.log(each.efficiency)
            err = math.sqrt(variances[k] + each.efficiency_err**2)
            tension = (logs[k] - log_efficiency) / err
        elif (others := _mean_of_others(logs, variances, k)) is not None:
            log_efficiency, variance = others
            tension = (logs[k] - log_efficiency) / math.sqrt(variances[k] + variance)
        efficiency = math.exp(log_efficiency)
        found.append(
            Brightness(each.counts_s, predicted * efficiency, efficiency, each.on_fraction, tension)
        )
    return found


def _mean_of_others(
    logs: Sequence[float], variances: Sequence[float], k: int
) -> tuple[float, float] | None:
    """Mean logarithm of the efficiency of the other curves, and its variance."""
    known = [i for i in range(len(logs)) if i != k and not math.isnan(logs[i])]
    if not known:
        return None
    weights = np.array([1.0 / variances[i] for i in known])
    mean = float(weights @ np.array([logs[i] for i in known]) / weights.sum())
    return mean, float(1.0 / weights.sum())


def sigmas(deviance: float, dof: int) -> float:
    """Return the two-sided normal equivalent of a chi-square; NaN without degrees of freedom."""
    if dof < 1:
        return math.nan
    return float(norm.isf(chi2.sf(max(deviance, 0.0), dof) / 2.0))
