"""Pairs of photons by their delay, second minus first: the hot kernels.

Times come in order. Detectors are plain numbers; the first may be the second, and then each
pair counts twice, once with either photon as the first.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ticks = NDArray[np.int64]
Channels = NDArray[np.uint8]

# What the kernels count besides pairs.
FIRSTS, SECONDS, COMPARED, N_TALLIES = 0, 1, 2, 3


@njit(cache=True, error_model="numpy")
def count_pairs(
    time: Ticks,
    channel: Channels,
    first: int,
    second: int,
    width: int,
    counts: Ticks,
    keys: Ticks,
    n_kept: int,
    tallies: Ticks,
) -> int:
    """Add the pairs of new photons to bins of equal width around zero; return how many stay.

    `keys` holds, behind a first one that is before all times, the photons that later ones may
    pair with: twice the time, plus one for the second detector.
    """
    span = width * (counts.size // 2)
    same = first == second
    n, n_firsts, n_seconds, n_compared = n_kept, 0, 0, 0
    for i in range(time.size):
        is_first = channel[i] == first
        is_second = channel[i] == second
        if not (is_first | is_second):
            continue
        n_firsts += is_first
        n_seconds += is_second
        now = time[i]
        own = np.int64(is_second)
        oldest = now - span
        j = n - 1
        while keys[j] >> 1 >= oldest:
            delay = now - (keys[j] >> 1)
            if same:
                counts[np.uint64(span - delay) // np.uint64(width)] += 1
                if delay < span:
                    counts[np.uint64(span + delay) // np.uint64(width)] += 1
            elif (keys[j] & 1) != own:
                signed = delay if is_second else -delay
                if signed < span:
                    counts[np.uint64(span + signed) // np.uint64(width)] += 1
            j -= 1
        n_compared += n - 1 - j
        keys[n] = 2 * now + own
        n += 1
    tallies[FIRSTS] += n_firsts
    tallies[SECONDS] += n_seconds
    tallies[COMPARED] += n_compared
    return _keep_latest(time, span, keys, n)


@njit(cache=True, error_model="numpy")
def _keep_latest(time: Ticks, span: int, keys: Ticks, n: int) -> int:
    """Move the photons within `span` of the last one to the front; return how many there are."""
    oldest = time[time.size - 1] - span
    start = n
    while keys[start - 1] >> 1 >= oldest:
        start -= 1
    for k in range(start, n):
        keys[1 + k - start] = keys[k]
    return 1 + n - start


@njit(cache=True, error_model="numpy")
def count_pairs_between(
    time: Ticks,
    channel: Channels,
    first: int,
    second: int,
    edges: Ticks,
    above: Ticks,
    firsts: Ticks,
    seconds: Ticks,
    places: Ticks,
    n_kept: Ticks,
    tallies: Ticks,
) -> None:
    """Add the pairs of new photons with a delay of at least each edge to `above`.

    The edges rise; what lies beyond the last is counted alike for all, and drops out of
    differences. `places` holds, for each edge, how many kept photons of the other detector are
    early enough; `n_kept` how many of the first and of the second are kept.
    """
    n_edges = edges.size
    n_negative = np.searchsorted(edges, 1)
    n_firsts, n_seconds = n_kept[0], n_kept[1]
    for i in range(time.size):
        is_first = channel[i] == first
        is_second = channel[i] == second
        now = time[i]
        if is_second:
            # Pairs with earlier firsts have a delay of at least zero.
            for k in range(n_edges):
                if k < n_negative:
                    above[k] += n_firsts
                    continue
                place = places[k]
                latest = now - edges[k]
                while place < n_firsts and firsts[place] <= latest:
                    place += 1
                places[k] = place
                above[k] += place
        if is_first:
            # Pairs with earlier seconds have a delay of at most zero.
            for k in range(n_negative):
                place = places[k]
                latest = now + edges[k]
                while place < n_seconds and seconds[place] < latest:
                    place += 1
                places[k] = place
                above[k] += n_seconds - place
        if is_first:
            firsts[n_firsts] = now
            n_firsts += 1
            tallies[FIRSTS] += 1
        if is_second:
            seconds[n_seconds] = now
            n_seconds += 1
            tallies[SECONDS] += 1
    n_kept[0] = _drop(firsts, n_firsts, places[n_negative:])
    n_kept[1] = _drop(seconds, n_seconds, places[:n_negative])


@njit(cache=True, error_model="numpy")
def _drop(times: Ticks, n: int, places: Ticks) -> int:
    """Forget the photons that every edge has passed; return how many are left.

    All are forgotten where there is no edge on their side.
    """
    passed = n
    for k in range(places.size):
        passed = min(passed, places[k])
    for k in range(places.size):
        places[k] -= passed
    for k in range(passed, n):
        times[k - passed] = times[k]
    return n - passed


@njit(cache=True, error_model="numpy")
def count_next(
    time: Ticks,
    channel: Channels,
    first: int,
    second: int,
    width: int,
    counts: Ticks,
    started: int,
    tallies: Ticks,
) -> int:
    """Count start-stop delays; return when the clock started that still runs, or -1.

    A photon of the first detector starts the clock unless it runs; the next one of the second
    stops it. A clock that has run for longer than the bins reach stops by itself.
    """
    span = width * counts.size
    for i in range(time.size):
        now = time[i]
        if started >= 0 and now - started >= span:
            started = -1
        if channel[i] == second:
            tallies[SECONDS] += 1
            if started >= 0:
                counts[(now - started) // width] += 1
                started = -1
        if channel[i] == first:
            tallies[FIRSTS] += 1
            if started < 0:
                started = now
    return started
