"""The detectors' response from a measured histogram of coincidences of short pulses."""

import math

import numpy as np

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.refusal import Refusal
from qdimage.numerics.gaussian import FWHM_PER_SIGMA

_LEAST_PEAK = 100
# Half widths of the peak within which its variance is taken: beyond it are afterpulses and flashes.
_REACH = 3.0


def response_fwhm_ns(curve: G2Curve) -> float | Refusal:
    """Return the full width at half maximum of the Gaussian that has a measured peak's variance.

    Parameters
    ----------
    curve : G2Curve
        In equal bins, with one peak on a flat background.
    """
    counts = curve.counts - float(np.median(curve.counts))
    top = int(np.argmax(counts))
    if counts[top] < _LEAST_PEAK:
        return Refusal(
            f"found a largest bin of {counts[top]:g} counts above the others, expected a peak of "
            f"at least {_LEAST_PEAK}; measure the response longer"
        )
    lags = curve.lag_ns
    high = np.flatnonzero(counts >= counts[top] / 2)
    high = high[np.abs(high - top) <= max(high[-1] - high[0], 1)]
    half_width = max(float(np.ptp(lags[high])) / 2, float(np.diff(curve.edges_ns).max()))
    near = np.abs(lags - lags[top]) <= _REACH * half_width
    weights = counts[near] / counts[near].sum()
    mean = float(weights @ lags[near])
    bin_ns = float(np.diff(curve.edges_ns).mean())
    # A bin's own width is not part of the response.
    variance = float(weights @ (lags[near] - mean) ** 2) - bin_ns**2 / 12
    return FWHM_PER_SIGMA * math.sqrt(max(variance, 0.0))
