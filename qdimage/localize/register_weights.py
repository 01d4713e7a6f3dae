"""Weights and residuals of pixels under the exact distribution of an EM register's output."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_noise import Noise
from qdimage.numerics.em_register import register_gain, register_score

Array = NDArray[np.float64]


@njit(cache=True)
def weigh_by_register(
    data: Array, samples: Array, noise: Noise, weight: Array, residual: Array, n: int
) -> None:
    """Fill Fisher information and score by each pixel's level, which `residual` holds before.

    Parameters
    ----------
    data, samples : ndarray, shape (p,)
        Mean signal, frames in it.
    noise : Noise
        With the table of its register.
    weight, residual : ndarray, shape (p,)
        Overwritten.
    n : int
        Pixels.
    """
    for p in range(n):
        if samples[p] <= 0:
            weight[p], residual[p] = 0.0, 0.0
            continue
        level = max(residual[p], noise.least)
        to_electrons = samples[p] / noise.per_electron
        read = math.sqrt(samples[p] * noise.read) / noise.per_electron
        mean = level * to_electrons
        gain = register_gain(mean, noise.register)
        weight[p] = gain * samples[p] / (noise.slope * level + noise.read)
        residual[p] = to_electrons * register_score(data[p] * to_electrons, mean, read)
