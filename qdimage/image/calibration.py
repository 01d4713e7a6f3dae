"""The camera's keys and its noise: as declared, else from the stack itself."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import Camera, NoiseModel, SignalUnit
from qdimage.image.statistics import StackStatistics

ESTIMATED = "estimated from the data"
DEFAULT = "default"

_TRANSFER_BINS = 40
_MIN_FRAMES_FOR_TRANSFER = 4
# Between low and high percentiles of the pixels' means, in standard deviations of their noise:
# noise alone spans 3.3, and sorting by it makes a slope of the register's skewness.
_SPAN_FOR_SLOPE = 10.0
_DIFFERENCE_VARIANCE = 20.0  # of the kernel below, for white noise of unit variance
_DIFFERENCE_KERNEL = np.array([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])
_MAD_TO_SIGMA = 1.4826
_CLIP_SIGMA = 5.0
_CLIPPINGS = 10


def default_ceiling_adu(dtype: np.dtype[Any]) -> float:
    """Return the largest value that the stored type can hold; infinity for floats."""
    return float(np.iinfo(dtype).max) if np.issubdtype(dtype, np.integer) else float("inf")


def complete_camera(camera: Camera, statistics: StackStatistics) -> Camera:
    """Fill the bias from the stack where nobody gave it.

    The darkest percent of the mean image is taken: it still holds background light, so that
    fluxes are right and the background level is a lower bound.
    """
    if camera.bias_adu is not None:
        return camera
    bias = float(np.percentile(statistics.mean, 1.0))
    return replace(camera, bias_adu=bias, sources={**camera.sources, "bias_adu": ESTIMATED})


def signal_unit(camera: Camera) -> SignalUnit:
    """Return what a converted number counts, given which keys are known."""
    if camera.em_gain is None or camera.electrons_per_adu is None:
        return "ADU"
    return "photons" if camera.quantum_efficiency is not None else "photoelectrons"


def adu_to_signal(camera: Camera) -> float:
    """Return signal units for each ADU above the bias.

    Photons at the camera = (ADU - bias) * electrons_per_adu / (em_gain * quantum_efficiency).
    """
    if camera.em_gain is None or camera.electrons_per_adu is None:
        return 1.0
    return camera.electrons_per_adu / camera.em_gain / (camera.quantum_efficiency or 1.0)


def noise_model(camera: Camera, statistics: StackStatistics) -> NoiseModel:
    """Return the noise of one pixel in one frame, from the keys or from the stack.

    With gain and sensitivity known: variance = F^2 (photoelectrons + clock-induced charge)
    + (read noise / EM gain)^2, F^2 = 2 with EM gain and 1 without (Robbins and Hadwen, IEEE
    Trans. Electron Devices 50, 1227, 2003). Otherwise the slope and the intercept of variance
    against mean are measured on the stack. A missing read noise is measured likewise, and with a
    bias from the stack the noise of the light that it hides.
    """
    if camera.em_gain is None or camera.electrons_per_adu is None:
        return _noise_from_stack(camera, statistics)
    unit_per_electron = 1.0 / (camera.quantum_efficiency or 1.0)
    excess = 2.0 if camera.em_gain > 1 else 1.0
    clock_induced = (camera.clock_induced_charge_e or 0.0) * unit_per_electron
    read_variance = 0.0
    if camera.read_noise_e is not None:
        read_variance = (camera.read_noise_e / camera.em_gain * unit_per_electron) ** 2
    if camera.read_noise_e is None or camera.sources.get("bias_adu") == ESTIMATED:
        # An estimated bias hides background light, whose noise must not be lost with it.
        mean, variance = _background_noise(statistics)
        scale = adu_to_signal(camera)
        signal = max((mean - (camera.bias_adu or 0.0)) * scale, 0.0)
        measured = variance * scale**2 - excess * unit_per_electron * signal
        read_variance = max(read_variance, measured)
    return NoiseModel(signal_unit(camera), unit_per_electron, excess, read_variance, clock_induced)


def _noise_from_stack(camera: Camera, statistics: StackStatistics) -> NoiseModel:
    mean, variance = _background_noise(statistics)
    above_bias = max(mean - (camera.bias_adu or 0.0), 0.0)
    slope = _transfer_slope(statistics)
    if slope is None:
        slope = variance / above_bias if above_bias > 0 else 0.0
    slope = min(slope, variance / above_bias) if above_bias > 0 else slope
    excess = 1.0 if camera.em_gain == 1 else 2.0
    return NoiseModel("ADU", slope / excess, excess, max(variance - slope * above_bias, 0.0))


def _background_noise(statistics: StackStatistics) -> tuple[float, float]:
    """Mean and one-frame variance of the typical pixel, ADU."""
    mean = float(np.median(statistics.mean))
    if statistics.n_frames >= _MIN_FRAMES_FOR_TRANSFER and statistics.difference_sq.any():
        return mean, float(np.median(_pooled(statistics.temporal_variance)))
    from scipy.ndimage import convolve

    rough = np.abs(convolve(statistics.mean, _DIFFERENCE_KERNEL, mode="reflect"))
    sigma = _MAD_TO_SIGMA * float(np.median(rough))
    # Where most pixels hold no electron, the median knows nothing of those that do.
    for _ in range(_CLIPPINGS):
        within = rough[rough <= _CLIP_SIGMA * sigma]
        sigma = float(np.sqrt(np.mean(within**2)))
    return mean, sigma**2 / _DIFFERENCE_VARIANCE * statistics.n_frames


def _pooled(image: NDArray[np.float64], size: int = 8) -> NDArray[np.float64]:
    """Means of size x size boxes: a variance from few frames is skewed, a pool of 64 is not."""
    height, width = (max(size, side - side % size) for side in image.shape)
    cut = image[:height, :width]
    if cut.shape[0] % size or cut.shape[1] % size:
        return cut.ravel()
    boxes = cut.reshape(height // size, size, width // size, size)
    return np.asarray(boxes.mean(axis=(1, 3)).ravel())


def _transfer_slope(statistics: StackStatistics) -> float | None:
    """Slope of one-frame variance against mean over pixels; None without a span of means.

    The background's own span is preferred; else the brightest pixels are taken in, where blinking
    may add to the variance.
    """
    too_few_pixels = statistics.total.size < 4 * _TRANSFER_BINS
    if statistics.n_frames < _MIN_FRAMES_FOR_TRANSFER or too_few_pixels:
        return None
    mean, variance = statistics.mean.ravel(), statistics.temporal_variance.ravel()
    order = np.argsort(mean, kind="stable")
    groups = np.array_split(order, _TRANSFER_BINS)
    x = np.array([mean[group].mean() for group in groups])
    y = np.array([variance[group].mean() for group in groups])
    noise = np.sqrt(np.median(y) / statistics.n_frames)
    low, *highs = np.percentile(x, [5, 95, 100])
    for high in highs:
        if high - low > _SPAN_FOR_SLOPE * noise:
            inside = (x >= low) & (x <= high)
            slope = float(np.polyfit(x[inside], y[inside], 1)[0])
            return slope if slope > 0 else None
    return None
