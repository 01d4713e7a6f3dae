"""Where to begin: rotations and scales on a grid, shifts by a histogram of differences."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, uniform_filter
from scipy.spatial import cKDTree

from qdimage.registration.points import Points

Array = NDArray[np.float64]

_CELL_PX = 1.0
_WINDOW = 3
# The grid's steps move the frame's corner by this much, so that most of the frame votes in one
# window.
_CORNER_STEP_PX = 2.0
_SCALE_SIGMA = 2.0
_ALIKE_PX = 3.0
_MAX_ALIKE = 8


def starting_points(
    moving: Points,
    fixed: Points,
    *,
    max_shift_px: float,
    max_rotation_rad: float,
    scale_prior: float,
    n_best: int,
) -> list[Array]:
    """Return the (2, 3) similarity matrices under which most dots coincide, best first.

    Parameters
    ----------
    moving, fixed : Points
    max_shift_px : float
        Largest shift of the moving frame's centre.
    max_rotation_rad : float
    scale_prior : float
        Standard deviation expected of the scale about 1.
    n_best : int
        How many to return.
    """
    tree = cKDTree(fixed.positions)
    centred = moving.positions - moving.centre
    found: list[tuple[int, Array]] = []
    for linear in _linear_maps(moving, max_rotation_rad, scale_prior):
        about_centre = centred @ linear.T + moving.centre
        for votes, shift in _shifts(about_centre, fixed, tree, max_shift_px, n_best):
            constant = moving.centre + shift - linear @ moving.centre
            found.append((votes, np.column_stack([linear, constant])))
    found.sort(key=lambda item: -item[0])
    return _varied([matrix for _, matrix in found], moving.centre, n_best)


def _varied(matrices: list[Array], centre: Array, n_best: int) -> list[Array]:
    """Return the first ones, but not more than a few of about the same shift."""
    chosen: list[Array] = []
    places = np.empty((0, 2))
    for matrix in matrices:
        if len(chosen) == n_best:
            break
        place = matrix @ [*centre, 1.0]
        if np.sum(np.hypot(*(places - place).T) < _ALIKE_PX) < _MAX_ALIKE:
            chosen.append(matrix)
            places = np.vstack([places, place])
    return chosen


def _linear_maps(moving: Points, max_rotation_rad: float, scale_prior: float) -> list[Array]:
    step = _CORNER_STEP_PX / moving.half_diagonal
    maps = []
    for scale in 1.0 + _grid(_SCALE_SIGMA * scale_prior, step):
        for angle in _grid(max_rotation_rad, step):
            cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
            maps.append(np.array([[cosine, -sine], [sine, cosine]]))
    return maps


def _grid(limit: float, step: float) -> Array:
    """Symmetric about 0, no coarser than `step`, from -limit to limit."""
    n_side = int(np.ceil(limit / step - 0.5))
    return np.linspace(-limit, limit, 2 * n_side + 1) if n_side > 0 else np.zeros(1)


def _shifts(
    positions: Array, fixed: Points, tree: cKDTree, max_shift_px: float, n_best: int
) -> list[tuple[int, Array]]:
    """Return the most frequent differences to fixed dots, with their votes."""
    near = tree.query_ball_point(positions, max_shift_px + 2 * _CELL_PX)
    counts = [len(each) for each in near]
    if not sum(counts):
        return []
    partner = np.concatenate([np.asarray(each, np.int64) for each in near if each])
    difference = fixed.positions[partner] - np.repeat(positions, counts, axis=0)
    half = int(np.ceil(max_shift_px / _CELL_PX)) + 2
    edges = _CELL_PX * (np.arange(-half, half + 2) - 0.5)
    histogram, _, _ = np.histogram2d(difference[:, 0], difference[:, 1], bins=(edges, edges))
    votes = uniform_filter(histogram, _WINDOW, mode="constant") * _WINDOW**2
    peak = (votes == maximum_filter(votes, _WINDOW)) & (votes > 1.5)
    where = np.argwhere(peak)
    strength = np.rint(votes[peak]).astype(int)
    order = np.argsort(-strength, kind="stable")[:n_best]
    return [(int(strength[k]), _CELL_PX * (where[k] - half)) for k in order]
