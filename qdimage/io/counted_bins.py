"""Histograms as CSV: a column with the centres of equal bins in ns, and a column ``counts``."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import FormatError

_MOST_BYTES = 1 << 26
_LONGEST_NS = 1e15
_MOST_COUNTS = 1 << 53
# Of a bin: times are often printed with few digits.
_UNEVENNESS = 0.01


def read_counted_bins(
    path: Path, centres: str, *, what: str, otherwise: str = ""
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read edges (ns) and counts of all bins; further columns are passed over.

    Parameters
    ----------
    path : pathlib.Path
    centres : str
        Name of the column with the centres of the bins.
    what : str
        What the file should hold, for errors.
    otherwise : str
        What else the file could have been, for errors.

    Returns
    -------
    edges : ndarray, shape (n + 1,)
    counts : ndarray, shape (n,)

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    at_ns, counts = _columns(path, centres, what, otherwise)
    if at_ns.size < 2:
        raise FormatError(f"{path}: found {at_ns.size} rows, expected two or more; export all")
    # False also where a time is NaN.
    if not np.all(np.abs(at_ns) <= _LONGEST_NS):
        raise FormatError(
            f"{path}: found {centres} beyond {_LONGEST_NS:g} or no number, expected times in ns; "
            f"export the {what} again"
        )
    width = (at_ns[-1] - at_ns[0]) / (at_ns.size - 1)
    even = at_ns[0] + width * np.arange(at_ns.size)
    if not (width > 0 and np.all(np.abs(at_ns - even) <= _UNEVENNESS * width)):
        raise FormatError(
            f"{path}: found {centres} that do not rise in equal steps, expected centres of bins of "
            f"equal width; export such a {what}"
        )
    if not np.all((counts >= 0) & (counts <= _MOST_COUNTS) & (counts == np.rint(counts))):
        raise FormatError(
            f"{path}: found counts that are no whole numbers of at least 0, expected those of a "
            f"{what}; export it without normalizing it"
        )
    edges = at_ns[0] + width * (np.arange(at_ns.size + 1) - 0.5)
    return np.asarray(edges), counts.astype(np.int64)


def _columns(
    path: Path, centres: str, what: str, otherwise: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FormatError(
                f"{path}: found {path.stat().st_size} bytes, expected at most {_MOST_BYTES} of a "
                f"{what}; is it another file?"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file, strict=True) if row] or [[]]
        names = [name.strip() for name in header]
        places = names.index(centres), names.index("counts")
        at_ns, counts = np.array(
            [[float(row[place]) for place in places] for row in rows], np.float64
        ).T.reshape(2, -1)
    except (ValueError, IndexError, OSError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise FormatError(
            f"{path}: found no table of numbers with the columns {centres} and counts ({reason}); "
            f"write it so{otherwise}"
        ) from error
    return at_ns, counts
