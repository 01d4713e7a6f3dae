"""Bins of a correlation curve taken together where the curve changes little."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A group's width over its distance from the dip. The model is averaged over each group exactly, so
# nothing is biased; what is lost is information, of the order of this number squared over 12.
_GROWTH = 0.12


def grouped(
    edges: Array, counts: Array, exposure: Array, centre: float
) -> tuple[Array, Array, Array]:
    """Sum neighbouring bins into groups that grow with the distance from the dip.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
    counts, exposure : ndarray, shape (n,)
        Coincidences, and those expected of uncorrelated light.
    centre : float
        Of the dip, ns; the groups are one bin wide near it.

    Returns
    -------
    edges, counts, exposure
        Of the groups.
    """
    n = len(counts)
    right = _starts(np.abs(edges[:-1] - centre), edges, int(np.searchsorted(edges, centre)))
    mirrored = -edges[::-1]
    left = _starts(np.abs(edges - centre)[::-1], mirrored, int(np.searchsorted(mirrored, -centre)))
    start = np.unique(np.concatenate([[0], n - left, right]))
    start = start[start < n]
    return (
        np.append(edges[start], edges[-1]),
        np.add.reduceat(counts, start),
        np.add.reduceat(exposure, start),
    )


def _starts(distance: Array, edges: Array, first: int) -> NDArray[np.int64]:
    """First edges of the groups from `first` to the right."""
    starts, index, last = [], first, len(edges) - 1
    while index < last:
        starts.append(index)
        reach = edges[index] + _GROWTH * distance[index]
        index = max(index + 1, int(np.searchsorted(edges, reach, side="right")) - 1)
    return np.array(starts, np.int64)
