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
_HIGHEST_ROOT = 40.0
# How much the bound of `thresholds` exceeds the steps found in steady light, at least: stretches
# overlap, and arrivals are not continuous (benchmarks/change_points.py).
_EXCESS = 2.5


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
    bounds = np.concatenate([[0], _seeded(time, fewest, weight, limits), [n]])
    for _ in range(_MOST_ROUNDS):
        bounds = _split(time, bounds, fewest, weight, limits)
        bounds, changed = _settled(time, bounds, fewest, weight, limits)
        if not changed:
            break
    return np.asarray(bounds[1:-1], np.int64)


def thresholds(n: int, false_alarms: float) -> Array:
    """Return how high the ratio must be in stretches of 1, 2, 4, ... up to n arrivals.

    The false alarms are shared equally among the lengths, and among the stretches of each, of
    which there are 2 n over the length. Within a stretch all places are searched: the square root
    of the ratio is, in log(v / (1 - v)), close to an Ornstein-Uhlenbeck process, whose chance to
    exceed b anywhere is phi(b) [(b - 1/b) U + 4/b] (Siegmund, Sequential Analysis, 1985, chapter
    XI), U being the range searched.

    Returns
    -------
    ndarray, shape (m,)
        The k-th for lengths from 2^k to below 2^(k + 1).
    """
    n_powers = int(math.log2(n)) + 1
    n_lengths = max(n_powers - int(math.log2(_SHORTEST)), 1)
    values = []
    for power in range(n_powers):
        length = 1 << power
        chance = _EXCESS * false_alarms / n_lengths / max(2 * n / length, 1.0)
        values.append(_root(2 * length, min(chance, 0.5)) ** 2)
    return np.array(values)


def _root(n: int, chance: float) -> float:
    """Return the level that the root of the ratio exceeds, in n arrivals, with this chance."""
    search = 2.0 * math.log(max(n - 1, 2))

    def excess(b: float) -> float:
        log_density = -b * b / 2 - math.log(2 * math.pi) / 2
        return log_density + math.log((b - 1 / b) * search + 4 / b) - math.log(chance)

    if excess(1.0) <= 0:
        return 1.0
    return float(brentq(excess, 1.0, _HIGHEST_ROOT))


def _seeded(time: Ticks, fewest: float, weight: float, limits: Array) -> Places:
    """Return steps of stretches of all lengths, each from the shortest that shows it."""
    n = time.size - 1
    tree = np.zeros(n + 2, np.int64)
    length = _SHORTEST
    while length <= n:
        n_most = 2 * n // length + 3
        starts, places = np.empty(n_most, np.int64), np.empty(n_most, np.int64)
        ratios = np.empty(n_most)
        least = float(limits[int(math.log2(length))])
        found = scan(time, length, weight, fewest, least, starts, places, ratios)
        order = np.argsort(-ratios[:found], kind="stable")
        accept(starts, places, order, length, tree)
        length *= 2
    return np.asarray(taken_places(tree), np.int64)


def _split(time: Ticks, bounds: Places, fewest: float, weight: float, limits: Array) -> Places:
    found = np.empty(time.size, np.int64)
    n_found = split(time, bounds, weight, fewest, limits, found)
    return np.sort(np.concatenate([bounds, found[:n_found]]))


def _settled(
    time: Ticks, bounds: Places, fewest: float, weight: float, limits: Array
) -> tuple[Places, bool]:
    moved = bounds.copy()
    n, changed = settle(time, moved, weight, fewest, limits)
    return moved[:n], bool(changed)
