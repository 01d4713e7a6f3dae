"""Steady state and matrix exponential of a generator, compiled, without subtractions.

Matrices are held transposed, sources along the rows, so that the innermost loops run over memory.
"""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

# exp(x) by its series, of x up to the first, until a term is below the second.
_LARGEST_STEP = 0.125
_LEAST_TERM = 1e-18
# Jumps within a step of a distribution's Taylor series, and its longest step.
_LARGEST_AHEAD = 2.0
_LEAST_ESCAPE = 1e-300


@njit(cache=True)
def fill_steady_state(flow: Array, populations: Array) -> bool:
    """Fill the stationary distribution by state reduction; False if a state is never left.

    Grassmann, Taksar and Heyman, Oper. Res. 33, 1107 (1985), doi:10.1287/opre.33.5.1107.

    Parameters
    ----------
    flow : ndarray, shape (n, n)
        Rates from row to column; the diagonal is not read.
    populations : ndarray, shape (n,)
        Filled.
    """
    rates = flow.copy()
    n = rates.shape[0]
    for k in range(n - 1, 0, -1):
        out = 0.0
        for j in range(k):
            out += rates[k, j]
        if out <= _LEAST_ESCAPE:
            return False
        for i in range(k):
            rates[i, k] /= out
            share = rates[i, k]
            if share > 0.0:
                for j in range(k):
                    rates[i, j] += share * rates[k, j]
    populations[0] = 1.0
    total = 1.0
    for k in range(1, n):
        weight = 0.0
        for i in range(k):
            weight += populations[i] * rates[i, k]
        populations[k] = weight
        total += weight
    for k in range(n):
        populations[k] /= total
    return True


@njit(cache=True)
def fill_step(state: Array, chances: Array, after: Array) -> None:
    """Fill the distribution over states after a step of given transition matrix."""
    after[:] = 0.0
    for i in range(state.shape[0]):
        share = state[i]
        row = chances[i]
        for j in range(after.shape[0]):
            after[j] += share * row[j]


@njit(cache=True)
def largest_rate(flow: Array) -> float:
    """Return the largest rate at which a state is left."""
    largest = 0.0
    for i in range(flow.shape[0]):
        out = 0.0
        for j in range(flow.shape[0]):
            if j != i:
                out += flow[i, j]
        largest = max(largest, out)
    return largest


@njit(cache=True)
def transitions(flow: Array, fastest: float, time: float) -> Array:
    """Return exp of a generator times a time: chances to get from row to column.

    As exp(-L t) exp((M + L) t), L the fastest rate: a sum of positive terms, squared as often as
    needed; what is left unchanged is set by what leaves, so that chances keep adding up to one.

    Parameters
    ----------
    flow : ndarray, shape (n, n)
        Rates from row to column; the diagonal is not read.
    fastest : float
        See `largest_rate`.
    time : float
        In the unit of 1/flow.
    """
    n = flow.shape[0]
    doublings = 0
    step = time
    while fastest * step > _LARGEST_STEP:
        step *= 0.5
        doublings += 1
    jumps = flow * step
    for i in range(n):
        out = 0.0
        for j in range(n):
            if j != i:
                out += jumps[i, j]
        jumps[i, i] = fastest * step - out
    term, other = np.eye(n), np.empty((n, n))
    chances = np.eye(n)
    bound, k = 1.0, 0
    while bound > _LEAST_TERM:
        k += 1
        bound *= fastest * step / k
        np.dot(jumps, term, other)
        for i in range(n):
            for j in range(n):
                other[i, j] /= k
                chances[i, j] += other[i, j]
        term, other = other, term
    scale = math.exp(-fastest * step)
    for i in range(n):
        for j in range(n):
            chances[i, j] *= scale
    conserve(chances)
    for _ in range(doublings):
        np.dot(chances, chances, other)
        chances, other = other, chances
        conserve(chances)
    return chances


@njit(cache=True)
def conserve(chances: Array) -> None:
    """Make the rows of a transition matrix add up to one."""
    for i in range(chances.shape[0]):
        leaves = 0.0
        for j in range(chances.shape[0]):
            if j != i:
                leaves += chances[i, j]
        if chances[i, i] > leaves:
            chances[i, i] = 1.0 - leaves
        else:
            scale = 1.0 / (leaves + chances[i, i])
            for j in range(chances.shape[0]):
                chances[i, j] *= scale


@njit(cache=True)
def move_ahead(flow: Array, fastest: float, time: float, state: Array) -> None:
    """Let a distribution over states develop for a time, in place.

    Parameters
    ----------
    flow : ndarray, shape (n, n)
        Rates from row to column; the diagonal is not read.
    fastest : float
        See `largest_rate`.
    time : float
    state : ndarray, shape (n,)
    """
    n = state.shape[0]
    steps = max(1, math.ceil(fastest * time / _LARGEST_AHEAD))
    step = time / steps
    jumps = flow * step
    for i in range(n):
        jumps[i, i] = fastest * step
        for j in range(n):
            if j != i:
                jumps[i, i] -= jumps[i, j]
    scale = math.exp(-fastest * step)
    term, other = np.empty(n), np.empty(n)
    for _ in range(steps):
        term[:] = state
        bound, k = 1.0, 0
        while bound > _LEAST_TERM:
            k += 1
            bound *= fastest * step / k
            fill_step(term, jumps, other)
            for i in range(n):
                other[i] /= k
                state[i] += other[i]
            term, other = other, term
        for i in range(n):
            state[i] *= scale
