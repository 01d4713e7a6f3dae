"""Photons from the 32-bit records of PicoQuant's devices, whatever header stands before them.

Detectors are numbered from 0 in the order of the device's detector inputs:

- PicoHarp T2: as written, 0 ... 4; without a router 0 and 1 are the inputs named 0 and 1.
- PicoHarp T3: one less than written, since it counts the inputs behind its sync from 1.
- HydraHarp, TimeHarp, MultiHarp: as written, 0 for the input named 1; the sync input's own
  records are marked as special, and are no photons.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.io.ptu_decode import (
    BACKWARDS,
    CLOCK,
    LATEST,
    LATEST_CLOCK,
    N_STATE,
    STOPPED,
    UNKNOWN,
    count_overflows,
    decode_hydra_t2,
    decode_hydra_t3,
    decode_pico_t2,
    decode_pico_t3,
    last_photon,
)
from qdimage.io.ptu_records import RecordType

# Small enough that a block's photons are still in the processor's cache when they are used, and
# large enough that threads seldom wait for Python's lock.
BLOCK_RECORDS = 1 << 17
# Of a part: less is read by one processor in a moment.
LEAST_RECORDS = 1 << 20
_RECORD_BYTES = 4


class _Layout(NamedTuple):
    """Which records are overflows, and which are photons."""

    mask: np.uint32
    overflow: np.uint32
    time_bits: np.uint32
    inlet_at: int
    first_inlet: int
    last_inlet: int


def _layout(mask: int, overflow: int, time_bits: int, *inlets: int) -> _Layout:
    return _Layout(np.uint32(mask), np.uint32(overflow), np.uint32(time_bits), *inlets)


_LAYOUTS = {
    ("pico", "T2"): _layout(0xF000000F, 0xF0000000, 0xFFFFFFF, 28, 0, 4),
    ("pico", "T3"): _layout(0xFFFF0000, 0xF0000000, 0xFFFF, 28, 1, 4),
    ("hydra", "T2"): _layout(0xFE000000, 0xFE000000, 0x1FFFFFF, 25, 0, 63),
    ("hydra", "T3"): _layout(0xFE000000, 0xFE000000, 0x3FF, 25, 0, 63),
}


@dataclass(frozen=True)
class RecordFile:
    """What a header says of the records behind it.

    Attributes
    ----------
    path : pathlib.Path
    kind : RecordType
    tick_s : float
        T2: of the times; T3: of the delays.
    period_s : float or None
        T3: from one sync to the next.
    data_offset, file_bytes : int
        Where the records begin, and where the file ends.
    n_promised : int
        How many records there should be; 0 where the header does not say.
    said : mapping
        See `PhotonStream.header`.
    """

    path: Path
    kind: RecordType
    tick_s: float
    period_s: float | None
    data_offset: int
    file_bytes: int
    n_promised: int
    said: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def n_there(self) -> int:
        """How many whole records there are."""
        return (self.file_bytes - self.data_offset) // _RECORD_BYTES


def record_stream(file: RecordFile) -> PhotonStream:
    """Return the photons of a file that does not grow."""
    warnings: list[str] = []
    n_records = _n_records(file, warnings)

    def reader() -> Iterator[PhotonBlock]:
        return _finished(file, _Part(0, n_records), warnings)

    return replace(
        _stream(file, n_records, reader, warnings), split=lambda n: _parts(file, n_records, n)
    )


def growing_stream(file: RecordFile, *, go_on: Callable[[int], bool]) -> PhotonStream:
    """Return the photons of a file that somebody else is still writing.

    Parameters
    ----------
    file : RecordFile
    go_on : callable
        ``go_on(n)`` is called before each reading with the number of records read so far, from
        within the stream's iterator, and may wait there; False ends the stream. A record of
        which only a part is written yet is read when it is whole.
    """
    warnings: list[str] = []

    def reader() -> Iterator[PhotonBlock]:
        return _growing(file, go_on, warnings)

    return _stream(file, file.n_there, reader, warnings)


def _stream(
    file: RecordFile,
    n_records: int,
    reader: Callable[[], Iterator[PhotonBlock]],
    warnings: list[str],
) -> PhotonStream:
    said = {"n_records": n_records, "record_type": file.kind.name, **file.said}
    return PhotonStream(
        str(file.path), file.kind.mode, file.tick_s, file.period_s, reader, said, warnings
    )


def _n_records(file: RecordFile, warnings: list[str]) -> int:
    """How many records to read: never more than there are, nor than the header promises."""
    path, n_there, n_promised = file.path, file.n_there, file.n_promised
    if (file.file_bytes - file.data_offset) % _RECORD_BYTES:
        warnings.append(f"{path}: ends inside a record; the file is cut short, its end is lost")
    if n_promised < 0 or n_promised > n_there:
        warnings.append(
            f"{path}: found {n_there} records, expected the {n_promised} that the header promises; "
            "the file is cut short, or its count false"
        )
    elif 0 < n_promised < n_there:
        warnings.append(
            f"{path}: found {n_there} records, expected the {n_promised} that the header promises; "
            "the others are left out"
        )
        return n_promised
    return n_there


class _Part(NamedTuple):
    """Records from `start` on, and where the clock and the last photon before them stand."""

    start: int
    n_records: int
    clock: int = 0
    latest: int = 0

    def state(self) -> NDArray[np.int64]:
        state = np.zeros(N_STATE, np.int64)
        state[CLOCK], state[LATEST] = self.clock, self.latest
        return state


def _parts(file: RecordFile, n_records: int, n_parts: int) -> list[PhotonStream]:
    """Part a file; none where its clock runs away, or where the parts would be short."""
    n_parts = min(n_parts, n_records // LEAST_RECORDS)
    if n_parts < 2:
        return []
    places = [n_records * k // n_parts for k in range(n_parts + 1)]
    parts = [_Part(start, stop - start) for start, stop in pairwise(places)]
    # What is behind the last part's beginning does not matter to any.
    pieces = [piece for part in parts[:-1] for piece in _equal(part, n_parts)]
    with ThreadPoolExecutor(n_parts) as pool:
        ends = list(pool.map(lambda piece: _end(file, piece), pieces))
    streams = [_part_stream(file, parts[0])]
    clock = latest = 0
    for k, (wraps, last) in enumerate(ends, start=1):
        latest = latest if last is None else clock + last
        clock += wraps * file.kind.wrap
        if clock > LATEST_CLOCK:
            return []
        if k % n_parts == 0:
            part = parts[k // n_parts]._replace(clock=clock, latest=latest)
            streams.append(_part_stream(file, part))
    return streams


def _equal(part: _Part, n: int) -> list[_Part]:
    places = [part.start + part.n_records * k // n for k in range(n + 1)]
    return [_Part(start, stop - start) for start, stop in pairwise(places)]


def _end(file: RecordFile, part: _Part) -> tuple[int, int | None]:
    """Return the overflows of a part, and when its last photon was, had it begun at zero."""
    kind, layout = file.kind, _LAYOUTS[file.kind.layout, file.kind.mode]
    wraps, last = 0, None
    for records in _pieces(file, part):
        place = last_photon(records, layout.inlet_at, layout.first_inlet, layout.last_inlet)
        before = count_overflows(records[: place + 1], kind.counted, *layout[:3])
        if place >= 0:
            last = (wraps + before) * kind.wrap + int(records[place] & layout.time_bits)
        wraps += before + count_overflows(records[place + 1 :], kind.counted, *layout[:3])
    return wraps, last


def _part_stream(file: RecordFile, part: _Part) -> PhotonStream:
    warnings: list[str] = []

    def reader() -> Iterator[PhotonBlock]:
        return _finished(file, part, warnings)

    return _stream(file, part.n_records, reader, warnings)


def _finished(file: RecordFile, part: _Part, warnings: list[str]) -> Iterator[PhotonBlock]:
    state = part.state()
    n_read = 0
    for records in _pieces(file, part):
        n_read += records.size
        yield _decode(records, state, file.kind)
        if state[STOPPED]:
            break
    if n_read < part.n_records and not state[STOPPED]:
        _add(
            warnings,
            f"{file.path}: the file became shorter while it was read; {part.n_records - n_read} "
            "records are lost",
        )
    _add(warnings, *_damage(file, state))


def _pieces(file: RecordFile, part: _Part) -> Iterator[NDArray[np.uint32]]:
    """Yield the records of a part, in an array that is used again."""
    buffer = np.empty(min(BLOCK_RECORDS, part.n_records), "<u4")
    n_read = 0
    try:
        with file.path.open("rb") as opened:
            opened.seek(file.data_offset + part.start * _RECORD_BYTES)
            while n_read < part.n_records:
                n = _read(opened, buffer[: part.n_records - n_read])
                if n == 0:
                    break
                n_read += n
                yield buffer[:n]
    except OSError as error:
        raise _unreadable(file, part.start + n_read, error) from error


def _growing(
    file: RecordFile, go_on: Callable[[int], bool], warnings: list[str]
) -> Iterator[PhotonBlock]:
    state = np.zeros(N_STATE, np.int64)
    buffer = np.empty(BLOCK_RECORDS, "<u4")
    n_read = 0
    try:
        with file.path.open("rb") as opened:
            while not state[STOPPED] and go_on(n_read):
                opened.seek(file.data_offset + n_read * _RECORD_BYTES)
                n = _read(opened, buffer)
                n_read += n
                if n:
                    yield _decode(buffer[:n], state, file.kind)
    except OSError as error:
        raise _unreadable(file, n_read, error) from error
    _add(warnings, *_damage(file, state))


def _read(opened: BinaryIO, wanted: NDArray[np.uint32]) -> int:
    """Fill in records; return how many are whole."""
    return opened.readinto(wanted.data.cast("B")) // _RECORD_BYTES  # type: ignore[attr-defined, no-any-return]


def _unreadable(file: RecordFile, n_read: int, error: OSError) -> FormatError:
    return FormatError(
        f"{file.path}: cannot be read after {n_read} records ({error.strerror}); check the disk"
    )


def _add(warnings: list[str], *texts: str) -> None:
    warnings += [text for text in texts if text not in warnings]


def _decode(records: NDArray[np.uint32], state: NDArray[np.int64], kind: RecordType) -> PhotonBlock:
    time = np.empty(records.size, np.int64)
    channel = np.empty(records.size, np.uint8)
    if kind.mode == "T2":
        decode_t2 = decode_pico_t2 if kind.layout == "pico" else decode_hydra_t2
        n = decode_t2(records, state, kind.wrap, kind.counted, time, channel)
        return PhotonBlock(time[:n], channel[:n])
    delay = np.empty(records.size, np.int64)
    decode_t3 = decode_pico_t3 if kind.layout == "pico" else decode_hydra_t3
    n = decode_t3(records, state, kind.wrap, kind.counted, time, channel, delay)
    return PhotonBlock(time[:n], channel[:n], delay[:n])


def _damage(file: RecordFile, state: NDArray[np.int64]) -> Iterator[str]:
    path, kind = file.path, file.kind
    if state[STOPPED]:
        yield (
            f"{path}: the clock runs beyond 2^60, expected less; the records are damaged, and "
            "those behind that place are left out"
        )
    if state[BACKWARDS]:
        what = "time" if kind.mode == "T2" else "the count of syncs"
        yield (
            f"{path}: {what} runs backwards at {state[BACKWARDS]} places, expected it to grow; "
            "records are damaged or lost there"
        )
    if state[UNKNOWN]:
        yield (
            f"{path}: found {state[UNKNOWN]} records of inputs that a {kind.name} file does not "
            "have; they are left out"
        )
