"""LZW as in TIFF 6.0, section 13: whether a strip's codes make sense, before they are decoded.

imagecodecs follows a code that is not in the table to wherever its memory happens to lead.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_CLEAR, _END, _FIRST = 256, 257, 258
_MOST_CODES = 4096
_LEAST_BITS, _MOST_BITS = 9, 12


@njit(cache=True)
def lzw_makes_sense(data: NDArray[np.uint8], n_wanted: int) -> bool:
    """Whether every code names a sequence of the table, up to the wanted number of bytes."""
    lengths = np.ones(_MOST_CODES, np.int64)
    n_codes, n_bits, before = _FIRST, _LEAST_BITS, -1
    n_decoded, at = 0, 0
    while at + n_bits <= 8 * data.size and n_decoded < n_wanted:
        code = _code(data, at, n_bits)
        at += n_bits
        if code == _END:
            break
        if code == _CLEAR:
            n_codes, n_bits, before = _FIRST, _LEAST_BITS, -1
            continue
        if before < 0:
            if code > _CLEAR:
                return False
        else:
            if code > n_codes or n_codes == _MOST_CODES:
                return False
            lengths[n_codes] = lengths[before] + 1
            n_codes += 1
        n_decoded += lengths[code]
        before = code
        # The writer widens its codes one early.
        if n_codes >= (1 << n_bits) - 1 and n_bits < _MOST_BITS:
            n_bits += 1
    return True


@njit(cache=True)
def _code(data: NDArray[np.uint8], at: int, n_bits: int) -> int:
    """Return the bits from a place on, the first of a byte its highest."""
    code, have = 0, 0
    byte, skipped = at // 8, at % 8
    while have < n_bits:
        left = min(8 - skipped, n_bits - have)
        part = (int(data[byte]) >> (8 - skipped - left)) & ((1 << left) - 1)
        code = (code << left) | part
        have += left
        byte, skipped = byte + 1, 0
    return code
