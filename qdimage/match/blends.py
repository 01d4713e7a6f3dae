"""Two dots seen as one spot: how many, and what that does to a fraction."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]

# Dots nearer to each other are found as one, in widths of the point-spread function: a joint fit
# splits pairs somewhat closer than the two peaks that remain at 2.
_RESOLVED_SIGMA = 1.5
# Between these distances all pairs are found, and are as dense as nearer ones.
_NEAR_SIGMA, _FAR_SIGMA = 2.0, 8.0
_MOST = 0.5


def blend_share(positions: Array, psf_sigma_px: float) -> float:
    """Return the share of spots that are two dots, expected of how densely dots have neighbours.

    Pairs of a distance that is always resolved are counted, so that it holds for clusters too.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
        Of the spots.
    psf_sigma_px : float
        Of the image in which they were found; NaN if not known, which leaves blends out.
    """
    if len(positions) == 0 or not np.isfinite(psf_sigma_px):
        return 0.0
    tree = cKDTree(positions)
    within = tree.count_neighbors(tree, psf_sigma_px * np.array([_NEAR_SIGMA, _FAR_SIGMA]))
    pairs = float(within[1] - within[0]) / 2
    area = _RESOLVED_SIGMA**2 / (_FAR_SIGMA**2 - _NEAR_SIGMA**2)
    return min(pairs * area / len(positions), _MOST)


def share_of_dots(share_of_spots: float, blends: float) -> float:
    """Return the share of dots that are lit, from that of spots.

    Of a share p of dots, p + b p (1 - p) of the spots are lit if a share b of them are two dots, of
    which one suffices.
    """
    root = np.sqrt(max((1.0 + blends) ** 2 - 4.0 * blends * share_of_spots, 0.0))
    return float(2.0 * share_of_spots / (1.0 + blends + root))
