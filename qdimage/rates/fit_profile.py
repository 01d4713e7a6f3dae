"""Intervals of rates and of what follows from them, from a profile over one parameter.

Where both rates are free, the profile runs over the logarithm of their ratio, which one curve may
leave open or find on either side of balance; for given ratio everything else is well measured, and
its likelihood is close to a parabola. Else it runs over the logarithm of the rate.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from qdimage.domain.rate_fit import Estimate
from qdimage.rates.fit_problem import FitProblem
from qdimage.rates.fit_solver import Minimum, covariance, minimize

Array = NDArray[np.float64]

# Of chi-square, where the profile runs over the rate. Over the ratio, on which the likelihood
# depends by its square near balance, these held their coverage: benchmarks/rate_fit.py.
LEVELS = 0.9889465, 3.8414588
LEVELS_OF_RATIO = 1.2, 4.5
MEAN, ELECTRON, HOLE, G2_0, INTENSITY, YIELDS = range(6)

_SETTLED = 1e-3
# Nodes around the best value in its standard errors, and over the whole range.
_NEAR = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0])
_COARSE = 13
_LEAST_ERR, _LARGEST_ERR = 1e-4, 1.5
# A profile of one minimum ends where it is this high.
_HIGH_ENOUGH = 12.0
# One of two minima ends where it is this high: beyond, the other one would have been found first.
_BARRIER = 100.0
# A node this much below the best point starts the fit anew.
_LOWER = 0.02
# Points between two nodes.
_FINE = 100


@dataclass(frozen=True)
class Profile:
    """A profile on a fine grid.

    Attributes
    ----------
    spine : ndarray, shape (n,)
        The parameter that was stepped through.
    height : ndarray, shape (n,)
        Deviance above the lowest.
    quantities, errors : ndarray, shape (6, n)
        See `FitProblem.quantities`; standard errors for a given value of the spine.
    bounded : (bool, bool)
        Whether the grid ends at the bounds of the search.
    levels : (float, float)
        Heights that bound the 68 and the 95 % intervals.
    searched : ndarray, shape (6, 2)
        Least and largest value of each quantity that was searched; infinite for those that are
        not searched themselves.
    at : int
        The best point.
    """

    spine: Array
    height: Array
    quantities: Array
    errors: Array
    bounded: tuple[bool, bool]
    levels: tuple[float, float]
    searched: Array
    at: int


def profile(problem: FitProblem, best: Minimum, curve: int) -> tuple[Profile | None, Array]:
    """Step through a curve's spine parameter from the best point.

    Parameters
    ----------
    problem : FitProblem
    best : Minimum
    curve : int

    Returns
    -------
    Profile or None
        None if a better point than the one given was found.
    ndarray
        That point, or the one given.
    """
    ratio = problem.index(curve, "ratio")
    place = problem.index(curve, "mean") if problem.held[ratio] else ratio
    held = problem.held.copy()
    held[place] = True
    theta, value = best.theta, best.value
    nodes, at = _nodes(problem, best, place)
    heights = np.full(len(nodes), math.inf)
    rows: list[tuple[Array, Array]] = [(np.empty(0), np.empty(0))] * len(nodes)
    for order in (range(at, len(nodes)), range(at - 1, -1, -1)):
        here, before = theta, None
        for k in order:
            start = _ahead(here, before, place, nodes[k])
            before = here
            found = minimize(problem, start, held=held, settled=_SETTLED, floor=value)
            here = found.theta
            if found.value < value - _LOWER:
                return None, here
            heights[k] = max(found.value - value, 0.0)
            rows[k] = (
                problem.quantities(here, curve),
                problem.quantity_errors(here, curve, covariance(found)),
            )
            if heights[k] > (_HIGH_ENOUGH if place != ratio else _BARRIER):
                break
    done = np.flatnonzero(np.isfinite(heights))
    heights[at] = 0.0
    bounded = (
        bool(nodes[done[0]] <= problem.low[place]),
        bool(nodes[done[-1]] >= problem.high[place]),
    )
    levels = LEVELS_OF_RATIO if place == ratio else LEVELS
    kept = [rows[k] for k in done]
    searched = _searched(problem, curve)
    return _fine(nodes[done], heights[done], kept, nodes[at], bounded, levels, searched), theta


def _searched(problem: FitProblem, curve: int) -> Array:
    mean, ratio = problem.index(curve, "mean"), problem.index(curve, "ratio")
    ends = np.array([problem.low[mean], problem.high[mean]])
    half = 0.0 if problem.held[ratio] else 0.5 * np.array([problem.low[ratio], problem.high[ratio]])
    found = np.tile([-math.inf, math.inf], (6, 1))
    found[MEAN], found[ELECTRON], found[HOLE] = ends, ends + half, ends + half
    return found


def _ahead(here: Array, before: Array | None, place: int, node: float) -> Array:
    """Return where the way through two points leads."""
    start = here.copy()
    if before is not None and here[place] != before[place]:
        start += (here - before) * (node - here[place]) / (here[place] - before[place])
    start[place] = node
    return start


def _nodes(problem: FitProblem, found: Minimum, place: int) -> tuple[Array, int]:
    err = min(max(math.sqrt(covariance(found)[place, place]), _LEAST_ERR), _LARGEST_ERR)
    best, low, high = (
        float(found.theta[place]),
        float(problem.low[place]),
        float(problem.high[place]),
    )
    offsets = err * np.concatenate([-_NEAR[::-1], _NEAR])
    near = [best + offset for offset in offsets if low < best + offset < high]
    far = [
        node
        for node in np.linspace(low, high, _COARSE)
        if abs(node - best) > err * _NEAR[-1] or node in (low, high)
    ]
    nodes = np.unique(np.array([best, *near, *far]))
    return nodes, int(np.searchsorted(nodes, best))


def _fine(
    nodes: Array,
    heights: Array,
    rows: list[tuple[Array, Array]],
    best: float,
    bounded: tuple[bool, bool],
    levels: tuple[float, float],
    searched: Array,
) -> Profile:
    """Interpolate; signed roots of the height, which are nearly straight."""
    parts = [np.linspace(a, b, _FINE, endpoint=False) for a, b in pairwise(nodes)]
    spine = np.concatenate([*parts, nodes[-1:]])
    quantities, errors = (np.array(each).T for each in zip(*rows, strict=True))
    if len(nodes) == 1:
        return Profile(nodes, np.zeros(1), quantities, errors, bounded, levels, searched, 0)
    roots = PchipInterpolator(nodes, np.sign(nodes - best) * np.sqrt(heights))(spine)
    return Profile(
        spine,
        roots**2,
        np.asarray(PchipInterpolator(nodes, quantities, axis=1)(spine)),
        np.asarray(PchipInterpolator(nodes, errors, axis=1)(spine)),
        bounded,
        levels,
        searched,
        int(np.searchsorted(spine, best)),
    )


def estimate(found: Profile, which: int | None) -> Estimate:
    """Return value and intervals of one quantity, or of the spine (None), no longer logarithmic."""
    values = found.spine if which is None else found.quantities[which]
    errors = np.zeros_like(values) if which is None else found.errors[which]
    least, largest = (-math.inf, math.inf) if which is None else found.searched[which]
    ends = []
    open_ends = (False, False)
    for level in found.levels:
        room = level - found.height
        inside = np.flatnonzero(room >= 0)
        reach = errors[inside] * np.sqrt(room[inside])
        lowest, highest = values[inside] - reach, values[inside] + reach
        i, j = int(np.argmin(lowest)), int(np.argmax(highest))
        ends.append((math.exp(max(lowest[i], least)), math.exp(min(highest[j], largest))))
        open_ends = (
            bool(lowest[i] <= least) or _at_bound(found, int(inside[i])),
            bool(highest[j] >= largest) or _at_bound(found, int(inside[j])),
        )
    return Estimate(math.exp(values[found.at]), *ends[0], *ends[1], *open_ends)


def excludes_balance(found: Profile) -> bool:
    """Return whether the 95 % interval of the ratio, the spine, excludes 1."""
    inside = found.spine[found.height <= found.levels[1]]
    return not inside.min() <= 0.0 <= inside.max()


def _at_bound(found: Profile, k: int) -> bool:
    return (k == 0 and found.bounded[0]) or (k == len(found.spine) - 1 and found.bounded[1])
