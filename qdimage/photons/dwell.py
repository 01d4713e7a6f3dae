"""On and off, and how long each lasts."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.domain.trace import Blinking, Dwells, Levels
from qdimage.photons.change_points import thresholds
from qdimage.photons.dwell_fit import fit_dwells
from qdimage.photons.trace_options import TraceOptions
from qdimage.photons.trace_resolution import shortest_dwells_s

Array = NDArray[np.float64]

_LEAST_CYCLES = 3
_LARGEST_DISPERSION = 1.3
_ROUNDS = 50


class _States(NamedTuple):
    """Alternating times on and off."""

    is_on: NDArray[np.bool_]
    lasted_s: Array


def blinking(levels: Levels, *, options: TraceOptions) -> Blinking | Refusal:
    """Return when the emitter was on, and the statistics of its dwells, or why there are none.

    Parameters
    ----------
    levels : Levels
    options : TraceOptions
    """
    rates = levels.counts_s
    if rates.size < 2:
        return Refusal(
            f"found one level of intensity, {rates[0]:.4g} counts/s, expected two or more: no "
            "blinking is seen; measure longer or brighter"
        )
    if too_fast(levels):
        return Refusal(
            f"found photons that scatter {levels.dispersion:.3g} times as much as between the "
            "steps of steady light: it fluctuates faster than it can be followed; look at its "
            "correlation at longer delays instead"
        )
    limit = options.on_threshold_counts_s or _threshold(rates, levels.shares)
    on_levels = rates > limit
    if on_levels.all() or not on_levels.any():
        return Refusal(
            f"found levels from {rates[0]:.4g} to {rates[-1]:.4g} counts/s, expected some on "
            f"either side of the threshold, {limit:.4g} counts/s; correct it"
        )
    on_s, off_s = (_mean_rate(levels, chosen) for chosen in (on_levels, ~on_levels))
    if on_s < options.least_contrast * off_s:
        return Refusal(
            f"found levels from {rates[0]:.4g} to {rates[-1]:.4g} counts/s, expected on to be "
            f"{options.least_contrast:g} times as bright as off: no blinking is seen"
        )
    states = _alternating(on_levels[levels.level], levels.lasted_s)
    ratio = float(thresholds(int(levels.photons.sum()) // levels.every, options.false_alarms)[0])
    shortest = shortest_dwells_s(on_s, off_s, ratio=ratio, fewest=options.fewest_photons)
    fraction, fraction_err = _on_fraction(states)
    seen = _resolved(states, *shortest)
    on, off = (
        _dwells(seen, state, shortest_s=each, least_dwells=options.least_dwells)
        for state, each in zip((True, False), shortest, strict=True)
    )
    on_time_s, off_time_s = _time_constants(on, off)
    return Blinking(
        limit, on_levels, on_s, off_s, fraction, fraction_err, on, off, on_time_s, off_time_s
    )


def too_fast(levels: Levels) -> bool:
    """Whether the light changes between the steps too, faster than can be followed."""
    return levels.dispersion > _LARGEST_DISPERSION + 4 * levels.dispersion_err


def _threshold(rates: Array, shares: Array) -> float:
    """Return the intensity between two levels that parts them best.

    The levels are parted where the variance between the two groups is greatest (Otsu 1979), in
    the root of the intensity, whose shot noise is the same everywhere. The threshold lies where a
    dwell is as likely at the brighter as at the darker neighbour.
    """
    root = np.sqrt(rates)
    below = np.cumsum(shares)[:-1]
    sums = np.cumsum(shares * root)
    means = sums[:-1] / below, (sums[-1] - sums[:-1]) / (1 - below)
    split = int(np.argmax(below * (1 - below) * (means[1] - means[0]) ** 2))
    dark, bright = float(rates[split]), float(rates[split + 1])
    return (bright - dark) / math.log(bright / dark) if dark > 0 else bright / 2


def _mean_rate(levels: Levels, chosen: NDArray[np.bool_]) -> float:
    inside = chosen[levels.level]
    return float(levels.photons[inside].sum() / levels.lasted_s[inside].sum())


def _alternating(on: NDArray[np.bool_], lasted_s: Array) -> _States:
    """Join neighbours in the same state."""
    starts = np.concatenate([[0], np.flatnonzero(on[1:] != on[:-1]) + 1])
    return _States(on[starts], np.add.reduceat(lasted_s, starts))


def _resolved(states: _States, shortest_on_s: float, shortest_off_s: float) -> _States:
    """Let a dwell last until the other state does for at least its shortest time."""
    shortest = np.where(states.is_on, shortest_on_s, shortest_off_s)
    sure = states.lasted_s >= shortest
    if not sure.any():
        return _States(states.is_on[:0], states.lasted_s[:0])
    # What lies before the first sure dwell counts to it.
    which = np.maximum.accumulate(np.where(sure, np.arange(sure.size), np.argmax(sure)))
    return _alternating(states.is_on[which], states.lasted_s)


def _on_fraction(states: _States) -> tuple[float, float]:
    """Return the share of time on, and its error from the scatter of the cycles."""
    on = float(states.lasted_s[states.is_on].sum())
    total = float(states.lasted_s.sum())
    fraction = on / total
    first = 1
    n = (states.lasted_s.size - first) // 2
    if n < _LEAST_CYCLES:
        return fraction, math.nan
    one, other = states.lasted_s[first : first + 2 * n].reshape(n, 2).T
    share = fraction if states.is_on[first] else 1 - fraction
    excess = one * (1 - share) - other * share
    variance = float(np.sum(excess**2)) * n / (n - 1) / total**2
    return fraction, math.sqrt(variance)


def _dwells(states: _States, on: bool, *, shortest_s: float, least_dwells: int) -> Dwells:
    """Return the dwells in one state; the first of all, whose beginning is not known, is none."""
    own = states.is_on == on
    inner = own.copy()
    inner[:1] = False
    inner[-1:] = False
    complete = states.lasted_s[inner]
    last = float(states.lasted_s[-1]) if own.size > 1 and own[-1] else None
    ended = int(own[:-1].sum())
    mean = float(states.lasted_s[own].sum()) / ended if ended else math.nan
    fit = fit_dwells(complete, last, shortest_s=shortest_s, least_dwells=least_dwells)
    return Dwells(complete, last, shortest_s, mean, fit)


def _time_constants(on: Dwells, off: Dwells) -> tuple[float, float]:
    """Return the time constants of exponential dwells, corrected for those that are not seen.

    Where dwells of the other state of mean m and share q are missed, a dwell seems to last for
    (t + q m) / (1 - q) in the place of t (Colquhoun and Sigworth, in Single-Channel Recording,
    1995, chapter 19).
    """
    if isinstance(on.fit, Refusal) or isinstance(off.fit, Refusal):
        return math.nan, math.nan
    if on.fit.law != "exponential" or off.fit.law != "exponential":
        return math.nan, math.nan
    seen = on.fit.cutoff_s, off.fit.cutoff_s
    on_s, off_s = seen
    for _ in range(_ROUNDS):
        on_s, off_s = (
            _corrected(seen[0], off_s, off.shortest_s),
            _corrected(seen[1], on_s, on.shortest_s),
        )
    return on_s, off_s


def _corrected(seen_s: float, other_s: float, other_shortest_s: float) -> float:
    share = math.exp(-other_shortest_s / other_s)
    missed = other_s * (1 - share) - other_shortest_s * share
    # A correction beyond a half rests on too little to go on.
    return max(seen_s * share - missed, seen_s / 2)
