"""Where the dip of a correlation curve is, before anything is fitted."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.photons.dip_shape import fill_bin_means

Array = NDArray[np.float64]


@njit(cache=True)
def deepest(
    edges: Array,
    exposure: Array,
    counts: Array,
    sigma: float,
    centres: Array,
    times: Array,
) -> float:
    """Return the centre of the exponential dip that explains most of the counts.

    Parameters
    ----------
    edges, exposure, counts : ndarray
        Bins, coincidences expected of uncorrelated light, coincidences.
    sigma : float
        Standard deviation of the response, ns.
    centres, times : ndarray
        Centres and time constants to try, ns.
    """
    n = counts.shape[0]
    mean, unused_time, unused_centre = np.empty(n), np.empty(n), np.empty(n)
    best, answer = -np.inf, centres[0]
    sum_ee, sum_en = 0.0, 0.0
    for k in range(n):
        sum_ee += exposure[k]
        sum_en += counts[k]
    for centre in centres:
        for tau in times:
            fill_bin_means(edges, centre, tau, sigma, mean, unused_time, unused_centre)
            sum_eb, sum_bb, sum_bn = 0.0, 0.0, 0.0
            for k in range(n):
                sum_eb += exposure[k] * mean[k]
                sum_bb += exposure[k] * mean[k] * mean[k]
                sum_bn += counts[k] * mean[k]
            depth = sum_eb * sum_en / sum_ee - sum_bn
            gain = depth * abs(depth) / (sum_bb - sum_eb * sum_eb / sum_ee)
            if gain > best:
                best, answer = gain, centre
    return float(answer)
