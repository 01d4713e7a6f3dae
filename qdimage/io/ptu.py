"""PicoQuant PTU files: time tags of PicoHarp 300, HydraHarp, TimeHarp 260 and MultiHarp.

Detectors are numbered from 0 in the order of the device's detector inputs:

- PicoHarp T2: as written, 0 ... 4; without a router 0 and 1 are the inputs named 0 and 1.
- PicoHarp T3: one less than written, since it counts the inputs behind its sync from 1.
- HydraHarp, TimeHarp, MultiHarp: as written, 0 for the input named 1; the sync input's own
  records are marked as special, and are no photons.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.io.picoquant_header import Header, read_header
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
from qdimage.io.ptu_records import RECORD_TYPES, RecordType

# Small enough that a block's photons are still in the processor's cache when they are used.
BLOCK_RECORDS = 1 << 16
_RECORD_BYTES = 4


def open_ptu(path: Path) -> PhotonStream:
    """Open a PTU file; see `qdimage.io.time_tags.open_photons`."""
    header = read_header(path, b"PQTTTR")
    kind = _record_type(header)
    warnings: list[str] = []
    n_records = _n_records(header, warnings)
    period_s = None
    tick_name = "MeasDesc_GlobalResolution"
    if kind.mode == "T3":
        period_s = header.positive(tick_name, least=1e-12, most=100, unit="s")
        tick_name = "MeasDesc_Resolution"
    tick_s = header.positive(tick_name, least=1e-15, most=1e-3, unit="s")
    if period_s is not None and period_s < tick_s:
        raise FormatError(
            f"{path}: found a period of {period_s} s and ticks of {tick_s} s, expected a period of "
            "several ticks; the header is damaged, copy or export the file again"
        )

    def reader() -> Iterator[PhotonBlock]:
        return _blocks(header, kind, n_records, warnings)

    return PhotonStream(
        str(path), kind.mode, tick_s, period_s, reader, _said(header, kind, n_records), warnings
    )


def _record_type(header: Header) -> RecordType:
    code = header.integer("TTResultFormat_TTTRRecType")
    bits = header.integer("TTResultFormat_BitsPerRecord")
    if code is None or code not in RECORD_TYPES:
        found = "none" if code is None else f"{code:#010x}"
        known = ", ".join(each.name for each in RECORD_TYPES.values())
        raise FormatError(
            f"{header.path}: found the record type {found}, expected one of {known}; "
            "export the measurement as one of them"
        )
    if bits not in (None, 8 * _RECORD_BYTES):
        raise FormatError(
            f"{header.path}: found {bits} bits in a record, expected 32; the header is damaged"
        )
    return RECORD_TYPES[code]


def _n_records(header: Header, warnings: list[str]) -> int:
    """How many records to read: never more than there are, nor than the header promises."""
    path = header.path
    n_there, n_left = divmod(header.file_bytes - header.data_offset, _RECORD_BYTES)
    n_promised = header.integer("TTResult_NumberOfRecords") or 0
    if n_left:
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


def _said(header: Header, kind: RecordType, n_records: int) -> dict[str, float | str]:
    """What the file says of itself."""
    said: dict[str, float | str] = {"n_records": n_records, "record_type": kind.name}
    # The time it was stopped after, or else the time that was asked for, in ms.
    for name in ("TTResult_StopAfter", "MeasDesc_AcquisitionTime"):
        milliseconds = header.number(name)
        if milliseconds is not None and milliseconds > 0:
            said["duration_s"] = milliseconds / 1000
            break
    instrument = header.tags.get("HW_Type")
    if isinstance(instrument, str) and instrument:
        said["instrument"] = instrument
    return said


def _blocks(
    header: Header, kind: RecordType, n_records: int, warnings: list[str]
) -> Iterator[PhotonBlock]:
    state = np.zeros(N_STATE, np.int64)
    buffer = np.empty(min(BLOCK_RECORDS, n_records), "<u4")
    n_read = 0
    try:
        with header.path.open("rb") as file:
            file.seek(header.data_offset)
            while n_read < n_records and not state[STOPPED]:
                wanted = buffer[: n_records - n_read]
                n = file.readinto(wanted.data.cast("B")) // _RECORD_BYTES
                if n == 0:
                    break
                n_read += n
                yield _decode(buffer[:n], state, kind)
    except OSError as error:
        raise FormatError(
            f"{header.path}: cannot be read after {n_read} records ({error.strerror}); "
            "check the disk"
        ) from error
    for text in _damage(header.path, kind, state, n_records - n_read):
        if text not in warnings:
            warnings.append(text)


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


def _damage(path: Path, kind: RecordType, state: NDArray[np.int64], n_lost: int) -> Iterator[str]:
    if n_lost > 0 and not state[STOPPED]:
        yield f"{path}: the file became shorter while it was read; {n_lost} records are lost"
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
