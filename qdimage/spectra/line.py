"""Maximum likelihood of a line on a baseline, and the choice among lines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum import EV_NM
from qdimage.domain.spectrum_fit import LINE_MODELS, Line, LineModel, Measured, Noise
from qdimage.numerics.goodness import goodness
from qdimage.spectra.options import SpectrumOptions
from qdimage.spectra.shapes import BOUNDS, SHAPES, in_pixels

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS = 200
_CONVERGED = 1e-10
_LEAST = 1e-6
_LEAST_PIXELS = 12
_STEP = 1e-4
_SMOOTHING_NM, _SMOOTHING_PX = 1.5, 1.5
_GRID = 4001
# Half the window at most, in widths of the dot band.
_WIDEST = 1.5
# Kass and Raftery, J. Am. Stat. Assoc. 90, 773 (1995). Less would let chance bend one line in
# fifty, which costs the others' precision.
_STRONG = 6.0
_STARTS = {"voigt": (0.3,), "asymmetric": (-0.2, 0.2)}


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
class _Fit:
    model: LineModel
    order: int
    parameters: Array
    covariance: Array
    levels: Array
    log_likelihood: float

    @property
    def free(self) -> int:
        return len(self.parameters)


def fit_line(
    wavelength_nm: Array,
    width_nm: Array,
    counts: Array,
    hit: Mask,
    noise: Noise,
    options: SpectrumOptions,
) -> Line | Refusal:
    """Fit the line in the dot band, on a straight baseline, by maximum likelihood.

    The line is chosen by BIC (Schwarz, Ann. Stat. 6, 461, 1978), with the number of pixels as that
    of data: the better of Gaussian and Lorentzian, unless a line with a shape of its own is better
    by more than 6.

    Parameters
    ----------
    wavelength_nm, width_nm, counts : ndarray, shape (n,)
        Pixels, and counts without cosmic rays.
    hit : ndarray of bool, shape (n,)
        Pixels to leave out.
    noise : Noise
    options : SpectrumOptions
    """
    band_nm = options.dot_low_nm, options.dot_high_nm
    pixels = Pixels(wavelength_nm, width_nm, noise.scaled(counts), ~hit, band_nm)
    start = _start(pixels, options)
    if isinstance(start, Refusal):
        return start
    peak, fwhm = start
    for _ in range(2):
        reach = min(options.window_fwhms * fwhm, _WIDEST * (band_nm[1] - band_nm[0]))
        first, last = _window(wavelength_nm, peak, reach)
        part = _part(pixels, first, last)
        rough = _fitted(part, "gaussian", options.baseline_order, peak, fwhm, 0.0)
        peak, fwhm = rough.parameters[-2], math.exp(rough.parameters[-1])
    refusal = _no_line(part, rough, options)
    if refusal is not None:
        return refusal
    wanted = LINE_MODELS if options.model == "auto" else (options.model,)
    fits = [_best(part, model, options.baseline_order, peak, fwhm) for model in wanted]
    n = int(part.used.sum())
    scores = {each.model: each.free * math.log(n) - 2 * each.log_likelihood for each in fits}
    best = _chosen(fits, scores)
    if not np.all(np.diag(best.covariance)[-2:] > 0):
        return Refusal(
            f"found a line that peaks at {best.parameters[-2]:.1f} nm and is "
            f"{math.exp(best.parameters[-1]):.3g} nm wide, at the end of what was searched, "
            "expected one inside the dot band; set spectrum.dot_low_nm and dot_high_nm around it"
        )
    least = scores[best.model]
    levels = best.levels[part.used]
    _, _, p_value = goodness(np.maximum(part.y[part.used], 0.0), levels, best.free)
    bic = {str(name): each - least for name, each in scores.items()}
    return _line(best, bic, p_value, (first, last), noise)


def _chosen(fits: list[_Fit], scores: dict[LineModel, float]) -> _Fit:
    """The likelier of the simple lines, unless one with a shape has strong evidence over it."""
    simple = [each for each in fits if BOUNDS[each.model] is None] or fits
    best = min(simple, key=lambda each: scores[each.model])
    richer = min(fits, key=lambda each: scores[each.model])
    return richer if scores[richer.model] < scores[best.model] - _STRONG else best


def _start(pixels: Pixels, options: SpectrumOptions) -> tuple[float, float] | Refusal:
    """Where the smoothed counts per nm are highest in the dot band, and the width there."""
    x = pixels.x
    (inside,) = np.nonzero((x >= options.dot_low_nm) & (x <= options.dot_high_nm))
    if inside.size < _LEAST_PIXELS:
        return Refusal(
            f"found {inside.size} pixels of {x[0]:.0f} to {x[-1]:.0f} nm in the dot band of "
            f"{options.dot_low_nm:g} to {options.dot_high_nm:g} nm, expected {_LEAST_PIXELS} or "
            "more; set spectrum.dot_low_nm and dot_high_nm"
        )
    sigma = max(_SMOOTHING_NM / float(np.median(pixels.width)), _SMOOTHING_PX)
    smooth = gaussian_filter1d(pixels.y, sigma, mode="nearest")
    top = int(inside[np.argmax(smooth[inside])])
    half = (smooth[top] + float(np.quantile(smooth[inside], 0.1))) / 2
    below = np.flatnonzero(smooth < half)
    left = below[below < top].max(initial=0)
    right = below[below > top].min(initial=x.size - 1)
    smoothing = 2.355 * sigma * float(pixels.width[top])
    square = float(x[right] - x[left]) ** 2 - smoothing**2
    fwhm = math.sqrt(max(square, float(pixels.width[top]) ** 2 * 4))
    return float(x[top]), min(fwhm, options.dot_high_nm - options.dot_low_nm)


def _window(x: Array, peak: float, reach: float) -> tuple[int, int]:
    first, last = np.searchsorted(x, (peak - reach, peak + reach))
    middle = int(np.searchsorted(x, peak))
    first = max(min(int(first), middle - _LEAST_PIXELS), 0)
    return first, min(max(int(last), middle + _LEAST_PIXELS), x.size)


def _part(pixels: Pixels, first: int, last: int) -> Pixels:
    return Pixels(
        pixels.x[first:last],
        pixels.width[first:last],
        pixels.y[first:last],
        pixels.used[first:last],
        pixels.band_nm,
    )


def _no_line(pixels: Pixels, fit: _Fit, options: SpectrumOptions) -> Refusal | None:
    """Refuse where a baseline alone explains the counts nearly as well."""
    used = pixels.used
    x = pixels.x - pixels.x.mean()
    columns = np.stack([np.ones_like(x), x][: options.baseline_order + 1], axis=1)
    weight = used / np.maximum(gaussian_filter1d(pixels.y, 5.0), 0.1)
    found = np.linalg.lstsq(
        columns * np.sqrt(weight)[:, np.newaxis], pixels.y * np.sqrt(weight), rcond=None
    )[0]
    flat = np.maximum(columns @ found, _LEAST)
    gain = fit.log_likelihood - _log_likelihood(pixels.y, flat, used)
    err = math.sqrt(fit.covariance[options.baseline_order + 1, options.baseline_order + 1])
    significance = min(math.sqrt(max(2 * gain, 0.0)), 1 / err if err > 0 else 0.0)
    if significance >= options.least_significance:
        return None
    return Refusal(
        f"found a line of {significance:.1f} standard deviations in the dot band, expected "
        f"{options.least_significance:g} or more; expose longer"
    )


def _best(pixels: Pixels, model: LineModel, order: int, peak: float, fwhm: float) -> _Fit:
    starts = _STARTS.get(model, (0.0,))
    fits = [_fitted(pixels, model, order, peak, fwhm, start) for start in starts]
    return max(fits, key=lambda each: each.log_likelihood)


def _fitted(
    pixels: Pixels, model: LineModel, order: int, peak: float, fwhm: float, shape: float
) -> _Fit:
    """Fisher scoring with damping, within bounds.

    Parameters are the baseline at both ends (one where it is flat), the logarithm of the line's
    counts, the shape where there is one, the peak, the logarithm of the width.
    """
    has_shape = BOUNDS[model] is not None
    low, high = _bounds(pixels, model, order)
    ends = np.array([pixels.y[:5].mean(), pixels.y[-5:].mean()])
    base = ends if order else ends.mean(keepdims=True)
    base = np.maximum(base, 0.01)
    counts = max(float(pixels.y.sum() - base.mean() * pixels.y.size), 1.0)
    parameters = np.array([*base, math.log(counts), *([shape] * has_shape), peak, math.log(fwhm)])
    parameters = np.clip(parameters, low, high)
    levels = _levels(pixels, model, order, parameters)
    value, damping = _log_likelihood(pixels.y, levels, pixels.used), 1e-3
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
        trial_value = _log_likelihood(pixels.y, trial_levels, pixels.used)
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
    return _Fit(model, order, parameters, covariance, levels, value)


def _bounds(pixels: Pixels, model: LineModel, order: int) -> tuple[Array, Array]:
    x, span = pixels.x, float(np.ptp(pixels.x))
    of_shape = BOUNDS[model]
    ends = max(pixels.band_nm[0], float(x[0])), min(pixels.band_nm[1], float(x[-1]))
    low = [*[_LEAST] * (order + 1), -5.0, ends[0], math.log(float(pixels.width.min()) / 2)]
    high = [*[1e18] * (order + 1), 60.0, ends[1], math.log(2 * span)]
    if of_shape is not None:
        low.insert(order + 2, of_shape[0])
        high.insert(order + 2, of_shape[1])
    return np.array(low), np.array(high)


def _levels(pixels: Pixels, model: LineModel, order: int, parameters: Array) -> Array:
    along = (pixels.x - pixels.x[0]) / (pixels.x[-1] - pixels.x[0])
    base = parameters[0] + (parameters[order] - parameters[0]) * along
    shape = parameters[order + 2] if BOUNDS[model] is not None else 0.0
    line = in_pixels(
        SHAPES[model],
        pixels.x,
        pixels.width,
        float(parameters[-2]),
        math.exp(parameters[-1]),
        float(shape),
    )
    return np.asarray(np.maximum(base + math.exp(parameters[order + 1]) * line, _LEAST))


def _slopes(
    pixels: Pixels, model: LineModel, order: int, parameters: Array, low: Array, high: Array
) -> Array:
    """Derivatives of the levels, by differences within the bounds; shape (parameters, n)."""
    scale = np.ones_like(parameters)
    scale[: order + 1] = np.maximum(parameters[: order + 1], 1.0)
    scale[-2] = math.exp(parameters[-1])
    rows = []
    for index in range(len(parameters)):
        below, above = parameters.copy(), parameters.copy()
        step = _STEP * scale[index]
        below[index] = max(below[index] - step, low[index])
        above[index] = min(above[index] + step, high[index])
        change = _levels(pixels, model, order, above) - _levels(pixels, model, order, below)
        rows.append(change / (above[index] - below[index]))
    return np.array(rows)


def _log_likelihood(y: Array, levels: Array, used: Mask) -> float:
    """Poisson's, up to what does not depend on the levels."""
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


def _line(
    fit: _Fit, bic: dict[str, float], p_value: float, window: tuple[int, int], noise: Noise
) -> Line:
    order = fit.order
    has_shape = BOUNDS[fit.model] is not None
    values, err = fit.parameters, np.sqrt(np.diag(fit.covariance))
    fwhm, scale = math.exp(values[-1]), noise.counts_per_electron
    counts = scale * math.exp(values[order + 1])
    in_ev = _in_ev(fit)
    return Line(
        model=fit.model,
        peak_nm=Measured(float(values[-2]), float(err[-2])),
        fwhm_nm=Measured(fwhm, fwhm * float(err[-1])),
        peak_ev=in_ev[0],
        fwhm_ev=in_ev[1],
        counts=Measured(counts, counts * float(err[order + 1])),
        shape=Measured(float(values[order + 2]), float(err[order + 2])) if has_shape else None,
        bic=bic,
        p_value=p_value,
        first=window[0],
        last=window[1],
        fitted=fit.levels * scale + noise.offset_counts,
    )


def _in_ev(fit: _Fit) -> tuple[Measured, Measured]:
    """Peak and width of the line per eV, with errors by propagation."""
    chosen = [-2, -1]
    values = [float(fit.parameters[index]) for index in chosen]
    if BOUNDS[fit.model] is not None:
        chosen.append(fit.order + 2)
        values.append(float(fit.parameters[fit.order + 2]))
    centre = np.array(_peak_and_width_ev(fit.model, values))
    slopes = []
    for index in range(len(values)):
        step = 1e-3 * (math.exp(values[1]) if index == 0 else 1.0)
        ends = []
        for sign in (-1, 1):
            moved = list(values)
            moved[index] += sign * step
            if index == 2:
                moved[2] = float(np.clip(moved[2], *(BOUNDS[fit.model] or (0.0, 0.0))))
            ends.append(np.array(_peak_and_width_ev(fit.model, moved)))
        slopes.append((ends[1] - ends[0]) / (2 * step))
    jacobian = np.array(slopes).T
    covariance = jacobian @ fit.covariance[np.ix_(chosen, chosen)] @ jacobian.T
    err = np.sqrt(np.diag(covariance))
    return Measured(float(centre[0]), float(err[0])), Measured(float(centre[1]), float(err[1]))


def _peak_and_width_ev(model: LineModel, values: list[float]) -> tuple[float, float]:
    peak, fwhm = values[0], math.exp(values[1])
    shape = values[2] if len(values) > 2 else 0.0
    reach = min(2.0 * fwhm, 0.9 * peak)
    energy = np.linspace(EV_NM / (peak + reach), EV_NM / (peak - reach), _GRID)
    wavelength = EV_NM / energy
    light = SHAPES[model](wavelength, peak, fwhm, shape) * wavelength**2
    top = int(np.clip(np.argmax(light), 1, _GRID - 2))
    step = energy[1] - energy[0]
    before, at, after = light[top - 1 : top + 2]
    bend = before - 2 * at + after
    place = energy[top] + (0.5 * step * (before - after) / bend if bend < 0 else 0.0)
    above = np.flatnonzero(light >= at / 2)
    ends = []
    for inner, outer in ((above[0], above[0] - 1), (above[-1], above[-1] + 1)):
        if not 0 <= outer < _GRID:
            ends.append(float(energy[inner]))
            continue
        part = (light[inner] - at / 2) / (light[inner] - light[outer])
        ends.append(float(energy[inner] + part * (energy[outer] - energy[inner])))
    return float(place), ends[1] - ends[0]
