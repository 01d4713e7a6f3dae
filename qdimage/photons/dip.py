"""g2 at zero delay from a correlation curve under steady light."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.g2_zero import G2Zero
from qdimage.domain.refusal import Refusal
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.numerics.goodness import goodness
from qdimage.numerics.hull import hull
from qdimage.photons.dip_centre import chance_of_dip, deepest
from qdimage.photons.dip_groups import grouped
from qdimage.photons.dip_likelihood import (
    CENTRE,
    G2_0,
    MAX_COMPONENTS,
    PLATEAU,
    TIMES,
    DipData,
    fill_shape,
    first_weight,
    n_parameters,
)
from qdimage.photons.dip_options import DipOptions
from qdimage.photons.dip_profile import profile

Array = NDArray[np.float64]

# Q(g0) = min over K of -2 ln L_K(g0) + COST (K - 1); the hulls of Q - min Q below these levels held
# their coverage on simulated curves of rate models, see benchmarks/g2_coverage.py.
COST = 2.0
LEVEL_68, LEVEL_95 = 1.5, 4.2
_BEYOND = 0.5
_NODES = 21

# A response that is not given is taken as much narrower than a bin.
_LEAST_SIGMA_BINS = 1e-3
_LARGEST_G2_0 = 5.0
# Time constants with which the centre is searched.
_TIMES_NS = np.array([5.0, 15.0, 45.0])
# Chance above which a dip is none; where it was searched, g2 is then that at no delay.
NO_DIP_CHANCE = 0.01
# How far the centre of a dip of one standard deviation may be off.
_WEAKEST_NS = 20.0
_LEAST_COINCIDENCES = 200
_LEAST_BINS = 30
# Of the dip, what may be left at the end of the curve that reaches less far.
_PLATEAU_REACHED = 0.05
# Below this chance of a worse fit, sums of exponentials are no description of the curve; above the
# other they are one of a part of it.
POOR_P, _GOOD_P = 1e-3, 0.01
# Slowest component relative to the reach of the curve, where the plateau is not known from
# elsewhere: slower ones with large weights would put the plateau anywhere.
_SLOWEST = 0.4
# It is believed where the outer part of the curve differs so much from the part inside it.
_OUTER, _INNER, _SLOPE_SIGMAS = 0.6, 0.35, 3.0


@dataclass(frozen=True)
class NotLevel(Refusal):
    """The curve does not reach its plateau, which has to come from longer delays."""


@dataclass(frozen=True)
class Plateau:
    """The level at long delays, relative to rates times time, measured elsewhere."""

    value: float
    err: float


def g2_zero(
    curve: G2Curve,
    *,
    options: DipOptions,
    response_fwhm_ns: float = 0.0,
    delay_ns: float | None = None,
    plateau: Plateau | None = None,
    signal_shares: tuple[float, float] = (1.0, 1.0),
) -> G2Zero | Refusal:
    """Return g2(0) of a curve, with intervals that do not rest on one shape of the dip.

    Parameters
    ----------
    curve : G2Curve
        Around zero delay, far enough to reach the plateau.
    options : DipOptions
    response_fwhm_ns : float
        Of the two detectors together.
    delay_ns : float, optional
        Of the second channel; found in the curve where not given.
    plateau : Plateau, optional
        From longer delays; found in the curve where not given.
    signal_shares : tuple of float
        Share of signal, without background, in the counts of each detector.
    """
    refusal = _unusable(curve, delay_ns)
    if refusal is not None:
        return refusal
    sigma_ns = response_fwhm_ns / FWHM_PER_SIGMA
    sigma_ns = max(sigma_ns, _LEAST_SIGMA_BINS * float(np.diff(curve.edges_ns).min()))
    place = _place(curve, sigma_ns, delay_ns, options.max_delay_ns)
    fit = _fit(curve, sigma_ns, place.centre_ns, place.reach_ns, plateau, options)
    data, theta, components = fit.data, fit.theta, fit.components
    if plateau is None and (refusal := _not_level(data, theta, components)) is not None:
        return refusal
    levels = math.exp(theta[PLATEAU]) * data.exposure
    levels *= _shape(data.edges_ns, data.sigma_ns, theta, components)
    deviance, dof, p_value = goodness(data.counts, levels, n_parameters(components))
    fits = [fit]
    if p_value < POOR_P:
        fits = _around_centre(curve, fit, options) or fits
    elif place.rival_ns is not None:
        fits.append(_fit(curve, sigma_ns, place.rival_ns, 0.0, plateau, options))
    low_68, high_68 = _union([each.interval_68 for each in fits])
    low_95, high_95 = _union([each.interval_95 for each in fits])
    value = fits[0].value
    if high_95 >= _LARGEST_G2_0:
        return Refusal(
            f"found {int(curve.counts.sum())} coincidences, which bound g2(0) by nothing below "
            f"{_LARGEST_G2_0:g}; expected a resolved dip; measure longer"
        )
    level = math.exp(theta[PLATEAU])
    raw, raw_err = _uncorrected(curve, theta[CENTRE], level)
    model = level * curve.accidentals * _shape(curve.edges_ns, data.sigma_ns, theta, components)
    share = signal_shares[0] * signal_shares[1]
    return G2Zero(
        value=value,
        low_68=low_68,
        high_68=high_68,
        low_95=low_95,
        high_95=high_95,
        components=components,
        fastest_ns=options.fastest_ns,
        plateau=level,
        delay_ns=float(theta[CENTRE]),
        rise_time_ns=rise_time_ns(theta, components),
        deviance=deviance,
        dof=dof,
        p_value=p_value,
        dip_chance=place.chance,
        coincidences=int(curve.counts.sum()),
        uncorrected=raw,
        uncorrected_err=raw_err,
        background_corrected=1.0 - (1.0 - value) / share,
        background_corrected_low=1.0 - (1.0 - low_95) / share,
        background_corrected_high=1.0 - (1.0 - high_95) / share,
        model=model,
    )


def rise_time_ns(theta: Array, components: int) -> float:
    """Return the first delay at which the dip has recovered all but 1/e of its depth."""
    weights = [first_weight(theta, components), *theta[TIMES + components :][: components - 1]]
    times = np.exp(theta[TIMES : TIMES + components])
    lags = np.concatenate([[0.0], np.geomspace(0.01 * times.min(), 20.0 * times.max(), 2000)])
    dip = sum(weight * np.exp(-lags / time) for weight, time in zip(weights, times, strict=True))
    left = np.asarray(dip) - dip[0] / math.e
    crossed = np.flatnonzero(left * np.sign(dip[0]) <= 0)
    if dip[0] == 0 or len(crossed) == 0:
        return math.nan
    k = int(crossed[0])
    return float(lags[k] - left[k] * (lags[k] - lags[k - 1]) / (left[k] - left[k - 1]))


def _unusable(curve: G2Curve, delay_ns: float | None) -> Refusal | None:
    if curve.counts_1 == 0 or curve.counts_2 == 0:
        silent = "first" if curve.counts_1 == 0 else "second"
        return Refusal(
            f"found no photons in the {silent} detector, expected two that count; "
            "check which detectors the file has"
        )
    if not np.all(curve.accidentals > 0):
        return Refusal(
            "found no duration of the measurement, so no rates to compare with, expected both; "
            "give the duration and the rates"
        )
    total = int(curve.counts.sum())
    if total < _LEAST_COINCIDENCES:
        return Refusal(
            f"found {total} coincidences, expected at least {_LEAST_COINCIDENCES}; measure longer"
        )
    centre = delay_ns or 0.0
    inside = np.searchsorted(curve.edges_ns, centre)
    if len(curve.counts) < _LEAST_BINS or not 0 < inside < len(curve.edges_ns):
        return Refusal(
            f"found {len(curve.counts)} bins from {curve.edges_ns[0]:g} to "
            f"{curve.edges_ns[-1]:g} ns, expected at least {_LEAST_BINS} on both sides of "
            f"{centre:g} ns; correlate over both signs of the delay"
        )
    return None


@dataclass(frozen=True)
class _Place:
    """Where the dip is taken to be.

    Attributes
    ----------
    centre_ns, reach_ns : float
        Where to look first, and how far off that may be.
    chance : float
        At least the chance that there is no dip.
    rival_ns : float or None
        Where there is no dip: the deepest place, were there one after all.
    """

    centre_ns: float
    reach_ns: float
    chance: float
    rival_ns: float | None = None


def _place(curve: G2Curve, sigma_ns: float, delay_ns: float | None, max_delay_ns: float) -> _Place:
    step = max(1.0, float(np.diff(curve.edges_ns).min()))
    reach = min(max_delay_ns, 0.5 * float(min(-curve.edges_ns[0], curve.edges_ns[-1])))
    n = int(reach / step) if delay_ns is None else 0
    centres = (delay_ns or 0.0) + step * np.arange(-n, n + 1, dtype=np.float64)
    found, sigmas = deepest(
        curve.edges_ns,
        curve.accidentals,
        curve.counts.astype(np.float64),
        sigma_ns,
        centres,
        _TIMES_NS,
    )
    chance = chance_of_dip(sigmas, 2.0 * n * step, _TIMES_NS)
    if delay_ns is not None:
        return _Place(delay_ns, 0.0, chance)
    if chance > NO_DIP_CHANCE:
        return _Place(0.0, 0.0, chance, found)
    return _Place(found, 3.0 * step + _WEAKEST_NS / sigmas, chance)


@dataclass(frozen=True)
class _Fit:
    """The best point of a profile, and its intervals."""

    data: DipData
    theta: Array
    components: int
    interval_68: tuple[float, float]
    interval_95: tuple[float, float]

    @property
    def value(self) -> float:
        return float(self.theta[G2_0])


def _fit(
    curve: G2Curve,
    sigma_ns: float,
    centre_ns: float,
    reach_ns: float,
    plateau: Plateau | None,
    options: DipOptions,
) -> _Fit:
    data = _data(curve, sigma_ns, centre_ns, reach_ns, plateau, options)
    nodes, values, thetas = profile(
        data, centre_ns, options.max_components, COST, LEVEL_95 + _BEYOND, _NODES
    )
    lowest = values.min(axis=0)
    at = int(np.argmin(lowest))
    components = int(np.argmin(values[:, at])) + 1
    return _Fit(
        data,
        thetas[components - 1, at],
        components,
        hull(nodes, lowest, LEVEL_68),
        hull(nodes, lowest, LEVEL_95),
    )


def _union(intervals: list[tuple[float, float]]) -> tuple[float, float]:
    return min(low for low, _ in intervals), max(high for _, high in intervals)


def _around_centre(curve: G2Curve, whole: _Fit, options: DipOptions) -> list[_Fit]:
    """Fit the widest part of the curve around the centre that sums of exponentials do describe.

    The part half as wide is fitted too: where the whole is not described, what looks fine in a
    part need not be. Where no part is described, the two narrowest are returned. The plateau is
    that of the whole.
    """
    fits: list[_Fit] = []
    described = False
    centre_ns = float(whole.theta[CENTRE])
    distance = np.abs(curve.lag_ns - centre_ns)
    level = math.exp(whole.theta[PLATEAU])
    width = float(distance.max())
    while True:
        width /= 2.0
        inside = np.flatnonzero(distance <= width)
        outside = curve.accidentals.sum() - curve.accidentals[inside].sum()
        if len(inside) < _LEAST_BINS or (described and len(fits) == 2):
            return fits
        part = replace(
            curve,
            edges_ns=curve.edges_ns[inside[0] : inside[-1] + 2],
            counts=curve.counts[inside],
            accidentals=curve.accidentals[inside],
        )
        known = Plateau(level, math.sqrt(level / outside))
        fit = _fit(part, whole.data.sigma_ns, centre_ns, 0.0, known, options)
        levels = math.exp(fit.theta[PLATEAU]) * fit.data.exposure
        levels *= _shape(fit.data.edges_ns, fit.data.sigma_ns, fit.theta, fit.components)
        p_value = goodness(fit.data.counts, levels, n_parameters(fit.components))[2]
        if not described and p_value > _GOOD_P:
            described, fits = True, []
        fits = [*fits, fit][-2:]


def _data(
    curve: G2Curve,
    sigma_ns: float,
    centre_ns: float,
    reach_ns: float,
    plateau: Plateau | None,
    options: DipOptions,
) -> DipData:
    edges, counts, exposure = grouped(
        curve.edges_ns, curve.counts.astype(np.float64), curve.accidentals, centre_ns
    )
    slowest_ns = float(max(centre_ns - edges[0], edges[-1] - centre_ns))
    if plateau is None:
        slowest_ns *= _SLOWEST
    bounds = [
        0.0,
        _LARGEST_G2_0,
        centre_ns - reach_ns,
        centre_ns + reach_ns,
        math.log(options.fastest_ns),
        math.log(slowest_ns),
    ]
    return DipData(
        edges,
        exposure,
        counts,
        sigma_ns,
        plateau.value if plateau else 0.0,
        plateau.err if plateau else 0.0,
        options.fastest_ns if options.rising else 0.0,
        np.array(bounds),
    )


def _shape(edges_ns: Array, sigma_ns: float, theta: Array, components: int) -> Array:
    n = len(edges_ns) - 1
    basis, shape = np.empty((3 * MAX_COMPONENTS, n)), np.empty(n)
    fill_shape(edges_ns, sigma_ns, theta, components, basis, shape)
    return shape


def _not_level(data: DipData, theta: Array, components: int) -> NotLevel | None:
    shape = _shape(data.edges_ns, data.sigma_ns, theta, components)
    left = min(abs(1.0 - shape[0]), abs(1.0 - shape[-1]))
    depth = max(1.0, abs(1.0 - theta[G2_0]))
    if left <= _PLATEAU_REACHED * depth or _slope_sigmas(data) < _SLOPE_SIGMAS:
        return None
    return NotLevel(
        f"found {left:.0%} of the level still missing at the ends of the curve, expected a "
        "plateau; give the plateau from longer delays"
    )


def _slope_sigmas(data: DipData) -> float:
    """Significance of a difference between the outermost parts of the curve and the next ones."""
    lags = (data.edges_ns[:-1] + data.edges_ns[1:]) / 2 - data.edges_ns.mean()
    part = np.abs(lags) / np.abs(lags).max()
    outer, inner = part > _OUTER, (part > _INNER) & (part <= _OUTER)
    expected = data.exposure[outer].sum(), data.exposure[inner].sum()
    counts = data.counts[outer].sum(), data.counts[inner].sum()
    spread = math.sqrt((counts[0] + 1) / expected[0] ** 2 + (counts[1] + 1) / expected[1] ** 2)
    return abs(float(counts[0] / expected[0] - counts[1] / expected[1])) / spread


def _uncorrected(curve: G2Curve, centre_ns: float, level: float) -> tuple[float, float]:
    k = int(np.searchsorted(curve.edges_ns, centre_ns, side="right")) - 1
    expected = level * curve.accidentals[k]
    return (
        float(curve.counts[k] / expected),
        math.sqrt(max(float(curve.counts[k]), 1.0)) / float(expected),
    )
