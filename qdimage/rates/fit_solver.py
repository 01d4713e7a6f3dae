"""Damped Poisson scoring with bounds."""

import math
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_MAX_STEPS = 60
_LARGEST_DAMPING = 1e8
_LEAST_PIVOT = 1e-12


class Minimum(NamedTuple):
    """Where a minimization ended.

    Attributes
    ----------
    theta : ndarray, shape (n,)
    value : float
    free : ndarray of int
        Parameters that are neither held nor pressed against a bound.
    information : ndarray, shape (n, n)
    """

    theta: Array
    value: float
    free: NDArray[np.int64]
    information: Array


class Problem(Protocol):
    """What is minimized."""

    @property
    def low(self) -> Array:
        """Least values of the parameters."""

    @property
    def high(self) -> Array:
        """Largest values."""

    @property
    def largest_step(self) -> Array:
        """Largest change of each parameter in one step."""

    def value(self, theta: Array) -> float:
        """Return the penalized deviance."""

    def scores(self, theta: Array, held: Mask) -> tuple[Array, Array]:
        """Return half the gradient and the expected information; those held may be left 0."""


def minimize(
    problem: Problem, start: Array, *, held: Mask, settled: float, floor: float = math.inf
) -> Minimum:
    """Return the best point from a start.

    Parameters
    ----------
    problem : Problem
    start : ndarray, shape (n,)
    held : ndarray of bool, shape (n,)
        Parameters that stay where they are.
    settled : float
        It ends where a further step promises less than this.
    floor : float
        A known lowest value; far above it the end need not be as near.
    """
    theta = np.where(held, start, np.clip(start, problem.low, problem.high))
    value = problem.value(theta)
    vector, matrix = problem.scores(theta, held)
    damping = 1e-4
    for _ in range(_MAX_STEPS):
        free = _free_of(problem, theta, vector, held)
        step = np.zeros_like(theta)
        step[free] = _step(matrix[np.ix_(free, free)], vector[free], damping)
        promised = -float(vector @ step)
        if promised < settled * (1.0 + max(value - floor, 0.0)):
            break
        largest = np.max(np.abs(step) / problem.largest_step)
        step /= max(float(largest), 1.0)
        trial = np.clip(theta + step, problem.low, problem.high)
        trial = np.where(held, theta, trial)
        trial_value = problem.value(trial)
        if trial_value <= value:
            theta, value = trial, trial_value
            vector, matrix = problem.scores(theta, held)
            damping = max(damping * 0.1, 1e-9)
        else:
            damping = max(damping * 8.0, 1e-3)
            if damping > _LARGEST_DAMPING:
                break
    return Minimum(theta, value, _free_of(problem, theta, vector, held), matrix)


def _free_of(problem: Problem, theta: Array, vector: Array, held: Mask) -> NDArray[np.int64]:
    pressed = ((theta <= problem.low) & (vector > 0)) | ((theta >= problem.high) & (vector < 0))
    return np.flatnonzero(~held & ~pressed)


def _step(matrix: Array, vector: Array, damping: float) -> Array:
    scale = np.sqrt(np.maximum(np.diag(matrix), _LEAST_PIVOT))
    system = matrix / np.outer(scale, scale)
    system.flat[:: len(system) + 1] += damping
    return np.asarray(-np.linalg.solve(system, vector / scale) / scale)


def covariance(found_at: Minimum) -> Array:
    """Return the covariance of the free parameters, 0 for the others."""
    matrix, free = found_at.information, found_at.free
    found = np.zeros_like(matrix)
    if len(free):
        inner = matrix[np.ix_(free, free)]
        scale = np.sqrt(np.maximum(np.diag(inner), _LEAST_PIVOT))
        found[np.ix_(free, free)] = np.linalg.pinv(
            inner / np.outer(scale, scale), hermitian=True
        ) / np.outer(scale, scale)
    return found
