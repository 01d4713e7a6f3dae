"""Whether a stack's own noise agrees with the gain, bias and read noise that are declared."""

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import Camera
from qdimage.image.calibration import ESTIMATED
from qdimage.image.statistics import StackStatistics

Floats = NDArray[np.float64]

_FEWEST_FRAMES = 4
_GROUPS = 20
_BRIGHTEST = 0.002
_FEWEST_BRIGHT = 20
_FEWEST_PIXELS = 400
# Noise cannot be less than that of the light. It can be more where light blinks, flickers or moves;
# the dimmest pixels have least of that, and bright ones show nothing by too much.
_LEAST, _MOST = 0.85, 1.4
_LEAST_SLOPE = 0.6
_SURE_SIGMA = 5.0
_LEAST_SPAN_SIGMA = 10.0


def noise_contradiction(statistics: StackStatistics, camera: Camera) -> str:
    """Say how far a stack's frame-to-frame variance is from what the camera's keys predict.

    Parameters
    ----------
    statistics : StackStatistics
    camera : Camera
        Keys as declared; a bias from the stack itself predicts nothing.

    Returns
    -------
    str
        One line; empty where both agree, or the keys or frames are too few to tell.
    """
    gain, per_adu = camera.em_gain, camera.electrons_per_adu
    too_few = statistics.n_frames < _FEWEST_FRAMES or statistics.total.size < _FEWEST_PIXELS
    if gain is None or per_adu is None or too_few:
        return ""
    means, variances, errors = _groups(statistics)
    slope = (2.0 if gain > 1 else 1.0) * gain / per_adu
    level = _level_ratio(means, variances, errors, camera, slope)
    found = level if level is not None else _slope_ratio(means, variances, errors, slope)
    if found is None:
        return ""
    keys = f"em_gain = {gain:g}, electrons_per_adu = {per_adu:g}"
    if level is not None:
        keys += f" and bias_adu = {camera.bias_adu:g}"
    return (
        f"the noise contradicts {keys}: the variance between frames is {found:.2g} times what they "
        "predict, so that fluxes and errors may be wrong; measure them with qdimage calibrate, or "
        "correct them in [camera]"
    )


def _groups(statistics: StackStatistics) -> tuple[Floats, Floats, Floats]:
    """Means, variances and the variances' errors of pixels of like brightness, darkest first.

    The last group is of the brightest few.
    """
    mean, variance = statistics.mean.ravel(), statistics.temporal_variance.ravel()
    usable = statistics.n_at_ceiling.ravel() == 0
    mean, variance = mean[usable], variance[usable]
    order = np.argsort(mean, kind="stable")
    parts = [part for part in np.array_split(order, _GROUPS) if part.size > 1]
    parts.append(order[-max(_FEWEST_BRIGHT, int(_BRIGHTEST * order.size)) :])
    return (
        np.array([mean[part].mean() for part in parts]),
        np.array([variance[part].mean() for part in parts]),
        np.array([variance[part].std() / np.sqrt(part.size) for part in parts]),
    )


def _level_ratio(
    means: Floats, variances: Floats, errors: Floats, camera: Camera, slope: float
) -> float | None:
    """Ratio of found to predicted variance where it cannot be explained; None else."""
    bias = camera.bias_adu
    if bias is None or camera.sources.get("bias_adu") == ESTIMATED or not means.size:
        return None
    light = slope * np.maximum(means - bias, 0.0)
    if camera.read_noise_e is None:
        # What is known of the noise is a lower bound.
        predicted, most = light, np.inf
    else:
        per_adu = camera.electrons_per_adu or 1.0
        predicted, most = light + (camera.read_noise_e / per_adu) ** 2 + 1 / 12, _MOST
    if not np.all(predicted > 0):
        return None
    ratio, err = variances / predicted, errors / predicted
    everywhere, dimmest = np.median(ratio), np.median(ratio[: max(1, len(ratio) // 4)])
    typical = float(np.median(err))
    if everywhere < _LEAST - _SURE_SIGMA * typical:
        return float(everywhere)
    if dimmest > most + _SURE_SIGMA * float(np.median(err[: max(1, len(ratio) // 4)])):
        return float(dimmest)
    return None


def _slope_ratio(means: Floats, variances: Floats, errors: Floats, slope: float) -> float | None:
    """Ratio of found to predicted slope between dim and bright pixels, where it is too small."""
    if len(means) < 2:
        return None
    span = float(means[-1] - means[0])
    noise = float(np.sqrt(np.median(variances)))
    if span < _LEAST_SPAN_SIGMA * noise:
        return None
    found = float(variances[-1] - variances[0]) / span / slope
    err = float(np.hypot(errors[-1], errors[0])) / span / slope
    return found if found < _LEAST_SLOPE - _SURE_SIGMA * err else None
