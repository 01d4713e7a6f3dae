"""The level of a correlation beyond the dip, from long delays in growing bins."""

import math

import numpy as np
from scipy.stats import chi2

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.refusal import Refusal
from qdimage.photons.dip import Plateau

# A level is as many neighbouring bins that agree, over at least this factor of the delay.
_LEAST_FACTOR, _LEAST_BINS = 4.0, 4
_LEAST_CHANCE = 0.05
_LEAST_COUNTS = 100
# Relative scatter that is still a level: between a slow recovery and blinking none is exact.
_TOLERANCE = 0.02


def plateau_beyond(curve: G2Curve, beyond_ns: float) -> Plateau | Refusal:
    """Return the first level that g2 keeps beyond a delay, before blinking makes it fall.

    It begins at the first bin from which on enough bins agree with one level, and ends where the
    next ones do not. What the later half differs from the whole is part of its error: a slow
    recovery that the counts cannot tell from a level.

    Parameters
    ----------
    curve : G2Curve
        In growing bins at delays above 0.
    beyond_ns : float
        Shortest delay at which the level may begin.
    """
    use = (curve.edges_ns[:-1] >= beyond_ns) & (curve.accidentals > 0)
    counts = curve.counts[use].astype(np.float64)
    expected = curve.accidentals[use]
    starts, ends = curve.edges_ns[:-1][use], curve.edges_ns[1:][use]
    for first in range(len(counts) - _LEAST_BINS + 1):
        stop = first
        for end in range(first + _LEAST_BINS, len(counts) + 1):
            if _agree(counts[first:end], expected[first:end]) < _LEAST_CHANCE:
                break
            stop = end
        if stop == first or ends[stop - 1] < _LEAST_FACTOR * starts[first]:
            continue
        total, norm = counts[first:stop].sum(), expected[first:stop].sum()
        if total < _LEAST_COUNTS:
            continue
        middle = (first + stop) // 2
        later = counts[middle:stop].sum() / expected[middle:stop].sum()
        value = float(total / norm)
        err = math.hypot(math.sqrt(total) / norm, float(later) - value, _TOLERANCE * value / 2)
        return Plateau(value, err)
    return Refusal(
        f"found no level of g2 from {beyond_ns:g} ns to {curve.edges_ns[-1]:g} ns, expected one "
        "between the dip and blinking; give the plateau"
    )


def _agree(counts: np.ndarray, expected: np.ndarray) -> float:
    """Chance that counts of one level, but for the tolerance, scatter more (Pearson)."""
    level = counts.sum() / expected.sum()
    if level == 0:
        return 0.0
    model = level * expected
    variance = model + (_TOLERANCE * model) ** 2
    return float(chi2.sf(float(np.sum((counts - model) ** 2 / variance)), len(counts) - 1))
