"""Lines of text to photons: the hot kernel."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ticks = NDArray[np.int64]

# Lines read so far; the one that makes no sense, or 0; the last time; and how often it fell.
LINES, BAD_LINE, LATEST, BACKWARDS, N_STATE = 0, 1, 2, 3, 4

MOST_CHANNEL = 63
_MOST_TICKS = 1 << 60
_NEWLINE, _RETURN, _SPACE, _POINT, _MINUS, _HASH = 10, 13, 32, 46, 45, 35
_ZERO, _NINE = 48, 57


@njit(cache=True, error_model="numpy")
def parse_lines(
    text: NDArray[np.uint8],
    separator: int,
    time_column: int,
    channel_column: int,
    decimals: int,
    state: Ticks,
    time: Ticks,
    channel: NDArray[np.uint8],
) -> int:
    """Read whole lines of numbers; return how many photons they hold.

    `decimals` is how many digits behind the point a time may have, and is counted in. Empty
    lines and those that begin with # are passed over. It stops at a line that makes no sense.
    """
    n, at = 0, 0
    while at < text.size:
        end = at
        while text[end] != _NEWLINE:
            end += 1
        state[LINES] += 1
        start, stop = _trimmed(text, at, end)
        at = end + 1
        if start == stop or text[start] == _HASH:
            continue
        is_fine, now, inlet = _photon(
            text, start, stop, separator, time_column, channel_column, decimals
        )
        if not is_fine:
            state[BAD_LINE] = state[LINES]
            break
        state[BACKWARDS] += now < state[LATEST]
        state[LATEST] = now
        time[n] = now
        channel[n] = inlet
        n += 1
    return n


@njit(cache=True, error_model="numpy")
def _photon(
    text: NDArray[np.uint8],
    start: int,
    stop: int,
    separator: int,
    time_column: int,
    channel_column: int,
    decimals: int,
) -> tuple[bool, int, int]:
    """Return whether a line makes sense, its time and its channel."""
    column, left, n_found = 0, start, 0
    now, inlet = 0, 0
    while left <= stop:
        right = left
        while right < stop and text[right] != separator:
            right += 1
        if column == time_column:
            is_fine, now = _number(text, left, right, decimals)
            n_found += is_fine
        elif column == channel_column:
            is_fine, inlet = _number(text, left, right, 0)
            n_found += is_fine and 0 <= inlet <= MOST_CHANNEL
        column += 1
        left = right + 1
    return n_found == 2, now, inlet


@njit(cache=True, error_model="numpy")
def _trimmed(text: NDArray[np.uint8], start: int, stop: int) -> tuple[int, int]:
    """Leave out what is blank at both ends."""
    while start < stop and (text[start] == _SPACE or text[start] == _RETURN):
        start += 1
    while start < stop and (text[stop - 1] == _SPACE or text[stop - 1] == _RETURN):
        stop -= 1
    return start, stop


@njit(cache=True, error_model="numpy")
def _number(text: NDArray[np.uint8], start: int, stop: int, decimals: int) -> tuple[bool, int]:
    """Return whether a field is a number, and the number times ten to the decimals."""
    start, stop = _trimmed(text, start, stop)
    negative = start < stop and text[start] == _MINUS
    start += negative
    value, n_digits, n_behind = 0, 0, -1
    for i in range(start, stop):
        letter = text[i]
        if letter == _POINT and n_behind < 0:
            n_behind = 0
            continue
        if letter < _ZERO or letter > _NINE:
            return False, 0
        n_digits += 1
        if n_behind >= decimals:
            # Finer than a tick: none is rounded away.
            if letter != _ZERO:
                return False, 0
            continue
        n_behind += n_behind >= 0
        value = 10 * value + int(letter) - _ZERO
        if value > _MOST_TICKS:
            return False, 0
    for _ in range(max(n_behind, 0), decimals):
        value *= 10
        if value > _MOST_TICKS:
            return False, 0
    return n_digits > 0, -value if negative else value
