"""Fluorescence decays that a PicoQuant device made itself: PHU files of start-stop histograms."""

from dataclasses import replace
from pathlib import Path

from qdimage.domain.decay import Decay
from qdimage.io.phu import open_phu
from qdimage.io.picoquant_header import read_header

_LEAST_SYNC_HZ, _MOST_SYNC_HZ = 1.0, 1e12


def open_decay_phu(path: Path, *, curve_index: int | None = None) -> Decay:
    """Read one curve; the period is that of the sync rate that the device measured.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    curve = open_phu(path, duration_s=1.0, rate_counts_s=(1.0, 1.0), curve_index=curve_index)
    header, index = read_header(path, b"PQHISTO"), curve_index or 0
    decay = Decay(curve.edges_ns, curve.counts)
    sync_hz = header.number(f"HistResDscr_SyncRate({index})")
    if sync_hz is None or not _LEAST_SYNC_HZ < sync_hz < _MOST_SYNC_HZ:
        return decay
    milliseconds = header.number(f"HistResDscr_MDescStopAfter({index})")
    seconds = milliseconds / 1000 if milliseconds is not None and milliseconds > 0 else None
    return replace(
        decay,
        period_ns=1e9 / sync_hz,
        pulses=None if seconds is None else sync_hz * seconds,
        duration_s=seconds,
    )
