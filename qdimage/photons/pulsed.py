"""g2 at zero delay from a correlation curve under pulses."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import PulsedG2Zero
from qdimage.domain.refusal import Refusal
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.numerics.goodness import goodness
from qdimage.numerics.hull import hull
from qdimage.photons.pulsed_fit import (
    CENTRAL_SHARE,
    CENTRE,
    FLAT,
    G2_0,
    LIFETIME,
    N_PARAMETERS,
    N_ROWS,
    N_SINGLE,
    NEAR,
    NEAR_TIME,
    PEAK,
    PERIOD,
    SECOND,
    SHARE,
    PeakData,
    deviance_and_scores,
    fit_peaks,
    peak_levels,
)

Array = NDArray[np.float64]

# Q(g0) = min over one and two lifetimes of -2 ln L, with this cost of the second; one parameter of
# a regular likelihood: 68.3 and 95 % of chi-square.
COST = 4.0
LEVEL_68, LEVEL_95 = 1.0, 3.84

_LEAST_SIGMA_BINS = 1e-3
_LEAST_COINCIDENCES = 100
_LEAST_PERIODS = 4.0
_LIFETIMES = (0.05, 0.15, 0.4)
_CENTRES = 16
_SHORTEST_BINS, _LONGEST_PERIODS = 0.1, 3.0
_LARGEST_G2_0 = 100.0
_NODES, _REACH_SIGMAS = 15, 3.0
# How far the period may be off, relatively, and by how much near peaks may be lower or higher.
_PERIOD_OFF, _NEAR, _LARGEST_NEAR = 3e-3, 0.5, 10.0
# Longest delay over which they may, as a share of the reach.
_LONGEST_NEAR = 0.5
# Second lifetimes relative to the first from which it is looked for.
_SECONDS = (0.02, 0.2)


def pulsed_g2_zero(
    curve: G2Curve, *, period_ns: float, response_fwhm_ns: float = 0.0, max_delay_ns: float = 10.0
) -> PulsedG2Zero | Refusal:
    """Return g2(0) as the area of the central peak relative to the others.

    Peaks are two-sided exponentials of one or two lifetimes on a flat background; they may overlap,
    the period need not be a whole number of bins and is refined, and peaks near zero delay may be
    higher than far ones, to which g2(0) is relative. The central peak has its own shares of the
    lifetimes: a biexciton's photon is followed by the exciton's.

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
    single = _best(data, total * period_ns / span)
    nodes, values, thetas = _profile(data, [single, _with_second(data, single)])
    lowest = values.min(axis=0)
    (low_68, high_68), (low_95, high_95) = (
        hull(nodes, lowest, level) for level in (LEVEL_68, LEVEL_95)
    )
    at = int(np.argmin(lowest))
    components = int(np.argmin(values[:, at])) + 1
    theta = thetas[components - 1][at]
    levels = peak_levels(data, theta, components, np.empty((N_ROWS, len(curve.counts))))
    free = N_PARAMETERS if components == 2 else N_SINGLE
    deviance, dof, p_value = goodness(data.counts, levels, free)
    return PulsedG2Zero(
        value=float(nodes[at]),
        low_68=low_68,
        high_68=high_68,
        low_95=low_95,
        high_95=high_95,
        lifetime_ns=_lifetime_ns(theta, components),
        delay_ns=float(theta[CENTRE]),
        period_ns=float(period_ns * (1.0 + theta[PERIOD])),
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
    shortest = math.log(_SHORTEST_BINS * width)
    longest = math.log(_LONGEST_PERIODS * period_ns)
    low, high = np.zeros(N_PARAMETERS), np.full(N_PARAMETERS, math.inf)
    low[PEAK], high[G2_0] = 1e-9, _LARGEST_G2_0
    for each in (LIFETIME, SECOND):
        low[each], high[each] = shortest, longest
    for each, most in ((CENTRE, max_delay_ns), (PERIOD, _PERIOD_OFF)):
        low[each], high[each] = -most, most
    low[NEAR], high[NEAR] = -_NEAR, _LARGEST_NEAR
    reach = float(max(-curve.edges_ns[0], curve.edges_ns[-1]))
    low[NEAR_TIME] = math.log(min(period_ns, _LONGEST_NEAR * reach))
    high[NEAR_TIME] = math.log(_LONGEST_NEAR * reach)
    high[SHARE] = high[CENTRAL_SHARE] = 1.0
    sigma = max(response_fwhm_ns / FWHM_PER_SIGMA, _LEAST_SIGMA_BINS * width)
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
    scratch = (
        np.empty((N_ROWS, len(data.counts))),
        np.empty((N_SINGLE, N_SINGLE)),
        np.empty(N_SINGLE),
    )
    for share in _LIFETIMES:
        theta = np.zeros(N_PARAMETERS)
        theta[[PEAK, G2_0, FLAT]] = coincidences, 0.5, 0.1
        theta[LIFETIME] = math.log(share * data.period_ns)
        theta[NEAR_TIME] = (data.low[NEAR_TIME] + data.high[NEAR_TIME]) / 2
        starts = []
        for centre in np.linspace(data.low[CENTRE], data.high[CENTRE], _CENTRES):
            starts.append(theta.copy())
            starts[-1][CENTRE] = centre
        theta = min(starts, key=lambda start: deviance_and_scores(data, start, 1, *scratch))
        value = fit_peaks(data, theta, 1, False)
        if value < best:
            best, answer = value, theta
    return answer


def _with_second(data: PeakData, single: Array) -> Array:
    """The best fit of two lifetimes, from that of one."""
    best, answer = math.inf, single
    for ratio in _SECONDS:
        theta = single.copy()
        theta[SECOND] = max(theta[LIFETIME] + math.log(ratio), data.low[SECOND])
        theta[SHARE], theta[CENTRAL_SHARE] = 0.1, 0.05
        value = fit_peaks(data, theta, 2, False)
        if value < best:
            best, answer = value, theta
    return answer


def _lifetime_ns(theta: Array, components: int) -> float:
    """Of the lifetimes, that with the larger share in the peaks."""
    larger = SECOND if components == 2 and theta[SHARE] > 0.5 else LIFETIME
    return float(math.exp(theta[larger]))


def _profile(data: PeakData, best: list[Array]) -> tuple[Array, Array, list[list[Array]]]:
    """Deviance over g2(0) for one and two lifetimes, as far as both ends of the intervals."""
    scratch = np.empty((N_ROWS, len(data.counts)))
    ends, bests = [], []
    for components, theta in enumerate(best, 1):
        n = N_PARAMETERS if components == 2 else N_SINGLE
        matrix = np.empty((n, n))
        bests.append(deviance_and_scores(data, theta, components, scratch, matrix, np.empty(n)))
        spread = math.sqrt(max(float(np.linalg.pinv(matrix)[G2_0, G2_0]), 0.0))
        ends.append(theta[G2_0] + np.array([-1, 1]) * _REACH_SIGMAS * spread)
    use = 2 if bests[1] + COST < bests[0] + LEVEL_95 else 1
    low = max(0.0, float(min(end[0] for end in ends[:use])))
    high = float(max(end[1] for end in ends[:use]))
    held = [theta[G2_0] for theta in best[:use]]
    nodes = np.unique(np.concatenate([np.linspace(low, high, _NODES), held]))
    values, thetas = np.empty((use, len(nodes))), []
    for components in range(1, use + 1):
        start = best[components - 1]
        row: list[Array] = [start] * len(nodes)
        for side in (
            np.flatnonzero(nodes >= start[G2_0]),
            np.flatnonzero(nodes < start[G2_0])[::-1],
        ):
            theta = start
            for k in side:
                theta = theta.copy()
                theta[G2_0] = nodes[k]
                cost = COST * (components - 1)
                values[components - 1, k] = cost + fit_peaks(data, theta, components, True)
                row[k] = theta
        thetas.append(row)
    return nodes, values, thetas
