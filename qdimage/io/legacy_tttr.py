"""PicoQuant's formats before PTU: PT2 and PT3 of the PicoHarp 300, HT2 and HT3 of the HydraHarp.

Their records are those of PTU files; the header is one fixed block of binary fields, as PicoQuant
publishes it in the manuals of PicoHarp 300 and HydraHarp 400.
"""

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qdimage.domain.photons import PhotonStream
from qdimage.errors import FormatError
from qdimage.io.ptu_records import RECORD_TYPES, RecordType
from qdimage.io.record_file import RecordFile, growing_stream, record_stream

_BITS_AT = 332
_PICO_BYTES = 728
_HYDRA_BYTES = 696
_INPUT_BYTES = 20
_HYDRA_TAIL_BYTES = 24
_MOST_INPUTS = 64
_MOST_IMAGE_FIELDS = 1 << 16
_T3_TICKS_S = (1e-13, 1e-6)
# Ident, version of the format, mode: the kind of records.
_KINDS = {
    ("PicoHarp 300", "2.0", 2): 0x00010203,
    ("PicoHarp 300", "2.0", 3): 0x00010303,
    ("HydraHarp", "1.0", 2): 0x00010204,
    ("HydraHarp", "1.0", 3): 0x00010304,
    ("HydraHarp", "2.0", 2): 0x01010204,
    ("HydraHarp", "2.0", 3): 0x01010304,
}
_PICO_T2_TICK_S = 4e-12


@dataclass(frozen=True)
class _Fields:
    """What is used of a header."""

    mode: int
    t2_tick_s: float
    t3_tick_s: float
    sync_rate_hz: int
    duration_ms: int
    n_promised: int
    image_fields: int
    header_bytes: int


def open_legacy(path: Path) -> PhotonStream:
    """Open a PT2, PT3, HT2 or HT3 file; see `qdimage.io.time_tags.open_photons`."""
    return record_stream(_record_file(path))


def open_growing_legacy(path: Path, go_on: Callable[[int], bool]) -> PhotonStream:
    """Open such a file that grows; see `qdimage.io.time_tags.open_growing_photons`."""
    return growing_stream(_record_file(path), go_on=go_on)


def promised_records(path: Path) -> int:
    """Return how many records the header promises now."""
    return _record_file(path).n_promised


def _record_file(path: Path) -> RecordFile:
    try:
        file_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HYDRA_BYTES + _MOST_INPUTS * _INPUT_BYTES + _HYDRA_TAIL_BYTES)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check the disk") from error
    ident, version = _text(head[:16]), _text(head[16:22])
    pico = ident == "PicoHarp 300"
    if not pico and ident != "HydraHarp":
        raise FormatError(
            f"{path}: found {head[:16]!r} at its beginning, expected 'PicoHarp 300' or "
            "'HydraHarp'; it is another kind of file, or damaged"
        )
    fields = _pico_fields(path, head) if pico else _hydra_fields(path, head)
    kind = _kind(path, ident, version, fields.mode, _integer(head, _BITS_AT))
    tick_s, period_s = _clock(path, kind, fields)
    data_offset = fields.header_bytes + 4 * fields.image_fields
    if not 0 <= fields.image_fields <= _MOST_IMAGE_FIELDS or data_offset > file_bytes:
        raise FormatError(
            f"{path}: found {fields.image_fields} fields of an image in its header, expected "
            "fewer, and records behind them; the header is damaged, copy the file again"
        )
    said: dict[str, float | str] = {"instrument": ident}
    if fields.duration_ms > 0:
        said["duration_s"] = fields.duration_ms / 1000
    return RecordFile(
        path, kind, tick_s, period_s, data_offset, file_bytes, fields.n_promised, said
    )


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("latin-1").strip()


def _integer(head: bytes, at: int) -> int:
    return int(struct.unpack_from("<i", head, at)[0])


def _require_length(path: Path, head: bytes, n_bytes: int) -> None:
    if len(head) < n_bytes:
        raise FormatError(
            f"{path}: the header ends after {len(head)} bytes, expected {n_bytes}; the file is cut "
            "short, copy it again"
        )


def _pico_fields(path: Path, head: bytes) -> _Fields:
    _require_length(path, head, _PICO_BYTES)
    (resolution_ns,) = struct.unpack_from("<f", head, 584)
    rate, _, stop_after, _, n_records, image_fields = struct.unpack_from("<6i", head, 704)
    # Single precision: what is meant is a whole number of femtoseconds.
    tick_s = round(resolution_ns * 1e6) * 1e-15 if math.isfinite(resolution_ns) else math.nan
    mode = _integer(head, 348)
    return _Fields(
        mode, _PICO_T2_TICK_S, tick_s, rate, stop_after, n_records, image_fields, _PICO_BYTES
    )


def _hydra_fields(path: Path, head: bytes) -> _Fields:
    _require_length(path, head, _HYDRA_BYTES)
    (resolution_ps,) = struct.unpack_from("<d", head, 352)
    (base_ps,) = struct.unpack_from("<d", head, 648)
    n_inputs = _integer(head, 664)
    if not 1 <= n_inputs <= _MOST_INPUTS:
        raise FormatError(
            f"{path}: found {n_inputs} inputs in its header, expected 1 ... {_MOST_INPUTS}; the "
            "header is damaged, copy the file again"
        )
    tail = _HYDRA_BYTES + n_inputs * _INPUT_BYTES
    _require_length(path, head, tail + _HYDRA_TAIL_BYTES)
    rate, stop_after, _, image_fields, n_records = struct.unpack_from("<4iq", head, tail)
    return _Fields(
        _integer(head, 340),
        base_ps * 1e-12,
        resolution_ps * 1e-12,
        rate,
        stop_after,
        n_records,
        image_fields,
        tail + _HYDRA_TAIL_BYTES,
    )


def _kind(path: Path, ident: str, version: str, mode: int, bits: int) -> RecordType:
    code = _KINDS.get((ident, version, mode))
    if code is None:
        raise FormatError(
            f"{path}: found the format {version!r} of {ident} and the mode {mode}, expected "
            f"{' or '.join(sorted({key[1] for key in _KINDS if key[0] == ident}))} and the mode 2 "
            "or 3 (T2, T3); export the measurement as PTU with PicoQuant's file converter"
        )
    if bits != 32:
        raise FormatError(
            f"{path}: found {bits} bits in a record, expected 32; the header is damaged"
        )
    return RECORD_TYPES[code]


def _clock(path: Path, kind: RecordType, fields: _Fields) -> tuple[float, float | None]:
    """Return the tick, and in T3 the period, which the header gives as a rate in whole Hz."""
    tick_s = fields.t2_tick_s if kind.mode == "T2" else fields.t3_tick_s
    least, most = _T3_TICKS_S
    # False also where the tick is NaN.
    if not least <= tick_s <= most:
        raise FormatError(
            f"{path}: found ticks of {tick_s} s, expected {least:g} ... {most:g} s; the header is "
            "damaged, copy the file again"
        )
    if kind.mode == "T2":
        return tick_s, None
    if not 0 < fields.sync_rate_hz <= 1 / tick_s:
        raise FormatError(
            f"{path}: found a sync rate of {fields.sync_rate_hz} Hz beside ticks of {tick_s} s, "
            "expected one above 0 and a period of several ticks; the header is damaged, or there "
            "was no sync"
        )
    return tick_s, 1 / fields.sync_rate_hz
