"""Places without a dot, to learn what darkness looks like."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

_TRIES_FOR_EACH = 20


def draw_blank_places(
    n_places: int,
    *,
    shape: tuple[int, int],
    margin_px: float,
    occupied: Array,
    clearance_px: float,
    rng: np.random.Generator,
) -> Array:
    """Return random positions (x, y) away from the border and from all occupied places.

    Fewer than `n_places` in a field that is too crowded.
    """
    height, width = shape
    span = np.array([width - 1, height - 1]) - 2 * margin_px
    if np.any(span <= 0):
        return np.empty((0, 2))
    places = margin_px + span * rng.random((_TRIES_FOR_EACH * n_places, 2))
    if len(occupied):
        distance, _ = cKDTree(occupied).query(places)
        places = places[distance > clearance_px]
    return np.asarray(places[:n_places])


def spread_out(places: Array, distance_px: float) -> list[NDArray[np.int64]]:
    """Divide places into batches in which all are farther from each other than a distance."""
    near: list[list[int]] = [[] for _ in places]
    if len(places):
        for a, b in sorted(cKDTree(places).query_pairs(distance_px)):
            near[b].append(a)
    batch = np.zeros(len(places), np.int64)
    for index, others in enumerate(near):
        taken = {int(batch[other]) for other in others}
        batch[index] = next(k for k in range(len(taken) + 1) if k not in taken)
    return [np.flatnonzero(batch == k) for k in range(int(batch.max(initial=-1)) + 1)]
