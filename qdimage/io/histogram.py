"""What histograms of delays have in common, whatever the format: rates, duration, checks."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve, accidentals
from qdimage.errors import ConfigurationError

MOST_BINS = 1 << 24


def histogram_curve(
    path: Path,
    edges_ns: NDArray[np.float64],
    counts: NDArray[np.int64],
    *,
    duration_s: float | None,
    rate_counts_s: tuple[float, float] | None,
) -> G2Curve:
    """Return a histogram with the accidentals that duration and rates imply.

    Raises
    ------
    ConfigurationError
        If duration or rates are missing or make no sense.
    """
    if duration_s is None or rate_counts_s is None:
        missing = "duration_s" if duration_s is None else "rate_counts_s"
        raise ConfigurationError(
            f"{path}: found no {missing}, expected duration_s and rate_counts_s = [a, b] of a "
            "histogram; give them"
        )
    numbers = (duration_s, *rate_counts_s)
    if not all(math.isfinite(each) and 0 < each < 1e15 for each in numbers):
        raise ConfigurationError(
            f"{path}: found duration_s = {duration_s} and rate_counts_s = {list(rate_counts_s)}, "
            "expected numbers above 0; correct them"
        )
    counts_1, counts_2 = (round(rate * duration_s) for rate in rate_counts_s)
    expected = accidentals(edges_ns, counts_1=counts_1, counts_2=counts_2, duration_s=duration_s)
    return G2Curve(edges_ns, counts, expected, duration_s, counts_1, counts_2)
