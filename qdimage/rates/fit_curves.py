"""From curves and what is known of their measurement to the problem of a fit."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.rates.fit_brightness import Counted
from qdimage.rates.fit_dot import FreeDot
from qdimage.rates.fit_families import Family, el_family, pl_family
from qdimage.rates.fit_options import RateFitOptions
from qdimage.rates.fit_problem import CurveData, Efficiency, FitProblem, Limits
from qdimage.rates.fit_start import searched_centre

_LEAST_COINCIDENCES = 200
_LEAST_BINS = 20
# Of the searched centre, in bins and in ns.
_CENTRE_BINS, _CENTRE_NS = 4.0, 2.0


@dataclass(frozen=True)
class RateCurve:
    """A curve to be fitted, and what is known of its measurement.

    Attributes
    ----------
    curve : G2Curve
    kind : {"el", "pl"}
    response_fwhm_ns : float
        Of the two detectors together.
    dark_counts_s : (float, float)
    delay_ns : float or None
        Of the second detector; found in the curve where None.
    efficiency : float or None
        Counts per emitted photon.
    on_fraction : float
        Share of the time that the dot is on.
    pump_per_us : float or None
        pl: pump rate, if it is known.
    """

    curve: G2Curve
    kind: Literal["el", "pl"]
    response_fwhm_ns: float = 0.0
    dark_counts_s: tuple[float, float] = (0.0, 0.0)
    delay_ns: float | None = None
    efficiency: float | None = None
    on_fraction: float = 1.0
    pump_per_us: float | None = None


def check(each: RateCurve) -> None:
    """Raise where what is known of a measurement makes no sense.

    Raises
    ------
    ConfigurationError
    """
    for name, value, largest in (
        ("efficiency", each.efficiency, 1.0),
        ("on-fraction", each.on_fraction, 1.0),
        ("pump rate", each.pump_per_us, math.inf),
    ):
        if value is not None and not (0 < value <= largest and math.isfinite(value)):
            bound = " up to 1" if math.isfinite(largest) else ""
            raise ConfigurationError(
                f"found the {name} {value:g}, expected a number above 0{bound}; correct it"
            )


def unusable(each: RateCurve) -> Refusal | None:
    """Return why no rate can be fitted to a curve; None where it can."""
    curve = each.curve
    total = int(curve.counts.sum())
    if curve.method != "all pairs":
        return Refusal(
            f"found a curve of {curve.method}, which falls off at long delays; expected all pairs"
        )
    if total < _LEAST_COINCIDENCES:
        return Refusal(
            f"found {total} coincidences, expected at least {_LEAST_COINCIDENCES}; measure longer"
        )
    if len(curve.counts) < _LEAST_BINS:
        return Refusal(
            f"found {len(curve.counts)} bins, expected at least {_LEAST_BINS}; use narrower ones"
        )
    low, high = float(curve.edges_ns[0]), float(curve.edges_ns[-1])
    zero = 0.0 if each.delay_ns is None else each.delay_ns
    if not (low < zero < high or (each.delay_ns is not None and low <= zero < high)):
        return Refusal(
            f"found bins from {low:g} to {high:g} ns, expected some on both sides of zero delay; "
            "correlate both signs of the delay, or give the delay of the second detector"
        )
    return None


def family_of(each: RateCurve, options: RateFitOptions) -> Family:
    """Return the models among which the rates of a curve are sought."""
    return pl_family() if each.kind == "pl" else el_family(options, carriers=options.carriers)


def _limits(options: RateFitOptions) -> Limits:
    if options.smallest_rate_per_us >= options.largest_rate_per_us:
        raise ConfigurationError(
            f"found rates from {options.smallest_rate_per_us:g} to "
            f"{options.largest_rate_per_us:g} /us, expected the second to be larger; correct "
            "rates.smallest_rate_per_us or rates.largest_rate_per_us"
        )
    return Limits(options.smallest_rate_per_us, options.largest_rate_per_us, options.largest_ratio)


def problem_of(
    curves: Sequence[RateCurve],
    dot: FreeDot,
    options: RateFitOptions,
    *,
    families: Sequence[Family] | None = None,
    with_rates: bool = True,
) -> FitProblem:
    """Return what is to be minimized for curves that share one dot.

    Parameters
    ----------
    curves : sequence of RateCurve
    dot : FreeDot
    options : RateFitOptions
    families : sequence of Family, optional
        Instead of those of `family_of`.
    with_rates : bool
        Whether count rates take part, if the options ask for it.

    Raises
    ------
    ConfigurationError
        If dark counts or the range of rates make no sense.
    """
    families = families or [family_of(each, options) for each in curves]
    with_rates = with_rates and options.count_rates == "fit"
    data = [_data(each, options, with_rates) for each in curves]
    efficiency = None
    if with_rates and any(each.count_rate_per_us > 0 for each in data):
        efficiency = _efficiency(curves, options)
    return FitProblem(data, families, dot, options.balanced, _limits(options), efficiency)


def _data(each: RateCurve, options: RateFitOptions, with_rates: bool) -> CurveData:
    curve = each.curve
    widths = np.diff(curve.edges_ns)
    exposure = curve.accidentals if np.all(curve.accidentals > 0) else widths
    share = _background_share(each)
    counted = counted_of(each, options) if with_rates else None
    data = CurveData(
        np.ascontiguousarray(curve.edges_ns, np.float64),
        curve.counts.astype(np.float64),
        np.ascontiguousarray(exposure, np.float64),
        centre_ns=each.delay_ns or 0.0,
        response_fwhm_ns=each.response_fwhm_ns,
        response_err=options.response_err,
        background=share,
        background_err=options.background_err * share,
        count_rate_per_us=counted.counts_s / counted.on_fraction * 1e-6 if counted else 0.0,
        count_rate_err=options.count_rate_err,
        pump_per_us=math.nan if each.pump_per_us is None else each.pump_per_us,
        pump_err=options.pump_err,
    )
    if each.delay_ns is not None:
        return data
    reach = min(options.max_delay_ns, 0.5 * float(min(-data.edges_ns[0], data.edges_ns[-1])))
    return replace(
        data,
        centre_ns=searched_centre(data, reach),
        centre_reach_ns=max(_CENTRE_BINS * float(widths.min()), _CENTRE_NS),
    )


def _rates(curve: G2Curve) -> tuple[float, float]:
    if curve.duration_s <= 0:
        return 0.0, 0.0
    return curve.counts_1 / curve.duration_s, curve.counts_2 / curve.duration_s


def _background_share(each: RateCurve) -> float:
    """Share of coincidences in which at least one count is dark."""
    if each.dark_counts_s == (0.0, 0.0):
        return 0.0
    signal = 1.0
    for dark, rate in zip(each.dark_counts_s, _rates(each.curve), strict=True):
        if not 0 <= dark < rate:
            raise ConfigurationError(
                f"found dark counts of {dark:g} /s beside {rate:.4g} /s in all, expected less than "
                "that; correct the dark counts"
            )
        signal *= 1.0 - dark / rate
    return 1.0 - signal


def counted_of(each: RateCurve, options: RateFitOptions) -> Counted | None:
    """Return the count rate that a model is compared with; None where there is none."""
    counts_s = sum(_rates(each.curve)) - sum(each.dark_counts_s)
    if options.count_rates == "ignore" or counts_s <= 0:
        return None
    efficiency = math.nan if each.efficiency is None else each.efficiency
    return Counted(
        counts_s, each.on_fraction, efficiency, options.efficiency_err, options.count_rate_err
    )


def _efficiency(curves: Sequence[RateCurve], options: RateFitOptions) -> Efficiency:
    known = [each.efficiency for each in curves if each.efficiency is not None]
    if known:
        return Efficiency(known[0], options.efficiency_err)
    return Efficiency(0.05, math.inf)
