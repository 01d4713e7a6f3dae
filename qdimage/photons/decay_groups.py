"""Bins that grow with the delay after the pulse: as much to learn from, in fewer numbers."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Places = NDArray[np.int64]

# Width of a bin relative to its delay after the pulse; a lifetime loses no precision by it.
_GROWTH = 0.03


@njit(cache=True)
def _fill_ends(
    edges: Array, pulse_ns: float, period_ns: float, fine_ns: float, ends: Places
) -> int:
    """Fill which edges remain; return their number."""
    n = edges.shape[0] - 1
    ends[0], kept, k = 0, 1, 0
    while k < n:
        past = edges[k] - (pulse_ns - fine_ns)
        delay = past - np.floor(past / period_ns) * period_ns - fine_ns
        until = edges[k] + max(_GROWTH * delay, 0.0)
        # Never into the rise of the next pulse.
        until = min(until, edges[k] + period_ns - delay - fine_ns)
        k += 1
        while delay > fine_ns and k < n and edges[k + 1] <= until:
            k += 1
        ends[kept] = k
        kept += 1
    return kept


def growing_bins(
    edges_ns: Array, counts: Array, *, pulse_ns: float, period_ns: float, fine_ns: float
) -> tuple[Array, Array]:
    """Return edges and counts of merged bins.

    Parameters
    ----------
    edges_ns, counts : ndarray, shape (n + 1,), (n,)
    pulse_ns, period_ns : float
        Where the pulses are.
    fine_ns : float
        Bins closer to a pulse than this stay as they are.
    """
    ends = np.zeros(len(edges_ns), np.int64)
    kept = ends[: _fill_ends(edges_ns, pulse_ns, period_ns, fine_ns, ends)]
    return edges_ns[kept], np.add.reduceat(counts, kept[:-1])
