"""Time-tag files to correlations."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.photons import PhotonStream
from qdimage.errors import ConfigurationError
from qdimage.io.time_tags import is_histogram, open_histogram, open_photons
from qdimage.photons.correlate import correlate, correlate_between, log_edges, start_stop
from qdimage.photons.correlate_parts import correlate_parts
from qdimage.photons.windows import TimeWindows

if TYPE_CHECKING:
    import pandas as pd

Method = Literal["all pairs", "growing bins", "start-stop"]
_METHODS: tuple[Method, ...] = ("all pairs", "growing bins", "start-stop")
# Photons whose times have a common divisor by chance with odds far below any.
_LEAST_FOR_STEP = 100


def correlate_file(
    path: Path | str,
    *,
    detectors: tuple[int, int] = (0, 1),
    bin_ns: float = 0.512,
    longest_ns: float = 500.0,
    method: Method = "all pairs",
    bins_per_decade: int = 10,
    window_s: TimeWindows | None = None,
    workers: int = 1,
) -> tuple[G2Curve, list[str]]:
    """Correlate two detectors of a time-tag file.

    Parameters
    ----------
    path : pathlib.Path or str
        See `qdimage.io.time_tags.open_photons`.
    detectors : (int, int)
        Numbered from 0 in the order of the device's inputs; the delay is the second's time minus
        the first's. One detector twice is its autocorrelation.
    bin_ns : float
        Width of a bin, of growing ones the shortest delay; rounded to whole ticks.
    longest_ns : float
        Longest delay, rounded to whole bins.
    method : {"all pairs", "growing bins", "start-stop"}
        All pairs in equal bins on both sides of zero; all pairs in bins that grow with the delay,
        which is positive; or from each start to the next stop alone.
    bins_per_decade : int
        Of growing bins.
    window_s : (float, float), or several such, optional
        Only photons from the first of these times on, and before the second; of several windows
        only pairs within one and the same.
    workers : int
        Threads that read parts of the file, for all pairs in equal bins without a window; they
        change no count.

    Returns
    -------
    G2Curve
    list of str
        What was found wrong with the file and could be passed over.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong, and what to do.
    """
    if method not in _METHODS:
        raise ConfigurationError(
            f"found the method {method!r}, expected one of {', '.join(_METHODS)}; correct it"
        )
    if not 0 < bin_ns < longest_ns <= 1e15:
        raise ConfigurationError(
            f"found bins of {bin_ns} ns up to {longest_ns} ns, expected some above 0, and several "
            "of them; correct them"
        )
    stream = open_photons(path)
    first, second = detectors
    width = _ticks(bin_ns, stream)
    if method == "growing bins":
        edges = log_edges(
            width, max(_ticks(longest_ns, stream), width + 1), bins_per_decade=bins_per_decade
        )
        curve = correlate_between(
            stream, edges_ticks=edges, first=first, second=second, window_s=window_s
        )
        return curve, stream.warnings
    width, n_bins = equal_bins(stream, bin_ns=bin_ns, longest_ns=longest_ns)
    if method == "all pairs" and window_s is None and workers > 1:
        curve = correlate_parts(
            stream, bin_ticks=width, n_bins=n_bins, first=first, second=second, workers=workers
        )
        return curve, stream.warnings
    count = correlate if method == "all pairs" else start_stop
    curve = count(
        stream, bin_ticks=width, n_bins=n_bins, first=first, second=second, window_s=window_s
    )
    return curve, stream.warnings


def curve_frame(curve: G2Curve) -> "pd.DataFrame":
    """Return a curve as columns: lag_low_ns, lag_high_ns, counts, g2, g2_err.

    g2 and its error, of the counts alone, are relative to rates times time.
    """
    import pandas as pd

    known = curve.accidentals > 0
    error = np.full(curve.counts.shape, np.nan)
    np.divide(np.sqrt(np.maximum(curve.counts, 1)), curve.accidentals, out=error, where=known)
    return pd.DataFrame(
        {
            "lag_low_ns": curve.edges_ns[:-1],
            "lag_high_ns": curve.edges_ns[1:],
            "counts": curve.counts,
            "g2": curve.g2,
            "g2_err": error,
        }
    )


def read_photons(
    path: Path,
    *,
    duration_s: float | None = None,
    rate_counts_s: tuple[float, float] | None = None,
) -> list[str]:
    """Read every photon of a file, or its histogram, and return what is wrong but passed over.

    Parameters
    ----------
    path : pathlib.Path
    duration_s, rate_counts_s
        Of a histogram that does not state them.

    Raises
    ------
    FormatError, ConfigurationError
        In one line, what is wrong, and what to do.
    """
    if is_histogram(path):
        open_histogram(path, duration_s=duration_s, rate_counts_s=rate_counts_s)
        return []
    stream = open_photons(path)
    for _ in stream.reader():
        pass
    return stream.warnings


def equal_bins(stream: PhotonStream, *, bin_ns: float, longest_ns: float) -> tuple[int, int]:
    """Return the whole ticks of a bin, and the number of bins up to the longest delay.

    A bin is a whole number of the steps in which the clock really counts, however fine the file's
    unit: bins of six steps beside bins of seven would look like pulses.
    """
    step = _clock_step(stream)
    width = step * max(round(_ticks(bin_ns, stream) / step), 1)
    return width, max(round(_ticks(longest_ns, stream) / width), 1)


def _clock_step(stream: PhotonStream) -> int:
    """Return the ticks of which all times in a T2 file's first block are multiples."""
    block = next(iter(stream.reader()), None) if stream.mode == "T2" else None
    if block is None or block.time.size < _LEAST_FOR_STEP:
        return 1
    return max(int(np.gcd.reduce(np.diff(block.time))), 1)


def _ticks(time_ns: float, stream: PhotonStream) -> int:
    return max(round(time_ns * 1e-9 / stream.tick_s), 1)
