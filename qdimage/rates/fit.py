"""Fits of rate models to the correlation curves of a dot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.rate_fit import Brightness, Estimate, RateFit, Rival
from qdimage.domain.refusal import Refusal
from qdimage.errors import ConfigurationError
from qdimage.numerics.goodness import goodness
from qdimage.rates.dot import DotParameters, dot_values
from qdimage.rates.fit_brightness import compared, sigmas
from qdimage.rates.fit_curves import (
    RateCurve,
    check,
    counted_of,
    family_of,
    problem_of,
    unusable,
)
from qdimage.rates.fit_dot import FreeDot, free_dot
from qdimage.rates.fit_families import el_family, pl_family
from qdimage.rates.fit_kernels import deviance
from qdimage.rates.fit_options import RateFitOptions
from qdimage.rates.fit_problem import FitProblem
from qdimage.rates.fit_profile import (
    ELECTRON,
    G2_0,
    HOLE,
    INTENSITY,
    MEAN,
    YIELDS,
    Profile,
    estimate,
    excludes_balance,
    profile,
)
from qdimage.rates.fit_solver import minimize
from qdimage.rates.fit_start import best_fit

Array = NDArray[np.float64]

_SETTLED = 1e-4
_MOST_RESTARTS = 5
_MORE_CARRIERS = 4
# By which the deviance has to be below that of a flat line; by chance 4e-4 of curves reach it.
_LEAST_DIP = 18.0
_ALL = (MEAN, ELECTRON, HOLE, G2_0, INTENSITY, YIELDS)


def fit_rates(
    curves: Sequence[RateCurve],
    *,
    dot: DotParameters,
    errors: Mapping[str, float],
    options: RateFitOptions,
) -> list[RateFit | Refusal]:
    """Fit the curves of one dot, together where there are several.

    Parameters
    ----------
    curves : sequence of RateCurve
        Each has rates of its own; the dot's parameters are those of all.
    dot : DotParameters
    errors : mapping
        Standard errors of its parameters, by name; those without one are held.
    options : RateFitOptions

    Returns
    -------
    list of RateFit or Refusal
        In the order of the curves. Those refused took no part.

    Raises
    ------
    ConfigurationError
        If what is known of a measurement, of the dot, or an option makes no sense.
    """
    for each in curves:
        check(each)
    answers: list[RateFit | Refusal] = [unusable(each) or Refusal("not fitted") for each in curves]
    usable = [k for k, each in enumerate(curves) if unusable(each) is None]
    if not usable:
        return answers
    chosen = [curves[k] for k in usable]
    free = _free_dot(chosen, dot, errors, options)
    problem = problem_of(chosen, free, options)
    for k, found in zip(usable, _fitted(problem, chosen, options), strict=True):
        answers[k] = found
    return answers


def _free_dot(
    curves: Sequence[RateCurve],
    dot: DotParameters,
    errors: Mapping[str, float],
    options: RateFitOptions,
) -> FreeDot:
    with_pl = any(each.kind == "pl" for each in curves) and options.free_biexciton_yield
    return free_dot(dot, errors, free=frozenset(["biexciton_qy"] if with_pl else []))


def _fitted(
    problem: FitProblem, curves: Sequence[RateCurve], options: RateFitOptions
) -> list[RateFit | Refusal]:
    theta, value, profiles = _profiled(problem)
    best, theta = theta, _at_balance(problem, theta, profiles)
    intensities = [
        _estimates(problem, theta, k, found)[INTENSITY] for k, found in enumerate(profiles)
    ]
    brightness = _brightness(problem, curves, options, best, value, intensities)
    return [
        _refused(problem, theta, k, profiles[k])
        or _answer(problem, theta, k, curves[k], profiles[k], brightness[k], options)
        for k in range(len(curves))
    ]


def _refused(problem: FitProblem, theta: Array, k: int, found: Profile) -> Refusal | None:
    """Why a fitted curve says nothing of its rate."""
    data = problem.curves[k]
    g2, _ = problem.g2(theta, k)
    level = float(data.counts.sum() / data.exposure.sum())
    flat = float(deviance(data.counts, data.exposure, np.ones_like(g2), level, 1.0))
    total = int(data.counts.sum())
    if flat - problem.deviance_of(theta, k, g2) < _LEAST_DIP:
        return Refusal(
            f"found that the model describes the {total} coincidences no better than a flat line, "
            "expected a dip at zero delay; measure longer, or choose another model"
        )
    rate = estimate(found, MEAN)
    if rate.open_low and rate.open_high:
        return Refusal(
            f"found {total} coincidences, which bound the rate on neither side within what is "
            "searched; measure longer, or give what is known of the dot"
        )
    return None


def _profiled(problem: FitProblem) -> tuple[Array, float, list[Profile]]:
    """Fit and profile every curve; begin again from any better point that a profile finds."""
    theta = best_fit(problem).theta
    for _ in range(_MOST_RESTARTS):
        best = minimize(problem, theta, held=problem.held, settled=_SETTLED)
        profiles = []
        for k in range(len(problem.curves)):
            found, better = profile(problem, best, k)
            if found is None:
                theta = better
                break
            profiles.append(found)
        if len(profiles) == len(problem.curves):
            return best.theta, best.value, profiles
    raise ConfigurationError(
        "the likelihood of the rates has too many minima to find its lowest; narrow the range of "
        "rates, or hold the dot's parameters"
    )


def _brightness(
    problem: FitProblem,
    curves: Sequence[RateCurve],
    options: RateFitOptions,
    theta: Array,
    value: float,
    intensities: Sequence[Estimate],
) -> list[Brightness | None]:
    counted = [counted_of(each, options) for each in curves]
    if problem.efficiency is None:
        return compared(counted, intensities)
    # What the count rates add to the deviance is the tension between them and the curves.
    without = problem_of(curves, problem.dot, options, with_rates=False)
    alone = minimize(without, _without_efficiency(theta, without), held=without.held, settled=1e-4)
    used = sum(each is not None for each in counted)
    free = int(math.isinf(problem.efficiency.err))
    tension = sigmas(value - alone.value, used - free)
    efficiency = math.exp(theta[-1])
    found: list[Brightness | None] = []
    for k, each in enumerate(counted):
        if each is None:
            found.append(None)
            continue
        emitted = intensities[k].value * 1e6 * each.on_fraction
        sign = 1.0 if each.counts_s >= emitted * efficiency else -1.0
        found.append(
            Brightness(
                each.counts_s, emitted * efficiency, efficiency, each.on_fraction, sign * tension
            )
        )
    return found


def _without_efficiency(theta: Array, problem: FitProblem) -> Array:
    start = theta.copy()
    start[-1] = problem.start[-1]
    return start


def _answer(
    problem: FitProblem,
    theta: Array,
    k: int,
    given: RateCurve,
    found: Profile,
    brightness: Brightness | None,
    options: RateFitOptions,
) -> RateFit:
    data, family = problem.curves[k], problem.families[k]
    ratio_free = not problem.held[problem.index(k, "ratio")]
    dot = problem.dot_at(theta)
    levels = problem.levels(theta, k)
    own = _free_parameters(problem, k)
    misfit, dof, p_value = goodness(data.counts, levels, own)
    ratio = estimate(found, None) if ratio_free else None
    parts = _estimates(problem, theta, k, found)
    undetermined = ratio is not None and _undetermined(ratio, options)
    if undetermined:
        for which in (ELECTRON, HOLE):
            parts[which] = replace(parts[which], value=math.nan)
    scores = theta[problem.dot_slice]
    pulls = {
        name: float(score)
        for (name, _), score, prior in zip(
            problem.dot.errors, scores, problem.dot.held_by_prior, strict=True
        )
        if prior
    }
    rates_known = bool(np.all(given.curve.accidentals > 0))
    return RateFit(
        model=family.name,
        kind=given.kind,
        injection=parts[MEAN],
        electron=parts[ELECTRON] if family.n_rates == 2 else None,
        hole=parts[HOLE] if family.n_rates == 2 else None,
        ratio=ratio,
        balance_determined=ratio_free and excludes_balance(found),
        undetermined=undetermined,
        g2_0=parts[G2_0],
        intensity=parts[INTENSITY],
        yield_ratio=parts[YIELDS] if given.kind == "pl" else None,
        plateau=math.exp(theta[problem.index(k, "plateau")]) if rates_known else math.nan,
        delay_ns=float(theta[problem.index(k, "centre")]),
        background_share=problem.background(theta, k),
        response_fwhm_ns=problem.response_fwhm_ns(theta, k),
        dot=dot_values(dot),
        pulls=pulls,
        truncation_error=_truncation_error(problem, theta, k, options),
        deviance=misfit,
        dof=dof,
        p_value=p_value,
        parameters=own,
        penalty=problem.value(theta) - sum_of_deviances(problem, theta),
        rivals=_rivals(problem, given, options) if options.rivals else (),
        brightness=brightness,
        joint=len(problem.curves),
        count_trions=options.count_trions or given.kind == "pl",
        counts=levels,
    )


def _estimates(problem: FitProblem, theta: Array, k: int, found: Profile) -> dict[int, Estimate]:
    """All quantities at a point, with the intervals of a profile."""
    values = np.exp(problem.quantities(theta, k))
    return {which: replace(estimate(found, which), value=float(values[which])) for which in _ALL}


def _at_balance(problem: FitProblem, theta: Array, profiles: Sequence[Profile]) -> Array:
    """Best point with equal rates of electrons and holes in all curves that do not exclude it.

    Where a curve leaves the ratio open, the most likely one lies to either side of balance by
    chance, and its geometric mean always below.
    """
    held, start = problem.held.copy(), theta.copy()
    for k, found in enumerate(profiles):
        ratio = problem.index(k, "ratio")
        if not held[ratio] and not excludes_balance(found):
            held[ratio], start[ratio] = True, 0.0
    return minimize(problem, start, held=held, settled=_SETTLED).theta


def sum_of_deviances(problem: FitProblem, theta: Array) -> float:
    """Return the deviance of all curves without penalties."""
    return sum(
        problem.deviance_of(theta, k, problem.g2(theta, k)[0]) for k in range(len(problem.curves))
    )


def _undetermined(ratio: Estimate, options: RateFitOptions) -> bool:
    wide = ratio.high_95 / ratio.low_95 > options.determined_within
    return wide or ratio.open_low or ratio.open_high


def _free_parameters(problem: FitProblem, k: int) -> int:
    """Parameters without a prior: a curve's own, and those of the dot."""
    first, last = problem.index(k, "mean"), problem.index(k, "response") + 1
    own = ~problem.held[first:last] & np.isinf(problem.prior_err[first:last])
    return int(own.sum() + (~problem.dot.held_by_prior).sum())


def _truncation_error(problem: FitProblem, theta: Array, k: int, options: RateFitOptions) -> float:
    """Larger relative change of g2(0) and intensity with more carriers."""
    carriers = problem.families[k].carriers
    if carriers is None:
        return 0.0
    larger = el_family(options, carriers=carriers + _MORE_CARRIERS)
    here = problem.light(theta, k)
    more = larger.light(problem.dot_at(theta), problem.rates(theta, k))
    return max(abs(a / b - 1.0) for a, b in zip(here, more, strict=True))


def _rivals(problem: FitProblem, given: RateCurve, options: RateFitOptions) -> tuple[Rival, ...]:
    """Fit the curve alone with the model and with others."""
    families = [family_of(given, options)]
    if given.kind == "el":
        if options.coulomb != "none":
            families.append(el_family(options, carriers=options.carriers, law="none"))
        families.append(pl_family())
    found = []
    for family in families:
        alone = problem_of([given], problem.dot, options, families=[family], with_rates=False)
        best = best_fit(alone)
        free = _free_parameters(alone, 0)
        levels = alone.levels(best.theta, 0)
        _, _, p_value = goodness(alone.curves[0].counts, levels, free)
        found.append(Rival(family.name, best.value, free, p_value))
    return tuple(found)
