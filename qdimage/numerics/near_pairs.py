"""Points of a plane that are close to each other."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@njit(cache=True)
def near_pairs(points: Array, within: float) -> tuple[Index, Index, Array]:
    """Return the neighbours of every point as compressed rows, the nearest first.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        One that is not finite has no neighbours.
    within : float
        Largest distance.

    Returns
    -------
    start, other, distance
        ``other[start[k]:start[k + 1]]`` are the neighbours of point k; equally near ones are in
        order of their numbers.
    """
    n = points.shape[0]
    order = np.argsort(points[:, 1])
    start = np.zeros(n + 1, np.int64)
    for counting in (True, False):
        if counting:
            other, distance = np.empty(0, np.int64), np.empty(0)
        else:
            for k in range(n):
                start[k + 1] += start[k]
            other, distance = np.empty(start[n], np.int64), np.empty(start[n])
            filled = start[:n].copy()
        for i in range(n):
            a = order[i]
            for j in range(i + 1, n):
                b = order[j]
                dx, dy = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1]
                if not dy <= within:
                    break
                apart = math.hypot(dx, dy)
                if not apart <= within:
                    continue
                if counting:
                    start[a + 1] += 1
                    start[b + 1] += 1
                else:
                    _insert(other, distance, start[a], filled[a], b, apart)
                    _insert(other, distance, start[b], filled[b], a, apart)
                    filled[a] += 1
                    filled[b] += 1
    return start, other, distance


@njit(cache=True)
def _insert(other: Index, distance: Array, first: int, end: int, number: int, apart: float) -> None:
    """Put a neighbour in its place among those of a point that are known already."""
    place = end
    while place > first and (distance[place - 1], other[place - 1]) > (apart, number):
        other[place], distance[place] = other[place - 1], distance[place - 1]
        place -= 1
    other[place], distance[place] = number, apart
