"""The header of PicoQuant's unified files: a list of tags, none of which is trusted."""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from qdimage.errors import FormatError

TagValue = int | float | str | bool

_TAG = struct.Struct("<32siI8s")
_PREAMBLE_BYTES = 16
_END = "Header_End"
_MOST_TAGS = 20_000
_LONGEST_TEXT = 65_536

_BOOL = 0x00000008
_INTEGERS = {0x10000008: "<q", 0x11000008: "<Q", 0x12000008: "<Q"}
_FLOATS = {0x20000008, 0x21000008}
_TEXTS = {0x4001FFFF: "latin-1", 0x4002FFFF: "utf-16-le"}
# The lower half of a type says whether its value stands in the tag or behind it.
_INLINE, _BEHIND = 0x0008, 0xFFFF


@dataclass(frozen=True)
class Header:
    """Tags of a file by name, ``Name(3)`` for those with an index, and where its data begin.

    Writers do not agree whether what there is only one of has the index 0 or none: either is
    found by the other's name.
    """

    path: Path
    tags: Mapping[str, TagValue]
    data_offset: int
    file_bytes: int

    def number(self, name: str) -> float | None:
        """Return a finite number, or None where the tag is missing, no number or not finite."""
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return value if math.isfinite(value) else None

    def integer(self, name: str) -> int | None:
        """Return a whole number, or None where the tag is missing or of another kind."""
        value = self.number(name)
        return int(value) if value is not None and value == int(value) else None

    def text(self, name: str) -> str:
        """Return a text, empty where the tag is missing or of another kind."""
        value = self._value(name)
        return value if isinstance(value, str) else ""

    def positive(self, name: str, *, least: float, most: float, unit: str) -> float:
        """Return a number between bounds, or raise `FormatError`."""
        value = self.number(name)
        if value is None or not least <= value <= most:
            raise FormatError(
                f"{self.path}: found {name} = {self._value(name)}, expected {least:g} ... "
                f"{most:g} {unit}; the header is damaged, copy or export the file again"
            )
        return float(value)

    def _value(self, name: str) -> TagValue | None:
        other = name.removesuffix("(0)") if name.endswith("(0)") else f"{name}(0)"
        return self.tags.get(name, self.tags.get(other))


def read_header(path: Path, magic: bytes) -> Header:
    """Read the tags.

    Parameters
    ----------
    path : pathlib.Path
    magic : bytes
        What the file has to begin with, without trailing zeros.

    Raises
    ------
    FormatError
        If the file is another one, cannot be read, or its tags do not end as they should.
    """
    try:
        file_bytes = path.stat().st_size
        with path.open("rb") as file:
            found = file.read(_PREAMBLE_BYTES)
            if found[:8].rstrip(b"\0") != magic:
                raise FormatError(
                    f"{path}: found {found[:8]!r} at its beginning, expected {magic!r}; it is "
                    "another kind of file, or damaged"
                )
            tags = _read_tags(file, path, file_bytes)
            return Header(path, tags, file.tell(), file_bytes)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check the disk") from error


def _read_tags(file: BinaryIO, path: Path, file_bytes: int) -> dict[str, TagValue]:
    tags: dict[str, TagValue] = {}
    for _ in range(_MOST_TAGS):
        raw = file.read(_TAG.size)
        if len(raw) < _TAG.size:
            raise FormatError(
                f"{path}: the header ends after {len(tags)} tags, expected the tag {_END}; "
                "the file is cut short, copy it again"
            )
        name, index, kind, payload = _TAG.unpack(raw)
        ident = _ident(path, name)
        if ident == _END:
            return tags
        value = _value(file, path, ident, kind, payload, file_bytes)
        if value is not None:
            tags.setdefault(ident if index < 0 else f"{ident}({index})", value)
    raise FormatError(
        f"{path}: found more than {_MOST_TAGS} tags, expected {_END} before; the header is damaged"
    )


def _ident(path: Path, name: bytes) -> str:
    text = name.partition(b"\0")[0]
    if not text.strip() or not all(32 <= byte < 127 for byte in text):
        raise FormatError(
            f"{path}: found the tag name {text!r}, expected letters; the header is damaged, "
            "copy or export the file again"
        )
    return text.decode("ascii")


def _value(
    file: BinaryIO, path: Path, ident: str, kind: int, payload: bytes, file_bytes: int
) -> TagValue | None:
    """Return a tag's value, None for those that nobody needs."""
    if kind == _BOOL:
        return any(payload)
    if kind in _INTEGERS:
        return int(struct.unpack(_INTEGERS[kind], payload)[0])
    if kind in _FLOATS:
        return float(struct.unpack("<d", payload)[0])
    if kind & 0xFFFF == _INLINE:
        return None
    if kind & 0xFFFF != _BEHIND:
        raise FormatError(
            f"{path}: found the type {kind:#010x} of the tag {ident}, expected a known one; "
            "the header is damaged, copy or export the file again"
        )
    return _long_value(file, path, ident, kind, payload, file_bytes)


def _long_value(
    file: BinaryIO, path: Path, ident: str, kind: int, payload: bytes, file_bytes: int
) -> str | None:
    """Read a text behind its tag; pass over arrays and blobs, however long they say they are."""
    length = int(struct.unpack("<q", payload)[0])
    start = file.tell()
    if not 0 <= length <= file_bytes - start:
        raise FormatError(
            f"{path}: the tag {ident} is {length} bytes long, expected at most the "
            f"{file_bytes - start} that follow; the header is damaged, copy or export it again"
        )
    text = None
    if kind in _TEXTS:
        raw = file.read(min(length, _LONGEST_TEXT))
        text = raw.decode(_TEXTS[kind], errors="replace").partition("\0")[0]
    file.seek(start + length)
    return text
