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


@njit(cache=True, error_model="numpy", nogil=True)
def count_pairs(
    time: Ticks,
    channel: Channels,
    first: int,
    second: int,
    width: int,
    counts: Ticks,
    keys: Ticks,
    n_kept: int,
    close: Ticks,
    tallies: Ticks,
) -> int:
    """Add the pairs of new photons to bins of equal width around zero; return how many stay.

    `keys` holds, behind a first one that is before all times, the photons that later ones may
    pair with: twice the time, plus one for the second detector. `counts` has one bin more than
    there are: the last takes what lies at the upper end, and does not count. `close` is room for
    as many numbers as there are photons.
    """
    span = width * (counts.size // 2)
    n, n_close = _append(time, channel, first, second, span, keys, n_kept, close, tallies)
    n_compared = 0
    for i in range(n_close):
        own = keys[close[i]]
        oldest = (own >> 1) - span
        j = close[i] - 1
        while keys[j] >> 1 >= oldest:
            delay = (own >> 1) - (keys[j] >> 1)
            if first == second:
                counts[np.uint64(span - delay) // np.uint64(width)] += 1
                counts[np.uint64(span + delay) // np.uint64(width)] += 1
            else:
                # Without a branch: which detector is next cannot be foreseen.
                signed = delay * (2 * (own & 1) - 1)
                counts[np.uint64(span + signed) // np.uint64(width)] += (own ^ keys[j]) & 1
            j -= 1
        n_compared += close[i] - 1 - j
    tallies[COMPARED] += n_compared
    return _keep_latest(time, span, keys, n)


@njit(cache=True, error_model="numpy", nogil=True)
def _append(
    time: Ticks,
    channel: Channels,
    first: int,
    second: int,
    span: int,
    keys: Ticks,
    n_kept: int,
    close: Ticks,
    tallies: Ticks,
) -> tuple[int, int]:
    """Append the two detectors' photons to `keys`, and to `close` where such are that have pairs.

    Few have, and at which is not to be foreseen: the loop does without branches.
    """
    n, n_close = n_kept, 0
    n_firsts, n_seconds = 0, 0
    latest = keys[n - 1] >> 1
    for i in range(time.size):
        now = time[i]
        is_first, is_second = channel[i] == first, channel[i] == second
        n_firsts += is_first
        n_seconds += is_second
        wanted = is_first | is_second
        keys[n] = 2 * now + is_second
        close[n_close] = n
        n_close += wanted & (now - latest <= span)
        latest = now if wanted else latest
        n += wanted
    tallies[FIRSTS] += n_firsts
    tallies[SECONDS] += n_seconds
    return n, n_close


@njit(cache=True, error_model="numpy", nogil=True)
def _keep_latest(time: Ticks, span: int, keys: Ticks, n: int) -> int:
    """Move the photons within `span` of the last one to the front; return how many there are."""
    oldest = time[time.size - 1] - span
    start = n
    while keys[start - 1] >> 1 >= oldest:
        start -= 1
    for k in range(start, n):
        keys[1 + k - start] = keys[k]
    return 1 + n - start


@njit(cache=True, error_model="numpy", nogil=True)
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
    old_firsts, old_seconds = n_kept[0], n_kept[1]
    n_firsts, n_seconds = old_firsts, old_seconds
    n_pairs = 0
    for i in range(time.size):
        # A photon pairs with the earlier ones: of the first at delays of zero or more, of the
        # second at delays of zero or less; and never with itself.
        is_first, is_second = channel[i] == first, channel[i] == second
        n_pairs += is_second * n_firsts + is_first * n_seconds
        firsts[n_firsts] = time[i]
        seconds[n_seconds] = time[i]
        n_firsts += is_first
        n_seconds += is_second
    tallies[FIRSTS] += n_firsts - old_firsts
    tallies[SECONDS] += n_seconds - old_seconds
    n_negative = np.searchsorted(edges, 1)
    for k in range(n_negative):
        below, places[k] = _pass(
            firsts[old_firsts:n_firsts], edges[k] - 1, seconds[:n_seconds], places[k]
        )
        above[k] += n_pairs - below
    for k in range(n_negative, edges.size):
        reached, places[k] = _pass(
            seconds[old_seconds:n_seconds], -edges[k], firsts[:n_firsts], places[k]
        )
        above[k] += reached
    n_kept[0] = _drop(firsts, n_firsts, places[n_negative:])
    n_kept[1] = _drop(seconds, n_seconds, places[:n_negative])


@njit(cache=True, error_model="numpy", nogil=True)
def _pass(time: Ticks, shift: int, others: Ticks, place: int) -> tuple[int, int]:
    """Sum over `time` how many of `others` are at most as late as the shifted time.

    The search goes on from `place`; return the sum and the last place.
    """
    total = 0
    for i in range(time.size):
        latest = time[i] + shift
        while place < others.size and others[place] <= latest:
            place += 1
        total += place
    return total, place


@njit(cache=True, error_model="numpy", nogil=True)
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


@njit(cache=True, error_model="numpy", nogil=True)
def count_sampled(
    time: Ticks,
    channel: Channels,
    first: int,
    second: int,
    back_firsts: Ticks,
    back_seconds: Ticks,
    every: int,
    after_firsts: Ticks,
    after_seconds: Ticks,
    firsts: Ticks,
    seconds: Ticks,
    n_kept: Ticks,
    tallies: Ticks,
) -> None:
    """Add the pairs of every so many-th new photon of each detector with all earlier ones.

    `back_firsts` holds how far before a photon of the second detector the bins of earlier firsts
    begin, rising, and `after_firsts` their counts; the others are those of a photon of the first
    detector and earlier seconds. `n_kept` is as for `count_pairs_between`.
    """
    old_firsts, old_seconds = n_kept[0], n_kept[1]
    n_firsts, n_seconds = old_firsts, old_seconds
    # Which of the kept ones is the next to look back.
    next_first = old_firsts + (every // 2 - tallies[FIRSTS]) % every
    next_second = old_seconds + (every // 2 - tallies[SECONDS]) % every
    for i in range(time.size):
        now = time[i]
        is_first, is_second = channel[i] == first, channel[i] == second
        if is_second and n_seconds == next_second:
            _look_back(now, firsts, n_firsts, back_firsts, after_firsts)
            next_second += every
        if is_first and n_firsts == next_first:
            _look_back(now, seconds, n_seconds, back_seconds, after_seconds)
            next_first += every
        firsts[n_firsts] = now
        seconds[n_seconds] = now
        n_firsts += is_first
        n_seconds += is_second
    tallies[FIRSTS] += n_firsts - old_firsts
    tallies[SECONDS] += n_seconds - old_seconds
    last = time[time.size - 1]
    n_kept[0] = _forget(firsts, n_firsts, last - back_firsts[-1])
    n_kept[1] = _forget(seconds, n_seconds, last - back_seconds[-1])


@njit(cache=True, error_model="numpy", nogil=True)
def _look_back(now: int, others: Ticks, n: int, back: Ticks, counts: Ticks) -> None:
    nearer = _until(others, n, now - back[0])
    for k in range(back.size - 1):
        farther = _until(others, nearer, now - back[k + 1])
        counts[k] += nearer - farther
        nearer = farther


@njit(cache=True, error_model="numpy", nogil=True)
def _until(times: Ticks, n: int, latest: int) -> int:
    """Return how many of the first n are at most as late: in growing steps, then by halves."""
    step = 1
    while n >= step and times[n - step] > latest:
        n -= step
        step *= 2
    low = max(n - step, -1)
    while n - low > 1:
        middle = (low + n) // 2
        if times[middle] > latest:
            n = middle
        else:
            low = middle
    return n


@njit(cache=True, error_model="numpy", nogil=True)
def _forget(times: Ticks, n: int, until: int) -> int:
    """Forget the photons at most as late; return how many are left."""
    gone = _until(times, n, until)
    for k in range(gone, n):
        times[k - gone] = times[k]
    return n - gone


@njit(cache=True, error_model="numpy", nogil=True)
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
