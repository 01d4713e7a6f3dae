"""The dot at which something was measured, from where the stage stood."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PlacedDot:
    """The dot nearest to a place, and whether it is the only one that it can be.

    Attributes
    ----------
    index : int
    distance_px : float
    alone : bool
        No second dot lies within the distance that was allowed.
    """

    index: int
    distance_px: float
    alone: bool


def dot_at_place(
    positions_px: Array, place_px: tuple[float, float], *, within_px: float
) -> PlacedDot | None:
    """Return the dot nearest to a place, or None where none is near enough.

    Parameters
    ----------
    positions_px : ndarray, shape (n, 2)
        Dots, (x, y).
    place_px : (float, float)
    within_px : float
        Largest distance between place and dot.
    """
    distance = np.hypot(*(positions_px - np.asarray(place_px)).T)
    near = np.flatnonzero(distance <= within_px)
    if len(near) == 0:
        return None
    index = int(near[np.argmin(distance[near])])
    return PlacedDot(index, float(distance[index]), len(near) == 1)
