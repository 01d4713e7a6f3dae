"""Time tags as CSV: a column ``time_ps`` or ``time_ns``, and a column ``channel``.

What every vendor's software can export. A channel is the detector's number as written.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.io.time_tag_text import (
    BACKWARDS,
    BAD_LINE,
    LATEST,
    LINES,
    MOST_CHANNEL,
    N_STATE,
    parse_lines,
)

TICK_S = 1e-12
_DECIMALS = {"time_ps": 0, "time_ns": 3}
_CHANNEL = "channel"
_SEPARATORS = (",", ";", "\t")
_LONGEST_LINE = 4096
_BLOCK_BYTES = 1 << 20
_BEFORE_ALL = -(1 << 62)


@dataclass(frozen=True)
class _Layout:
    separator: int
    time_column: int
    channel_column: int
    decimals: int
    data_offset: int


def is_time_tag_csv(path: Path) -> bool:
    """Whether a file's first line names the columns of time tags."""
    try:
        return _layout(_first_line(path)) is not None
    except OSError:
        return False


def open_time_tag_csv(path: Path) -> PhotonStream:
    """Open a table of photons; see `qdimage.io.time_tags.open_photons`."""
    try:
        layout = _layout(_first_line(path))
    except OSError as error:
        raise _unreadable(path, error) from error
    if layout is None:
        raise FormatError(
            f"{path}: found no columns time_ps (or time_ns) and channel in its first line, "
            "expected them; export the time tags so"
        )
    warnings: list[str] = []

    def reader() -> Iterator[PhotonBlock]:
        return _blocks(path, layout, warnings)

    return PhotonStream(str(path), "T2", TICK_S, None, reader, {}, warnings)


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline(_LONGEST_LINE)


def _layout(line: bytes) -> _Layout | None:
    text = line.decode("utf-8-sig", errors="replace")
    separator = next((each for each in _SEPARATORS if each in text), ",")
    names = [name.strip().strip('"') for name in text.split(separator)]
    times = [name for name in _DECIMALS if name in names]
    if not times or _CHANNEL not in names:
        return None
    return _Layout(
        ord(separator),
        names.index(times[0]),
        names.index(_CHANNEL),
        _DECIMALS[times[0]],
        len(line),
    )


def _blocks(path: Path, layout: _Layout, warnings: list[str]) -> Iterator[PhotonBlock]:
    state = np.zeros(N_STATE, np.int64)
    state[LINES], state[LATEST] = 1, _BEFORE_ALL
    rest = b""
    try:
        with path.open("rb") as file:
            file.seek(layout.data_offset)
            while raw := file.read(_BLOCK_BYTES):
                whole, newline, rest = (rest + raw).rpartition(b"\n")
                if len(rest) > _LONGEST_LINE:
                    raise FormatError(
                        f"{path}: found a line of more than {_LONGEST_LINE} letters behind line "
                        f"{state[LINES]}, expected a time and a channel; it is no table"
                    )
                if newline:
                    yield _photons(path, whole + newline, layout, state)
    except OSError as error:
        raise _unreadable(path, error) from error
    last = _last_photon(rest, layout, state)
    if last is None:
        _add(warnings, f"{path}: ends inside a line; the file is cut short, its end is lost")
    elif last.time.size:
        yield last
    if state[BACKWARDS]:
        _add(
            warnings,
            f"{path}: time runs backwards at {state[BACKWARDS]} places, expected it to grow; sort "
            "the table, or lines are damaged there",
        )


def _photons(path: Path, text: bytes, layout: _Layout, state: np.ndarray) -> PhotonBlock:
    block = _parsed(text, layout, state)
    if state[BAD_LINE]:
        raise FormatError(
            f"{path}: line {state[BAD_LINE]} holds no time and channel, expected a number with at "
            f"most {layout.decimals} decimals below 2^60 ps and a channel 0 ... {MOST_CHANNEL}; "
            "correct it or export the file again"
        )
    return block


def _last_photon(text: bytes, layout: _Layout, state: np.ndarray) -> PhotonBlock | None:
    """Read a last line that does not end; None if it makes no sense."""
    block = _parsed(text + b"\n", layout, state)
    return None if state[BAD_LINE] else block


def _parsed(text: bytes, layout: _Layout, state: np.ndarray) -> PhotonBlock:
    letters = np.frombuffer(text, np.uint8)
    # A line has at least four letters: two digits, a separator and its end.
    most = letters.size // 4 + 1
    time, channel = np.empty(most, np.int64), np.empty(most, np.uint8)
    n = parse_lines(
        letters,
        layout.separator,
        layout.time_column,
        layout.channel_column,
        layout.decimals,
        state,
        time,
        channel,
    )
    return PhotonBlock(time[:n], channel[:n])


def _add(warnings: list[str], text: str) -> None:
    if text not in warnings:
        warnings.append(text)


def _unreadable(path: Path, error: OSError) -> FormatError:
    return FormatError(f"{path}: cannot be read ({error.strerror}); check the disk")
