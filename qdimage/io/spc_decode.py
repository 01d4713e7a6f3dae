"""Becker & Hickl's 32-bit records to photons: the hot kernel."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ticks = NDArray[np.int64]

# The clock; the last photon's; and how many records were what.
CLOCK, LATEST, BACKWARDS, GAPS, MARKERS, INVALID, STOPPED, N_STATE = 0, 1, 2, 3, 4, 5, 6, 7
LATEST_CLOCK = 1 << 60
_WRAP = 1 << 12


@njit(cache=True, error_model="numpy")
def decode_spc(
    records: NDArray[np.uint32], state: Ticks, time: Ticks, channel: NDArray[np.uint8]
) -> int:
    """Four flags, 12 bits of delay, four of channel, 12 of time; return how many photons.

    The flags, from the top: no photon, overflow before this record, photons lost before it,
    marker. A record that is no photon and no marker but an overflow holds their number.
    """
    clock, latest = state[CLOCK], state[LATEST]
    n = 0
    for i in range(records.size):
        record = np.int64(records[i])
        invalid, overflow = (record >> 31) & 1, (record >> 30) & 1
        marker = (record >> 28) & 1
        if invalid and overflow and not marker:
            clock += _WRAP * (record & 0xFFFFFFF)
        else:
            clock += _WRAP * overflow
            state[GAPS] += (record >> 29) & 1
        if clock > LATEST_CLOCK:
            state[STOPPED] = 1
            break
        if marker:
            state[MARKERS] += 1
        elif not invalid:
            now = clock + (record & 0xFFF)
            state[BACKWARDS] += now < latest
            latest = now
            time[n] = now
            channel[n] = (record >> 12) & 0xF
            n += 1
        elif not overflow:
            state[INVALID] += 1
    state[CLOCK], state[LATEST] = clock, latest
    return n
