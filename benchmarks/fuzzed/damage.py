"""Mutations that know where a file's payload begins, and where its structure has numbers."""

import re
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

_WORDS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1)
_REALS = (0.0, -1.0, float("nan"), float("inf"), 1e300, 5e-324, -1e-9)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_NUMBERS = (
    b"0",
    b"-1",
    b"1e999",
    b"nan",
    b"inf",
    b"9" * 40,
    b"9" * 5000,
    b"-0.0",
    b"1e-320",
    b"",
    b"2147483648",
)
_TOKENS = (
    b'"',
    b"[" * 2000,
    b"[",
    b"]",
    b"{",
    b"=",
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"\xff\xfe",
    b"'",
    b"<b>",
    b"../",
    b"#",
    b"\xef\xbb\xbf",
)
_MOST_EDITS = 6
_SHARE_IN_PAYLOAD, _SHARE_CUT = 0.6, 0.1
_LONGEST_STRETCH = 64


Span = tuple[int, int]


@dataclass(frozen=True)
class Anatomy:
    """What is where in a valid file.

    Attributes
    ----------
    header : int
        Bytes of the header, 0 where it is all over the file; the payload is all that follows.
    fields : sequence of (int, int)
        Place and size of the numbers that say how the file is built.
    spans : sequence of (int, int)
        Begin and end of the stretches of payload in a file whose header tells their lengths, which
        they keep.
    cards : bool
        Whether the header is one of FITS, whose numbers keep their place and width.
    text_header, text_payload : bool
        Whether these are texts, of which numbers and lines are changed, or words of bytes.
    in_payload : callable, optional
        Changes the payload, where neither does.
    """

    header: int = 0
    fields: Sequence[Span] = ()
    spans: Sequence[Span] = ()
    cards: bool = False
    text_header: bool = False
    text_payload: bool = False
    in_payload: Callable[[bytes, np.random.Generator], bytes] | None = None


def damaged(data: bytes, anatomy: Anatomy, rng: np.random.Generator) -> tuple[bytes, bool]:
    """Return a changed copy of a file, and whether only its payload was changed.

    That is so in more than half of the calls.
    """
    payload = rng.random() < _SHARE_IN_PAYLOAD
    n_edits = int(rng.integers(1, _MOST_EDITS))
    if payload and anatomy.in_payload is not None:
        return anatomy.in_payload(data, rng), True
    if payload and anatomy.spans:
        return _in_spans(data, anatomy.spans, n_edits, rng), True
    first = anatomy.header if payload else 0
    last = len(data) if payload else anatomy.header or len(data)
    part = bytearray(data[first:last])
    for _ in range(n_edits):
        if not payload and anatomy.cards and rng.random() < 0.8:
            _edit_card(part, rng)
        elif not payload and anatomy.fields and rng.random() < 0.5:
            at, size = anatomy.fields[int(rng.integers(len(anatomy.fields)))]
            part[at : at + size] = _word(size, rng)
        else:
            _edit(part, rng, text=anatomy.text_payload if payload else anatomy.text_header)
    whole = data[:first] + part + data[last:]
    if rng.random() < _SHARE_CUT:
        whole = whole[: int(rng.integers(first, len(whole) + 1))]
    return bytes(whole), payload


def _in_spans(data: bytes, spans: Sequence[Span], n_edits: int, rng: np.random.Generator) -> bytes:
    whole = bytearray(data)
    for _ in range(n_edits):
        first, last = spans[int(rng.integers(len(spans)))]
        size = min(int(rng.choice([1, 2, 4, 8, 40])), last - first)
        at = int(rng.integers(first, last - size + 1))
        whole[at : at + size] = _word(size, rng)
    return bytes(whole)


def _edit(data: bytearray, rng: np.random.Generator, *, text: bool) -> None:
    if text and rng.random() < 0.9:
        _edit_text(data, rng)
    else:
        _edit_words(data, rng)


def _edit_card(data: bytearray, rng: np.random.Generator) -> None:
    """Set the number of a card to another, or take the name of another card."""
    cards = [at for at in range(0, len(data) - 79, 80) if data[at + 8 : at + 10] == b"= "]
    at, other = (cards[int(rng.integers(len(cards)))] for _ in range(2))
    if rng.random() < 0.2:
        data[at : at + 8] = data[other : other + 8]
    else:
        value = _NUMBERS[int(rng.integers(len(_NUMBERS)))][:20]
        data[at + 10 : at + 30] = value.rjust(20)


def _word(size: int, rng: np.random.Generator) -> bytes:
    """Return a number that programs stumble over, or any."""
    kind = rng.random()
    if kind < 0.2 and size in (4, 8):
        return struct.pack("<f" if size == 4 else "<d", _real(size, rng))
    if kind < 0.8:
        value = _WORDS[int(rng.integers(len(_WORDS)))] % 2 ** (8 * size)
        return value.to_bytes(size, "big" if rng.random() < 0.2 else "little")
    return rng.integers(0, 256, size, np.uint8).tobytes()


def _real(size: int, rng: np.random.Generator) -> float:
    value = _REALS[int(rng.integers(len(_REALS)))]
    return value if size == 8 or abs(value) < 1e38 or not np.isfinite(value) else 1e38


def _edit_words(data: bytearray, rng: np.random.Generator) -> None:
    """Change a byte or a word in place, or take out, repeat or insert a stretch."""
    if not data:
        return
    at, kind = int(rng.integers(len(data))), rng.random()
    if kind < 0.35:
        data[at] = int(rng.integers(0, 256))
    elif kind < 0.75:
        size = int(rng.choice([1, 2, 4, 8]))
        at -= at % min(size, 4)
        data[at : at + size] = _word(size, rng)[: len(data) - at]
    else:
        _move_stretch(data, at, int(rng.integers(1, _LONGEST_STRETCH + 1)), rng)


def _move_stretch(data: bytearray, at: int, size: int, rng: np.random.Generator) -> None:
    kind = rng.random()
    if kind < 0.4:
        del data[at : at + size]
    elif kind < 0.7:
        data[at:at] = data[at : at + size]
    else:
        data[at:at] = rng.integers(0, 256, size, np.uint8).tobytes()


def _edit_text(data: bytearray, rng: np.random.Generator) -> None:
    """Change a number or a sign, or take out, repeat or swap lines."""
    kind = rng.random()
    numbers = list(_NUMBER.finditer(data)) if kind < 0.5 else []
    if kind < 0.5 and numbers:
        chosen = numbers[int(rng.integers(len(numbers)))]
        data[chosen.start() : chosen.end()] = _NUMBERS[int(rng.integers(len(_NUMBERS)))]
    elif kind < 0.65:
        at = int(rng.integers(len(data) + 1))
        data[at : at + int(rng.integers(0, 3))] = _TOKENS[int(rng.integers(len(_TOKENS)))]
    else:
        lines = bytes(data).split(b"\n")
        line, other = (int(each) for each in rng.integers(len(lines), size=2))
        if kind < 0.75:
            del lines[line]
        elif kind < 0.85:
            lines.insert(line, lines[other])
        else:
            lines[line], lines[other] = lines[other], lines[line]
        data[:] = b"\n".join(lines)
