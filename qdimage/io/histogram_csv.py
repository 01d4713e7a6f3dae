"""Histograms of delays as CSV: columns ``lag_ns`` (centres of equal bins) and ``counts``."""

from pathlib import Path

from qdimage.domain.g2_curve import G2Curve
from qdimage.io.counted_bins import read_counted_bins
from qdimage.io.histogram import histogram_curve


def open_histogram_csv(
    path: Path, *, duration_s: float | None, rate_counts_s: tuple[float, float] | None
) -> G2Curve:
    """Read a histogram; see `qdimage.io.time_tags.open_histogram`.

    Further columns are passed over.
    """
    edges_ns, counts = read_counted_bins(
        path,
        "lag_ns",
        what="histogram",
        otherwise=", or time tags with the columns time_ps and channel",
    )
    return histogram_curve(
        path, edges_ns, counts, duration_s=duration_s, rate_counts_s=rate_counts_s
    )
