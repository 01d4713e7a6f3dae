"""What detectors add to a correlation: afterpulses, dead time, crosstalk, silence, clipping.

Light alone gives each detector's autocorrelation the shape of the correlation of both, whatever the
light. That is the reference here, so that neither antibunching nor blinking is taken for a
detector's doing.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve

Array = NDArray[np.float64]

# Of the other's counts: less is no detector of the same light.
LEAST_SHARE = 0.01
AFTERPULSE_SIGMAS = 4.0
_AFTERPULSES_UNTIL_NS, _REFERENCE_FROM_NS = 1e3, 1e3
# A gap is one where so few of the expected pairs are found, if enough are expected.
_GAP_SHARE, _LEAST_EXPECTED = 0.05, 20.0
CROSSTALK_CHANCE = 1e-3
_CROSSTALK_WIDTHS_NS, _CROSSTALK_REACH_NS = (1.0, 3.0), 50.0
_SIGNS = 2
_FULL = tuple((1 << bits) - 1 for bits in (8, 15, 16, 24, 31, 32))


@dataclass(frozen=True)
class DetectorFaults:
    """What a detector's autocorrelation shows beyond its light.

    Attributes
    ----------
    dead_time_ns : float
        In which it never counts again; NaN where no gap is seen.
    afterpulse_probability : float
        Further counts within 1 us of a count, for each count.
    afterpulse_sigmas : float
        Its significance.
    """

    dead_time_ns: float
    afterpulse_probability: float
    afterpulse_sigmas: float


def detector_faults(own: G2Curve, both: G2Curve) -> DetectorFaults:
    """Compare a detector's autocorrelation with the correlation of two detectors.

    Parameters
    ----------
    own : G2Curve
        Of one detector with itself, both signs of the delay summed, to well beyond 1 us.
    both : G2Curve
        Of two detectors, in the same bins of the delay's size.
    """
    far = own.edges_ns[:-1] >= _REFERENCE_FROM_NS
    reference = float(both.counts[far].sum())
    if reference == 0:
        return DetectorFaults(math.nan, 0.0, 0.0)
    scale = float(own.counts[far].sum()) / reference
    expected = scale * both.counts
    dead = _gap(own.edges_ns, own.counts.astype(np.float64), np.asarray(expected, np.float64))
    after = own.edges_ns[:-1] >= (0.0 if math.isnan(dead) else dead)
    after &= own.edges_ns[1:] <= _AFTERPULSES_UNTIL_NS
    found, light = float(own.counts[after].sum()), float(expected[after].sum())
    # Of counts, of their reference, and of its scale.
    scale_share = 1.0 / reference + _SIGNS / max(scale * reference, 1.0)
    # Each of its pairs was counted at both signs.
    variance = _SIGNS * max(found, 1.0) + scale * light + light * light * scale_share
    excess = found - light
    return DetectorFaults(
        dead,
        max(excess, 0.0) / _SIGNS / max(own.counts_1, 1),
        excess / math.sqrt(variance),
    )


def _gap(edges: Array, counts: Array, expected: Array) -> float:
    """Return the end of the bins that are empty from the first one on."""
    empty = np.cumsum(counts) <= _GAP_SHARE * np.cumsum(expected)
    enough = np.cumsum(expected) >= _LEAST_EXPECTED
    found = np.flatnonzero(empty & enough)
    return float(edges[found[-1] + 1]) if len(found) else math.nan


def crosstalk_chance(curve: G2Curve, model: Array) -> float:
    """Return at most the chance of the narrowest, highest peak near zero delay, by chance.

    A peak is what exceeds both the model and the straight line between its neighbours of the same
    width. Windows of two widths are tried at each bin; their number multiplies the chance.

    Parameters
    ----------
    curve : G2Curve
        Of two detectors, in equal bins.
    model : ndarray, shape (n,)
        Coincidences expected of the light.
    """
    bin_ns = float(np.diff(curve.edges_ns).min())
    counts = curve.counts.astype(np.float64)
    lags = curve.lag_ns
    least, tried = 1.0, 0
    for width_ns in _CROSSTALK_WIDTHS_NS:
        width = max(round(width_ns / bin_ns), 1)
        if len(counts) < 5 * width:
            continue
        sums, light = _windows(counts, width), _windows(model, width)
        centres = _windows(lags, width) / width
        inner = slice(2 * width, len(sums) - 2 * width)
        # Neighbours one width away from the peak, so that its feet do not hide it.
        flanks = (sums[: -4 * width] + sums[4 * width :]) / 2
        near = np.abs(centres[inner]) <= _CROSSTALK_REACH_NS
        found = sums[inner][near]
        level = np.maximum(np.maximum(light[inner][near], flanks[near]), 0.5)
        tried += int(near.sum())
        if len(found):
            # Neighbours are counted too, on each side once.
            sigmas = _anscombe(found) - _anscombe(level)
            least = min(least, _tail(float(sigmas.max()) / math.sqrt(1.5)))
    return min(1.0, least * tried)


def _windows(values: Array, width: int) -> Array:
    total = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(total[width:] - total[:-width])


def _anscombe(counts: Array) -> Array:
    return np.asarray(2.0 * np.sqrt(counts + 0.375))


def _tail(sigmas: float) -> float:
    return 0.5 * math.erfc(sigmas / math.sqrt(2.0))


def silent(counts_1: int, counts_2: int) -> bool:
    """Return whether one detector counts nothing, or next to nothing beside the other."""
    return min(counts_1, counts_2) <= LEAST_SHARE * max(counts_1, counts_2)


def clipped(counts: NDArray[np.int64]) -> bool:
    """Return whether several bins hold the largest number of a counter."""
    largest = int(counts.max(initial=0))
    return largest in _FULL and int((counts == largest).sum()) > 1
