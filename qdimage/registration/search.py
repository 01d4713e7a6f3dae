"""Where to begin: rotations and scales on a grid, shifts by the votes of any two dots."""

import numpy as np
from numpy.typing import NDArray

from qdimage.registration.points import Points
from qdimage.registration.shift_votes import peaks, summed, vote

Array = NDArray[np.float64]

_CELL_PX = 1.0
_FEWEST_VOTES = 2
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
    by_x = fixed.positions[np.argsort(fixed.positions[:, 0], kind="stable")]
    centre = moving.centre
    centred = moving.positions - centre
    maps = _linear_maps(moving, max_rotation_rad, scale_prior)
    found = [_shifts(centred @ linear.T + centre, by_x, max_shift_px, n_best) for linear in maps]
    which = np.repeat(np.arange(len(maps)), [len(votes) for votes, _ in found])
    votes = np.concatenate([each for each, _ in found])
    shifts = np.concatenate([each for _, each in found])
    return [
        np.column_stack([maps[which[k]], centre + shifts[k] - maps[which[k]] @ centre])
        for k in _varied(shifts, np.argsort(-votes, kind="stable"), n_best)
    ]


def _varied(shifts: Array, order: NDArray[np.intp], n_best: int) -> list[int]:
    """Return the first ones, but not more than a few of about the same shift."""
    chosen: list[int] = []
    for k in order:
        if len(chosen) == n_best:
            break
        apart = np.hypot(*(shifts[chosen] - shifts[k]).T)
        if np.sum(apart < _ALIKE_PX) < _MAX_ALIKE:
            chosen.append(int(k))
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
    positions: Array, by_x: Array, max_shift_px: float, n_best: int
) -> tuple[NDArray[np.int64], Array]:
    """Return the votes of the most frequent differences to fixed dots, and these differences."""
    half = int(np.ceil(max_shift_px / _CELL_PX)) + 2
    votes = np.zeros((2 * half + 1, 2 * half + 1), np.int32)
    vote(positions, by_x, max_shift_px + 2 * _CELL_PX, half, _CELL_PX, votes)
    found = peaks(summed(votes), _FEWEST_VOTES)
    found = found[np.argsort(-found[:, 0], kind="stable")[:n_best]]
    return found[:, 0], np.asarray(_CELL_PX * (found[:, 1:] - half), np.float64)
