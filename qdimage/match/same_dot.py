"""Which dot is meant by a place that was written down earlier."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

# A rerun with other options moves a dot by less; two dots closer than this are one to the camera.
_LEAST_PX = 1.0
_MOST_PX = 3.0
_ERRORS = 3.0


def allowed_distance_px(position_err_px: Array) -> Array:
    """Return how far from each dot a place may be and still mean it.

    Parameters
    ----------
    position_err_px : ndarray, shape (n, 2)
        Standard deviations; NaN where not known.
    """
    error = np.nan_to_num(np.hypot(*np.asarray(position_err_px, float).reshape(-1, 2).T))
    return np.asarray(np.clip(_ERRORS * error, _LEAST_PX, _MOST_PX))


def dots_at_places(places: Array, dots: Array, within_px: Array) -> NDArray[np.int64]:
    """Return the index of the dot that each place means, one to one; -1 for none.

    The closest pairs are taken first.

    Parameters
    ----------
    places : ndarray, shape (m, 2)
    dots : ndarray, shape (n, 2)
    within_px : ndarray, shape (n,)
        Largest distance for each dot.
    """
    found = np.full(len(places), -1, np.int64)
    if len(places) == 0 or len(dots) == 0:
        return found
    near = cKDTree(dots).query_ball_point(places, float(within_px.max()))
    pairs = np.array([(p, d) for p, each in enumerate(near) for d in each], np.int64).reshape(-1, 2)
    distance = np.hypot(*(places[pairs[:, 0]] - dots[pairs[:, 1]]).T)
    allowed = distance <= within_px[pairs[:, 1]]
    pairs, distance = pairs[allowed], distance[allowed]
    taken = np.zeros(len(dots), bool)
    for place, dot in pairs[np.lexsort((pairs[:, 1], pairs[:, 0], distance))]:
        if found[place] < 0 and not taken[dot]:
            found[place], taken[dot] = dot, True
    return found
