"""Shifts for which dots vote: two dots of two channels could be the same one."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int32]


@njit(cache=True)
def vote(
    moving: Array, fixed: Array, reach_px: float, half: int, cell_px: float, votes: Counts
) -> None:
    """Add a vote for the difference of any two dots that is inside the reach.

    Parameters
    ----------
    moving : ndarray, shape (n, 2)
    fixed : ndarray, shape (m, 2)
        In order of x.
    reach_px, cell_px : float
        Longest difference, and size of a cell of `votes`.
    half : int
        Number of cells from the middle of `votes` to its border.
    votes : ndarray, shape (2 half + 1, 2 half + 1)
        Axes x and y of the difference, fixed minus moving; 0 in the middle of the middle cell.
    """
    along = fixed[:, 0].copy()
    for k in range(len(moving)):
        x, y = moving[k]
        begin = np.searchsorted(along, x - reach_px)
        for other in range(begin, len(fixed)):
            dx, dy = fixed[other, 0] - x, fixed[other, 1] - y
            if dx > reach_px:
                break
            if dx * dx + dy * dy <= reach_px * reach_px:
                column = int(np.floor(dx / cell_px + 0.5)) + half
                row = int(np.floor(dy / cell_px + 0.5)) + half
                if 0 <= column <= 2 * half and 0 <= row <= 2 * half:
                    votes[column, row] += 1


@njit(cache=True)
def summed(votes: Counts) -> Counts:
    """Return the votes of each cell and its eight neighbours."""
    width, height = votes.shape
    sums = np.zeros_like(votes)
    for i in range(width):
        for j in range(height):
            if votes[i, j]:
                for k in range(max(i - 1, 0), min(i + 2, width)):
                    for m in range(max(j - 1, 0), min(j + 2, height)):
                        sums[k, m] += votes[i, j]
    return sums


@njit(cache=True)
def peaks(sums: Counts, least: int) -> NDArray[np.int64]:
    """Return (sum, i, j) of the cells with `least` or more, and no less than any neighbour."""
    width, height = sums.shape
    found = np.empty((width * height, 3), np.int64)
    n = 0
    for i in range(width):
        for j in range(height):
            highest = sums[i, j] >= least
            for k in range(max(i - 1, 0), min(i + 2, width)):
                for m in range(max(j - 1, 0), min(j + 2, height)):
                    highest = highest and sums[k, m] <= sums[i, j]
            if highest:
                found[n, 0], found[n, 1], found[n, 2] = sums[i, j], i, j
                n += 1
    return found[:n].copy()
