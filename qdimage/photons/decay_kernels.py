"""Photons by their place in a period: small kernels."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TURN = 2.0 * math.pi


@njit(cache=True)
def phasor(time: Array, per_tick: float) -> tuple[float, float]:
    """Return mean cosine and sine of the times' phases.

    Parameters
    ----------
    time : ndarray, shape (n,)
        Ticks, from any zero.
    per_tick : float
        Turns in a tick.
    """
    cosine, sine = 0.0, 0.0
    for i in range(time.shape[0]):
        turns = time[i] * per_tick
        angle = _TURN * (turns - math.floor(turns))
        cosine += math.cos(angle)
        sine += math.sin(angle)
    return cosine / time.shape[0], sine / time.shape[0]


@njit(cache=True)
def harmonic_power(time: Array, per_tick: float, harmonics: int) -> Array:
    """Return the squared length of the mean phasor of each harmonic, shape (harmonics,)."""
    cosines, sines = np.zeros(harmonics), np.zeros(harmonics)
    for i in range(time.shape[0]):
        turns = time[i] * per_tick
        angle = _TURN * (turns - math.floor(turns))
        cosine, sine = math.cos(angle), math.sin(angle)
        c, s = 1.0, 0.0
        for h in range(harmonics):
            c, s = c * cosine - s * sine, c * sine + s * cosine
            cosines[h] += c
            sines[h] += s
    power: Array = (cosines**2 + sines**2) / time.shape[0] ** 2
    return power


@njit(cache=True)
def best_frequency(
    time: Array, lowest: float, step: float, n: int, harmonics: int
) -> tuple[float, float]:
    """Return the frequency of a grid with the most power in its harmonics, and that power.

    Parameters
    ----------
    time : ndarray, shape (m,)
        Ticks.
    lowest, step : float
        Turns in a tick.
    n : int
        Size of the grid.
    harmonics : int
    """
    best, power = lowest, -1.0
    for k in range(n):
        frequency = lowest + k * step
        found = harmonic_power(time, frequency, harmonics).sum()
        if found > power:
            best, power = frequency, found
    return best, power


@njit(cache=True)
def add_folded(
    time: NDArray[np.int64], period: float, begins: float, width: float, counts: NDArray[np.int64]
) -> None:
    """Count photons by their place in the period; what is left of it behind the last bin is lost.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Ticks since a time whose own place is `begins`.
    period, begins, width : float
        Ticks.
    counts : ndarray of int64, shape (m,)
        Added to.
    """
    for i in range(time.shape[0]):
        place = begins + time[i]
        place -= math.floor(place / period) * period
        k = int(place / width)
        if k < counts.shape[0]:
            counts[k] += 1
