"""Dots that a person put somewhere: their light is fitted there, their place is taken as given."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.match.joint_fit import fit_fluxes, surroundings
from qdimage.match.pairing import EDGE_SIGMA
from qdimage.match.spots import spot_matrix

Array = NDArray[np.float64]

# A click on a magnified image is about as exact.
_PLACED_ERR_PX = 0.5
_BOX_PX = 32


def with_placed_dots(
    image: PhotonImage, dots: Localizations, places: Array, flags: NDArray[np.int64]
) -> Localizations:
    """Return the dots and those at given places, whose light is measured beside all others.

    Parameters
    ----------
    image : PhotonImage
        In which the dots were found.
    dots : Localizations
        Without any that the given places stand for.
    places : ndarray, shape (m, 2)
        (x, y), in the frame of the stack's first frame like the dots' own.
    flags : ndarray of int, shape (m,)
        `DotFlag.ADDED` or `DotFlag.MOVED`.

    Returns
    -------
    Localizations
        The dots in their order, then the places in theirs; `false_alarm_p` of these is NaN.
    """
    m, sigma = len(places), dots.psf_sigma_px
    height, width = image.mean.shape
    positions = np.vstack([dots.positions, places]) + image.offset_px
    widths = np.full(len(positions), sigma)
    spots = spot_matrix((height, width), positions, widths, dots.field_psf)
    around = surroundings(image, spots, box_px=_BOX_PX)
    fit = fit_fluxes(image, spots, around).fluxes()
    here = positions[len(dots) :]
    pixel = np.clip(np.rint(here).astype(int), 0, [width - 1, height - 1])
    margin = EDGE_SIGMA * sigma
    inside = np.all((here >= margin) & (here <= np.array([width, height]) - 1 - margin), axis=1)

    return Localizations(
        x_px=_joined(dots.x_px, places[:, 0]),
        y_px=_joined(dots.y_px, places[:, 1]),
        x_err_px=_joined(dots.x_err_px, np.full(m, _PLACED_ERR_PX)),
        y_err_px=_joined(dots.y_err_px, np.full(m, _PLACED_ERR_PX)),
        signal=_joined(dots.signal, fit.flux[len(dots) :]),
        signal_err=_joined(dots.signal_err, fit.err[len(dots) :]),
        background=_joined(dots.background, around.background[pixel[:, 1], pixel[:, 0]]),
        sigma_px=_joined(dots.sigma_px, np.full(m, sigma)),
        false_alarm_p=_joined(dots.false_alarm_p, np.full(m, np.nan)),
        flags=np.concatenate([dots.flags, flags | np.where(inside, 0, int(DotFlag.EDGE))]),
        psf_sigma_px=sigma,
        psf=dots.psf,
    )


def _joined(found: Array, placed: Array) -> Array:
    return np.concatenate([found, placed])
