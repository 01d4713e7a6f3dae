"""Candidates for dots: trackpy on the matched filter's signal-to-noise, as integers."""

import warnings

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# trackpy turns a float image into 8 bits scaled by its brightest pixel, in which dim dots drown.
_STEPS_PER_SIGMA = 64
_LARGEST_SIGMA = 2.0**31 / _STEPS_PER_SIGMA - 1


def find_candidates(signal_to_noise: Array, *, threshold: float, psf_sigma_px: float) -> Array:
    """Return (n, 2) positions (x, y) of the local maxima above a threshold.

    Parameters
    ----------
    signal_to_noise : ndarray, shape (y, x)
    threshold : float
        In standard deviations.
    psf_sigma_px : float
        Sets trackpy's diameter and separation.
    """
    import trackpy

    radius = max(1, round(1.5 * psf_sigma_px))
    diameter = 2 * radius + 1
    margin = diameter + 1
    above = np.where(signal_to_noise > threshold, np.minimum(signal_to_noise, _LARGEST_SIGMA), 0.0)
    if not above.any():
        return np.empty((0, 2))
    integers = np.pad(np.rint(_STEPS_PER_SIGMA * above).astype(np.int32), margin)
    # One count beneath everything, because trackpy leaves out the darkest of the nonzero pixels.
    integers[0, 0] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = trackpy.locate(
            integers,
            diameter,
            separation=max(2.0, 2.0 * psf_sigma_px),
            percentile=0,
            preprocess=False,
            max_iterations=1,
            characterize=False,
            engine="python",
        )
    if len(found) == 0:
        return np.empty((0, 2))
    positions = found[["x", "y"]].to_numpy(float) - margin
    height, width = signal_to_noise.shape
    inside = np.all((positions > -0.5) & (positions < [width - 0.5, height - 0.5]), axis=1)
    return np.asarray(positions[inside])
