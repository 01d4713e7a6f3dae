"""Steps of the intensity, found in the arrivals themselves with a stated rate of false alarms.

The likelihood-ratio test of a step between two arrivals is that of Watkins and Yang (J. Phys.
Chem. B 109, 617, 2005, doi:10.1021/jp0467548). It is applied to stretches of all lengths (seeded
binary segmentation; Kovacs et al., Biometrika 110, 249, 2023), the shortest first, since a short
dark time within a long bright one disappears in the whole. The stretches between the steps so
found are then split further, and each step is moved to its best place, or dropped.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qdimage.photons.change_point_kernels import (
    accept,
    scan,
    settle,
    split,
    taken_places,
)

Array = NDArray[np.float64]
Ticks = NDArray[np.int64]
Places = NDArray[np.int64]

_SHORTEST = 16
_MOST_ROUNDS = 20
# Stretches begin a share of their length apart, short ones at each arrival, so that one ends within
# each dwell, however few photons it has.
_STEPS, _DENSE = 16, 64
_HIGHEST_ROOT = 40.0
# Ratios above this tell stretches apart that overlap. Chosen such that steady light of 50 ... 10^6
# photons has no more steps than stated (benchmarks/change_points.py).
_OVERLAP = 9.0


def change_points(
    time: Ticks, *, false_alarms: float, fewest: float = 5.0, weight: float = 1.0
) -> Places:
    """Return the places of the steps among the arrivals, rising.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Arrivals that never fall.
    false_alarms : float
        Steps that may be found, on average, where the light is steady throughout.
    fewest : float
        Photons that the brighter side of a step must have: a few that come together, as
        afterpulses or the photons of a biexciton do, are no brighter light.
    weight : float
        Photons that an arrival stands for.

    Returns
    -------
    ndarray of int64, shape (m,)
        Indices of `time`. The photon there is the last before the step, or, where the light becomes
        brighter, the first behind it.
    """
    n = time.size - 1
    if n < 2:
        return np.zeros(0, np.int64)
    limits = thresholds(n, false_alarms)
    since = (time - time[0]).astype(np.float64)
    bounds = np.concatenate([[0], _seeded(since, fewest, weight, limits), [n]])
    for _ in range(_MOST_ROUNDS):
        bounds = _split(since, bounds, fewest, weight, limits)
        bounds, changed = _settled(since, bounds, fewest, weight, limits)
        if not changed:
            break
    return np.asarray(bounds[1:-1], np.int64)


def thresholds(n: int, false_alarms: float) -> Array:
    """Return how high the ratio must be in stretches of 1, 2, 4, ... up to n arrivals.

    The false alarms are shared equally among the lengths. Within a stretch all places are searched:
    the root of the ratio is, in log(v / (1 - v)), close to an Ornstein-Uhlenbeck process, whose
    chance to exceed b anywhere is phi(b) [(b - 1/b) U + 4/b] (Siegmund, Sequential Analysis, 1985,
    chapter XI), U being the range searched. Stretches of a length overlap; the higher the
    threshold, the more of them are as good as independent.

    Returns
    -------
    ndarray, shape (m,)
        The k-th for lengths from 2^k to below 2^(k + 1).
    """
    n_powers = int(math.log2(n)) + 1
    n_lengths = max(n_powers - int(math.log2(_SHORTEST)), 1)
    chance = min(false_alarms / n_lengths, 0.5)
    lengths = 1 << np.arange(n_powers)
    return np.array([_root(int(each), max(n / each, 1.0), chance) ** 2 for each in lengths])


def _root(length: int, n_stretches: float, chance: float) -> float:
    """Return what the root of the ratio exceeds, in any of the stretches, with this chance."""
    search = 2.0 * math.log(max(2 * length - 1, 2))

    def excess(b: float) -> float:
        log_density = -b * b / 2 - math.log(2 * math.pi) / 2
        log_independent = math.log(n_stretches) + 2 * max(math.log(b * b / _OVERLAP), 0.0)
        inside = math.log((b - 1 / b) * search + 4 / b)
        return log_density + inside + log_independent - math.log(chance)

    if excess(1.0) <= 0:
        return 1.0
    return float(brentq(excess, 1.0, _HIGHEST_ROOT))


def _step(length: int) -> int:
    """Return how far apart stretches of a length begin."""
    return 1 if length <= _DENSE else length // _STEPS


def _seeded(time: Array, fewest: float, weight: float, limits: Array) -> Places:
    """Return steps of stretches of all lengths, each from the shortest that shows it."""
    n = time.size - 1
    tree = np.zeros(n + 2, np.int64)
    length = _SHORTEST
    while length <= n:
        step = _step(length)
        n_most = (n - length) // step + 2
        starts, places = np.empty(n_most, np.int64), np.empty(n_most, np.int64)
        ratios = np.empty(n_most)
        least = float(limits[int(math.log2(length))])
        found = scan(time, length, step, weight, fewest, least, starts, places, ratios)
        order = np.argsort(-ratios[:found], kind="stable")
        accept(starts, places, order, length, tree)
        length *= 2
    return np.asarray(taken_places(tree), np.int64)


def _split(time: Array, bounds: Places, fewest: float, weight: float, limits: Array) -> Places:
    found = np.empty(time.size, np.int64)
    n_found = split(time, bounds, weight, fewest, limits, found)
    return np.sort(np.concatenate([bounds, found[:n_found]]))


def _settled(
    time: Array, bounds: Places, fewest: float, weight: float, limits: Array
) -> tuple[Places, bool]:
    moved = bounds.copy()
    n, changed = settle(time, moved, weight, fewest, limits)
    return moved[:n], bool(changed)
