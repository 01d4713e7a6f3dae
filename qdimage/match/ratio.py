"""Ratios of two fluxes, and what those of several dots say together."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from qdimage.domain.refusal import Refusal

Measured = tuple[float, float]

_SIGMA_95 = 1.959964
# A flux has to stand so far above 0 that a ratio has ends on both sides, and a logarithm.
_LEAST_SIGMA = 3.0
_LEAST_DOTS = 3


@dataclass(frozen=True)
class Ratio:
    """A ratio with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class PooledRatio:
    """Geometric mean of the ratios of several dots.

    Attributes
    ----------
    ratio : Ratio
    spread : float
        Standard deviation of the logarithm from dot to dot, errors of measurement taken out.
    """

    ratio: Ratio
    spread: float


def ratio_of(above: Measured, below: Measured) -> Ratio | Refusal:
    """Return a ratio of two independent fluxes with Fieller's interval.

    It holds every ratio r for which above - r below is 0 within 1.96 of its standard deviations
    (Fieller, J. R. Stat. Soc. B 16, 175, 1954).

    Parameters
    ----------
    above, below : (float, float)
        Value and standard deviation.
    """
    (a, a_err), (b, b_err) = above, below
    for value, err in (above, below):
        if not value > _LEAST_SIGMA * err:
            return Refusal(
                f"found a flux of {value:.3g} +- {err:.2g} photons/s, expected one above "
                f"{_LEAST_SIGMA:g} sigma for a ratio"
            )
    z = _SIGMA_95**2
    # (a - r b)^2 = z (a_err^2 + r^2 b_err^2)
    half, lead, last = a * b, b**2 - z * b_err**2, a**2 - z * a_err**2
    root = math.sqrt(max(half**2 - lead * last, 0.0))
    return Ratio(a / b, (half - root) / lead, (half + root) / lead)


def pooled_ratio(dots: Sequence[Sequence[Measured]]) -> PooledRatio | Refusal:
    """Return the mean over dots of logarithms of ratios, which scatter from dot to dot as well.

    The files of a dot are averaged first, since they share its place and focus. The interval is
    that of Hartung and Knapp (Stat. Med. 20, 3875, 2001) on the moment estimate of the spread
    (DerSimonian and Laird, Control. Clin. Trials 7, 177, 1986).

    Parameters
    ----------
    dots : sequence of sequence of (float, float)
        For each dot its files' logarithms with standard deviations.
    """
    n = len(dots)
    if n < _LEAST_DOTS:
        return Refusal(f"found ratios of {n} dots, expected at least {_LEAST_DOTS} to pool them")
    means = [_mean(each) for each in dots]
    log = np.array([value for value, _ in means])
    variance = np.array([err**2 for _, err in means])
    weight = 1 / variance
    centre = np.average(log, weights=weight)
    q = float(np.sum(weight * (log - centre) ** 2))
    spare = weight.sum() - (weight**2).sum() / weight.sum()
    between = max((q - (n - 1)) / spare, 0.0)
    weight = 1 / (variance + between)
    centre = float(np.average(log, weights=weight))
    scatter = float(np.sum(weight * (log - centre) ** 2)) / (n - 1)
    err = math.sqrt(max(scatter, 1.0) / weight.sum())
    far = float(student.ppf(0.975, n - 1)) * err
    ratio = Ratio(math.exp(centre), math.exp(centre - far), math.exp(centre + far))
    return PooledRatio(ratio, math.sqrt(between))


def _mean(files: Sequence[Measured]) -> Measured:
    weight = np.array([1 / err**2 for _, err in files])
    value = float(np.average([value for value, _ in files], weights=weight))
    return value, float(1 / math.sqrt(weight.sum()))
