"""g2 at zero delay from a correlation curve under pulses."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import PulsedG2Zero
from qdimage.domain.refusal import Refusal
from qdimage.numerics.goodness import goodness
from qdimage.numerics.hull import hull
from qdimage.photons.pulsed_fit import (
    CENTRE,
    FLAT,
    G2_0,
    LIFETIME,
    N_PARAMETERS,
    PEAK,
    PeakData,
    deviance_and_scores,
    fit_peaks,
    peak_levels,
)

Array = NDArray[np.float64]

# One parameter of a regular likelihood: 68.3 and 95 % of chi-square.
LEVEL_68, LEVEL_95 = 1.0, 3.84

_FWHM = 2.0 * math.sqrt(2.0 * math.log(2.0))
_LEAST_SIGMA_BINS = 1e-3
_LEAST_COINCIDENCES = 100
_LEAST_PERIODS = 4.0
_LIFETIMES = (0.05, 0.15, 0.4)
_CENTRES = 16
_SHORTEST_BINS, _LONGEST_PERIODS = 0.1, 3.0
_LARGEST_G2_0 = 100.0
_NODES, _REACH_SIGMAS = 17, 3.0


def pulsed_g2_zero(
    curve: G2Curve, *, period_ns: float, response_fwhm_ns: float = 0.0, max_delay_ns: float = 10.0
) -> PulsedG2Zero | Refusal:
    """Return g2(0) as the area of the central peak relative to the others.

    Peaks are two-sided exponentials of one lifetime on a flat background; they may overlap, and
    the period need not be a whole number of bins.

    Parameters
    ----------
    curve : G2Curve
        Over several periods on both sides of zero delay.
    period_ns : float
        Between pulses.
    response_fwhm_ns : float
        Of the two detectors together.
    max_delay_ns : float
        Largest delay between the channels; less than half a period, or peaks are confused.
    """
    total, span = int(curve.counts.sum()), float(curve.edges_ns[-1] - curve.edges_ns[0])
    if total < _LEAST_COINCIDENCES:
        return Refusal(
            f"found {total} coincidences, expected at least {_LEAST_COINCIDENCES}; measure longer"
        )
    if span < _LEAST_PERIODS * period_ns or not curve.edges_ns[0] < 0 < curve.edges_ns[-1]:
        return Refusal(
            f"found delays from {curve.edges_ns[0]:g} to {curve.edges_ns[-1]:g} ns, expected "
            f"{_LEAST_PERIODS:g} periods of {period_ns:g} ns around zero; correlate further"
        )
    data = _data(curve, period_ns, response_fwhm_ns, min(max_delay_ns, period_ns / 2))
    theta = _best(data, total * period_ns / span)
    nodes, values = _profile(data, theta)
    (low_68, high_68), (low_95, high_95) = (
        hull(nodes, values, level) for level in (LEVEL_68, LEVEL_95)
    )
    levels = peak_levels(data, theta, np.empty((6, len(curve.counts))))
    deviance, dof, p_value = goodness(data.counts, levels, N_PARAMETERS)
    return PulsedG2Zero(
        value=float(theta[G2_0]),
        low_68=low_68,
        high_68=high_68,
        low_95=low_95,
        high_95=high_95,
        lifetime_ns=float(math.exp(theta[LIFETIME])),
        delay_ns=float(theta[CENTRE]),
        peak_coincidences=float(theta[PEAK]),
        flat_per_ns=float(theta[PEAK] * theta[FLAT] / period_ns),
        deviance=deviance,
        dof=dof,
        p_value=p_value,
        coincidences=total,
        model=levels,
    )


def _data(
    curve: G2Curve, period_ns: float, response_fwhm_ns: float, max_delay_ns: float
) -> PeakData:
    width = float(np.diff(curve.edges_ns).min())
    low = np.array(
        [1e-9, 0.0, math.log(_SHORTEST_BINS * width), -max_delay_ns, 0.0], dtype=np.float64
    )
    longest = math.log(_LONGEST_PERIODS * period_ns)
    high = np.array([math.inf, _LARGEST_G2_0, longest, max_delay_ns, math.inf])
    sigma = max(response_fwhm_ns / _FWHM, _LEAST_SIGMA_BINS * width)
    return PeakData(
        np.asarray(curve.edges_ns, np.float64),
        curve.counts.astype(np.float64),
        sigma,
        period_ns,
        low,
        high,
    )


def _best(data: PeakData, coincidences: float) -> Array:
    """The best of fits from several lifetimes, each at the centre that suits it best."""
    best, answer = math.inf, np.zeros(N_PARAMETERS)
    scratch = np.empty((6, len(data.counts))), np.empty((5, 5)), np.empty(5)
    for share in _LIFETIMES:
        log_lifetime = math.log(share * data.period_ns)
        starts = [
            np.array([coincidences, 0.5, log_lifetime, centre, 0.1])
            for centre in np.linspace(data.low[CENTRE], data.high[CENTRE], _CENTRES)
        ]
        theta = min(starts, key=lambda start: deviance_and_scores(data, start, *scratch))
        value = fit_peaks(data, theta, False)
        if value < best:
            best, answer = value, theta
    return answer


def _profile(data: PeakData, theta: Array) -> tuple[Array, Array]:
    """Deviance over g2(0), as far as both ends of the intervals."""
    matrix = np.empty((N_PARAMETERS, N_PARAMETERS))
    scratch = np.empty((6, len(data.counts)))
    best = deviance_and_scores(data, theta, scratch, matrix, np.empty(N_PARAMETERS))
    spread = math.sqrt(float(np.linalg.pinv(matrix)[G2_0, G2_0]))
    low = max(0.0, theta[G2_0] - _REACH_SIGMAS * spread)
    high = theta[G2_0] + _REACH_SIGMAS * spread
    nodes = np.sort(np.append(np.linspace(low, high, _NODES - 1), theta[G2_0]))
    values = np.empty(_NODES)
    for k, node in enumerate(nodes):
        held = theta.copy()
        held[G2_0] = node
        values[k] = fit_peaks(data, held, True)
    return nodes, np.minimum(values, np.where(nodes == theta[G2_0], best, math.inf))
