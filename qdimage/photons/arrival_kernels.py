"""Arrival times in order: small kernels."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ticks = NDArray[np.int64]

NEWEST, FORWARD, N_STATE = 0, 1, 2


@njit(cache=True, error_model="numpy", nogil=True)
def in_order(time: Ticks, newest: int) -> bool:
    """Whether times never fall, and none lies before `newest`."""
    latest = newest
    falls = 0
    for i in range(time.size):
        falls += time[i] < latest
        latest = time[i]
    return falls == 0


@njit(cache=True, error_model="numpy", nogil=True)
def compose(sync: Ticks, delay: Ticks, period: int, fraction: float, time: Ticks) -> None:
    """Fill in sync * (period + fraction) + delay, in whole ticks."""
    if fraction == 0.0:
        for i in range(sync.size):
            time[i] = sync[i] * period + delay[i]
    else:
        for i in range(sync.size):
            time[i] = sync[i] * period + np.int64(np.floor(sync[i] * fraction)) + delay[i]


@njit(cache=True, error_model="numpy", nogil=True)
def set_forward(time: Ticks, state: Ticks, slack: int, gap: int) -> None:
    """Set the clock forward behind each step back by more than `slack`.

    It then goes on `gap` after the newest time before the step.
    """
    newest, forward = state[NEWEST], state[FORWARD]
    for i in range(time.size):
        now = time[i] + forward
        if now < newest - slack:
            forward += newest + gap - now
            now = newest + gap
        newest = max(newest, now)
        time[i] = now
    state[NEWEST], state[FORWARD] = newest, forward
