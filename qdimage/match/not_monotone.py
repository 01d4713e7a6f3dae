"""Dots that are lit at a voltage and dark at a higher one, and how many noise alone makes."""

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qdimage.domain.voltage_series import DotSeries, NotMonotone

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Standard deviations from F_min beyond which a dot is surely lit or surely dark.
_SURE = 1.96


def surely_lit(flux_s: Array, err_s: Array, f_min_s: float) -> Mask:
    """Whether a flux is above F_min by more than its error explains."""
    return np.asarray(flux_s - f_min_s > _SURE * err_s)


def surely_dark(flux_s: Array, err_s: Array, f_min_s: float) -> Mask:
    """Whether a flux is below F_min by more than its error explains."""
    return np.asarray(f_min_s - flux_s > _SURE * err_s)


def not_monotone(series: DotSeries, f_min_s: float) -> NotMonotone:
    """Count the dots that are surely dark above a voltage at which they are surely lit.

    What noise alone makes is the sum of each dot's probability, if its true fluxes were the
    never-falling ones nearest to those measured.
    """
    lit = surely_lit(series.flux_s, series.err_s, f_min_s)
    dark = surely_dark(series.flux_s, series.err_s, f_min_s)
    lit_before = np.logical_or.accumulate(lit, axis=1)
    n = int(np.any(dark & lit_before, axis=1).sum())
    known = series.known
    err = np.where(known, series.err_s, 1.0)
    true = _never_falling(np.where(known, series.flux_s, 0.0), np.where(known, err**-2, 0.0))
    distance = (true - f_min_s) / err
    p_lit = np.where(known, ndtr(distance - _SURE), 0.0)
    p_dark = np.where(known, ndtr(-distance - _SURE), 0.0)
    return NotMonotone(n, float(_probability_dark_after_lit(p_lit, p_dark).sum()))


def _probability_dark_after_lit(p_lit: Array, p_dark: Array) -> Array:
    unlit, lit = np.ones(len(p_lit)), np.zeros(len(p_lit))
    for j in range(p_lit.shape[1]):
        unlit, lit = unlit * (1 - p_lit[:, j]), lit * (1 - p_dark[:, j]) + unlit * p_lit[:, j]
    return np.asarray(1.0 - unlit - lit)


@numba.njit(cache=True)
def _never_falling(values: Array, weights: Array) -> Array:
    """Isotonic regression of each row; what has no weight follows its neighbours."""
    n, m = values.shape
    result = np.empty((n, m))
    mean, weight, size = np.empty(m), np.empty(m), np.empty(m, np.int64)
    for k in range(n):
        blocks = 0
        for j in range(m):
            mean[blocks], weight[blocks], size[blocks] = values[k, j], weights[k, j], 1
            blocks += 1
            while blocks > 1 and (
                mean[blocks - 1] <= mean[blocks - 2]
                or weight[blocks - 1] == 0.0
                or weight[blocks - 2] == 0.0
            ):
                total = weight[blocks - 1] + weight[blocks - 2]
                if total > 0.0:
                    mean[blocks - 2] = (
                        weight[blocks - 1] * mean[blocks - 1]
                        + weight[blocks - 2] * mean[blocks - 2]
                    ) / total
                weight[blocks - 2] = total
                size[blocks - 2] += size[blocks - 1]
                blocks -= 1
        j = 0
        for b in range(blocks):
            for _ in range(size[b]):
                result[k, j] = mean[b]
                j += 1
    return result
