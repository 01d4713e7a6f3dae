"""Kernels of the likelihood of turn-on voltages.

Class c of a dot: it is lit from voltage c on, c = 0 ... m; class m is never lit.
"""

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SMALLEST = 1e-300


@numba.njit(cache=True)
def class_likelihoods(odds: Array, known: NDArray[np.bool_], chance: Array, lapse: float) -> Array:
    """Return the likelihood of every class of each dot over that of darkness throughout.

    A dark place can be made bright by another source, from some voltage on as well; `chance`, never
    falling, is the share of places at which one has done so.

    Parameters
    ----------
    odds, known, chance : ndarray, shape (n, m)
        Likelihood of a flux if bright over that if dark; whether it was measured.
    lapse : float
        Probability that a lit dot is dark at a voltage.

    Returns
    -------
    ndarray, shape (n, m + 1)
        Scaled for each dot, so that the largest is about 1.
    """
    n, m = odds.shape
    result = np.empty((n, m + 1))
    seen = np.empty(m + 1)
    for k in range(n):
        seen[m] = 0.0
        for j in range(m - 1, -1, -1):
            ratio = (1.0 - lapse) * odds[k, j] + lapse if known[k, j] else 1.0
            seen[j] = seen[j + 1] + np.log(max(ratio, _SMALLEST))
        largest = seen.max()
        for c in range(m + 1):
            seen[c] = np.exp(seen[c] - largest)
        by_chance, before = 0.0, 0.0
        for c in range(m + 1):
            result[k, c] = by_chance + (1.0 - before) * seen[c]
            if c < m:
                by_chance += (chance[k, c] - before) * seen[c]
                before = chance[k, c]
    return result


@numba.njit(cache=True)
def lapse_counts(
    odds: Array, known: NDArray[np.bool_], chance: Array, lapse: float, share: Array
) -> tuple[float, float]:
    """Return the expected lapses, and the voltages at which dots are lit or lapse.

    Parameters
    ----------
    odds, known, chance, lapse
        As for `class_likelihoods`.
    share : ndarray, shape (m + 1,)
        Share of dots in each class.
    """
    n, m = odds.shape
    lapses, lit = 0.0, 0.0
    seen = np.empty(m + 1)
    appears = np.empty(m + 1)
    for k in range(n):
        seen[m] = 0.0
        for j in range(m - 1, -1, -1):
            ratio = (1.0 - lapse) * odds[k, j] + lapse if known[k, j] else 1.0
            seen[j] = seen[j + 1] + np.log(max(ratio, _SMALLEST))
        largest = seen.max()
        later, before, total = 1.0, 0.0, 0.0
        for c in range(m + 1):
            after = chance[k, c] if c < m else 1.0
            later -= share[c]
            weight = share[c] * (1.0 - before) + max(later, 0.0) * (after - before)
            appears[c] = weight * np.exp(seen[c] - largest)
            total += appears[c]
            before = after
        if total <= 0.0:
            continue
        from_here = 0.0
        for j in range(m):
            from_here += appears[j] / total
            if known[k, j]:
                ratio = (1.0 - lapse) * odds[k, j] + lapse
                lit += from_here
                lapses += from_here * lapse / max(ratio, _SMALLEST)
    return lapses, lit


@numba.njit(cache=True)
def fit_shares(
    likelihoods: Array, weights: Array, start: Array, fixed: int, value: float, tolerance: float
) -> tuple[Array, float]:
    """Maximize the likelihood of the share of each class by expectation-maximization.

    Parameters
    ----------
    likelihoods : ndarray, shape (n, m + 1)
    weights : ndarray, shape (n,)
        Dots for each row.
    start : ndarray, shape (m + 1,)
        Shares to begin with; those that are 0 stay 0.
    fixed : int
        Voltage at which the share that is lit is held at `value`; -1 for none.
    value : float
    tolerance : float
        Gain of the log-likelihood at which to stop.

    Returns
    -------
    shares : ndarray, shape (m + 1,)
    log_likelihood : float
    """
    n, size = likelihoods.shape
    share = start.copy()
    _normalize(share, fixed, value)
    before = -np.inf
    now = before
    for _ in range(_MOST_STEPS):
        gain = np.zeros(size)
        now = 0.0
        for k in range(n):
            total = 0.0
            for c in range(size):
                total += likelihoods[k, c] * share[c]
            total = max(total, _SMALLEST)
            now += weights[k] * np.log(total)
            for c in range(size):
                gain[c] += weights[k] * likelihoods[k, c] / total
        if now - before < tolerance:
            break
        before = now
        for c in range(size):
            share[c] *= gain[c]
        _normalize(share, fixed, value)
    return share, now


_MOST_STEPS = 500


@numba.njit(cache=True)
def _normalize(share: Array, fixed: int, value: float) -> None:
    """Make the shares add up to 1, and those lit at a voltage to a value."""
    if fixed < 0:
        share /= max(share.sum(), _SMALLEST)
        return
    lit, dark = share[: fixed + 1], share[fixed + 1 :]
    lit *= value / max(lit.sum(), _SMALLEST)
    dark *= (1.0 - value) / max(dark.sum(), _SMALLEST)


@numba.njit(cache=True)
def curve_log_likelihoods(
    likelihoods: Array, weights: Array, rises: Array, below: Array
) -> tuple[Array, Array]:
    """Return the largest log-likelihood for each shape of the curve, and its plateau.

    Parameters
    ----------
    likelihoods : ndarray, shape (n, m + 1)
    weights : ndarray, shape (n,)
    rises : ndarray, shape (p, m)
        Share of the rise done at each voltage.
    below : ndarray, shape (p,)
        Share, of the dots that ever light, of those lit at any voltage.

    Returns
    -------
    log_likelihoods, plateaus : ndarray, shape (p,)
    """
    best, plateaus = np.empty(len(rises)), np.empty(len(rises))
    never = likelihoods[:, -1].copy()
    for p in range(len(rises)):
        ever = _seen_if_ever_lit(likelihoods, rises[p], below[p])
        plateaus[p] = _best_plateau(ever, never, weights)
        best[p] = _log_likelihood(ever, never, weights, plateaus[p])
    return best, plateaus


@numba.njit(cache=True)
def fixed_plateau_log_likelihoods(
    likelihoods: Array, weights: Array, rises: Array, below: Array, plateaus: Array
) -> Array:
    """Return, for each plateau, the largest log-likelihood of all shapes of the curve.

    Parameters
    ----------
    likelihoods, weights, rises, below
        As for `curve_log_likelihoods`.
    plateaus : ndarray, shape (q,)

    Returns
    -------
    ndarray, shape (q,)
    """
    best = np.full(len(plateaus), -np.inf)
    never = likelihoods[:, -1].copy()
    for p in range(len(rises)):
        ever = _seen_if_ever_lit(likelihoods, rises[p], below[p])
        for q in range(len(plateaus)):
            best[q] = max(best[q], _log_likelihood(ever, never, weights, plateaus[q]))
    return best


@numba.njit(cache=True)
def _seen_if_ever_lit(likelihoods: Array, rise: Array, below: float) -> Array:
    n, size = likelihoods.shape
    share = np.empty(size)
    done = 0.0
    for c in range(size - 1):
        now = below + (1.0 - below) * rise[c]
        share[c] = now - done
        done = now
    share[size - 1] = 1.0 - done
    seen = np.zeros(n)
    for k in range(n):
        for c in range(size):
            seen[k] += likelihoods[k, c] * share[c]
    return seen


@numba.njit(cache=True)
def _log_likelihood(ever: Array, never: Array, weights: Array, plateau: float) -> float:
    total = 0.0
    for k in range(len(ever)):
        seen = plateau * ever[k] + (1.0 - plateau) * never[k]
        total += weights[k] * np.log(max(seen, _SMALLEST))
    return total


@numba.njit(cache=True)
def _best_plateau(ever: Array, never: Array, weights: Array) -> float:
    """Return the share of dots that ever light, by Newton's method kept between bounds.

    The slope of the log-likelihood falls throughout, so that its sign says where to go.
    """
    if _slope(ever, never, weights, 1.0)[0] >= 0.0:
        return 1.0
    # Where the never lit have next to no likelihood at 1, Newton's steps from there are too short.
    plateau, total = 0.0, 0.0
    for k in range(len(ever)):
        plateau += weights[k] * ever[k] / max(ever[k] + never[k], _SMALLEST)
        total += weights[k]
    low, high, plateau = 0.0, 1.0, plateau / max(total, _SMALLEST)
    for _ in range(_NEWTON_STEPS):
        slope, curvature = _slope(ever, never, weights, plateau)
        if slope > 0.0:
            low = plateau
        else:
            high = plateau
        before = plateau
        plateau += slope / max(curvature, _SMALLEST)
        if not low < plateau < high:
            plateau = 0.5 * (low + high)
        if abs(plateau - before) < _PLATEAU_TOLERANCE:
            break
    return plateau


@numba.njit(cache=True)
def _slope(ever: Array, never: Array, weights: Array, plateau: float) -> tuple[float, float]:
    """Return the first derivative of the log-likelihood, and the second with its sign changed."""
    slope, curvature = 0.0, 0.0
    for k in range(len(ever)):
        seen = plateau * ever[k] + (1.0 - plateau) * never[k]
        relative = (ever[k] - never[k]) / max(seen, _SMALLEST)
        slope += weights[k] * relative
        curvature += weights[k] * relative * relative
    return slope, curvature


_NEWTON_STEPS, _PLATEAU_TOLERANCE = 25, 1e-6
