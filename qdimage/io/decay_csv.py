"""Fluorescence decays as CSV: columns ``time_ns`` (centres of equal bins) and ``counts``."""

import csv
from pathlib import Path

import numpy as np

from qdimage.domain.decay import Decay
from qdimage.errors import FormatError

_MOST_BYTES = 1 << 26
_LONGEST_NS = 1e15
_MOST_COUNTS = 1 << 53
# Of a bin: times are often printed with few digits.
_UNEVENNESS = 0.01


def open_decay_csv(path: Path) -> Decay:
    """Read a decay; further columns are passed over.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FormatError(
                f"{path}: found {path.stat().st_size} bytes, expected at most {_MOST_BYTES} of a "
                "decay; is it another file?"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file, strict=True) if row] or [[]]
        names = [name.strip() for name in header]
        places = names.index("time_ns"), names.index("counts")
        time_ns, counts = np.array(
            [[float(row[place]) for place in places] for row in rows], np.float64
        ).T.reshape(2, -1)
    except (ValueError, IndexError, OSError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise FormatError(
            f"{path}: found no table of numbers with the columns time_ns and counts ({reason}); "
            "write it so"
        ) from error
    if time_ns.size < 2:
        raise FormatError(f"{path}: found {time_ns.size} rows, expected two or more; export all")
    width = (time_ns[-1] - time_ns[0]) / (time_ns.size - 1)
    even = time_ns[0] + width * np.arange(time_ns.size)
    # False also where a time is NaN.
    if not (
        np.all(np.abs(time_ns) <= _LONGEST_NS)
        and width > 0
        and np.all(np.abs(time_ns - even) <= _UNEVENNESS * width)
    ):
        raise FormatError(
            f"{path}: found times that do not rise in equal steps, expected centres of bins of "
            "equal width in ns; export such a histogram"
        )
    if not np.all((counts >= 0) & (counts <= _MOST_COUNTS) & (counts == np.rint(counts))):
        raise FormatError(
            f"{path}: found counts that are no whole numbers of at least 0, expected photons; "
            "export the decay without normalizing it"
        )
    edges = time_ns[0] + width * (np.arange(time_ns.size + 1) - 0.5)
    return Decay(np.asarray(edges), counts.astype(np.int64))
