"""PicoQuant PTU files: time tags of PicoHarp 300, HydraHarp, TimeHarp 260 and MultiHarp."""

from collections.abc import Callable
from pathlib import Path

from qdimage.domain.photons import PhotonStream
from qdimage.errors import FormatError
from qdimage.io.picoquant_header import Header, read_header
from qdimage.io.ptu_records import RECORD_TYPES, RecordType
from qdimage.io.record_file import RecordFile, growing_stream, record_stream

_COUNT_TAG = "TTResult_NumberOfRecords"


def open_ptu(path: Path) -> PhotonStream:
    """Open a PTU file; see `qdimage.io.time_tags.open_photons`."""
    return record_stream(_record_file(path))


def open_growing_ptu(path: Path, go_on: Callable[[int], bool]) -> PhotonStream:
    """Open a PTU file that grows; see `qdimage.io.time_tags.open_growing_photons`."""
    return growing_stream(_record_file(path), go_on=go_on)


def promised_records(path: Path) -> int:
    """Return how many records the header promises now; 0 before a recorder has closed it."""
    return read_header(path, b"PQTTTR").integer(_COUNT_TAG) or 0


def _record_file(path: Path) -> RecordFile:
    header = read_header(path, b"PQTTTR")
    kind = _record_type(header)
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
    n_promised = header.integer(_COUNT_TAG) or 0
    return RecordFile(
        path,
        kind,
        tick_s,
        period_s,
        header.data_offset,
        header.file_bytes,
        n_promised,
        _said(header),
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
    if bits not in (None, 32):
        raise FormatError(
            f"{header.path}: found {bits} bits in a record, expected 32; the header is damaged"
        )
    return RECORD_TYPES[code]


def _said(header: Header) -> dict[str, float | str]:
    """What the file says of itself."""
    said: dict[str, float | str] = {}
    # The time it was stopped after, or else the time that was asked for, in ms.
    for name in ("TTResult_StopAfter", "MeasDesc_AcquisitionTime"):
        milliseconds = header.number(name)
        if milliseconds is not None and milliseconds > 0:
            said["duration_s"] = milliseconds / 1000
            break
    instrument = header.text("HW_Type")
    if instrument:
        said["instrument"] = instrument
    return said
