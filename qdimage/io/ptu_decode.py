"""Records to photons: the hot kernels, one for each layout.

Each goes on where the last block ended, by a state of `N_STATE` integers, and returns the number
of photons that it has put into its last arguments.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ticks = NDArray[np.int64]
Channels = NDArray[np.uint8]
Records = NDArray[np.uint32]

# The clock; the last photon's; and how many records were what.
CLOCK, LATEST, BACKWARDS, MARKERS, SYNCS, UNKNOWN, STOPPED, N_STATE = 0, 1, 2, 3, 4, 5, 6, 7
# No device runs for as long: 13 days at 1 ps. Beyond it sums could leave 64 bits.
LATEST_CLOCK = 1 << 60


@njit(cache=True, error_model="numpy", nogil=True)
def decode_pico_t2(
    records: Records, state: Ticks, wrap: int, counted: bool, time: Ticks, channel: Channels
) -> int:
    """Four bits of channel (0 ... 4, 15 for specials), 28 bits of time."""
    clock, latest, backwards = state[CLOCK], state[LATEST], state[BACKWARDS]
    n = 0
    for i in range(records.size):
        record = np.int64(records[i])
        inlet = record >> 28
        if inlet <= 4:
            now = clock + (record & 0xFFFFFFF)
            backwards += now < latest
            latest = now
            time[n] = now
            channel[n] = inlet
            n += 1
        elif inlet < 15:
            state[UNKNOWN] += 1
        elif record & 0xF:
            state[MARKERS] += 1
        else:
            clock += wrap
            if clock > LATEST_CLOCK:
                state[STOPPED] = 1
                break
    state[CLOCK], state[LATEST], state[BACKWARDS] = clock, latest, backwards
    return n


@njit(cache=True, error_model="numpy", nogil=True)
def decode_pico_t3(
    records: Records,
    state: Ticks,
    wrap: int,
    counted: bool,
    time: Ticks,
    channel: Channels,
    delay: Ticks,
) -> int:
    """Four bits of channel (1 ... 4, 15 for specials), 12 bits of delay, 16 bits of sync."""
    clock, latest, backwards = state[CLOCK], state[LATEST], state[BACKWARDS]
    n = 0
    for i in range(records.size):
        record = np.int64(records[i])
        inlet = record >> 28
        late = (record >> 16) & 0xFFF
        if 1 <= inlet <= 4:
            now = clock + (record & 0xFFFF)
            backwards += now < latest
            latest = now
            time[n] = now
            channel[n] = inlet - 1
            delay[n] = late
            n += 1
        elif inlet != 15:
            state[UNKNOWN] += 1
        elif late:
            state[MARKERS] += 1
        else:
            clock += wrap
            if clock > LATEST_CLOCK:
                state[STOPPED] = 1
                break
    state[CLOCK], state[LATEST], state[BACKWARDS] = clock, latest, backwards
    return n


@njit(cache=True, error_model="numpy", nogil=True)
def _special(state: Ticks, inlet: np.int64) -> None:
    """Count a special record of the HydraHarp's layout that is no overflow."""
    if inlet == 0:
        state[SYNCS] += 1
    elif inlet <= 15:
        state[MARKERS] += 1
    else:
        state[UNKNOWN] += 1


@njit(cache=True, error_model="numpy", nogil=True)
def decode_hydra_t2(
    records: Records, state: Ticks, wrap: int, counted: bool, time: Ticks, channel: Channels
) -> int:
    """One special bit, six bits of channel, 25 bits of time.

    At usual rates every seventh record is an overflow, at places that no processor foresees:
    photons and overflows are told apart without a branch.
    """
    clock, latest, backwards = state[CLOCK], state[LATEST], state[BACKWARDS]
    n = 0
    for i in range(records.size):
        record = np.int64(records[i])
        inlet = record >> 25
        low = record & 0x1FFFFFF
        now = clock + low
        time[n] = now
        channel[n] = inlet
        is_photon = inlet < 64
        n += 1 if is_photon else 0
        backwards += is_photon & (now < latest)
        latest = now if is_photon else latest
        # A count of 0 is how older firmware wrote a single overflow.
        count = low if counted & (low > 0) else np.int64(1)
        clock += wrap * count if inlet == 127 else 0
        if clock > LATEST_CLOCK:
            state[STOPPED] = 1
            break
        if (inlet >= 64) & (inlet != 127):
            _special(state, inlet - 64)
    state[CLOCK], state[LATEST], state[BACKWARDS] = clock, latest, backwards
    return n


@njit(cache=True, error_model="numpy", nogil=True)
def decode_hydra_t3(
    records: Records,
    state: Ticks,
    wrap: int,
    counted: bool,
    time: Ticks,
    channel: Channels,
    delay: Ticks,
) -> int:
    """One special bit, six bits of channel, 15 bits of delay, ten bits of sync."""
    clock, latest, backwards = state[CLOCK], state[LATEST], state[BACKWARDS]
    n = 0
    for i in range(records.size):
        record = np.int64(records[i])
        inlet = record >> 25
        if inlet < 64:
            now = clock + (record & 0x3FF)
            backwards += now < latest
            latest = now
            time[n] = now
            channel[n] = inlet
            delay[n] = (record >> 10) & 0x7FFF
            n += 1
        elif inlet == 127:
            count = record & 0x3FF
            clock += wrap * count if counted and count > 0 else wrap
            if clock > LATEST_CLOCK:
                state[STOPPED] = 1
                break
        else:
            _special(state, inlet - 64)
    state[CLOCK], state[LATEST], state[BACKWARDS] = clock, latest, backwards
    return n


@njit(cache=True, error_model="numpy", nogil=True)
def count_overflows(
    records: Records,
    counted: bool,
    mask: np.uint32,
    overflow: np.uint32,
    time_bits: np.uint32,
) -> int:
    """Sum the overflows of records: those that, masked, are `overflow`."""
    total = 0
    for i in range(records.size):
        record = records[i]
        count = max(int(record & time_bits), 1) if counted else 1
        total += count if record & mask == overflow else 0
    return total


@njit(cache=True, error_model="numpy", nogil=True)
def last_photon(records: Records, inlet_at: int, least: int, most: int) -> int:
    """Return where the last record of an inlet from `least` to `most` is, -1 if there is none."""
    i = records.size - 1
    while i >= 0 and not least <= np.int64(records[i]) >> inlet_at <= most:
        i -= 1
    return i
