"""Is this dot lit? Fluxes against what dark places show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from qdimage.domain.photometry import BlankPlaces, ForcedPhotometry

Array = NDArray[np.float64]

_FEWEST_BLANKS = 30
# Above the deviate that this many blank places exceed, the tail is continued as a normal one.
_TAIL_COUNT = 8
_UPPER_LIMIT = 0.95
# No noise reaches below, and there the limit is not yet lost to rounding.
_LOWEST_RATIO = -30.0


@dataclass(frozen=True)
class DarkNull:
    """Distribution of flux over nominal error where nothing shines.

    Attributes
    ----------
    centre, widening : float
        Median, and standard deviation from the quantiles, of the ratio.
    ratios : ndarray
        The ratios themselves, ascending.
    """

    centre: float
    widening: float
    ratios: Array

    def widened(self, err: Array) -> Array:
        """Return nominal errors, widened to what blank places show and never narrowed."""
        return np.asarray(err * max(self.widening, 1.0))

    def false_alarm(self, ratio: Array) -> Array:
        """Return the probability that a dark place shows a ratio at least as large."""
        gauss = norm.logsf((ratio - self.centre) / self.widening)
        n = len(self.ratios)
        if n < _FEWEST_BLANKS:
            return np.asarray(np.exp(gauss))
        start = self.ratios[-_TAIL_COUNT]
        above = n - np.searchsorted(self.ratios, ratio, side="left")
        empirical = (above + 0.5) / (n + 1)
        at_start = (_TAIL_COUNT + 0.5) / (n + 1)
        # In logarithms: far out, both probabilities are 0 to the last digit.
        beyond = gauss - norm.logsf((start - self.centre) / self.widening)
        tail = at_start * np.exp(np.minimum(beyond, 0.0))
        return np.asarray(np.where(ratio > start, tail, empirical))


def dark_null(blanks: BlankPlaces) -> DarkNull:
    """Learn the null from the blank places that no localization of the channel occupies."""
    free = ~blanks.occupied
    ratios = np.sort(blanks.flux_s[free] / blanks.err_s[free])
    if len(ratios) < _FEWEST_BLANKS:
        return DarkNull(0.0, 1.0, ratios)
    low, centre, high = np.quantile(ratios, [0.1587, 0.5, 0.8413])
    return DarkNull(float(centre), max(float(high - low) / 2, 0.5), ratios)


def null_width_s(blanks: BlankPlaces, null: DarkNull) -> float:
    """Typical standard deviation of a dark place's flux, signal per second; NaN without blanks."""
    if len(blanks.err_s) == 0:
        return float("nan")
    return float(np.median(blanks.err_s)) * max(null.widening, 1.0)


def widened_error(photometry: ForcedPhotometry, null: DarkNull) -> Array:
    """Flux errors, widened to what blank places show and never narrowed."""
    return null.widened(photometry.err_s)


def upper_limit(flux: Array, err: Array) -> Array:
    """95 % upper limit of a flux that cannot be negative (flat prior above 0)."""
    ratio = np.maximum(flux / err, _LOWEST_RATIO)
    above = (1.0 - _UPPER_LIMIT) * norm.cdf(ratio)
    return np.asarray(err * (ratio + norm.isf(above)))
