"""What a dot's neighbours do to it: isolation, and their light in the pinhole."""

from dataclasses import dataclass

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


@dataclass(frozen=True)
class PinholeLight:
    """Light behind a pinhole that is centred on each source in turn; every array has shape (n,).

    Attributes
    ----------
    own : ndarray
        Of the source itself.
    neighbours : ndarray
        Of all others.
    neighbours_squared : ndarray
        Sum of the squares of what each other one gives.
    background : ndarray
        What does not come from sources.
    """

    own: Array
    neighbours: Array
    neighbours_squared: Array
    background: Array

    @property
    def total(self) -> Array:
        """All of it."""
        return self.own + self.neighbours + self.background

    @property
    def g2_floor(self) -> Array:
        """g2(0) if every source is an ideal single-photon emitter; NaN without light."""
        return np.asarray(1.0 - self.antibunched)

    @property
    def antibunched(self) -> Array:
        """Sum of the squares of the sources' shares of the light; NaN without light."""
        total = self.total
        squares = self.own**2 + self.neighbours_squared
        known = total > 0
        shares = np.divide(squares, total**2, out=np.full(len(total), np.nan), where=known)
        return np.asarray(shares)


def pinhole_light(
    positions_um: Array,
    flux: Array,
    *,
    pinhole_um: float,
    psf_sigma_um: float,
    background_um2: Array | float = 0.0,
) -> PinholeLight:
    """Return what a pinhole on each source passes of it, of its neighbours and of background.

    The share of a Gaussian spot at a distance d that a disc passes is a noncentral chi-squared
    probability.

    Parameters
    ----------
    positions_um : ndarray, shape (n, 2)
    flux : ndarray, shape (n,)
        Negative ones count as none.
    pinhole_um, psf_sigma_um : float
        Radius of the pinhole and width of a spot, in the sample plane.
    background_um2 : float or ndarray, shape (n,)
        Flux of the background per square um at each source; negative and NaN count as none.
    """
    n = len(positions_um)
    reach = pinhole_um + _REACH_SIGMA * psf_sigma_um
    near = cKDTree(positions_um).query_ball_point(positions_um, reach) if n else []
    own, neighbours, squared = np.zeros(n), np.zeros(n), np.zeros(n)
    radius_sq = (pinhole_um / psf_sigma_um) ** 2
    emitted = np.where(flux > 0, flux, 0.0)
    for index, found in enumerate(near):
        others = np.array([other for other in sorted(found) if other != index], int)
        offset = (positions_um[others] - positions_um[index]) / psf_sigma_um
        passed = ncx2.cdf(radius_sq, 2, np.maximum(np.sum(offset**2, axis=1), 1e-12))
        light = emitted[others] * passed
        own[index] = emitted[index] * -np.expm1(-radius_sq / 2)
        neighbours[index], squared[index] = light.sum(), np.sum(light**2)
    density = np.broadcast_to(np.asarray(background_um2, float), (n,))
    background = np.pi * pinhole_um**2 * np.where(density > 0, density, 0.0)
    return PinholeLight(own, neighbours, squared, background)


def g2_floor(
    positions_um: Array,
    flux: Array,
    *,
    pinhole_um: float,
    psf_sigma_um: float,
    background_um2: Array | float = 0.0,
) -> Array:
    """g2(0) of ideal single-photon emitters, with the other light that the pinhole passes.

    Independent single-photon emitters with shares f_i of the light have g2(0) = 1 - sum f_i^2;
    background has a share of the light and adds nothing to the sum. Parameters are as in
    `pinhole_light`.
    """
    return pinhole_light(
        positions_um,
        flux,
        pinhole_um=pinhole_um,
        psf_sigma_um=psf_sigma_um,
        background_um2=background_um2,
    ).g2_floor
