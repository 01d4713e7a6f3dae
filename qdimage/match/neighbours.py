"""What a dot's neighbours do to it: isolation, and their light in the pinhole."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import ncx2

Array = NDArray[np.float64]

_REACH_SIGMA = 6.0


def is_isolated(positions_um: Array, *, distance_um: float) -> NDArray[np.bool_]:
    """Whether each dot is alone inside a distance."""
    if len(positions_um) < 2:
        return np.ones(len(positions_um), bool)
    nearest, _ = cKDTree(positions_um).query(positions_um, k=2)
    return np.asarray(nearest[:, 1] > distance_um)


def g2_floor(positions_um: Array, flux: Array, *, pinhole_um: float, psf_sigma_um: float) -> Array:
    """g2(0) of ideal single-photon emitters, with the neighbours' light that the pinhole passes.

    Independent single-photon emitters with shares f_i of the light have g2(0) = 1 - sum f_i^2. The
    share of a Gaussian spot at a distance d that a disc passes is a noncentral chi-squared
    probability.

    Parameters
    ----------
    positions_um : ndarray, shape (n, 2)
    flux : ndarray, shape (n,)
        PL flux; negative ones count as none.
    pinhole_um, psf_sigma_um : float
        Radius of the pinhole and width of a spot, in the sample plane.
    """
    reach = pinhole_um + _REACH_SIGMA * psf_sigma_um
    near = cKDTree(positions_um).query_ball_point(positions_um, reach)
    floor = np.zeros(len(positions_um))
    radius_sq = (pinhole_um / psf_sigma_um) ** 2
    for index, others in enumerate(near):
        offset = (positions_um[others] - positions_um[index]) / psf_sigma_um
        passed = ncx2.cdf(radius_sq, 2, np.maximum(np.sum(offset**2, axis=1), 1e-12))
        light = np.maximum(flux[others], 0.0) * passed
        total = light.sum()
        floor[index] = 1.0 - np.sum((light / total) ** 2) if total > 0 else np.nan
    return floor
