"""How well each g2(0) agrees with a curve: profiles of dips of one to four exponentials.

The centre is held near that of a single exponential that is not fast: it is where the curve is
symmetric, whatever its shape, and left to the fits they would move it to a chance minimum.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.numerics.cholesky import solve_positive
from qdimage.photons.dip_fit import fit_dip
from qdimage.photons.dip_likelihood import (
    CENTRE,
    G2_0,
    MAX_COMPONENTS,
    MAX_PARAMETERS,
    PLATEAU,
    TIMES,
    DipData,
    deviance_and_scores,
    fill_shape,
    n_parameters,
)
from qdimage.photons.dip_starts import GRID, fill_starts, gram_matrix

Array = NDArray[np.float64]

_STARTS = 3
# A function is compiled anew for each constant that it is given; `int` and `bool` make one a mere
# number.
_SINGLE, _HELD, _FREE = 1, True, False
# As many exponentials are always tried; one more where the best dip needs all of them.
_ALWAYS = 3
# Where the centre is looked for: the logarithm of the fastest time (ns), and by how many standard
# deviations it may move from there.
_LOG_SLOW, _CENTRE_SIGMAS = math.log(5.0), 0.2
# Values of g2(0) from which the best one is looked for, beside that of a single exponential.
_COARSE = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
# The walk to the ends of the profile.
_FIRST_STEP, _GROWTH, _MAX_STEPS = 0.01, 1.6, 16


class Search(NamedTuple):
    """What is profiled, and where its fits start.

    Attributes
    ----------
    data : DipData
        With narrow bounds of the centre.
    log_times, gram : ndarray
        See `gram_matrix`.
    centre : float
        Of the single exponential, ns.
    components : int
        Largest number of exponentials.
    cost : float
        Added to the deviance for each exponential after the first.
    depth : float
        How far above its minimum the profile reaches, if the bounds let it.
    """

    data: DipData
    log_times: Array
    gram: Array
    centre: float
    components: int
    cost: float
    depth: float


@njit(cache=True)
def profile(
    data: DipData, centre: float, components: int, cost: float, depth: float, n_nodes: int
) -> tuple[Array, Array, Array]:
    """Profile the deviance over g2(0) for each number of exponentials.

    Each point is fitted from several starts of a grid and from its neighbours on both sides, so
    that no branch of solutions is lost on the way.

    Parameters
    ----------
    data : DipData
    centre : float
        Where to start, ns.
    components, cost, depth
        See `Search`.
    n_nodes : int

    Returns
    -------
    nodes : ndarray, shape (n_nodes,)
        Values of g2(0), growing; the best one is among them.
    values : ndarray, shape (k, n_nodes)
        Deviance plus cost, for as many exponentials as were tried.
    thetas : ndarray, shape (k, n_nodes, MAX_PARAMETERS)
    """
    log_times = np.linspace(data.bounds[4], data.bounds[5], GRID)
    bounds = data.bounds.copy()
    bounds[4] = min(max(data.bounds[4], _LOG_SLOW), data.bounds[5])
    slow = _with_bounds(data, bounds)
    first = _single(slow, centre, log_times)
    data = _held(data, first)
    gram = gram_matrix(data, _levels(data, first), first[CENTRE], log_times)
    always = min(components, _ALWAYS)
    search = Search(data, log_times, gram, first[CENTRE], always, cost, depth)
    best, best_theta, best_components = _best(search, first)
    if best_components == _ALWAYS and components > _ALWAYS:
        search = Search(data, log_times, gram, first[CENTRE], components, cost, depth)
        best, best_theta, best_components = _best(search, first)
    low = _end(search, best + depth, best_theta[G2_0], -1.0)
    high = _end(search, best + depth, best_theta[G2_0], 1.0)
    nodes = np.sort(np.append(np.linspace(low, high, n_nodes - 1), best_theta[G2_0]))
    values = np.full((search.components, n_nodes), math.inf)
    thetas = np.zeros((search.components, n_nodes, MAX_PARAMETERS))
    _sweep_up(search, nodes, best_theta, best_components, values, thetas)
    _sweep_down(search, nodes, values, thetas)
    for k in range(1, search.components):
        values[k] += cost * k
    return nodes, values, thetas


@njit(cache=True)
def _single(data: DipData, centre: float, log_times: Array) -> Array:
    """Parameters of the best single exponential, from several starts."""
    best, answer = math.inf, np.zeros(MAX_PARAMETERS)
    for i in range(1, GRID, 3):
        trial = np.zeros(MAX_PARAMETERS)
        trial[PLATEAU] = math.log(data.counts.sum() / data.exposure.sum())
        trial[CENTRE] = centre
        trial[TIMES] = log_times[i]
        value = fit_dip(data, int(_SINGLE), trial, bool(_FREE), best)
        if value < best:
            best = value
            answer[:] = trial
    return answer


@njit(cache=True)
def _held(data: DipData, theta: Array) -> DipData:
    """Bound the centre by its standard deviations at a single exponential."""
    single = int(_SINGLE)
    n, n_bins = n_parameters(single), data.counts.shape[0]
    basis, shape = np.empty((3 * MAX_COMPONENTS, n_bins)), np.empty(n_bins)
    matrix, vector, row = np.empty((n, n)), np.empty(n), np.zeros(n)
    deviance_and_scores(data, theta, single, basis, shape, matrix, vector)
    row[CENTRE] = 1.0
    for a in range(n):
        matrix[a, a] *= 1.0 + 1e-9
    solve_positive(matrix, row, n)
    spread = _CENTRE_SIGMAS * math.sqrt(max(row[CENTRE], 0.0))
    bounds = data.bounds.copy()
    bounds[2] = max(data.bounds[2], theta[CENTRE] - spread)
    bounds[3] = min(data.bounds[3], theta[CENTRE] + spread)
    return _with_bounds(data, bounds)


@njit(cache=True)
def _with_bounds(data: DipData, bounds: Array) -> DipData:
    return DipData(
        data.edges_ns,
        data.exposure,
        data.counts,
        data.sigma_ns,
        data.plateau,
        data.plateau_err,
        data.rising_ns,
        bounds,
    )


@njit(cache=True)
def _levels(data: DipData, theta: Array) -> Array:
    """Counts expected of a single exponential."""
    n = data.counts.shape[0]
    basis, shape = np.empty((3 * MAX_COMPONENTS, n)), np.empty(n)
    fill_shape(data.edges_ns, data.sigma_ns, theta, int(_SINGLE), basis, shape)
    return math.exp(theta[PLATEAU]) * data.exposure * shape


@njit(cache=True)
def _tried(search: Search, components: int, start: Array, best: Array, value: float) -> float:
    """Fit from a start at its own g2(0); keep the result in `best` if it is below `value`."""
    trial = start.copy()
    found = fit_dip(search.data, components, trial, bool(_HELD), value)
    if found < value:
        best[:] = trial
        return float(found)
    return value


@njit(cache=True)
def _from_grid(search: Search, g2_0: float, components: int, best: Array, value: float) -> float:
    """Fit from the grid's best starts; keep the best in `best` if it is below `value`."""
    starts = np.zeros((_STARTS, MAX_PARAMETERS))
    n = fill_starts(search.gram, search.log_times, search.centre, g2_0, components, starts)
    for k in range(n):
        value = _tried(search, components, starts[k], best, value)
    return value


@njit(cache=True)
def _from_neighbour(
    search: Search,
    g2_0: float,
    components: int,
    neighbour: Array,
    best: Array,
    value: float,
) -> float:
    """Fit from the solution at another g2(0); keep the result in `best` if it is better."""
    start = neighbour.copy()
    start[G2_0] = g2_0
    return float(_tried(search, components, start, best, value))


@njit(cache=True)
def _best(search: Search, first: Array) -> tuple[float, Array, int]:
    """Lowest value, where it is, and its number of exponentials."""
    best, best_theta, best_components = math.inf, first.copy(), 1
    theta = first.copy()
    for g2_0 in np.array([first[G2_0], *_COARSE]):
        for k in range(1, search.components + 1):
            cost = search.cost * (k - 1)
            value = _from_grid(search, g2_0, k, theta, math.inf) + cost
            if value < best + search.depth:
                value = fit_dip(search.data, k, theta, bool(_FREE), math.inf) + cost
            if value < best:
                best, best_components = value, k
                best_theta[:] = theta
    return best, best_theta, best_components


@njit(cache=True)
def _end(search: Search, limit: float, best_g2_0: float, direction: float) -> float:
    """Walk from the best g2(0) until no number of exponentials is below a limit."""
    step, theta, here = _FIRST_STEP, np.zeros(MAX_PARAMETERS), best_g2_0
    low, high = search.data.bounds[0], search.data.bounds[1]
    for _ in range(_MAX_STEPS):
        here = min(max(best_g2_0 + direction * step, low), high)
        value = math.inf
        for k in range(1, search.components + 1):
            found = _from_grid(search, here, k, theta, math.inf)
            value = min(value, found + search.cost * (k - 1))
        if value > limit or here <= low or here >= high:
            break
        step *= _GROWTH
    return float(here)


@njit(cache=True)
def _sweep_up(
    search: Search,
    nodes: Array,
    best_theta: Array,
    best_components: int,
    values: Array,
    thetas: Array,
) -> None:
    """Fit each node from the grid, from the node below it and from the best point."""
    for i in range(nodes.shape[0]):
        for k in range(1, search.components + 1):
            theta = thetas[k - 1, i]
            value = math.inf
            if i > 0:
                below = thetas[k - 1, i - 1]
                value = _from_neighbour(search, nodes[i], k, below, theta, value)
            if k == best_components:
                value = _from_neighbour(search, nodes[i], k, best_theta, theta, value)
            value = _from_grid(search, nodes[i], k, theta, value)
            values[k - 1, i] = value


@njit(cache=True)
def _sweep_down(search: Search, nodes: Array, values: Array, thetas: Array) -> None:
    """Fit each node from the node above it."""
    for i in range(nodes.shape[0] - 2, -1, -1):
        for k in range(1, search.components + 1):
            above, theta = thetas[k - 1, i + 1], thetas[k - 1, i]
            values[k - 1, i] = _from_neighbour(search, nodes[i], k, above, theta, values[k - 1, i])
