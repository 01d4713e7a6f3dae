"""Rotations and shifts for which pairs of dots vote: two dots of one channel as far apart as two
of the other could be the same two.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Array = NDArray[np.float64]
Counts = NDArray[np.int32]

BLOCK = 6
# Of a sum of a few votes.
_LEAST_VARIANCE = 4.0


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
    fixed_cosine, fixed_sine = np.cos(fixed[:, 1]), np.sin(fixed[:, 1])
    begin, end = 0, 0
    for k in range(len(moving)):
        distance, direction, x, y = moving[k]
        own_cosine, own_sine = np.cos(direction), np.sin(direction)
        least = distance * (1 - scale_slack) - slack_px
        most = distance * (1 + scale_slack) + slack_px
        while begin < len(fixed) and fixed[begin, 0] < least:
            begin += 1
        while end < len(fixed) and fixed[end, 0] <= most:
            end += 1
        for other in range(begin, end):
            cosine = own_cosine * fixed_cosine[other] + own_sine * fixed_sine[other]
            sine = own_cosine * fixed_sine[other] - own_sine * fixed_cosine[other]
            for turned in range(2):
                angle = fixed[other, 1] - direction + turned * np.pi
                angle -= 2 * np.pi * np.floor(angle / (2 * np.pi) + 0.5)
                if abs(angle) <= largest_rotation:
                    column = (fixed[other, 2] - cosine * x + sine * y + reach_px) / cell_px
                    row = (fixed[other, 3] - sine * x - cosine * y + reach_px) / cell_px
                    if 0 <= column < n_cells and 0 <= row < n_cells:
                        turn = int((angle + np.pi) / (2 * np.pi) * n_angles) % n_angles
                        votes[turn, int(row), int(column)] += 1
                cosine, sine = -cosine, -sine


@njit(cache=True)
def summed(votes: Counts) -> Counts:
    """Return the votes of each cell and its 26 neighbours; the first axis is a circle."""
    n_angles, height, width = votes.shape
    by_row = np.zeros_like(votes)
    for turn in range(n_angles):
        for i in range(height):
            for j in range(width):
                if votes[turn, i, j]:
                    for k in range(max(j - 1, 0), min(j + 2, width)):
                        by_row[turn, i, k] += votes[turn, i, j]
    by_plane = np.zeros_like(votes)
    for turn in range(n_angles):
        for i in range(height):
            for k in range(max(i - 1, 0), min(i + 2, height)):
                by_plane[turn, k] += by_row[turn, i]
    sums = np.zeros_like(votes)
    for turn in range(n_angles):
        for step in range(-1, 2):
            sums[turn] += by_plane[(turn + step) % n_angles]
    return sums


def expected(sums: Counts) -> NDArray[np.float64]:
    """Return the mean of the sums in blocks of `BLOCK` cells along each axis and their neighbours.

    Dots with nothing in common vote most for those shifts under which most of the frames overlap.
    """
    starts = [np.arange(0, n, BLOCK) for n in sums.shape]
    total = sums.astype(np.float64)
    for axis, first in enumerate(starts):
        total = np.add.reduceat(total, first, axis=axis)
    lengths = [np.diff(np.append(first, n)) for first, n in zip(starts, sums.shape, strict=True)]
    cells = np.einsum("i,j,k->ijk", *lengths).astype(np.float64)
    modes = ("wrap", "nearest", "nearest")
    smooth = uniform_filter(total, 3, mode=modes) / uniform_filter(cells, 3, mode=modes)
    return np.asarray(smooth, np.float64)


@njit(cache=True)
def excess(sums: Counts, background: NDArray[np.float64]) -> Counts:
    """Return by how many tenths of its fluctuation each sum exceeds the background around it."""
    scores = np.zeros_like(sums)
    n_angles, height, width = sums.shape
    for turn in range(n_angles):
        for i in range(height):
            for j in range(width):
                usual = background[turn // BLOCK, i // BLOCK, j // BLOCK]
                if sums[turn, i, j] > usual:
                    above = (sums[turn, i, j] - usual) / np.sqrt(usual + _LEAST_VARIANCE)
                    scores[turn, i, j] = int(10.0 * above)
    return scores


@njit(cache=True)
def strongest(sums: Counts, n_best: int) -> NDArray[np.int64]:
    """Return (sum, turn, i, j) of peaks, among them at least the `n_best` highest if there are."""
    n_angles, height, width = sums.shape
    highest = sums.max()
    if highest < 1:
        return np.empty((0, 4), np.int64)
    cells = np.zeros(highest + 1, np.int64)
    for value in sums.flat:
        cells[value] += 1
    # A peak of 27 cells is seldom higher than its own surroundings in more cells than that.
    least, n_cells = highest, cells[highest]
    while least > 1 and n_cells + cells[least - 1] <= 60 * n_best:
        least -= 1
        n_cells += cells[least]
    found = np.empty((n_cells, 4), np.int64)
    n = 0
    for turn in range(n_angles):
        for i in range(height):
            for j in range(width):
                if sums[turn, i, j] >= least and _is_peak(sums, turn, i, j):
                    found[n, 0] = sums[turn, i, j]
                    found[n, 1], found[n, 2], found[n, 3] = turn, i, j
                    n += 1
    return found[:n].copy()


@njit(cache=True)
def _is_peak(sums: Counts, turn: int, row: int, column: int) -> bool:
    n_angles, height, width = sums.shape
    for step in range(-1, 2):
        for i in range(max(row - 1, 0), min(row + 2, height)):
            for j in range(max(column - 1, 0), min(column + 2, width)):
                if sums[(turn + step) % n_angles, i, j] > sums[turn, row, column]:
                    return False
    return True
