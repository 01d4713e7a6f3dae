"""Becker & Hickl's ``.spc`` files of SPC-130, 140, 150, 160, 180 and 830: their macro times.

The layout is that of the maker's TCSPC Handbook. The first record holds the macro-time clock, in
0.1 ns. What the delays of photons are in seconds stands in no ``.spc`` file: they are left out,
and times are whole periods of that clock. Detectors are the router's channels, from 0.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import FormatError
from qdimage.io.spc_decode import (
    BACKWARDS,
    GAPS,
    INVALID,
    N_STATE,
    STOPPED,
    decode_spc,
)

_BLOCK_RECORDS = 1 << 16
_RECORD_BYTES = 4
_CLOCK_UNIT_S = 1e-10
_SHORTEST, _LONGEST = 10, 100_000


def open_spc(path: Path) -> PhotonStream:
    """Open an SPC file; see `qdimage.io.time_tags.open_photons`."""
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            first = int.from_bytes(file.read(_RECORD_BYTES), "little")
    except OSError as error:
        raise _unreadable(path, error) from error
    clock, is_first = first & 0xFFFFFF, first >> 31 == 1
    # Bit 24 marks the clocks in femtoseconds of later cards, whose records are others.
    if n_bytes < _RECORD_BYTES or not is_first or first >> 24 & 1:
        raise FormatError(
            f"{path}: found {first:#010x} at its beginning, expected the clock of an SPC-130, 140, "
            "150, 160, 180 or 830; convert the file to Photon-HDF5, with phconvert for instance"
        )
    if not _SHORTEST <= clock <= _LONGEST:
        raise FormatError(
            f"{path}: found a macro-time clock of {clock * 0.1:.1f} ns, expected "
            f"{_SHORTEST * 0.1:g} ... {_LONGEST * 0.1:g} ns; it is another kind of file, or damaged"
        )
    tick_s = round(clock * _CLOCK_UNIT_S, 10)
    warnings = [
        f"{path}: times are known to its macro-time clock of {tick_s * 1e9:g} ns; for shorter "
        "delays convert the file and its .set to Photon-HDF5, with phconvert for instance"
    ]
    n_records, n_left = divmod(n_bytes - _RECORD_BYTES, _RECORD_BYTES)
    if n_left:
        warnings.append(f"{path}: ends inside a record; the file is cut short, its end is lost")

    def reader() -> Iterator[PhotonBlock]:
        return _blocks(path, warnings)

    said: dict[str, float | str] = {"n_records": n_records}
    return PhotonStream(str(path), "T2", tick_s, None, reader, said, warnings)


def _blocks(path: Path, warnings: list[str]) -> Iterator[PhotonBlock]:
    state = np.zeros(N_STATE, np.int64)
    try:
        with path.open("rb") as file:
            file.seek(_RECORD_BYTES)
            while not state[STOPPED] and (raw := file.read(_BLOCK_RECORDS * _RECORD_BYTES)):
                records = np.frombuffer(raw, "<u4", len(raw) // _RECORD_BYTES)
                time = np.empty(records.size, np.int64)
                channel = np.empty(records.size, np.uint8)
                n = decode_spc(records, state, time, channel)
                yield PhotonBlock(time[:n], channel[:n])
    except OSError as error:
        raise _unreadable(path, error) from error
    warnings += [text for text in _damage(path, state) if text not in warnings]


def _damage(path: Path, state: np.ndarray) -> Iterator[str]:
    if state[STOPPED]:
        yield (
            f"{path}: the clock runs beyond 2^60, expected less; the records are damaged, and "
            "those behind that place are left out"
        )
    if state[BACKWARDS]:
        yield (
            f"{path}: time runs backwards at {state[BACKWARDS]} places, expected it to grow; "
            "records are damaged or lost there"
        )
    if state[GAPS]:
        yield f"{path}: the card's memory ran over at {state[GAPS]} places; photons are lost there"
    if state[INVALID]:
        yield (
            f"{path}: found {state[INVALID]} records that the card marked as invalid; they are "
            "left out"
        )


def _unreadable(path: Path, error: OSError) -> FormatError:
    return FormatError(f"{path}: cannot be read ({error.strerror}); check the disk")
