"""Lengths and moves of a path through points: the loops that have to be fast."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

# A change below this share of the longest leg is rounding.
_ROUNDING = 1e-12
_LONGEST_SEGMENT = 3


@njit(cache=True)
def shortest_path(distance: Array, start: Array) -> Indices:
    """Return the shortest path through all points by dynamic programming over subsets.

    Parameters
    ----------
    distance : ndarray, shape (n, n)
        n is at most about 14: time grows as n^2 2^n.
    start : ndarray, shape (n,)
        Cost of beginning at each point.
    """
    n = len(start)
    full = 1 << n
    best = np.full((full, n), np.inf)
    before = np.full((full, n), -1, np.int64)
    for k in range(n):
        best[1 << k, k] = start[k]
    for subset in range(1, full):
        for last in range(n):
            cost = best[subset, last]
            if cost == np.inf:
                continue
            for new in range(n):
                if subset & (1 << new):
                    continue
                grown = subset | (1 << new)
                if cost + distance[last, new] < best[grown, new]:
                    best[grown, new] = cost + distance[last, new]
                    before[grown, new] = last
    path = np.empty(n, np.int64)
    subset, last = full - 1, int(np.argmin(best[full - 1]))
    for place in range(n - 1, -1, -1):
        path[place] = last
        subset, last = subset ^ (1 << last), before[subset, last]
    return path


@njit(cache=True)
def nearest_first(distance: Array, start: Array, first: int) -> Indices:
    """Return the path that goes on to the nearest point not yet visited."""
    n = len(start)
    free = np.ones(n, np.bool_)
    path = np.empty(n, np.int64)
    here = first
    for place in range(n):
        path[place] = here
        free[here] = False
        nearest, least = -1, np.inf
        for other in range(n):
            if free[other] and distance[here, other] < least:
                nearest, least = other, distance[here, other]
        here = nearest
    return path


@njit(cache=True)
def length_of(path: Indices, distance: Array, start: Array) -> float:
    """Return the length of a path, the way to its first point included."""
    total = float(start[path[0]])
    for place in range(len(path) - 1):
        total += distance[path[place], path[place + 1]]
    return total


@njit(cache=True)
def _into(path: Indices, place: int, distance: Array, start: Array) -> float:
    """Length of the leg that ends at a place."""
    if place == 0:
        return float(start[path[0]])
    return float(distance[path[place - 1], path[place]])


@njit(cache=True)
def _reverse_parts(path: Indices, distance: Array, start: Array, least: float) -> bool:
    """Reverse each part of the path whose reversal shortens it; return whether there was one."""
    n = len(path)
    shortened = False
    for i in range(n):
        for j in range(i + 1, n):
            old = _into(path, i, distance, start)
            new = start[path[j]] if i == 0 else distance[path[i - 1], path[j]]
            if j + 1 < n:
                old += distance[path[j], path[j + 1]]
                new += distance[path[i], path[j + 1]]
            if new < old - least:
                path[i : j + 1] = path[i : j + 1][::-1].copy()
                shortened = True
    return shortened


@njit(cache=True)
def _move_parts(path: Indices, distance: Array, start: Array, least: float) -> bool:
    """Move parts of up to three points, turned or not, to where that shortens the path most."""
    n = len(path)
    shortened = False
    for size in range(1, min(_LONGEST_SEGMENT, n - 1) + 1):
        for i in range(n - size + 1):
            gain = _into(path, i, distance, start)
            if i + size < n:
                gain += distance[path[i + size - 1], path[i + size]]
                after = path[i + size]
                gain -= start[after] if i == 0 else distance[path[i - 1], after]
            if gain <= least:
                continue
            part = path[i : i + size].copy()
            rest = np.concatenate((path[:i], path[i + size :]))
            to, turned, cost = _cheapest_place(rest, part, distance, start)
            if cost < gain - least:
                path[:to] = rest[:to]
                path[to : to + size] = part[::-1] if turned else part
                path[to + size :] = rest[to:]
                shortened = True
    return shortened


@njit(cache=True)
def _cheapest_place(
    rest: Indices, part: Indices, distance: Array, start: Array
) -> tuple[int, bool, float]:
    """Return where in a path a part costs least, whether turned, and what it costs there."""
    best_to, best_turned, least = 0, False, np.inf
    for to in range(len(rest) + 1):
        for turned in (False, True):
            first, last = (part[-1], part[0]) if turned else (part[0], part[-1])
            cost = start[first] if to == 0 else distance[rest[to - 1], first]
            if to < len(rest):
                cost += distance[last, rest[to]]
                cost -= start[rest[0]] if to == 0 else distance[rest[to - 1], rest[to]]
            if cost < least:
                best_to, best_turned, least = to, turned, cost
    return best_to, best_turned, least


@njit(cache=True)
def improve(path: Indices, distance: Array, start: Array) -> float:
    """Reverse and move parts of a path, in place, until none shortens it; return its length."""
    least = _ROUNDING * max(distance.max(), 1e-300)
    changed = True
    while changed:
        changed = _reverse_parts(path, distance, start, least)
        changed = _move_parts(path, distance, start, least) or changed
    return length_of(path, distance, start)


@njit(cache=True)
def improved_by_kicks(path: Indices, distance: Array, start: Array, cuts: Indices) -> Indices:
    """Swap neighbouring parts of the best path at random places, improve it, keep what is shorter.

    Parameters
    ----------
    path : ndarray of int, shape (n,)
    cuts : ndarray of int, shape (m, 3)
        Ascending places 0 < a < b < c <= n where the parts of each kick are cut.
    """
    best, shortest = path.copy(), length_of(path, distance, start)
    for k in range(len(cuts)):
        a, b, c = cuts[k]
        trial = np.concatenate((best[:a], best[b:c], best[a:b], best[c:]))
        length = improve(trial, distance, start)
        if length < shortest * (1 - _ROUNDING):
            best, shortest = trial, length
    return best
