"""How a distribution over states develops: exp(M t), without subtractions.

Slow rates beside fast ones keep all their digits, since every number that is added is positive and
what stays in a state is found from what leaves it.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# With a step of at most 1/8 over the fastest rate, twelve terms reach 1e-21.
_LARGEST_STEP = 0.125
_TERMS = 12
# Steps of an even grid differ by rounding only.
_SAME_STEP = 1e-14


def transition_matrix(generator: Array, time: float) -> Array:
    """Return exp(M t): the chances to get from a column's state to a row's within a time.

    Parameters
    ----------
    generator : ndarray, shape (n, n)
        M; its columns sum to zero, and off its diagonal it is not negative.
    time : float
        Not negative, in the unit of 1/M.
    """
    rates = np.array(generator, np.float64)
    np.fill_diagonal(rates, 0.0)
    out = rates.sum(axis=0)
    reach = float(out.max(initial=0.0)) * time
    doublings = max(0, int(np.ceil(np.log2(reach / _LARGEST_STEP)))) if reach > 0 else 0
    chances = _short_step(rates, out, time * 2.0**-doublings)
    for _ in range(doublings):
        chances = _conserved(chances @ chances)
    return chances


def propagate(generator: Array, start: Array, times: Array) -> Array:
    """Return exp(M t) applied to a vector at many times.

    Parameters
    ----------
    generator : ndarray, shape (n, n)
    start : ndarray, shape (n,)
    times : ndarray, shape (m,)
        Not negative, in any order.

    Returns
    -------
    ndarray, shape (m, n)
    """
    order = np.argsort(times, kind="stable")
    found = np.empty((len(times), len(start)))
    state, reached, step, chances = np.array(start, np.float64), 0.0, 0.0, None
    for index in order:
        ahead = float(times[index]) - reached
        if ahead > 0:
            if chances is None or abs(ahead - step) > _SAME_STEP * times[index]:
                chances, step = transition_matrix(generator, ahead), ahead
            state, reached = chances @ state, reached + step
        found[index] = state
    return found


def _short_step(rates: Array, out: Array, step: float) -> Array:
    """exp(M t) over a step in which hardly anything happens.

    As exp(-L t) exp((M + L) t), L the fastest rate: a sum of positive terms.
    """
    fastest = float(out.max(initial=0.0))
    jumps = (rates + np.diag(fastest - out)) * step
    term = total = np.eye(len(rates))
    for k in range(1, _TERMS + 1):
        term = term @ jumps / k
        total = total + term
    return _conserved(total * np.exp(-fastest * step))


def _conserved(chances: Array) -> Array:
    """Make columns sum to one, by what stays where most stays, else by all of it."""
    n = np.arange(len(chances))
    stays = chances[n, n]
    leaves = np.where(np.eye(len(n), dtype=bool), 0.0, chances).sum(axis=0)
    mostly = stays > leaves
    chances = np.where(mostly, chances, chances / (stays + leaves))
    chances[n[mostly], n[mostly]] = 1.0 - leaves[mostly]
    return chances


def fastest_per_us(generator: Array) -> float:
    """Return the largest rate at which a state is left."""
    return float(np.abs(np.diag(generator)).max(initial=0.0))
