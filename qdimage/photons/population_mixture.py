"""A population of no given shape: narrow components over [0, inf) with free weights.

The likelihood of the weights is maximized with the share below a limit held fixed, for many shares
at once, by a primal-dual interior-point method; the maximum-likelihood mixture is that of Kiefer
and Wolfowitz (Ann. Math. Stat. 27, 887, 1956), here with components of a small width.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from qdimage.photons.population_likelihood import Grid

Array = NDArray[np.float64]

# Width and distance of components in asinh(g2(0) / scale): a tenth of g2(0) where it is not small.
_WIDTH, _DISTANCE = 0.1, 0.1
_STEPS = 80
_GAP = 1e-5
_LEAST_BARRIER = 1e-8
_LEAST_DETERMINANT = 1e-14
_BACK_OFF = 0.995


def components(grid: Grid) -> Array:
    """Return the probability of each cell in each component.

    Normal in asinh(g2(0) / scale), what falls below 0 folded back.

    Returns
    -------
    ndarray, shape (components, cells)
    """
    edges = grid.stretched(grid.edges)
    centres = np.arange(0.0, edges[-1] - 2 * _WIDTH, _DISTANCE)[:, None]
    cumulative = ndtr((edges - centres) / _WIDTH) + ndtr((edges + centres) / _WIDTH)
    mass = np.diff(cumulative, axis=1)
    return np.asarray(mass / mass.sum(axis=1, keepdims=True))


def weights_at(evidence: Array, below: Array, shares: Array) -> tuple[Array, Array]:
    """Return the likeliest weights of a mixture for each of several shares below the limit.

    Parameters
    ----------
    evidence : ndarray, shape (n, k)
        Likelihood of each dot under each component.
    below : ndarray, shape (k,)
        Share of each component that lies below the limit.
    shares : ndarray, shape (m,)
        Strictly between the smallest and the largest of `below`.

    Returns
    -------
    weights : ndarray, shape (m, k)
    log_likelihood : ndarray, shape (m,)
    """
    state = _State(evidence, below, shares)
    for _ in range(_STEPS):
        if state.step() < _GAP:
            break
    weights = np.maximum(state.weights, 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, np.log(weights @ evidence.T).sum(axis=1)


class _State:
    """Weights, multipliers of the two equalities, and of the bounds; one row for each share."""

    def __init__(self, evidence: Array, below: Array, shares: Array) -> None:
        n, k = evidence.shape
        m = len(shares)
        self.evidence = evidence
        self.equalities = np.stack([np.ones(k), below])
        self.sums = np.stack([np.ones(m), shares], axis=1)
        self.weights = np.full((m, k), 1.0 / k)
        self.multipliers = np.tile([float(n), 0.0], (m, 1))
        self.bounds = np.full((m, k), float(n))
        self.barrier = np.full(m, 0.1 * n / k)

    def step(self) -> float:
        """Take a Newton step for all shares; return the largest gap in ln L that is left."""
        w, z, e = self.weights, self.bounds, self.equalities
        scaled = self.evidence[None] / (w @ self.evidence.T)[:, :, None]
        gradient = -scaled.sum(axis=1)
        hessian = np.swapaxes(scaled, 1, 2) @ scaled
        diagonal = np.arange(w.shape[1])
        hessian[:, diagonal, diagonal] += z / w
        slope = gradient + self.multipliers @ e - self.barrier[:, None] / w
        right: Any = np.concatenate([slope[:, :, None], np.tile(e.T, (len(w), 1, 1))], axis=2)
        solved = np.linalg.solve(hessian, right)
        missing = self.sums - w @ e.T
        change = -_solved_pair(e @ solved[:, :, 1:], missing + solved[:, :, 0] @ e.T)
        dw = -solved[:, :, 0] - (solved[:, :, 1:] @ change[:, :, None])[:, :, 0]
        dz = (self.barrier[:, None] - z * dw) / w - z
        length = np.minimum(_room(w, dw), _room(z, dz))[:, None]
        self.weights = w + length * dw
        self.bounds = z + length * dz
        self.multipliers = self.multipliers + length * change
        gap = np.sum(self.weights * self.bounds, axis=1)
        shrink = np.where(length[:, 0] > 0.8, 0.1, 0.4)
        self.barrier = np.maximum(shrink * gap / w.shape[1], _LEAST_BARRIER)
        left = np.abs(self.sums - self.weights @ e.T).max(axis=1)
        return float(np.max(gap + len(self.evidence) * left))


def _solved_pair(matrices: Array, right: Array) -> Array:
    """Solve symmetric positive 2x2 systems, also where rounding has made one singular."""
    (a, b), (_, d) = matrices.transpose(1, 2, 0)
    determinant = np.maximum(a * d - b * b, _LEAST_DETERMINANT * a * d)
    x, y = right.T
    return np.asarray(np.stack([d * x - b * y, a * y - b * x], axis=1) / determinant[:, None])


def _room(value: Array, change: Array) -> Array:
    """Return how far each row may go along a change and stay positive, at most 1."""
    ratio = np.where(change < 0, -value / np.minimum(change, -1e-300), np.inf)
    return np.asarray(np.minimum(1.0, _BACK_OFF * ratio.min(axis=1)))
