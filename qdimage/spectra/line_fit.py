"""Maximum likelihood of one line on a baseline."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum_fit import LineModel
from qdimage.numerics.goodness import goodness
from qdimage.spectra.shapes import BOUNDS, SHAPES, in_pixels

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS = 200
_CONVERGED = 1e-10
LEAST_LEVEL = 1e-6
_STEP = 1e-4


@dataclass(frozen=True)
class Pixels:
    """Part of a spectrum in numbers whose variance is their mean.

    Attributes
    ----------
    x, width : ndarray, shape (n,)
        Centres and widths in nm.
    y : ndarray, shape (n,)
        Scaled counts; below 0 only by what noise does to few of them.
    used : ndarray of bool, shape (n,)
    band_nm : (float, float)
        Where the line's peak is.
    """

    x: Array
    width: Array
    y: Array
    used: Mask
    band_nm: tuple[float, float]


@dataclass(frozen=True)
class LineFit:
    """A line, its parameters in the order of `fitted_line`, and what they make of each pixel."""

    model: LineModel
    order: int
    parameters: Array
    covariance: Array
    levels: Array
    log_likelihood: float

    @property
    def free(self) -> int:
        return len(self.parameters)


def fitted_line(
    pixels: Pixels, model: LineModel, order: int, peak: float, fwhm: float, shape: float
) -> LineFit:
    """Return the likeliest line of a model, by Fisher scoring with damping, within bounds.

    Parameters are the baseline at both ends (one value where it is flat, one more in the middle
    where it is bent), the logarithm of the line's
    counts, the shape where there is one, the peak, the logarithm of the width.
    """
    has_shape = BOUNDS[model] is not None
    low, high = _bounds(pixels, model, order)
    ends = np.array([pixels.y[:5].mean(), pixels.y[-5:].mean()])
    base = (
        np.interp(np.linspace(0, 1, order + 1), [0, 1], ends) if order else ends.mean(keepdims=True)
    )
    base = np.maximum(base, 0.01)
    counts = max(float(pixels.y.sum() - base.mean() * pixels.y.size), 1.0)
    parameters = np.array([*base, math.log(counts), *([shape] * has_shape), peak, math.log(fwhm)])
    parameters = np.clip(parameters, low, high)
    levels = _levels(pixels, model, order, parameters)
    value, damping = log_likelihood(pixels.y, levels, pixels.used), 1e-3
    for _ in range(_ROUNDS):
        slopes = _slopes(pixels, model, order, parameters, low, high)
        weight = pixels.used / levels
        score = slopes @ (weight * (pixels.y - levels))
        information = (slopes * weight) @ slopes.T
        held = ((parameters <= low) & (score < 0)) | ((parameters >= high) & (score > 0))
        step = np.zeros_like(parameters)
        free = ~held
        diagonal = np.diag(information)[free]
        damped = information[np.ix_(free, free)] + np.diag(damping * diagonal + 1e-12)
        step[free] = np.linalg.solve(damped, score[free])
        trial = np.clip(parameters + step, low, high)
        trial_levels = _levels(pixels, model, order, trial)
        trial_value = log_likelihood(pixels.y, trial_levels, pixels.used)
        if trial_value >= value:
            done = trial_value - value < _CONVERGED * max(abs(value), 1.0) and damping < 1e-2
            parameters, levels, value = trial, trial_levels, trial_value
            damping = max(damping / 5, 1e-9)
            if done:
                break
        else:
            damping *= 8
            if damping > 1e8:
                break
    covariance = _covariance(pixels, model, order, parameters, low, high, levels)
    return LineFit(model, order, parameters, covariance, levels, value)


def _bounds(pixels: Pixels, model: LineModel, order: int) -> tuple[Array, Array]:
    x, span = pixels.x, float(np.ptp(pixels.x))
    of_shape = BOUNDS[model]
    ends = max(pixels.band_nm[0], float(x[0])), min(pixels.band_nm[1], float(x[-1]))
    low = [*[LEAST_LEVEL] * (order + 1), -5.0, ends[0], math.log(float(pixels.width.min()) / 2)]
    high = [*[1e18] * (order + 1), 60.0, ends[1], math.log(2 * span)]
    if of_shape is not None:
        low.insert(order + 2, of_shape[0])
        high.insert(order + 2, of_shape[1])
    return np.array(low), np.array(high)


def _levels(pixels: Pixels, model: LineModel, order: int, parameters: Array) -> Array:
    base = _along(pixels, order) @ parameters[: order + 1]
    return np.asarray(np.maximum(base + _line_part(pixels, model, order, parameters), LEAST_LEVEL))


def _along(pixels: Pixels, order: int) -> Array:
    """What the baseline's values at evenly spaced places give to each pixel; (n, order + 1)."""
    along = (pixels.x - pixels.x[0]) / (pixels.x[-1] - pixels.x[0])
    if order == 0:
        return np.ones((along.size, 1))
    if order == 1:
        return np.stack([1 - along, along], axis=1)
    parts = [(1 - along) * (1 - 2 * along), 4 * along * (1 - along), along * (2 * along - 1)]
    return np.stack(parts, axis=1)


def _line_part(pixels: Pixels, model: LineModel, order: int, parameters: Array) -> Array:
    shape = float(parameters[order + 2]) if BOUNDS[model] is not None else 0.0
    peak, fwhm = float(parameters[-2]), math.exp(parameters[-1])
    line = in_pixels(SHAPES[model], pixels.x, pixels.width, peak, fwhm, shape)
    return np.asarray(math.exp(parameters[order + 1]) * line)


def _slopes(
    pixels: Pixels, model: LineModel, order: int, parameters: Array, low: Array, high: Array
) -> Array:
    """Derivatives of the levels; shape (parameters, n).

    By differences within the bounds where levels are not linear in the parameter.
    """
    rows = [*_along(pixels, order).T, _line_part(pixels, model, order, parameters)]
    for index in range(order + 2, len(parameters)):
        of_peak = index == len(parameters) - 2
        step = _STEP * (math.exp(parameters[-1]) if of_peak else 1.0)
        below, above = parameters.copy(), parameters.copy()
        below[index] = max(below[index] - step, low[index])
        above[index] = min(above[index] + step, high[index])
        change = _line_part(pixels, model, order, above) - _line_part(pixels, model, order, below)
        rows.append(change / (above[index] - below[index]))
    return np.array(rows)


def log_likelihood(y: Array, levels: Array, used: Mask) -> float:
    """Return Poisson's, up to what does not depend on the levels."""
    return float(np.sum(np.where(used, y * np.log(levels) - levels, 0.0)))


def _covariance(
    pixels: Pixels,
    model: LineModel,
    order: int,
    parameters: Array,
    low: Array,
    high: Array,
    levels: Array,
) -> Array:
    """Inverse of the information of what is not held by a bound."""
    slopes = _slopes(pixels, model, order, parameters, low, high)
    information = (slopes * (pixels.used / levels)) @ slopes.T
    free = (parameters > low) & (parameters < high)
    covariance = np.zeros_like(information)
    covariance[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)])
    return covariance


def p_value_of(pixels: Pixels, fit: LineFit) -> float:
    """Return the goodness of a fit."""
    counts = np.maximum(pixels.y[pixels.used], 0.0)
    return goodness(counts, fit.levels[pixels.used], fit.free)[2]
