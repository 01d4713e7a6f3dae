"""The order in which points are visited: the shortest path, or one nearly as short."""

import numpy as np
from numpy.typing import NDArray

from qdimage.numerics.random import generator
from qdimage.steering.route_kernels import (
    improve,
    improved_by_kicks,
    length_of,
    nearest_first,
    shortest_path,
)

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

EXACT_UP_TO = 12
# Work per start and per kick grows with the square of the points.
_STARTS, _START_WORK = 25, 2e6
_KICKS, _KICK_WORK = 1000, 1e7


def travelling_order(positions: Array, *, start: Array | None = None) -> Indices:
    """Return the order in which a path visits all points; it does not return.

    Exact up to `EXACT_UP_TO` points. Beyond that the best of several nearest-neighbour paths is
    improved by reversing and moving parts of it (2-opt and Or-opt; Croes 1958, Or 1976), kicked
    and improved again (Martin, Otto and Felten 1991), by the same random numbers every time.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
    start : ndarray, shape (2,), optional
        Where the path comes from; it may begin anywhere where not given.
    """
    n = len(positions)
    if n < 2:
        return np.arange(n)
    difference = positions[:, np.newaxis] - positions
    distance = np.hypot(difference[..., 0], difference[..., 1])
    begin = np.zeros(n) if start is None else np.hypot(*(positions - start).T)
    if n <= EXACT_UP_TO:
        return np.asarray(shortest_path(distance, begin))
    return _nearly_shortest(distance, begin)


def path_length(positions: Array, order: Indices, *, start: Array | None = None) -> float:
    """Return the length of the path through the points in an order, the way to the first too."""
    along = positions[order] if start is None else np.vstack([start, positions[order]])
    return float(np.sum(np.hypot(*np.diff(along, axis=0).T)))


def _nearly_shortest(distance: Array, begin: Array) -> Indices:
    n = len(begin)
    paths = []
    starts = max(min(_STARTS, int(_START_WORK / n**2)), 2)
    for first in np.unique(np.linspace(0, n - 1, starts).astype(int)):
        path = nearest_first(distance, begin, int(first))
        improve(path, distance, begin)
        paths.append(path)
    best = min(paths, key=lambda path: length_of(path, distance, begin))
    kicks = max(min(_KICKS, int(_KICK_WORK / n**2)), 1)
    rng = generator(0, "kicks")
    places = np.arange(1, n + 1)
    cuts = np.array([np.sort(rng.choice(places, 3, replace=False)) for _ in range(kicks)])
    return np.asarray(improved_by_kicks(best, distance, begin, cuts))
