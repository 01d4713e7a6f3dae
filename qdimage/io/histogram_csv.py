"""Histograms of delays as CSV: columns ``lag_ns`` (centres of equal bins) and ``counts``."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve
from qdimage.errors import FormatError
from qdimage.io.histogram import histogram_curve

_MOST_BYTES = 1 << 26
_LONGEST_NS = 1e15
_MOST_COUNTS = 1 << 53
# Of a bin: lags are often printed with few digits.
_UNEVENNESS = 0.01


def open_histogram_csv(
    path: Path, *, duration_s: float | None, rate_counts_s: tuple[float, float] | None
) -> G2Curve:
    """Read a histogram; see `qdimage.io.time_tags.open_histogram`.

    Further columns are passed over.
    """
    lag_ns, counts = _columns(path)
    return histogram_curve(
        path,
        _edges(path, lag_ns),
        _whole(path, counts),
        duration_s=duration_s,
        rate_counts_s=rate_counts_s,
    )


def _columns(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise FormatError(
                f"{path}: found {path.stat().st_size} bytes, expected at most {_MOST_BYTES} of a "
                "histogram; is it another file?"
            )
        with path.open(encoding="utf-8-sig", newline="") as file:
            header, *rows = [row for row in csv.reader(file, strict=True) if row] or [[]]
        names = [name.strip() for name in header]
        places = names.index("lag_ns"), names.index("counts")
        lag_ns, counts = np.array(
            [[float(row[place]) for place in places] for row in rows], np.float64
        ).T.reshape(2, -1)
    except (ValueError, IndexError, OSError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise FormatError(
            f"{path}: found no table of numbers with the columns lag_ns and counts ({reason}); "
            "write it so, or time tags with the columns time_ps and channel"
        ) from error
    return lag_ns, counts


def _edges(path: Path, lag_ns: NDArray[np.float64]) -> NDArray[np.float64]:
    if lag_ns.size < 2:
        raise FormatError(f"{path}: found {lag_ns.size} rows, expected two or more; export all")
    # False also where a lag is NaN.
    if not np.all(np.abs(lag_ns) <= _LONGEST_NS):
        raise FormatError(
            f"{path}: found lags that are no numbers below {_LONGEST_NS:g} ns, expected such; "
            "export the histogram again"
        )
    width = (lag_ns[-1] - lag_ns[0]) / (lag_ns.size - 1)
    even = lag_ns[0] + width * np.arange(lag_ns.size)
    if not (width > 0 and np.all(np.abs(lag_ns - even) <= _UNEVENNESS * width)):
        raise FormatError(
            f"{path}: found lags that do not rise in equal steps, expected centres of bins of "
            "equal width; export such a histogram"
        )
    return np.asarray(lag_ns[0] + width * (np.arange(lag_ns.size + 1) - 0.5))


def _whole(path: Path, counts: NDArray[np.float64]) -> NDArray[np.int64]:
    if not np.all((counts >= 0) & (counts <= _MOST_COUNTS) & (counts == np.rint(counts))):
        raise FormatError(
            f"{path}: found counts that are no whole numbers of at least 0, expected coincidences; "
            "export the histogram without normalizing it"
        )
    return counts.astype(np.int64)
