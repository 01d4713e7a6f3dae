"""Rotations and shifts for which pairs of dots vote: two dots of one channel as far apart as two
of the other could be the same two.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int32]


def dot_pairs(positions: Array, shortest_px: float, longest_px: float) -> Array:
    """Return the pairs of dots by their distance.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
    shortest_px, longest_px : float
        Distances that are wanted.

    Returns
    -------
    ndarray, shape (m, 4)
        Distance, direction (radians) and middle (x, y) of each pair, the closest first.
    """
    first, second = np.triu_indices(len(positions), 1)
    arm = positions[second] - positions[first]
    distance = np.hypot(arm[:, 0], arm[:, 1])
    kept = (distance >= shortest_px) & (distance <= longest_px)
    order = np.flatnonzero(kept)[np.argsort(distance[kept], kind="stable")]
    middle = (positions[first[order]] + positions[second[order]]) / 2
    direction = np.arctan2(arm[order, 1], arm[order, 0])
    return np.column_stack([distance[order], direction, middle])


@njit(cache=True)
def vote(
    moving: Array,
    fixed: Array,
    scale_slack: float,
    slack_px: float,
    largest_rotation: float,
    reach_px: float,
    cell_px: float,
    votes: Counts,
) -> None:
    """Add a vote for every rotation and shift that lays a pair of dots on another.

    Parameters
    ----------
    moving, fixed : ndarray, shape (m, 4)
        Of `dot_pairs`, the positions relative to the centre of the moving frame.
    scale_slack, slack_px : float
        By how much distances may differ, relative and absolute.
    largest_rotation : float
        Radians.
    reach_px, cell_px : float
        Largest shift along an axis, and size of a cell of `votes`.
    votes : ndarray, shape (n_angles, n_cells, n_cells)
        Rotation from -pi on, y and x of where the centre comes to lie.
    """
    n_angles, n_cells, _ = votes.shape
    begin, end = 0, 0
    for k in range(len(moving)):
        distance, direction, x, y = moving[k]
        least = distance * (1 - scale_slack) - slack_px
        most = distance * (1 + scale_slack) + slack_px
        while begin < len(fixed) and fixed[begin, 0] < least:
            begin += 1
        while end < len(fixed) and fixed[end, 0] <= most:
            end += 1
        for other in range(begin, end):
            for turned in range(2):
                angle = fixed[other, 1] - direction + turned * np.pi
                angle -= 2 * np.pi * np.floor(angle / (2 * np.pi) + 0.5)
                if abs(angle) > largest_rotation:
                    continue
                cosine, sine = np.cos(angle), np.sin(angle)
                column = (fixed[other, 2] - cosine * x + sine * y + reach_px) / cell_px
                row = (fixed[other, 3] - sine * x - cosine * y + reach_px) / cell_px
                if 0 <= column < n_cells and 0 <= row < n_cells:
                    turn = int((angle + np.pi) / (2 * np.pi) * n_angles) % n_angles
                    votes[turn, int(row), int(column)] += 1
