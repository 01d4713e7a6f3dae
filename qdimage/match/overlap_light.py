"""All light of an EL channel within the field, pixel by pixel."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# From here on a Gaussian spot has a thousandth of its light.
_CLEAR_SIGMA = 4.0
_BOX_PX = 32
_LEAST_FREE, _LEAST_BOXES = 100, 4


def overlap_light(
    image: PhotonImage,
    transform: Transform,
    *,
    field_shape: tuple[int, int],
    sources_px: Array,
    sigma_px: float,
    signal_per_adu: float,
    zero: str | None,
) -> OverlapLight:
    """Sum a channel's light over the field, and measure what lies between the sources.

    Clock-induced charge is taken off as the camera's keys give it. A bias that was estimated from
    the stack itself hides the level between the dots, so that nothing is said of it.

    Parameters
    ----------
    image : PhotonImage
        Of the EL channel.
    transform : Transform
        Channel px to field px.
    field_shape : (int, int)
        (y, x) of the field's reference channel.
    sources_px : ndarray, shape (n, 2)
        PL dots and EL localizations, in the channel's first frame.
    sigma_px : float
        Width of a spot.
    signal_per_adu : float
    zero : str or None
        Where the camera's bias is from; None where it was estimated from the stack.
    """
    inside = _inside(image, transform, field_shape)
    usable = inside & image.usable
    n_pixels = int(inside.sum())
    level = (image.mean - image.noise.clock_induced) / image.exposure_s
    per_adu_s = n_pixels * signal_per_adu / image.exposure_s
    free = usable & _between(image, sources_px + image.offset_px, _CLEAR_SIGMA * sigma_px)
    n_free = int(free.sum())
    nan = float("nan")
    if zero is None:
        note = "bias_adu was estimated from the stack, which hides the light between dots; give it"
        return OverlapLight(n_pixels, n_free, nan, nan, nan, nan, per_adu_s, "", note)
    variance = _variance(image) / image.exposure_s**2
    n_usable = int(usable.sum())
    grow = n_pixels / n_usable if n_usable else nan
    total = float(level[usable].sum()) * grow
    total_err = float(np.sqrt(variance[usable].sum())) * grow
    background, background_err, note = nan, nan, ""
    if n_free >= _LEAST_FREE:
        background = float(level[free].mean())
        noise = float(np.sqrt(variance[free].sum())) / n_free
        uneven = (1.0 - n_free / n_pixels) * _unevenness(level, free)
        background_err = float(np.hypot(noise, uneven))
    else:
        note = f"found {n_free} pixels between the dots, expected at least {_LEAST_FREE}"
    return OverlapLight(
        n_pixels, n_free, total, total_err, background, background_err, per_adu_s, zero, note
    )


def _inside(image: PhotonImage, transform: Transform, field_shape: tuple[int, int]) -> Mask:
    """Pixels whose centres lie in the field."""
    height, width = image.mean.shape
    x, y = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    mapped = transform.apply(np.column_stack([x.ravel(), y.ravel()]) - image.offset_px)
    last = np.array(field_shape[::-1]) - 0.5
    inside = np.all((mapped >= -0.5) & (mapped < last), axis=1)
    return np.asarray(inside.reshape(height, width))


def _between(image: PhotonImage, sources: Array, clear_px: float) -> Mask:
    height, width = image.mean.shape
    pixel = np.rint(sources).astype(np.int64)
    seen = np.all((pixel >= 0) & (pixel < [width, height]), axis=1)
    if not seen.any():
        return np.ones((height, width), bool)
    dark = np.ones((height, width), bool)
    dark[pixel[seen, 1], pixel[seen, 0]] = False
    return np.asarray(distance_transform_edt(dark) > clear_px)


def _variance(image: PhotonImage) -> Array:
    """Variance of each pixel of the mean image; 0 where not usable."""
    weight = image.weight(image.mean)
    return np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)


def _unevenness(level: Array, free: Mask) -> float:
    """Standard error of the background's mean by how boxes of the frame differ."""
    width = level.shape[1]
    row, column = np.nonzero(free)
    box = (row // _BOX_PX) * (width // _BOX_PX + 1) + column // _BOX_PX
    count = np.bincount(box)
    full = count >= _BOX_PX**2 // 4
    if full.sum() < _LEAST_BOXES:
        return 0.0
    mean = np.bincount(box, weights=level[free])[full] / count[full]
    return float(mean.std(ddof=1) / np.sqrt(full.sum()))
