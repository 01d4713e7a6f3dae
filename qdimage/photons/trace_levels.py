"""Stretches of steady intensity, and the few levels that they belong to.

Stretches are joined into levels step by step, those first whose joining costs the least
likelihood; the number of levels is the one with the best Bayesian information criterion (Watkins
and Yang, J. Phys. Chem. B 109, 617, 2005).
"""

import heapq
import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from qdimage.domain.trace import Levels
from qdimage.photons.change_points import change_points, thresholds
from qdimage.photons.trace import KeptArrivals
from qdimage.photons.trace_resolution import shortest_dwells_s

Array = NDArray[np.float64]
Whole = NDArray[np.int64]

_MOST_ROUNDS = 20
_GROUP, _LEAST_GROUPS = 8, 10
# Dwells of the shortest length seen for sure that a stretch may hide all the same.
_MOST_HIDDEN = 6.0


def find_levels(
    kept: KeptArrivals,
    *,
    tick_s: float,
    false_alarms: float,
    fewest_photons: int,
    most_levels: int,
) -> Levels:
    """Find steps in arrivals, and group what lies between them.

    Parameters
    ----------
    kept : KeptArrivals
        Of at least two photons at different times.
    tick_s : float
    false_alarms, fewest_photons, most_levels
        As in `qdimage.photons.trace_options.TraceOptions`.
    """
    places = change_points(
        kept.time, false_alarms=false_alarms, fewest=fewest_photons, weight=kept.every
    )
    bounds, photons = _stretches(kept, places)
    lasted_s = np.diff(bounds) * tick_s
    level, counts_s = group(photons, lasted_s, most_levels=most_levels)
    ratio = float(thresholds(max(kept.time.size - 1, 2), false_alarms)[0])
    level, counts_s = _without_mixtures(
        photons, lasted_s, level, counts_s, ratio=ratio, fewest=fewest_photons
    )
    return Levels(bounds, photons, level, counts_s, tick_s, *_dispersion(kept, bounds), kept.every)


def _stretches(kept: KeptArrivals, places: Whole) -> tuple[Whole, Whole]:
    """Return bounds and photons of the stretches; a photon at a step goes to the brighter side."""
    index = np.concatenate([[0], places * kept.every, [kept.n_photons - 1]])
    time = np.concatenate([kept.time[:1], kept.time[places], [kept.last]])
    photons = np.diff(index)
    rate = photons / np.maximum(np.diff(time), 1)
    brighter = rate[1:] > rate[:-1]
    photons[0] += 1
    photons[:-1] -= brighter
    photons[1:] += brighter
    bounds = time.copy()
    bounds[1:-1] += ~brighter
    bounds[-1] += 1
    return bounds, photons


def _dispersion(kept: KeptArrivals, bounds: Whole) -> tuple[float, float]:
    """Return how much more than steady light the photons scatter within stretches, and its error.

    Compared are the times that groups of photons take, relative to their mean in the stretch.
    """
    place = np.searchsorted(kept.time, bounds)
    n_groups = np.maximum(np.diff(place) - 1, 0) // _GROUP
    first = np.concatenate([[0], np.cumsum(n_groups)])
    stretch = np.repeat(np.arange(n_groups.size), n_groups)
    start = place[stretch] + _GROUP * (np.arange(stretch.size) - first[stretch])
    took = (kept.time[start + _GROUP] - kept.time[start]).astype(np.float64)
    total = np.bincount(stretch, weights=took, minlength=n_groups.size)
    relative = took * n_groups[stretch] / np.maximum(total[stretch], 1.0)
    free = int(np.maximum(n_groups - 1, 0).sum())
    if free < _LEAST_GROUPS:
        return math.nan, math.nan
    dispersion = _GROUP * kept.every * float(np.sum((relative - 1) ** 2)) / free
    # The fourth moment of a sum of exponential intervals.
    return dispersion, math.sqrt((2 + 6 / (_GROUP * kept.every)) / free)


def group(photons: Whole, lasted_s: Array, *, most_levels: int) -> tuple[Whole, Array]:
    """Return the level of each stretch, from 0, the darkest, and the levels' intensities, rising.

    Parameters
    ----------
    photons : ndarray of int64, shape (n,)
    lasted_s : ndarray, shape (n,)
    most_levels : int
    """
    best_level, best = np.zeros(photons.size, np.int64), -math.inf
    for start in _joined(photons, lasted_s, most_levels):
        level, criterion = _settled(photons, lasted_s, start)
        if criterion > best:
            best_level, best = level, criterion
    rates = _rates(photons, lasted_s, best_level)
    order = np.argsort(rates)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return rank[best_level].astype(np.int64), rates[order]


def _without_mixtures(
    photons: Whole, lasted_s: Array, level: Whole, counts_s: Array, *, ratio: float, fewest: float
) -> tuple[Whole, Array]:
    """Drop levels that may be mixtures of the next darker and the next brighter one.

    Where the light changes to and fro faster than can be seen, a stretch has an intensity in
    between. A level in between stands if one of its stretches would have to hide more changes
    than can be missed.
    """
    stands = np.ones(counts_s.size, bool)
    longest_s = np.zeros(counts_s.size)
    np.maximum.at(longest_s, level, lasted_s)
    shares = np.bincount(level, weights=lasted_s)
    for k in np.argsort(shares):
        if k == 0 or k == counts_s.size - 1:
            continue
        darker, brighter = np.flatnonzero(stands[:k])[-1], k + 1 + np.argmax(stands[k + 1 :])
        dark_s, bright_s = float(counts_s[darker]), float(counts_s[brighter])
        share = (counts_s[k] - dark_s) / (bright_s - dark_s)
        bright, dark = shortest_dwells_s(bright_s, dark_s, ratio=ratio, fewest=fewest)
        hidden = min(share * longest_s[k] / bright, (1 - share) * longest_s[k] / dark)
        stands[k] = hidden >= _MOST_HIDDEN
    if stands.all():
        return level, counts_s
    left = counts_s[stands]
    likely = xlogy(photons[:, np.newaxis], left) - np.outer(lasted_s, left)
    moved = np.where(stands[level], np.cumsum(stands)[level] - 1, np.argmax(likely, axis=1))
    return moved.astype(np.int64), _rates(photons, lasted_s, moved)


def _joined(photons: Whole, lasted_s: Array, most_levels: int) -> list[Whole]:
    """Return partitions into 1, 2, ... levels, by joining neighbours in the order of intensity."""
    order = np.argsort(photons / lasted_s, kind="stable")
    n, t = photons[order].astype(np.float64), lasted_s[order]
    size = n.size
    before, after = np.arange(-1, size - 1), np.arange(1, size + 1)
    alive, version = np.ones(size, bool), np.zeros(size, np.int64)

    def cost(a: int, b: int) -> float:
        apart = xlogy(n[a], n[a] / t[a]) + xlogy(n[b], n[b] / t[b])
        return float(apart - xlogy(n[a] + n[b], (n[a] + n[b]) / (t[a] + t[b])))

    heap = [(cost(k, k + 1), k, k + 1, 0, 0) for k in range(size - 1)]
    heapq.heapify(heap)
    found = []
    n_left = size
    while True:
        if n_left <= most_levels:
            level = np.empty(size, np.int64)
            level[order] = np.cumsum(alive) - 1
            found.append(level)
        if n_left == 1:
            return found[::-1]
        while True:
            _, a, b, version_a, version_b = heapq.heappop(heap)
            if alive[a] and alive[b] and (version[a], version[b]) == (version_a, version_b):
                break
        n[a], t[a] = n[a] + n[b], t[a] + t[b]
        alive[b], after[a] = False, after[b]
        version[a] += 1
        n_left -= 1
        if after[a] < size:
            before[after[a]] = a
            c = int(after[a])
            heapq.heappush(heap, (cost(a, c), a, c, int(version[a]), int(version[c])))
        if before[a] >= 0:
            c = int(before[a])
            heapq.heappush(heap, (cost(c, a), c, a, int(version[c]), int(version[a])))


def _settled(photons: Whole, lasted_s: Array, level: Whole) -> tuple[Whole, float]:
    """Give each stretch to its likeliest level until none moves; return them and the criterion."""
    for _ in range(_MOST_ROUNDS):
        likely = _log_likelihoods(photons, lasted_s, level)
        moved = np.argmax(likely, axis=1)
        _, moved = np.unique(moved, return_inverse=True)
        moved = moved.astype(np.int64)
        if np.array_equal(moved, level):
            break
        level = moved
    likely = _log_likelihoods(photons, lasted_s, level)
    total = float(likely[np.arange(level.size), level].sum())
    n_levels = likely.shape[1]
    return level, 2 * total - (2 * n_levels - 1) * math.log(level.size)


def _log_likelihoods(photons: Whole, lasted_s: Array, level: Whole) -> Array:
    """Return the log-likelihood of each stretch at each level, shape (n, m)."""
    rates = _rates(photons, lasted_s, level)
    shares = np.bincount(level) / level.size
    found = xlogy(photons[:, np.newaxis], rates) - np.outer(lasted_s, rates) + np.log(shares)
    return np.asarray(found)


def _rates(photons: Whole, lasted_s: Array, level: Whole) -> Array:
    """Return the intensity of each level."""
    time = np.bincount(level, weights=lasted_s)
    return np.asarray(np.bincount(level, weights=photons) / time)
