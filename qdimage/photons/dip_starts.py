"""Where fits of a dip may start: time constants from a grid, ranked by a quadratic form."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.cholesky import solve_positive
from qdimage.photons.dip_likelihood import (
    CENTRE,
    G2_0,
    MAX_COMPONENTS,
    PLATEAU,
    TIMES,
    DipData,
)
from qdimage.photons.dip_shape import fill_bin_means

Array = NDArray[np.float64]
Index = NDArray[np.int64]

GRID = 12
# Levels below this count do not weigh more in the ranking.
_LEAST_LEVEL = 0.5


@njit(cache=True)
def gram_matrix(data: DipData, levels: Array, centre: float, log_times: Array) -> Array:
    """Return weighted products of the exposure, the grid's exponentials and the counts.

    Parameters
    ----------
    data : DipData
    levels : ndarray, shape (n,)
        Expected counts of a first fit; their inverses are the weights.
    centre : float
    log_times : ndarray, shape (GRID,)

    Returns
    -------
    ndarray, shape (GRID + 2, GRID + 2)
        Exposure first, then exposure times each exponential, the counts last.
    """
    n = levels.shape[0]
    rows = np.empty((GRID + 2, n))
    unused_time, unused_centre = np.empty(n), np.empty(n)
    rows[0] = data.exposure
    for i in range(GRID):
        mean = rows[i + 1]
        fill_bin_means(
            data.edges_ns,
            centre,
            math.exp(log_times[i]),
            data.sigma_ns,
            mean,
            unused_time,
            unused_centre,
        )
        for k in range(n):
            mean[k] *= data.exposure[k]
    rows[GRID + 1] = data.counts
    result = np.empty((GRID + 2, GRID + 2))
    for a in range(GRID + 2):
        for b in range(a + 1):
            total = 0.0
            for k in range(n):
                total += rows[a, k] * rows[b, k] / max(levels[k], _LEAST_LEVEL)
            result[a, b] = total
            result[b, a] = total
    return result


@njit(cache=True)
def _misfit(gram: Array, chosen: Index, g2_0: float, system: Array, solution: Array) -> float:
    """Least weighted squares of a set of the grid's exponentials at a given g2(0).

    The model is plateau * (1 - (1 - g2_0) b_1) + sum c_i (b_1 - b_i): linear in plateau and c_i.
    """
    components = chosen.shape[0]
    counts, rest = GRID + 1, 1.0 - g2_0
    first = chosen[0] + 1
    solution[0] = gram[0, counts] - rest * gram[first, counts]
    system[0, 0] = gram[0, 0] - 2.0 * rest * gram[0, first] + rest * rest * gram[first, first]
    for i in range(1, components):
        a = chosen[i] + 1
        solution[i] = gram[first, counts] - gram[a, counts]
        system[i, 0] = gram[0, first] - gram[0, a]
        system[i, 0] -= rest * (gram[first, first] - gram[first, a])
        for j in range(1, i + 1):
            b = chosen[j] + 1
            system[i, j] = gram[first, first] - gram[first, a] - gram[first, b] + gram[a, b]
    right = solution.copy()
    solve_positive(system, solution, components)
    total = gram[counts, counts]
    for i in range(components):
        total -= right[i] * solution[i]
    return float(total)


@njit(cache=True)
def _next_set(chosen: Index) -> bool:
    """Step to the next growing set of indices; False after the last."""
    components = chosen.shape[0]
    for i in range(components - 1, -1, -1):
        if chosen[i] < GRID - components + i:
            chosen[i] += 1
            for j in range(i + 1, components):
                chosen[j] = chosen[j - 1] + 1
            return True
    return False


@njit(cache=True)
def fill_starts(
    gram: Array, log_times: Array, centre: float, g2_0: float, components: int, starts: Array
) -> int:
    """Fill the best starts whose fastest components differ; return how many.

    Parameters
    ----------
    gram, log_times, centre
        See `gram_matrix`.
    g2_0 : float
    components : int
    starts : ndarray, shape (m, MAX_PARAMETERS)
        Filled, best first.
    """
    best = np.full(GRID, math.inf)
    sets = np.zeros((GRID, MAX_COMPONENTS), np.int64)
    answers = np.zeros((GRID, MAX_COMPONENTS))
    system, solution = np.empty((MAX_COMPONENTS, MAX_COMPONENTS)), np.empty(MAX_COMPONENTS)
    chosen = np.arange(components)
    more = True
    while more:
        misfit = _misfit(gram, chosen, g2_0, system, solution)
        fastest = chosen[0]
        if solution[0] > 0.0 and misfit < best[fastest]:
            best[fastest] = misfit
            sets[fastest, :components] = chosen
            answers[fastest] = solution
        more = _next_set(chosen)
    found = 0
    while found < starts.shape[0]:
        fastest = int(np.argmin(best))
        if not math.isfinite(best[fastest]):
            break
        start = starts[found]
        start[PLATEAU] = math.log(answers[fastest, 0])
        start[G2_0], start[CENTRE] = g2_0, centre
        for i in range(components):
            start[TIMES + i] = log_times[sets[fastest, i]]
        for i in range(1, components):
            start[TIMES + components + i - 1] = answers[fastest, i] / answers[fastest, 0]
        for near in range(max(fastest - 1, 0), min(fastest + 2, GRID)):
            best[near] = math.inf
        found += 1
    return found
