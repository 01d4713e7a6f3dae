"""Likelihood-ratio search for steps of a Poisson rate in arrival times: kernels.

A place is the index of an arrival. A stretch from place `start` to place `stop` holds the
``stop - start`` photons that came after the first and up to the last of these arrivals. Twice the
log-likelihood ratio of a step at place k against a steady rate is 2 n KL(q || v), where q is the
share of the n photons up to k, and v that of the time. It is at most 2 n (q - v)^2 / (v (1 - v)),
which decides at most places, and for most stretches, without a logarithm.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Places = NDArray[np.int64]
Array = NDArray[np.float64]


@njit(cache=True, error_model="numpy")
def best_step(
    time: Array, start: int, stop: int, weight: float, fewest: float, least: float
) -> tuple[int, float]:
    """Return the place of the step of greatest ratio, and that ratio; (-1, least) if none is above.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Whole numbers that never fall.
    start, stop : int
        Places, the last one included.
    weight : float
        Photons that an arrival stands for.
    fewest : float
        Photons that the brighter side of a step must have.
    least : float
        Ratios up to this do not count.
    """
    n = stop - start
    origin = time[start]
    span = time[stop] - origin
    place, best = -1, least
    if n < 2 or span <= 0.0:
        return place, best
    total = weight * n
    each, scale = 1.0 / n, 1.0 / span
    promising = 0
    for k in range(1, n):
        v = (time[start + k] - origin) * scale
        d = k * each - v
        promising += 2.0 * total * d * d > least * v * (1.0 - v)
    if promising == 0:
        return place, best
    for k in range(1, n):
        v = (time[start + k] - origin) * scale
        q = k * each
        d = q - v
        spread = v * (1.0 - v)
        if 2.0 * total * d * d <= best * spread:
            continue
        bright = k if d > 0.0 else n - k
        if weight * bright < fewest or (d > 0.0 and v <= 0.0) or (d < 0.0 and v >= 1.0):
            continue
        ratio = 2.0 * total * (q * math.log(q / v) + (1.0 - q) * math.log((1.0 - q) / (1.0 - v)))
        if ratio > best:
            place, best = start + k, ratio
    return place, best


@njit(cache=True, error_model="numpy")
def scan(
    time: Array,
    length: int,
    step: int,
    weight: float,
    fewest: float,
    least: float,
    starts: Places,
    places: Places,
    ratios: Array,
) -> int:
    """Search stretches of one length that begin `step` apart; return how many have steps.

    The last stretch ends with the arrivals. `starts`, `places` and `ratios` take those found.
    """
    last = time.size - 1
    found = 0
    start = 0
    while True:
        start = min(start, last - length)
        place, ratio = best_step(time, start, start + length, weight, fewest, least)
        if place >= 0:
            starts[found], places[found], ratios[found] = start, place, ratio
            found += 1
        if start + length >= last:
            return found
        start += step


@njit(cache=True, error_model="numpy")
def accept(starts: Places, places: Places, order: Places, length: int, tree: Places) -> None:
    """Take the steps in this order, each unless its stretch holds one that was taken before.

    `tree` is a Fenwick tree of the places taken.
    """
    for i in order:
        before = _taken(tree, starts[i] + length) - _taken(tree, starts[i] + 1)
        if before == 0:
            k = places[i] + 1
            while k < tree.size:
                tree[k] += 1
                k += k & -k


@njit(cache=True, error_model="numpy")
def _taken(tree: Places, place: int) -> int:
    """How many places below this one were taken."""
    total = 0
    while place > 0:
        total += tree[place]
        place -= place & -place
    return total


@njit(cache=True, error_model="numpy")
def taken_places(tree: Places) -> Places:
    """Return the places taken, rising."""
    n = _taken(tree, tree.size - 1)
    places = np.empty(n, np.int64)
    found = 0
    for place in range(tree.size - 1):
        if found < n and _taken(tree, place + 1) > found:
            places[found] = place
            found += 1
    return places


@njit(cache=True, error_model="numpy")
def threshold(thresholds: Array, n: int) -> float:
    """Look up the threshold of stretches of n arrivals, tabulated at powers of two."""
    power = 0
    while n >> (power + 1) > 0:
        power += 1
    return float(thresholds[min(power, thresholds.size - 1)])


@njit(cache=True, error_model="numpy")
def split(
    time: Array, bounds: Places, weight: float, fewest: float, thresholds: Array, found: Places
) -> int:
    """Split each stretch between bounds at its best step for as long as there is one.

    Return how many steps `found` was given, in no order.
    """
    stack = np.empty((64 + bounds.size, 2), np.int64)
    n_found = 0
    for i in range(bounds.size - 1):
        stack[0, 0], stack[0, 1] = bounds[i], bounds[i + 1]
        depth = 1
        while depth > 0:
            depth -= 1
            start, stop = stack[depth, 0], stack[depth, 1]
            least = threshold(thresholds, stop - start)
            place, _ = best_step(time, start, stop, weight, fewest, least)
            if place < 0 or n_found == found.size:
                continue
            found[n_found] = place
            n_found += 1
            # The shorter part is searched first: the stack then stays short.
            if place - start < stop - place:
                stack[depth, 0], stack[depth, 1] = place, stop
                stack[depth + 1, 0], stack[depth + 1, 1] = start, place
            else:
                stack[depth, 0], stack[depth, 1] = start, place
                stack[depth + 1, 0], stack[depth + 1, 1] = place, stop
            depth += 2
    return n_found


@njit(cache=True, error_model="numpy")
def settle(
    time: Array, bounds: Places, weight: float, fewest: float, thresholds: Array
) -> tuple[int, bool]:
    """Move each step to the best place between its neighbours, or drop it where it is none.

    Return how many bounds are left, and whether any has changed.
    """
    n, changed = 1, False
    for i in range(1, bounds.size - 1):
        start, stop = bounds[n - 1], bounds[i + 1]
        least = threshold(thresholds, stop - start)
        place, _ = best_step(time, start, stop, weight, fewest, least)
        changed |= place != bounds[i]
        if place >= 0:
            bounds[n] = place
            n += 1
    bounds[n] = bounds[bounds.size - 1]
    return n + 1, changed
