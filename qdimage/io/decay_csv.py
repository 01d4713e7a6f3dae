"""Fluorescence decays as CSV: columns ``time_ns`` (centres of equal bins) and ``counts``."""

from pathlib import Path

from qdimage.domain.decay import Decay
from qdimage.io.counted_bins import read_counted_bins


def open_decay_csv(path: Path) -> Decay:
    """Read a decay; further columns are passed over.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    edges_ns, counts = read_counted_bins(path, "time_ns", what="decay")
    return Decay(edges_ns, counts)
