"""PicoQuant PHU files: histograms of delays that the device made itself.

Its start-stop histograms begin at a delay of zero between start and stop; where the cables put
true coincidences is for whoever reads the curve to find.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve
from qdimage.errors import FormatError
from qdimage.io.histogram import MOST_BINS, histogram_curve
from qdimage.io.picoquant_header import Header, read_header

_MOST_CURVES = 4096
_COUNT_BYTES = 4


def open_phu(
    path: Path,
    *,
    duration_s: float | None,
    rate_counts_s: tuple[float, float] | None,
    curve_index: int | None,
) -> G2Curve:
    """Read one curve of a PHU file; see `qdimage.io.time_tags.open_histogram`."""
    header = read_header(path, b"PQHISTO")
    index = _index(header, curve_index)
    width_s = header.positive(
        f"HistResDscr_MDescResolution({index})", least=1e-15, most=1e-3, unit="s"
    )
    counts = _counts(header, index)
    edges_ns = np.asarray(np.arange(counts.size + 1) * (width_s * 1e9), np.float64)
    return histogram_curve(
        path,
        edges_ns,
        counts,
        duration_s=_duration_s(header, index) if duration_s is None else duration_s,
        rate_counts_s=_rates(header, index) if rate_counts_s is None else rate_counts_s,
    )


def _index(header: Header, curve_index: int | None) -> int:
    n = header.integer("HistoResult_NumberOfCurves")
    if n is None or not 1 <= n <= _MOST_CURVES:
        raise FormatError(
            f"{header.path}: found {n} curves, expected 1 ... {_MOST_CURVES}; the header is "
            "damaged, or nothing was measured"
        )
    if curve_index is None and n > 1:
        raise FormatError(
            f"{header.path}: found {n} curves, expected one; set curve_index to 0 ... {n - 1}"
        )
    index = curve_index or 0
    if not 0 <= index < n:
        raise FormatError(
            f"{header.path}: found curve_index {index}, expected 0 ... {n - 1}; correct it"
        )
    return index


def _counts(header: Header, index: int) -> NDArray[np.int64]:
    bits = header.integer("HistoResult_BitsPerBin")
    if bits not in (None, 8 * _COUNT_BYTES):
        raise FormatError(
            f"{header.path}: found {bits} bits in a bin, expected {8 * _COUNT_BYTES}; export the "
            "histogram as CSV"
        )
    n_bins = header.integer(f"HistResDscr_HistogramBins({index})")
    offset = header.integer(f"HistResDscr_DataOffset({index})")
    if n_bins is None or offset is None or not 1 <= n_bins <= MOST_BINS:
        raise FormatError(
            f"{header.path}: found {n_bins} bins at the place {offset}, expected 1 ... {MOST_BINS} "
            "bins and a place; the header is damaged, export the file again"
        )
    if offset < header.data_offset or offset + n_bins * _COUNT_BYTES > header.file_bytes:
        raise FormatError(
            f"{header.path}: its {n_bins} bins at the place {offset} reach outside the data; the "
            "file is cut short or its header damaged, copy it again"
        )
    try:
        with header.path.open("rb") as file:
            file.seek(offset)
            raw = file.read(n_bins * _COUNT_BYTES)
    except OSError as error:
        raise FormatError(
            f"{header.path}: cannot be read ({error.strerror}); check the disk"
        ) from error
    return np.frombuffer(raw, "<u4").astype(np.int64)


def _duration_s(header: Header, index: int) -> float | None:
    """The time it was measured, or else the time that was asked for; written in ms."""
    for name in (f"HistResDscr_MDescStopAfter({index})", "MeasDesc_AcquisitionTime"):
        milliseconds = header.number(name)
        if milliseconds is not None and milliseconds > 0:
            return milliseconds / 1000
    return None


def _rates(header: Header, index: int) -> tuple[float, float] | None:
    """Rates of start and stop, as the device measured them at one moment."""
    start = header.number(f"HistResDscr_SyncRate({index})")
    stop = header.number(f"HistResDscr_InputRate({index})")
    if start is None or stop is None or start <= 0 or stop <= 0:
        return None
    return float(start), float(stop)
