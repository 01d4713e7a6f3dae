"""The instrument's response to a pulse, from its measured histogram."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.decay import Decay, Response
from qdimage.domain.refusal import Refusal

Array = NDArray[np.float64]

_LEAST_COUNTS = 1000
_BLOCKS = 64
_WINDOW_BINS = 5
_TAIL_SIGMA, _TAIL_OF_PEAK = 3.0, 2e-4
# A histogram of this share of a period closes to a circle.
_WHOLE = 0.9


def measured_response(histogram: Decay) -> Response | Refusal:
    """Return the response with its background taken out, cut where it has faded into it.

    Parameters
    ----------
    histogram : Decay
        Of scattered pulses, in bins of equal width; with the decay's own clock.
    """
    counts = histogram.counts.astype(np.float64)
    total, n = float(counts.sum()), len(counts)
    if total < _LEAST_COUNTS:
        return Refusal(
            f"found {total:g} photons in the response, expected at least {_LEAST_COUNTS}; "
            "measure it longer"
        )
    width = float(histogram.edges_ns[-1] - histogram.edges_ns[0]) / n
    background = _background(counts)
    begins = float(histogram.edges_ns[0])
    period = histogram.period_ns
    if period is not None and _WHOLE * period <= n * width <= period * (1 + 1 / n):
        # The peak may lie across the end of the period.
        counts = np.concatenate([counts, counts])
        begins -= (int(np.argmax(_smooth(counts)[:n])) < n // 2) * n * width
    smooth = _smooth(counts)
    peak = _peak(smooth, n)
    limit = background + max(
        _TAIL_SIGMA * np.sqrt(max(background, 0.2) / _WINDOW_BINS),
        _TAIL_OF_PEAK * (smooth[peak] - background),
    )
    below = np.flatnonzero(smooth <= limit)
    first = int(below[below < peak].max(initial=-1)) + 1
    last = int(below[below > peak].min(initial=len(counts)))
    signal = np.maximum(counts[first:last] - background, 0.0)
    edges = begins + width * np.arange(first, last + 1, dtype=np.float64)
    return Response(edges, signal / (signal.sum() * width))


def _smooth(counts: Array) -> Array:
    return np.convolve(counts, np.full(_WINDOW_BINS, 1 / _WINDOW_BINS), mode="same")


def _peak(smooth: Array, n: int) -> int:
    """The highest bin; of two copies of a period, the one away from the outer ends."""
    if len(smooth) == n:
        return int(np.argmax(smooth))
    return n // 2 + int(np.argmax(smooth[n // 2 : n // 2 + n]))


def _background(counts: Array) -> float:
    """Photons in a bin far from the response, which is short: the median of blocks of bins."""
    size = max(len(counts) // _BLOCKS, 1)
    blocks = counts[: len(counts) // size * size].reshape(-1, size)
    return float(np.median(blocks.mean(axis=1)))
