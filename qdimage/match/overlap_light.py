"""All light of an EL channel within the field, pixel by pixel."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.signal import fftconvolve
from scipy.special import ndtr

from qdimage.domain.overlap_light import OverlapLight
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.transform import Transform

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# From here on a Gaussian spot has a thousandth of its light.
_CLEAR_SIGMA = 4.0
# A real spot has more: up to here whatever the data say, beyond it falls with the third power of
# the distance as the light of any aperture does, on average over its rings, until it is too even
# to be told from background.
_NEAR_SIGMA, _FAR_SIGMA = 7.0, 25.0
# Share by which the light of wings may differ from what is taken off.
_WING_ERROR = 0.2
_BOX_PX = 32
_LEAST_FREE, _LEAST_BOXES = 100, 4


def overlap_light(
    image: PhotonImage,
    transform: Transform,
    *,
    field_shape: tuple[int, int],
    sources_px: Array,
    flux_s: Array,
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
    flux_s : ndarray, shape (n,)
        Light of each in its Gaussian spot; NaN counts as none.
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
        return OverlapLight(n_pixels, n_free, nan, nan, nan, nan, nan, per_adu_s, "", note)
    variance = _variance(image) / image.exposure_s**2
    n_usable = int(usable.sum())
    grow = n_pixels / n_usable if n_usable else nan
    total = float(level[usable].sum()) * grow
    total_err = float(np.sqrt(variance[usable].sum())) * grow
    background, background_err, note = nan, nan, ""
    if n_free >= _LEAST_FREE:
        wings = _wings(level.shape, sources_px + image.offset_px, flux_s, sigma_px)
        background, background_err = _without_wings(level, variance, free, wings)
    else:
        note = f"found {n_free} pixels between the dots, expected at least {_LEAST_FREE}"
    seen = _share_inside(image, transform, field_shape, sources_px, sigma_px)
    counted = float(np.nansum(flux_s * seen))
    return OverlapLight(
        n_pixels,
        n_free,
        total,
        total_err,
        background,
        background_err,
        counted,
        per_adu_s,
        zero,
        note,
    )


def _inside(image: PhotonImage, transform: Transform, field_shape: tuple[int, int]) -> Mask:
    """Pixels whose centres lie in the field."""
    height, width = image.mean.shape
    x, y = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    mapped = transform.apply(np.column_stack([x.ravel(), y.ravel()]) - image.offset_px)
    last = np.array(field_shape[::-1]) - 0.5
    inside = np.all((mapped >= -0.5) & (mapped < last), axis=1)
    return np.asarray(inside.reshape(height, width))


def _share_inside(
    image: PhotonImage,
    transform: Transform,
    field_shape: tuple[int, int],
    sources_px: Array,
    sigma_px: float,
) -> Array:
    """Share of each Gaussian spot that lies within both frames, which are about parallel."""
    share = np.ones(len(sources_px))
    for positions, shape, sigma in (
        (sources_px + image.offset_px, image.mean.shape, sigma_px),
        (transform.apply(sources_px), field_shape, sigma_px * transform.scale),
    ):
        last = np.array(shape[::-1]) - 0.5
        share *= np.prod(
            ndtr((last - positions) / sigma) - ndtr((-0.5 - positions) / sigma), axis=1
        )
    return share


def _between(image: PhotonImage, sources: Array, clear_px: float) -> Mask:
    """Pixels far from every source, and from the border, behind which there may be others."""
    height, width = image.mean.shape
    pixel = np.rint(sources).astype(np.int64)
    seen = np.all((pixel >= 0) & (pixel < [width, height]), axis=1)
    dark = np.zeros((height + 2, width + 2), bool)
    dark[1:-1, 1:-1] = True
    dark[pixel[seen, 1] + 1, pixel[seen, 0] + 1] = False
    return np.asarray(distance_transform_edt(dark)[1:-1, 1:-1] > clear_px)


def _variance(image: PhotonImage) -> Array:
    """Variance of each pixel of the mean image; 0 where not usable."""
    weight = image.weight(image.mean)
    return np.divide(1.0, weight, out=np.zeros_like(weight), where=weight > 0)


def _wings(shape: tuple[int, ...], sources: Array, flux_s: Array, sigma_px: float) -> list[Array]:
    """Light near every source, and far from it, of each for a wing of amplitude 1."""
    pixel = np.rint(sources).astype(np.int64)
    lit = np.all((pixel >= 0) & (pixel < shape[::-1]), axis=1) & (np.nan_to_num(flux_s) > 0)
    if not lit.any():
        return []
    light = np.zeros(shape)
    np.add.at(light, (pixel[lit, 1], pixel[lit, 0]), flux_s[lit])
    reach = int(min(_FAR_SIGMA * sigma_px, max(shape)))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    distance = np.hypot(x, y) / sigma_px
    near = (distance > _CLEAR_SIGMA) & (distance <= _NEAR_SIGMA)
    far = (distance > _NEAR_SIGMA) & (distance <= _FAR_SIGMA)
    kernels = near.astype(float), np.where(far, np.maximum(distance, 1.0) ** -3.0, 0.0)
    return [np.asarray(fftconvolve(light, kernel, mode="same")) for kernel in kernels]


def _without_wings(
    level: Array, variance: Array, free: Mask, wings: list[Array]
) -> tuple[float, float]:
    """Return the even level between the sources, with its error: least squares beside wings."""
    columns = [np.ones(int(free.sum())), *(wing[free] for wing in wings)]
    scale = [max(float(np.abs(column).max()), 1e-300) for column in columns]
    design = np.column_stack([column / size for column, size in zip(columns, scale, strict=True)])
    solution, *_ = np.linalg.lstsq(design, level[free], rcond=None)
    of_level = np.linalg.pinv(design)[0]
    noise = float(np.sqrt((of_level**2 * variance[free]).sum()))
    rest = np.zeros_like(level)
    rest[free] = level[free] - design @ solution
    taken = float((design[:, 1:] @ solution[1:]).mean())
    err = max(noise, _unevenness(rest, free))
    return float(solution[0]), float(np.hypot(err, _WING_ERROR * taken))


def _unevenness(level: Array, free: Mask) -> float:
    """Standard error of the background's mean by how boxes of the frame differ.

    Sources that nobody found, and wings of bright ones, make it larger than the noise.
    """
    width = level.shape[1]
    row, column = np.nonzero(free)
    box = (row // _BOX_PX) * (width // _BOX_PX + 1) + column // _BOX_PX
    count = np.bincount(box)
    full = count >= _BOX_PX**2 // 4
    if full.sum() < _LEAST_BOXES:
        return 0.0
    mean = np.bincount(box, weights=level[free])[full] / count[full]
    return float(mean.std(ddof=1) / np.sqrt(full.sum()))
