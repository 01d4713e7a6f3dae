"""Mutations that know where a file's header ends, and where numbers stand in a text."""

import re

import numpy as np

_WORDS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_NUMBERS = (
    b"0",
    b"-1",
    b"1e999",
    b"nan",
    b"inf",
    b"9" * 40,
    b"-0.0",
    b"1e-320",
    b"",
    b"2147483648",
)
_TOKENS = (
    b'"',
    b"[",
    b"]",
    b"{",
    b"=",
    b",",
    b"\n",
    b"\0",
    b"\xff\xfe",
    b"'",
    b"<b>",
    b"../",
    b"#",
)
_MOST_EDITS = 6


def damaged(data: bytes, header: int, *, text: bool, rng: np.random.Generator) -> bytes:
    """Return a changed copy of a file; in half of the calls the header stays as it is.

    Parameters
    ----------
    data : bytes
    header : int
        Bytes of the header; 0 where the whole file is one.
    text : bool
        Whether numbers and lines are to be changed, not words.
    """
    whole = bytearray(data)
    first = header if header and rng.random() < 0.5 else 0
    last = len(whole) if first or not header else header
    for _ in range(int(rng.integers(1, _MOST_EDITS))):
        if text:
            _edit_text(whole, first, rng)
        else:
            _edit_words(whole, first, min(last, len(whole)), rng)
    if rng.random() < 0.1:
        del whole[int(rng.integers(first, len(whole) + 1)) :]
    return bytes(whole)


def _edit_words(data: bytearray, first: int, last: int, rng: np.random.Generator) -> None:
    """Change a byte or a word in place, or take out, repeat or insert a stretch."""
    if last <= first:
        return
    at, kind = int(rng.integers(first, last)), rng.random()
    if kind < 0.35:
        data[at] = int(rng.integers(0, 256))
    elif kind < 0.75:
        size = int(rng.choice([1, 2, 4, 8]))
        order = "little" if rng.random() < 0.8 else "big"
        word = int(rng.choice(len(_WORDS)))
        value = (_WORDS[word] % 2 ** (8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
        at -= at % min(size, 4)
        data[at : at + size] = value[: max(len(data) - at, 0)]
    else:
        _move_stretch(data, at, int(rng.integers(1, 65)), rng)


def _move_stretch(data: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    kind = rng.random()
    if kind < 0.4:
        del data[at : at + size]
    elif kind < 0.7:
        data[at:at] = data[at : at + size]
    else:
        data[at:at] = rng.integers(0, 256, size, np.uint8).tobytes()


def _edit_text(data: bytearray, first: int, rng: np.random.Generator) -> None:
    """Change a number or a sign, or take out, repeat or swap lines."""
    kind = rng.random()
    if kind < 0.4:
        numbers = list(_NUMBER.finditer(data, first))
        if numbers:
            chosen = numbers[int(rng.integers(len(numbers)))]
            data[chosen.start() : chosen.end()] = _NUMBERS[int(rng.integers(len(_NUMBERS)))]
    elif kind < 0.6:
        at = int(rng.integers(first, len(data) + 1))
        data[at : at + int(rng.integers(0, 3))] = _TOKENS[int(rng.integers(len(_TOKENS)))]
    elif kind < 0.9:
        lines = bytes(data[first:]).split(b"\n")
        line = int(rng.integers(len(lines)))
        if kind < 0.7:
            del lines[line]
        elif kind < 0.8:
            lines.insert(line, lines[int(rng.integers(len(lines)))])
        else:
            other = int(rng.integers(len(lines)))
            lines[line], lines[other] = lines[other], lines[line]
        data[first:] = b"\n".join(lines)
    else:
        _edit_words(data, first, len(data), rng)
