"""Lifetimes from a fluorescence decay."""

import math
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.decay import Decay, DecayComponent, DecayFit, Estimate, Response
from qdimage.domain.refusal import Refusal
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.numerics.goodness import goodness
from qdimage.photons.decay_fit import NO_SPRING, fit_decay_from
from qdimage.photons.decay_groups import growing_bins
from qdimage.photons.decay_likelihood import (
    BACKGROUND,
    MAX_COMPONENTS,
    N_PARAMETERS,
    PHOTONS,
    PLACE,
    TIMES,
    WIDTH,
    DecayData,
    levels_and_slopes,
)
from qdimage.photons.decay_options import DecayOptions
from qdimage.photons.decay_profile import MEAN_LIFETIME, amplitude, lifetime, profiled, share
from qdimage.photons.decay_shape import Pulse
from qdimage.photons.decay_starts import in_order, more_components, rough_places

Array = NDArray[np.float64]

_NEVER_NS = 1e15
_LEAST_SIGMA_BINS = 1e-3
# The fastest exponential, relative to the response's width and to a bin.
_FASTEST_OF_RESPONSE, _FASTEST_OF_BIN = 0.1, 0.3
# The pulse has passed before the next: 17 standard deviations of it make a period.
_WIDEST_OF_PERIOD = 1 / 17
_WIDEST_BIN = 0.05
_FINE_OF_PERIOD = 0.02
_FINE_FWHM = 4.0
_PLACES = 4
_LEAST_RISE = 30.0
_LEAST_BINS = 5
_POOR_P = 1e-3
_NEAR_PERIOD = 0.5
_BELOW_RESPONSE = 0.5
_NEAR_LIMIT = 0.99


class Fitted(NamedTuple):
    """A fit of some number of exponentials, in the kernels' own terms."""

    data: DecayData
    theta: Array
    components: int
    deviance: float


def fit_decay(
    decay: Decay,
    *,
    response: Response | None = None,
    response_fwhm_ns: float | None = None,
    components: int | None = None,
    options: DecayOptions,
) -> DecayFit | Refusal:
    """Fit exponentials to a decay by Poisson likelihood.

    The number of exponentials is the one with the least Bayesian information criterion (Schwarz,
    Ann. Stat. 6, 461, 1978, doi:10.1214/aos/1176344136): deviance plus 2 ln(photons) for each.
    Intervals are profiles of the likelihood, on condition of that number.

    Parameters
    ----------
    decay : Decay
        In bins of equal width.
    response : Response, optional
        As measured; its shift is free.
    response_fwhm_ns : float, optional
        Of a Gaussian response, where none was measured; its width is free where neither is given.
        0 for none.
    components : int, optional
        Number of exponentials, if it is known.
    options : DecayOptions
    """
    total = int(decay.counts.sum())
    if total < options.least_counts:
        return Refusal(
            f"found {total} photons in the decay, expected at least {options.least_counts}; "
            "measure longer (too_few_counts)"
        )
    if np.count_nonzero(decay.counts) < _LEAST_BINS:
        return Refusal("found all photons in a few bins, expected a decay; use narrower bins")
    single = _single(decay, response, response_fwhm_ns, options)
    if isinstance(single, Refusal):
        return single
    fits = _fits(single, components or options.max_components)
    costs = [fit.deviance + 2 * fit.components * math.log(total) for fit in fits]
    best = fits[-1] if components else fits[int(np.argmin(costs))]
    evidence = () if components else tuple(cost - min(costs) for cost in costs)
    return _answer(decay, best, response, response_fwhm_ns, evidence, options)


def pulse_place(decay: Decay, options: DecayOptions) -> float | Refusal:
    """Return where the pulse of a decay is, in its own time, by one exponential; ns."""
    single = _single(decay, None, None, options)
    return single if isinstance(single, Refusal) else float(single.theta[PLACE])


def _single(
    decay: Decay, response: Response | None, fwhm_ns: float | None, options: DecayOptions
) -> Fitted | Refusal:
    """The best single exponential, from several places of the pulse."""
    width = float(np.diff(decay.edges_ns).mean())
    span = float(decay.edges_ns[-1] - decay.edges_ns[0])
    period = decay.period_ns or span
    if width > _WIDEST_BIN * period:
        return Refusal(
            f"found bins of {width:.4g} ns and a period of {period:.4g} ns, expected bins much "
            "shorter than the period; correct the period, or use narrower bins"
        )
    broad = _broad(response, fwhm_ns, width, period)
    if broad > FWHM_PER_SIGMA * _WIDEST_OF_PERIOD * period:
        return Refusal(
            f"found a response of {broad:.3g} ns and a period of {period:.4g} ns, expected a "
            "response much shorter than the period; correct one of them"
        )
    fastest = max(_FASTEST_OF_RESPONSE * broad, _FASTEST_OF_BIN * width)
    longest = options.longest_periods * period
    places = rough_places(decay, shortest_ns=fastest, longest_ns=period, n=_PLACES)
    fits = []
    for place, tau, flat in places:
        data = _data(decay, place, response, fwhm_ns, (fastest, longest))
        theta = np.zeros(N_PARAMETERS)
        theta[TIMES : TIMES + MAX_COMPONENTS] = math.log(tau)
        theta[PHOTONS] = (1 - flat) * decay.counts.sum()
        theta[BACKGROUND] = flat * decay.counts.sum()
        theta[PLACE] = (data.low[PLACE] + data.high[PLACE]) / 2
        theta[WIDTH] = math.log(broad / FWHM_PER_SIGMA)
        deviance = fit_decay_from(data, 1, theta, NO_SPRING, 0.0, 0.0)
        fits.append(Fitted(data, theta, 1, deviance))
    best = min(fits, key=lambda fit: fit.deviance)
    rise = _flat_deviance(best.data) - best.deviance
    if rise < _LEAST_RISE:
        return Refusal(
            f"found no decay above the constant background (deviance {rise:.1f} less, expected "
            f"{_LEAST_RISE:g}); is the light pulsed, and is the period right?"
        )
    return best


def _broad(response: Response | None, fwhm_ns: float | None, width: float, period: float) -> float:
    """Width of the response, or a first guess."""
    if response is not None:
        return max(response.fwhm_ns, width * _LEAST_SIGMA_BINS)
    if fwhm_ns is None:
        return max(2 * width, 0.003 * period)
    return max(fwhm_ns, FWHM_PER_SIGMA * _LEAST_SIGMA_BINS * width)


def _data(
    decay: Decay,
    place: float,
    response: Response | None,
    fwhm_ns: float | None,
    lifetimes: tuple[float, float],
) -> DecayData:
    width = float(np.diff(decay.edges_ns).mean())
    span = float(decay.edges_ns[-1] - decay.edges_ns[0])
    period = decay.period_ns or _NEVER_NS
    broad = _broad(response, fwhm_ns, width, decay.period_ns or span)
    fine = max(_FINE_FWHM * broad, _FINE_OF_PERIOD * (decay.period_ns or span))
    edges, counts = growing_bins(
        np.asarray(decay.edges_ns, np.float64),
        decay.counts.astype(np.float64),
        pulse_ns=place,
        period_ns=period,
        fine_ns=fine,
    )
    if response is not None:
        place -= _mean_ns(response)
    low, high = np.zeros(N_PARAMETERS), np.full(N_PARAMETERS, math.inf)
    low[TIMES:PHOTONS], high[TIMES:PHOTONS] = (math.log(each) for each in lifetimes)
    low[PLACE], high[PLACE] = place - fine, place + fine
    low[WIDTH] = math.log(_LEAST_SIGMA_BINS * width)
    high[WIDTH] = math.log(_WIDEST_OF_PERIOD * (decay.period_ns or span))
    held = np.zeros(N_PARAMETERS, np.bool_)
    held[WIDTH] = response is not None or fwhm_ns is not None
    return DecayData(edges, counts, _pulse(period, response), low, high, held)


def _pulse(period: float, response: Response | None) -> Pulse:
    if response is None:
        return Pulse(period, False, np.array([0.0, 1.0]), np.zeros(1), np.zeros(2))
    area = response.density_per_ns * np.diff(response.edges_ns)
    return Pulse(
        period,
        True,
        np.asarray(response.edges_ns, np.float64),
        np.asarray(response.density_per_ns, np.float64),
        np.concatenate([[0.0], np.cumsum(area)]),
    )


def _mean_ns(response: Response) -> float:
    middles = (response.edges_ns[:-1] + response.edges_ns[1:]) / 2
    return float(np.sum(middles * response.density_per_ns * np.diff(response.edges_ns)))


def _flat_deviance(data: DecayData) -> float:
    levels = data.counts.sum() * np.diff(data.edges_ns) / (data.edges_ns[-1] - data.edges_ns[0])
    some = np.maximum(data.counts, 1.0)
    return float(2 * np.sum(levels - data.counts + data.counts * np.log(some / levels)))


def _fits(single: Fitted, most: int) -> list[Fitted]:
    """The best fits of 1 ... most exponentials."""
    fits = [single]
    data = single.data
    for components in range(2, most + 1):
        best, answer = math.inf, fits[-1].theta
        for start in more_components(data, fits[-1].theta, components - 1):
            deviance = fit_decay_from(data, components, start, NO_SPRING, 0.0, 0.0)
            if deviance < best:
                best, answer = deviance, start
        fits.append(Fitted(data, in_order(answer, components), components, best))
    return fits


def _answer(
    decay: Decay,
    fit: Fitted,
    response: Response | None,
    fwhm_ns: float | None,
    evidence: tuple[float, ...],
    options: DecayOptions,
) -> DecayFit:
    data, theta, n = fit.data, fit.theta, fit.components
    parts = tuple(_component(fit, k) for k in range(n))
    mean = parts[0].lifetime_ns if n == 1 else profiled(data, theta, n, MEAN_LIFETIME)
    levels = levels_and_slopes(data, theta, n, np.empty((N_PARAMETERS, len(data.counts))))
    n_free = 2 * n + 2 + (0 if data.held[WIDTH] else 1)
    deviance, dof, p_value = goodness(data.counts, levels, n_free)
    fitted_fwhm = _fwhm_ns(theta, response, fwhm_ns)
    kind: Literal["measured", "gaussian", "none"] = "measured" if response else "gaussian"
    if response is None and fwhm_ns == 0:
        kind = "none"
    whole = data._replace(
        edges_ns=np.asarray(decay.edges_ns, np.float64), counts=decay.counts.astype(np.float64)
    )
    return DecayFit(
        components=parts,
        mean_lifetime_ns=mean,
        pulse_ns=float(theta[PLACE]),
        response=kind,
        response_fwhm_ns=fitted_fwhm,
        background_fraction=float(theta[BACKGROUND] / decay.counts.sum()),
        evidence=evidence,
        deviance=deviance,
        dof=dof,
        p_value=p_value,
        counts=int(decay.counts.sum()),
        flags=_flags(decay, parts, fitted_fwhm, p_value, data, options),
        model=levels_and_slopes(whole, theta, n, np.empty((N_PARAMETERS, len(decay.counts)))),
    )


def _component(fit: Fitted, k: int) -> DecayComponent:
    data, theta, n = fit.data, fit.theta, fit.components
    if n == 1:
        all_of_it = Estimate(1.0, 1.0, 1.0, 1.0, 1.0)
        return DecayComponent(profiled(data, theta, n, lifetime(k)), all_of_it, all_of_it)
    return DecayComponent(
        profiled(data, theta, n, lifetime(k)),
        profiled(data, theta, n, share(k, np.ones(3))),
        profiled(data, theta, n, amplitude(k)),
    )


def _fwhm_ns(theta: Array, response: Response | None, fwhm_ns: float | None) -> float:
    if response is not None:
        return response.fwhm_ns
    return FWHM_PER_SIGMA * math.exp(theta[WIDTH]) if fwhm_ns is None else fwhm_ns


def _flags(
    decay: Decay,
    parts: tuple[DecayComponent, ...],
    fwhm_ns: float,
    p_value: float,
    data: DecayData,
    options: DecayOptions,
) -> tuple[str, ...]:
    main = max(parts, key=lambda each: each.share.value).lifetime_ns.value
    per_pulse = decay.counts_per_pulse
    known = {
        "poor_fit": p_value < _POOR_P,
        "pile_up": per_pulse is not None and per_pulse > options.pile_up_counts_per_pulse,
        "lifetime_near_period": decay.period_ns is not None
        and main > _NEAR_PERIOD * decay.period_ns,
        "lifetime_at_limit": parts[-1].lifetime_ns.high_95
        > _NEAR_LIMIT * math.exp(data.high[TIMES]),
        "lifetime_below_response": parts[0].lifetime_ns.value < _BELOW_RESPONSE * fwhm_ns,
        "irf_missing": not data.held[WIDTH],
        "period_missing": decay.period_ns is None,
    }
    return tuple(name for name, raised in known.items() if raised)
