"""Photons from the 32-bit records of PicoQuant's devices, whatever header stands before them.

Detectors are numbered from 0 in the order of the device's detector inputs:

- PicoHarp T2: as written, 0 ... 4; without a router 0 and 1 are the inputs named 0 and 1.
- PicoHarp T3: one less than written, since it counts the inputs behind its sync from 1.
- HydraHarp, TimeHarp, MultiHarp: as written, 0 for the input named 1; the sync input's own
  records are marked as special, and are no photons.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.io.ptu_decode import (
    BACKWARDS,
    N_STATE,
    STOPPED,
    UNKNOWN,
    decode_hydra_t2,
    decode_hydra_t3,
    decode_pico_t2,
    decode_pico_t3,
)
from qdimage.io.ptu_records import RecordType

# Small enough that a block's photons are still in the processor's cache when they are used.
BLOCK_RECORDS = 1 << 16
_RECORD_BYTES = 4


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
        return _finished(file, n_records, warnings)

    return _stream(file, n_records, reader, warnings)


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


def _finished(file: RecordFile, n_records: int, warnings: list[str]) -> Iterator[PhotonBlock]:
    state = np.zeros(N_STATE, np.int64)
    buffer = np.empty(min(BLOCK_RECORDS, n_records), "<u4")
    n_read = 0
    try:
        with file.path.open("rb") as opened:
            opened.seek(file.data_offset)
            while n_read < n_records and not state[STOPPED]:
                n = _read(opened, buffer[: n_records - n_read])
                if n == 0:
                    break
                n_read += n
                yield _decode(buffer[:n], state, file.kind)
    except OSError as error:
        raise _unreadable(file, n_read, error) from error
    if n_read < n_records and not state[STOPPED]:
        _add(
            warnings,
            f"{file.path}: the file became shorter while it was read; {n_records - n_read} "
            "records are lost",
        )
    _add(warnings, *_damage(file, state))


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
