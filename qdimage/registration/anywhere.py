"""Where to begin when nothing is known: any rotation, a shift of half the field, a mirror."""

import numpy as np
from numpy.typing import NDArray

from qdimage.registration.pair_votes import dot_pairs, excess, expected, strongest, summed, vote
from qdimage.registration.points import Points
from qdimage.registration.search import starting_points

Array = NDArray[np.float64]

# Pairs this far apart tell the rotation to about a degree, and are not too many.
_SHORTEST_PX, _LONGEST_PX = 40.0, 160.0
_SLACK_PX = 1.0
_SCALE_SIGMA = 2.0
_N_ANGLES = 180
_CELL_PX = 4.0
# The best localized dots vote; more would tell nothing new.
_MOST_MOVING, _MOST_FIXED = 80, 1500
# What the grid of votes leaves open is searched dot by dot.
_NEAR_PX, _NEAR_RAD = 8.0, float(np.deg2rad(2.5))


def starts_anywhere(
    moving: Points,
    fixed: Points,
    *,
    max_shift_px: float,
    max_rotation_rad: float,
    scale_prior: float,
    n_best: int,
) -> list[Array]:
    """Return the (2, 3) similarity matrices for which most pairs of dots vote, best first.

    Parameters
    ----------
    moving, fixed : Points
    max_shift_px : float
        Largest shift of the moving frame's centre.
    max_rotation_rad : float
    scale_prior : float
        Standard deviation expected of the scale about 1.
    n_best : int
        How many places of the grid are followed up.
    """
    side = int(np.ceil(2 * max_shift_px / _CELL_PX))
    votes = np.zeros((_N_ANGLES, side, side), np.int32)
    vote(
        dot_pairs(_best(moving, _MOST_MOVING) - moving.centre, _SHORTEST_PX, _LONGEST_PX),
        dot_pairs(_best(fixed, _MOST_FIXED) - moving.centre, _SHORTEST_PX, _LONGEST_PX),
        _SCALE_SIGMA * scale_prior,
        _SLACK_PX,
        max_rotation_rad,
        max_shift_px,
        _CELL_PX,
        votes,
    )
    starts = []
    sums = summed(votes)
    peaks = strongest(excess(sums, expected(sums)), n_best)
    order = np.argsort(-peaks[:, 0], kind="stable")[:n_best]
    for _, turn, row, column in peaks[order]:
        angle = (turn + 0.5) * 2 * np.pi / _N_ANGLES - np.pi
        shift = _CELL_PX * (np.array([column, row]) + 0.5) - max_shift_px
        starts += _near(_similarity(angle, shift, moving.centre), moving, fixed, scale_prior)
    return starts


def mirrored(points: Points) -> Points:
    """Return the dots as a mirror shows them, left and right exchanged."""
    positions = points.positions.copy()
    positions[:, 0] = points.width - 1 - positions[:, 0]
    return Points(positions, points.variance, points.index, points.width, points.height)


def _best(points: Points, most: int) -> Array:
    return points.positions[np.argsort(points.variance, kind="stable")[:most]]


def _similarity(angle: float, shift: Array, centre: Array) -> Array:
    """Turn about the centre, then shift."""
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([linear, centre + shift - linear @ centre])


def _near(matrix: Array, moving: Points, fixed: Points, scale_prior: float) -> list[Array]:
    """Return the better starts in the neighbourhood of one."""
    mapped = moving.positions @ matrix[:, :2].T + matrix[:, 2]
    turned = Points(mapped, moving.variance, moving.index, moving.width, moving.height)
    found = starting_points(
        turned,
        fixed,
        max_shift_px=_NEAR_PX,
        max_rotation_rad=_NEAR_RAD,
        scale_prior=scale_prior,
        n_best=1,
    )
    return [
        np.column_stack([each[:, :2] @ matrix[:, :2], each[:, :2] @ matrix[:, 2] + each[:, 2]])
        for each in found
    ]
