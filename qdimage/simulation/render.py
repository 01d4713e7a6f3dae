"""Photons that reach each pixel."""

import numpy as np
from numpy.typing import NDArray

from qdimage.simulation.psf import Psf

Floats = NDArray[np.float64]


def render_spots(positions: Floats, photons: Floats, *, shape: tuple[int, int], psf: Psf) -> Floats:
    """Add up the images of points.

    Parameters
    ----------
    positions : ndarray, shape (n, 2)
        (x, y) in px; points beyond the border contribute what reaches the frame.
    photons : ndarray, shape (n,)
        Photons of each point.
    shape : (height, width)
    psf : Psf

    Returns
    -------
    ndarray, shape (y, x)
        Mean photons in each pixel.
    """
    image = np.zeros(shape)
    seen = (photons > 0) & _near(positions, shape, psf.radius_px)
    positions, photons = positions[seen], photons[seen]
    nearest = np.rint(positions).astype(np.int64)
    offsets = positions - nearest
    patches = psf.patches(offsets[:, 0], offsets[:, 1]) * photons[:, np.newaxis, np.newaxis]
    span = np.arange(-psf.radius_px, psf.radius_px + 1)
    rows, columns = nearest[:, 1:] + span, nearest[:, :1] + span
    rows, columns = np.broadcast_arrays(rows[:, :, np.newaxis], columns[:, np.newaxis])
    inside = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1])
    np.add.at(image, (rows[inside], columns[inside]), patches[inside])
    return image


def _near(positions: Floats, shape: tuple[int, int], radius_px: int) -> NDArray[np.bool_]:
    reach = radius_px + 1
    last = np.array([shape[1], shape[0]]) - 1
    return np.asarray(np.all((positions >= -reach) & (positions <= last + reach), axis=1))
