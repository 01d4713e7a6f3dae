"""A look at what localization would find in a part of an image, before all of it is analysed."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage import steps
from qdimage.domain.photon_image import PhotonImage
from qdimage.localize.options import LocalizeOptions

Box = tuple[int, int, int, int]

# The least significant peaks that a preview shows: as many of noise as one in each image.
MOST_FALSE_ALARMS = 1.0
_MARGIN_PX = 32
_PLANES = ("mean", "n_samples", "usable", "hot", "saturated", "cosmic")


@dataclass(frozen=True)
class Preview:
    """Dots in a part of an image.

    Attributes
    ----------
    places : ndarray, shape (n, 2)
        (row, column) in the whole image, px.
    false_alarms : ndarray, shape (n,)
        Noise peaks as significant that the whole image shows on average.
    psf_sigma_px : float
        Width of a dot that was used.
    """

    places: NDArray[np.float64]
    false_alarms: NDArray[np.float64]
    psf_sigma_px: float


def preview(
    part: PhotonImage,
    *,
    at: tuple[int, int],
    inner: Box,
    share: float,
    options: LocalizeOptions,
    psf_sigma_px: float | None,
) -> Preview:
    """Localize in a part that `cut_out` made.

    Parameters
    ----------
    part : PhotonImage
    at : (row, column)
        Of its first pixel in the whole image.
    inner : (top, left, bottom, right)
        What is asked for; the rest of the part are its surroundings.
    share : float
        Of the whole image's usable pixels that lie in the part.
    options : LocalizeOptions
        Of the whole image.
    psf_sigma_px : float or None
        As for `qdimage.steps.localize`.
    """
    wanted = max(options.false_alarms_per_frame, MOST_FALSE_ALARMS)
    shared = options.model_copy(update={"false_alarms_per_frame": wanted * share})
    found = steps.localize(part, options=shared, psf_sigma_px=psf_sigma_px)
    places = found.positions[:, ::-1] + np.array(at)
    top, left, bottom, right = inner
    inside = np.all((places >= (top - 0.5, left - 0.5)) & (places < (bottom, right)), axis=1)
    return Preview(places[inside], found.false_alarm_p[inside] / share, found.psf_sigma_px)


def cut_out(image: PhotonImage, inner: Box) -> tuple[PhotonImage, tuple[int, int], float]:
    """Return a part of an image with what surrounds it, its first pixel, and its share."""
    height, width = image.mean.shape
    top, left = max(inner[0] - _MARGIN_PX, 0), max(inner[1] - _MARGIN_PX, 0)
    window = (
        slice(top, min(inner[2] + _MARGIN_PX, height)),
        slice(left, min(inner[3] + _MARGIN_PX, width)),
    )
    planes = {name: getattr(image, name)[window] for name in _PLANES}
    part = replace(image, **planes, change=None)
    share = float(part.usable.sum()) / max(float(image.usable.sum()), 1.0)
    return part, (top, left), share
