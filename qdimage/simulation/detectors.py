"""What two detectors and their clock make of light."""

import numpy as np
from numpy.typing import NDArray

from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.simulation.photon_kernels import count_clicks
from qdimage.simulation.photon_options import PhotonStreamOptions

Array = NDArray[np.float64]


def clicks_ns(
    light: tuple[Array, Array],
    options: PhotonStreamOptions,
    rng: np.random.Generator,
    dark_ns: Array | None = None,
) -> list[Array]:
    """Return when the clock sees each detector's counts.

    Parameters
    ----------
    light : (ndarray, ndarray)
        Rising times in ns at which light triggers each detector, were it never blind.
    options : PhotonStreamOptions
    rng : numpy.random.Generator
    dark_ns : ndarray, shape (2 n,), optional
        Beginnings and ends in turn of the intervals without light; see `dark_intervals`.

    Returns
    -------
    list of ndarray
        Not in order where the response is wide.
    """
    seen = light if dark_ns is None else tuple(_outside(each, dark_ns) for each in light)
    return [_clicks(seen[k], k, options, rng) for k in range(2)]


def _outside(time: Array, dark_ns: Array) -> Array:
    return np.asarray(time[np.searchsorted(dark_ns, time, side="right") % 2 == 0])


def _clicks(
    light: Array, detector: int, options: PhotonStreamOptions, rng: np.random.Generator
) -> Array:
    end = options.duration_s * 1e9
    n_dark = rng.poisson(options.dark_counts_s[detector] * options.duration_s)
    triggers = np.sort(np.concatenate([light, rng.uniform(0, end, n_dark)]))
    # With chances of at most a half, each trigger gives fewer than two clicks on average.
    clicks = np.empty(3 * triggers.size + 1000)
    n = count_clicks(
        rng,
        triggers,
        options.dead_time_ns,
        options.afterpulse_probability,
        options.afterpulse_delay_ns,
        end,
        clicks,
    )
    seen = clicks[:n] + detector * options.cable_delay_ns
    if options.jitter_fwhm_ns > 0:
        seen += rng.normal(0.0, options.jitter_fwhm_ns / FWHM_PER_SIGMA, n)
    return seen
