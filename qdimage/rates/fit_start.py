"""Where a fit starts: the centre of the dip, and rates."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.rates.fit_problem import CurveData, FitProblem
from qdimage.rates.fit_solver import Minimum, minimize

Array = NDArray[np.float64]

# Widths of the dips that are laid over the curve, and the bins it is first joined into.
_WIDTHS_NS = (3.0, 10.0, 30.0, 90.0)
_BIN_NS = 1.0
_MOST_BINS = 1500
_RATES = np.geomspace(0.1, 3000.0, 12)
_LOG_RATIOS = (0.0, -2.0, 2.0)
_SETTLED = 1e-3


def searched_centre(curve: CurveData, reach_ns: float) -> float:
    """Return where a dip of any width lowers the squared residuals most, to half a bin."""
    edges, counts, exposure = _joined(curve)
    middle = (edges[:-1] + edges[1:]) / 2
    level = counts.sum() / exposure.sum()
    weight = 1.0 / np.maximum(level * exposure, 1e-9)
    step = max(0.5 * float(np.diff(edges).min()), reach_ns / 200.0)
    centres = np.arange(-reach_ns, reach_ns + step / 2, step)
    best, found = 0.0, 0.0
    for width in _WIDTHS_NS:
        shapes = np.exp(-np.abs(middle - centres[:, np.newaxis]) / width) * exposure
        flat = (shapes @ (weight * exposure)) / (exposure @ (weight * exposure))
        shapes = shapes - flat[:, np.newaxis] * exposure
        gain = shapes @ (weight * (counts - level * exposure))
        power = gain**2 / np.maximum((shapes**2) @ weight, 1e-300)
        # A dip alone: what rises at zero delay is not looked for.
        power[gain > 0] = 0.0
        k = int(np.argmax(power))
        if power[k] > best:
            best, found = float(power[k]), float(centres[k])
    return found


def _joined(curve: CurveData) -> tuple[Array, Array, Array]:
    """Join neighbouring bins near zero delay where there are many."""
    n = len(curve.counts)
    width = float(np.diff(curve.edges_ns).mean())
    each = max(1, round(_BIN_NS / width), math.ceil(n / _MOST_BINS))
    first = np.arange(0, n, each)
    edges = np.append(curve.edges_ns[first], curve.edges_ns[-1])
    return edges, np.add.reduceat(curve.counts, first), np.add.reduceat(curve.exposure, first)


def started(problem: FitProblem) -> Array:
    """Return the best point of a grid of rates, for a few ratios of electrons to holes."""
    two_rates = any(family.n_rates == 2 for family in problem.families)
    best, found = math.inf, problem.start
    for log_ratio in _LOG_RATIOS if two_rates and not problem.balanced else (0.0,):
        here, total = problem.start.copy(), 0.0
        for k, curve in enumerate(problem.curves):
            if not problem.held[problem.index(k, "ratio")]:
                here[problem.index(k, "ratio")] = log_ratio
            total += _best_rate(problem, here, k, curve)
        if total < best:
            best, found = total, here
    return found


def _best_rate(problem: FitProblem, theta: Array, k: int, curve: CurveData) -> float:
    """Put the best rate of a grid into a point, with its plateau."""
    place, height = problem.index(k, "mean"), problem.index(k, "plateau")
    share = 1.0 - problem.background(theta, k)
    known = problem.held[place] or math.isfinite(problem.prior_err[place])
    logs = [theta[place]] if known else np.log(_RATES)
    best, answer = math.inf, (theta[place], theta[height])
    for log_rate in logs:
        if not problem.low[place] <= log_rate <= problem.high[place]:
            continue
        theta[place] = log_rate
        g2, _ = problem.g2(theta, k)
        levels = curve.exposure * (1.0 - share * (1.0 - g2))
        theta[height] = math.log(curve.counts.sum() / levels.sum())
        value = problem.deviance_of(theta, k, g2)
        if value < best:
            best, answer = value, (log_rate, theta[height])
    theta[place], theta[height] = answer
    return best


def best_fit(problem: FitProblem) -> Minimum:
    """Return the best point."""
    return minimize(problem, started(problem), held=problem.held, settled=_SETTLED)
