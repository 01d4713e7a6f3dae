"""PTU files from ticks and detectors, as PicoQuant's devices write them."""

import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import replacing
from qdimage.io.ptu_records import RECORD_TYPES, RecordType

Whole = NDArray[np.integer]
Records = NDArray[np.uint32]

# What an event of `PtuWriter.append` can be.
PHOTON, MARKER, SYNC = 0, 1, 2

_TAG = struct.Struct("<32siI8s")
_MAGIC = b"PQTTTR\0\0" + b"1.0.00\0\0"
_COUNT_TAG = "TTResult_NumberOfRecords"
_BY_NAME = {each.name: each for each in RECORD_TYPES.values()}
_MOST_COUNTED = {"T2": (1 << 25) - 1, "T3": (1 << 10) - 1}


class PtuWriter:
    """An open PTU file; made by `writing_ptu`."""

    def __init__(self, file: BinaryIO, kind: RecordType) -> None:
        self._file = file
        self._kind = kind
        self._n_wraps = 0
        self.n_records = 0

    def append(
        self,
        time: Whole,
        channel: Whole,
        *,
        delay: Whole | None = None,
        event: Whole | None = None,
    ) -> None:
        """Write events, which must not lie before those already written.

        Parameters
        ----------
        time : ndarray of int
            T2: ticks; T3: number of the sync.
        channel : ndarray of int
            Detectors from 0; of markers, their bits (1 ... 15); of syncs, anything.
        delay : ndarray of int, optional
            T3: ticks after the sync.
        event : ndarray of int, optional
            `PHOTON`, `MARKER` or `SYNC`; photons where not given.
        """
        time = np.asarray(time, np.int64)
        if time.size == 0:
            return
        what = np.zeros(time.size, np.int64) if event is None else np.asarray(event, np.int64)
        late = np.zeros(time.size, np.int64) if delay is None else np.asarray(delay, np.int64)
        n_wraps, inside = np.divmod(time, self._kind.wrap)
        crossed = np.diff(n_wraps, prepend=self._n_wraps)
        if crossed.min() < 0:
            raise ConfigurationError(
                "found events before those already written, expected rising times; sort them"
            )
        self._n_wraps = int(n_wraps[-1])
        encode = _pico if self._kind.layout == "pico" else _hydra
        events = encode(self._kind, inside, np.asarray(channel, np.int64), late, what)
        records = _with_overflows(self._kind, events, crossed)
        records.astype("<u4").tofile(self._file)
        self.n_records += records.size


@contextmanager
def writing_ptu(
    path: Path,
    *,
    record_type: str,
    tick_s: float,
    period_s: float | None = None,
    duration_s: float = 0.0,
    tags: Mapping[str, int | float | str] | None = None,
) -> Iterator[PtuWriter]:
    """Write a PTU file, whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
    record_type : str
        A name from `qdimage.io.ptu_records.RECORD_TYPES`, such as ``"HydraHarp v2 T3"``.
    tick_s : float
        T2: of the times; T3: of the delays.
    period_s : float, optional
        T3: from one sync to the next.
    duration_s : float
        What the header says of it.
    tags : mapping, optional
        Further tags of the header; those of the same name are replaced.
    """
    if record_type not in _BY_NAME:
        raise ConfigurationError(
            f"found the record type {record_type!r}, expected one of {', '.join(_BY_NAME)}"
        )
    kind = _BY_NAME[record_type]
    if kind.mode == "T3" and period_s is None:
        raise ConfigurationError("found no period_s, expected one for T3; give it")
    said: dict[str, int | float | str] = {
        "TTResultFormat_TTTRRecType": kind.code,
        "TTResultFormat_BitsPerRecord": 32,
        "Measurement_Mode": 2 if kind.mode == "T2" else 3,
        "MeasDesc_AcquisitionTime": round(duration_s * 1000),
        "MeasDesc_GlobalResolution": tick_s if period_s is None else period_s,
        "MeasDesc_Resolution": tick_s,
        "HW_Type": record_type.partition(" T")[0],
        _COUNT_TAG: 0,
        **(tags or {}),
    }
    with replacing(path) as partial, partial.open("wb") as file:
        places = _write_header(file, said)
        writer = PtuWriter(file, kind)
        yield writer
        if _COUNT_TAG not in (tags or {}):
            file.seek(places[_COUNT_TAG])
            file.write(_tag(_COUNT_TAG, writer.n_records))


def write_ptu(
    path: Path,
    time: Whole,
    channel: Whole,
    *,
    record_type: str,
    tick_s: float,
    period_s: float | None = None,
    delay: Whole | None = None,
    event: Whole | None = None,
    duration_s: float = 0.0,
    tags: Mapping[str, int | float | str] | None = None,
) -> Path:
    """Write a PTU file at once; see `writing_ptu` and `PtuWriter.append`."""
    with writing_ptu(
        path,
        record_type=record_type,
        tick_s=tick_s,
        period_s=period_s,
        duration_s=duration_s,
        tags=tags,
    ) as writer:
        writer.append(time, channel, delay=delay, event=event)
    return path


def _write_header(file: BinaryIO, tags: Mapping[str, int | float | str]) -> dict[str, int]:
    """Write the tags; return where each begins."""
    places = {}
    file.write(_MAGIC)
    for name, value in tags.items():
        places[name] = file.tell()
        file.write(_tag(name, value))
    file.write(_TAG.pack(b"Header_End", -1, 0xFFFF0008, bytes(8)))
    return places


def _tag(name: str, value: int | float | str) -> bytes:
    ident = name.encode("ascii")
    if isinstance(value, str):
        text = value.encode("latin-1") + b"\0"
        text += bytes(-len(text) % 8)
        return _TAG.pack(ident, -1, 0x4001FFFF, struct.pack("<q", len(text))) + text
    if isinstance(value, float):
        return _TAG.pack(ident, -1, 0x20000008, struct.pack("<d", value))
    return _TAG.pack(ident, -1, 0x10000008, struct.pack("<q", value))


def _pico(kind: RecordType, inside: Whole, channel: Whole, delay: Whole, event: Whole) -> Records:
    if np.any(event == SYNC):
        raise ConfigurationError("found sync records, expected none: a PicoHarp writes no such")
    inlet = np.where(event == MARKER, 15, channel + (kind.mode == "T3"))
    if kind.mode == "T2":
        # A marker's bits take the place of the lowest four of its time.
        low = np.where(event == MARKER, (inside & ~np.int64(0xF)) | channel, inside)
        return np.asarray((inlet << 28) | low).astype(np.uint32)
    late = np.where(event == MARKER, channel, delay)
    return np.asarray((inlet << 28) | (late << 16) | inside).astype(np.uint32)


def _hydra(kind: RecordType, inside: Whole, channel: Whole, delay: Whole, event: Whole) -> Records:
    inlet = np.where(event == SYNC, 0, channel)
    special = np.asarray(event != PHOTON).astype(np.int64)
    low = inside if kind.mode == "T2" else (delay << 10) | inside
    return np.asarray((special << 31) | (inlet << 25) | low).astype(np.uint32)


def _with_overflows(kind: RecordType, events: Records, crossed: Whole) -> Records:
    """Insert before each event the records of the overflows since the one before."""
    most = _MOST_COUNTED[kind.mode] if kind.counted else 1
    n_before = -(-crossed // most)
    places = np.arange(events.size) + np.cumsum(n_before)
    records = np.full(events.size + int(n_before.sum()), _overflow(kind, most), np.uint32)
    if kind.counted:
        # The last record before an event stands for what the full ones leave over.
        some = n_before > 0
        left_over = crossed[some] - most * (n_before[some] - 1)
        records[places[some] - 1] = _overflow(kind, 0) + left_over.astype(np.uint32)
    records[places] = events
    return records


def _overflow(kind: RecordType, count: int) -> int:
    if kind.layout == "pico":
        return 0xF0000000
    return 0xFE000000 | (count if kind.counted else 0)
