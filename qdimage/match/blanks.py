"""Places without a dot, to learn what darkness looks like."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

_TRIES_FOR_EACH = 20
# Steps of the most even sequence of points in the plane: powers of the root of x^3 = x + 1.
_STEP = np.array([0.7548776662466927, 0.5698402909980532])


def blank_places(
    n_places: int,
    *,
    shape: tuple[int, int],
    margin_px: float,
    occupied: Array,
    clearance_px: float,
    seed: int = 0,
) -> Array:
    """Return positions (x, y) away from the border and not on an occupied place.

    They fill the frame evenly, and depend on the seed, the frame and the occupied places alone.
    Fewer than `n_places` in a field that is too crowded.
    """
    height, width = shape
    span = np.array([width - 1, height - 1]) - 2 * margin_px
    if np.any(span <= 0):
        return np.empty((0, 2))
    number = np.arange(_TRIES_FOR_EACH * n_places)[:, np.newaxis]
    start = np.random.default_rng(seed).random(2)
    places = margin_px + span * ((start + number * _STEP) % 1.0)
    if len(occupied):
        distance, _ = cKDTree(occupied).query(places)
        places = places[distance > clearance_px]
    return np.asarray(places[:n_places])
