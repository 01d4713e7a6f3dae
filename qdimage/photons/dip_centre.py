"""Where the dip of a correlation curve is, and whether there is one, before anything is fitted."""

import math

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
) -> tuple[float, float]:
    """Return the centre of the exponential dip that explains most of the counts, and its depth.

    Parameters
    ----------
    edges, exposure, counts : ndarray
        Bins, coincidences expected of uncorrelated light, coincidences.
    sigma : float
        Standard deviation of the response, ns.
    centres, times : ndarray
        Centres and time constants to try, ns.

    Returns
    -------
    centre : float
    sigmas : float
        Depth there over its standard deviation in uncorrelated light; below 0 where the curve rises
        at every centre.
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
    size = math.sqrt(abs(best) * sum_ee / max(sum_en, 1.0))
    return float(answer), math.copysign(size, best)


def chance_of_dip(sigmas: float, searched_ns: float, times: Array) -> float:
    """Return an upper bound on the chance that uncorrelated light shows a dip as deep as this.

    The depth at each time constant is a Gaussian process of the centre with the correlation
    (1 + d/tau) exp(-d/tau) at a distance d, whose upcrossings of a level bound its maximum
    (Davies, Biometrika 74, 33, 1987). Poisson counts have the lighter tail below.

    Parameters
    ----------
    sigmas : float
        See `deepest`.
    searched_ns : float
        From the first centre to the last.
    times : ndarray
        Time constants, ns.
    """
    if sigmas <= 0.0:
        return 1.0
    here = 0.5 * math.erfc(sigmas / math.sqrt(2.0)) * len(times)
    crossings = searched_ns / (2.0 * math.pi) * float((1.0 / times).sum())
    return min(1.0, here + crossings * math.exp(-0.5 * sigmas * sigmas))
