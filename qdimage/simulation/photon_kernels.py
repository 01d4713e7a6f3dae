"""Jumps of an emitter, and what a detector makes of light: kernels. Times are in ns."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@njit(cache=True)
def draw_photons(
    rng: np.random.Generator,
    state: int,
    now: float,
    end: float,
    rate: Array,
    first_jump: Indices,
    reached: Array,
    target: Indices,
    chance: Array,
    split: float,
    time: Array,
    detector: NDArray[np.uint8],
) -> tuple[int, float, int]:
    """Let the emitter jump until `end` or until `time` is full.

    The jumps of a state are those from its `first_jump` to the next state's, `reached` their
    cumulative chances, `chance` that one gives a count. Return the state, the time, and how many
    counts there are.
    """
    n = 0
    while n < time.size:
        if rate[state] == 0.0:
            return state, end, n
        now += rng.standard_exponential() / rate[state]
        if now >= end:
            # The time until the next jump has no memory: going on from here changes nothing.
            return state, end, n
        jump = first_jump[state]
        which = rng.random()
        while which >= reached[jump] and jump < first_jump[state + 1] - 1:
            jump += 1
        state = target[jump]
        if chance[jump] > 0.0 and rng.random() < chance[jump]:
            time[n] = now
            detector[n] = 0 if rng.random() < split else 1
            n += 1
    return state, now, n


@njit(cache=True)
def draw_pulsed_photons(
    rng: np.random.Generator,
    state: int,
    now: float,
    pulse: int,
    n_pulses: int,
    period: float,
    pulse_delay: float,
    pairs: float,
    above: Indices,
    rate: Array,
    first_jump: Indices,
    reached: Array,
    target: Indices,
    chance: Array,
    split: float,
    time: Array,
    detector: NDArray[np.uint8],
) -> tuple[int, float, int, int]:
    """Let pulses from number `pulse` on excite the emitter, which jumps until the next.

    A pulse brings `pairs` on average, each of which lifts the emitter to the state `above` it.
    Return the state, the time, the pulse to go on with, and how many counts there are.
    """
    n = 0
    none = np.exp(-pairs)
    while pulse < n_pulses:
        begin = pulse * period + pulse_delay
        if now < begin:
            now = begin
            brought, chance_of, sum_of, which = 0, none, none, rng.random()
            while which >= sum_of and brought < above.size:
                state = above[state]
                brought += 1
                chance_of *= pairs / brought
                sum_of += chance_of
        end = begin + period
        state, now, more = draw_photons(
            rng,
            state,
            now,
            end,
            rate,
            first_jump,
            reached,
            target,
            chance,
            split,
            time[n:],
            detector[n:],
        )
        n += more
        if now < end:
            return state, now, pulse, n
        pulse += 1
        # What rounding leaves between two pulses must not keep the next from coming.
        now = -np.inf
    return state, now, pulse, n


@njit(cache=True)
def count_clicks(
    rng: np.random.Generator,
    time: Array,
    dead_ns: float,
    afterpulse_probability: float,
    afterpulse_ns: float,
    end: float,
    clicks: Array,
) -> int:
    """Turn rising times of triggers into clicks: blind after each, some followed by another.

    Return their number; it ends where `clicks` is full.
    """
    pending = np.empty(64)
    n_pending, n, i = 0, 0, 0
    blind_until = -np.inf
    while True:
        now = time[i] if i < time.size else np.inf
        soonest = -1
        for k in range(n_pending):
            if pending[k] < now:
                now, soonest = pending[k], k
        if now >= end or n == clicks.size:
            return n
        if soonest < 0:
            i += 1
        else:
            n_pending -= 1
            pending[soonest] = pending[n_pending]
        if now < blind_until:
            continue
        clicks[n] = now
        n += 1
        blind_until = now + dead_ns
        if rng.random() < afterpulse_probability and n_pending < pending.size:
            pending[n_pending] = blind_until + afterpulse_ns * rng.standard_exponential()
            n_pending += 1
