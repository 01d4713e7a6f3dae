"""Swabian Time Tagger files (``.ttbin``), read with the maker's own software.

Detectors are numbered from 0 in the order of the inputs: rising edges of input 1 are detector 0.
Falling edges, which have negative numbers there, and virtual channels are no photons.
"""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import ConfigurationError, FormatError

_TICK_S = 1e-12
_BLOCK_EVENTS = 1 << 17
_MOST_INPUTS = 64
_TIME_TAG = 0
_MOST_TICKS = 1 << 60
_MODULES = ("Swabian.TimeTagger", "TimeTagger")


def open_ttbin(path: Path) -> PhotonStream:
    """Open a Time Tagger file; see `qdimage.io.time_tags.open_photons`."""
    _software(path)
    warnings: list[str] = []

    def reader() -> Iterator[PhotonBlock]:
        return _blocks(path, warnings)

    return PhotonStream(str(path), "T2", _TICK_S, None, reader, {}, warnings)


def _software(path: Path) -> Any:
    for name in _MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ConfigurationError(
        f"{path}: found no Time Tagger software, expected it for .ttbin; install "
        "qdimage[swabian], or export CSV with the columns time_ps and channel"
    )


def _blocks(path: Path, warnings: list[str]) -> Iterator[PhotonBlock]:
    n_events = n_lost = n_other = 0
    latest = -_MOST_TICKS
    n_backwards = 0
    for times, inputs, types in _events(path):
        n_events += times.size
        is_tag = types == _TIME_TAG
        is_photon = is_tag & (inputs >= 1) & (inputs <= _MOST_INPUTS)
        n_lost += int(np.count_nonzero(~is_tag))
        n_other += int(np.count_nonzero(is_tag & ~is_photon))
        time = times[is_photon]
        if time.size == 0:
            continue
        if abs(int(time.min())) > _MOST_TICKS or abs(int(time.max())) > _MOST_TICKS:
            raise FormatError(f"{path}: found times beyond 2^60 ps; the file is damaged")
        n_backwards += int(np.count_nonzero(np.diff(time, prepend=latest) < 0))
        latest = int(time[-1])
        yield PhotonBlock(time, (inputs[is_photon] - 1).astype(np.uint8))
    if n_events == 0:
        raise FormatError(
            f"{path}: the Time Tagger software finds nothing in it, expected time tags; it is "
            "another kind of file, or damaged"
        )
    for n, text in (
        (n_lost, "places where the device lost time tags"),
        (n_other, "falling edges and virtual channels, which are left out"),
        (n_backwards, "places where time runs backwards"),
    ):
        message = f"{path}: found {n} {text}"
        if n and message not in warnings:
            warnings.append(message)


def _events(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield times in ps, inputs and kinds of events."""
    try:
        software = _software(path)
        # Its remarks would stand beside our one line.
        if hasattr(software, "setLogger"):
            software.setLogger(lambda *_: None)
        file = software.FileReader(str(path))
        while file.hasData():
            data = file.getData(_BLOCK_EVENTS)
            times = np.asarray(data.getTimestamps(), np.int64)
            # A damaged file is said to have data without end.
            if times.size == 0:
                return
            yield times, np.asarray(data.getChannels()), np.asarray(data.getEventTypes())
    except (RuntimeError, ValueError, OSError) as error:
        if isinstance(error, FormatError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise FormatError(
            f"{path}: the Time Tagger software cannot read it ({reason}); copy or export it again"
        ) from error
