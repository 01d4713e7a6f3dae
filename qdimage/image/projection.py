"""From a stack to one photon image of known noise."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import Camera
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.image.calibration import (
    DEFAULT,
    adu_to_signal,
    complete_camera,
    default_ceiling_adu,
    noise_model,
)
from qdimage.image.defects import cosmic_hits, hot_pixels, saturated_pixels
from qdimage.image.drift import estimate_drift
from qdimage.image.frame_sums import moved_sums, still_sums
from qdimage.image.noise_check import noise_contradiction
from qdimage.image.options import ImageOptions
from qdimage.image.statistics import StackStatistics, stack_statistics

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def photon_image(
    stack: Stack,
    *,
    camera: Camera,
    exposure_s: float,
    options: ImageOptions,
    psf_sigma_px: float | None = None,
) -> PhotonImage:
    """Reduce a stack to its mean image in photons (photoelectrons, ADU) per frame.

    Frames are moved by whole pixels only, so that the noise of neighbouring pixels stays
    independent; what is left of the drift goes into `PhotonImage.offset_px`.

    Parameters
    ----------
    stack : Stack
    camera : Camera
        Keys that are known; the bias and the noise are found from the stack where they are not.
    exposure_s : float
        Of one frame.
    options : ImageOptions
    psf_sigma_px : float, optional
        Expected width of a dot, to tell dots from hot pixels.

    Raises
    ------
    FormatError
        Where every pixel is saturated, or all values are the same.
    """
    camera = _with_ceiling(camera, stack)
    ceiling = camera.saturation_adu if camera.saturation_adu is not None else float("inf")
    statistics = stack_statistics(stack, ceiling_adu=ceiling)
    _refuse_empty(stack, statistics, ceiling)
    camera = complete_camera(camera, statistics)
    bias, scale = camera.bias_adu or 0.0, adu_to_signal(camera)
    noise = noise_model(camera, statistics)
    cosmic = cosmic_hits(
        statistics,
        adu_per_signal=1.0 / scale,
        bias_adu=bias,
        noise=noise,
        threshold=options.cosmic_threshold,
    )
    clean = _mean_without_hits(statistics, cosmic)
    saturated = saturated_pixels(statistics) & ~cosmic
    signal = clean - bias
    signal *= scale
    hot = hot_pixels(
        signal,
        noise=noise,
        n_frames=statistics.n_frames,
        threshold=options.hot_threshold,
        psf_sigma_px=psf_sigma_px,
    )
    drift = _drift(statistics, hot | cosmic, clean, enabled=options.correct_drift)
    whole = np.rint(drift).astype(np.int64)
    off_px = (drift - whole).mean(axis=0)
    given = {
        "excluded": hot | saturated,
        "cosmic": cosmic,
        "off_px": drift - whole - off_px,
        "bias": bias,
    }
    if np.any(whole):
        sums = moved_sums(stack, whole, statistics, **given)
        signal = (sums.mean - bias) * scale
    else:
        sums = still_sums(statistics, **given)
    n_samples = sums.count
    usable = n_samples > 0
    signal[~usable] = 0.0
    return PhotonImage(
        mean=signal,
        n_samples=n_samples,
        usable=usable,
        hot=hot,
        saturated=saturated,
        cosmic=cosmic,
        drift_px=drift,
        offset_px=off_px,
        noise=noise,
        camera=camera,
        n_frames=statistics.n_frames,
        exposure_s=exposure_s,
        noise_message=noise_contradiction(statistics, camera),
        change=sums.change(scale, statistics.n_frames),
    )


def _with_ceiling(camera: Camera, stack: Stack) -> Camera:
    if camera.saturation_adu is not None:
        return camera
    ceiling = default_ceiling_adu(stack.dtype)
    return replace(
        camera, saturation_adu=ceiling, sources={**camera.sources, "saturation_adu": DEFAULT}
    )


def _refuse_empty(stack: Stack, statistics: StackStatistics, ceiling: float) -> None:
    if np.all(statistics.n_at_ceiling == statistics.n_frames):
        raise FormatError(
            f"{stack.source}: every pixel of every frame is saturated (at or above {ceiling:g} "
            "ADU); lower the exposure or gain, or correct saturation_adu"
        )
    if not np.all(np.isfinite(statistics.difference_sq)):
        raise FormatError(
            f"{stack.source}: found values as large as {statistics.highest.max():g}, whose squares "
            "overflow, expected ADU; export the camera's raw frames"
        )
    level = statistics.highest.max()
    if statistics.highest.min() == level and not statistics.difference_sq.any():
        raise FormatError(
            f"{stack.source}: every pixel has the same value {level:g}; "
            "this is no camera image, export the stack again"
        )


def _mean_without_hits(statistics: StackStatistics, cosmic: Mask) -> Array:
    if not cosmic.any():
        return statistics.mean
    n_left = max(statistics.n_frames - 1, 1)
    without = (statistics.total - statistics.highest) / n_left
    return np.where(cosmic, without, statistics.mean)


def _drift(statistics: StackStatistics, defects: Mask, clean: Array, *, enabled: bool) -> Array:
    if not enabled:
        return np.zeros((statistics.n_frames, 2))
    bins = statistics.time_bins
    if len(bins) > 1 and defects.any():
        bins = np.where(defects, float(np.median(clean)), bins)
    return estimate_drift(bins, statistics.bin_edges)
