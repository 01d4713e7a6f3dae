"""Maximum likelihood of a line on a baseline, and the choice among lines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum_fit import LINE_MODELS, Line, LineModel, Noise
from qdimage.spectra.line_choice import STRONG, chosen, error_by_other_lines, with_width_error
from qdimage.spectra.line_fit import (
    LEAST_LEVEL,
    LineFit,
    Pixels,
    fitted_line,
    log_likelihood,
    p_value_of,
)
from qdimage.spectra.line_result import line_of
from qdimage.spectra.options import SpectrumOptions

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LEAST_PIXELS = 12
_SMOOTHING_NM, _SMOOTHING_PX = 1.5, 1.5
# Half the window at most, in widths of the dot band.
_WIDEST, _WIDEST_OF_TAILS = 1.5, 2.0
# A window of three widths would cost a Lorentzian's width a third of its precision.
_TAIL_WINDOWS = 2.0
_HOLDS, _DOUBTFUL = 0.01, 0.1
_WITH_TAILS = ("lorentzian", "voigt")
_STARTS = {"voigt": (0.3,), "asymmetric": (-0.2, 0.2)}


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
    of data: the better of Gaussian and Lorentzian, unless a Voigt is better by more than 3 or an
    asymmetric line by more than 6. Where it has tails, all is done once more in a window twice as
    wide, which counts if the line holds there. A bent baseline, such as a tail of the background
    is, needs strong evidence too. The error of a symmetric line's width contains how much the other
    symmetric lines' differ, by their evidence (Hoeting et al., Stat. Sci. 14, 382, 1999).

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
    straight = min(options.baseline_order, 1)
    for _ in range(2):
        reach = min(options.window_fwhms * fwhm, _WIDEST * (band_nm[1] - band_nm[0]))
        first, last = _window(wavelength_nm, peak, reach)
        part = _part(pixels, first, last)
        rough = fitted_line(part, "gaussian", straight, peak, fwhm, 0.0)
        peak, fwhm = rough.parameters[-2], math.exp(rough.parameters[-1])
    refusal = _no_line(part, rough, options)
    if refusal is not None:
        return refusal
    found = _judged(pixels, (first, last), (peak, fwhm), options, straight)
    if found.best.model in _WITH_TAILS:
        # A baseline and tails are told apart only where the tails have ended.
        wider = _wider_window(pixels, found.best, options)
        again = _judged(pixels, wider, (peak, fwhm), options, straight)
        found = again if again.p_value >= _HOLDS else found
    # Noise found from scatter makes every line hold.
    if options.baseline_order > 1 and (found.p_value < _DOUBTFUL or noise.source == "scatter"):
        bent = _judged(pixels, found.window, (peak, fwhm), options, 2)
        found = bent if bent.score < found.score - STRONG else found
    best = found.best
    if not np.all(np.diag(best.covariance)[-2:] > 0):
        return Refusal(
            f"found a line that peaks at {best.parameters[-2]:.1f} nm and is "
            f"{math.exp(best.parameters[-1]):.3g} nm wide, at the end of what was searched, "
            "expected one inside the dot band; set spectrum.dot_low_nm and dot_high_nm around it"
        )
    least = found.scores[best.model]
    bic = {str(name): each - least for name, each in found.scores.items()}
    return line_of(with_width_error(best, found.factor), bic, found.p_value, found.window, noise)


@dataclass(frozen=True)
class _Judged:
    """The line that is chosen in a window, and what it is judged by."""

    best: LineFit
    scores: dict[LineModel, float]
    factor: float
    p_value: float
    window: tuple[int, int]

    @property
    def score(self) -> float:
        """BIC of the line that was chosen."""
        return self.scores[self.best.model]


def _judged(
    pixels: Pixels,
    window: tuple[int, int],
    start: tuple[float, float],
    options: SpectrumOptions,
    order: int,
) -> _Judged:
    """Fit every line on a baseline in a window and choose."""
    part = _part(pixels, *window)
    wanted = LINE_MODELS if options.model == "auto" else (options.model,)
    fits = [_best(part, model, order, *start) for model in wanted]
    n = int(part.used.sum())
    scores = {each.model: each.free * math.log(n) - 2 * each.log_likelihood for each in fits}
    best = chosen(fits, scores)
    factor = error_by_other_lines(best, fits, scores)
    return _Judged(best, scores, factor, p_value_of(part, best), window)


def _wider_window(pixels: Pixels, fit: LineFit, options: SpectrumOptions) -> tuple[int, int]:
    peak, fwhm = float(fit.parameters[-2]), math.exp(fit.parameters[-1])
    band = pixels.band_nm[1] - pixels.band_nm[0]
    reach = min(_TAIL_WINDOWS * options.window_fwhms * fwhm, _WIDEST_OF_TAILS * band)
    return _window(pixels.x, peak, reach)


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


def _no_line(pixels: Pixels, fit: LineFit, options: SpectrumOptions) -> Refusal | None:
    """Refuse where a baseline alone explains the counts nearly as well."""
    used = pixels.used
    x = pixels.x - pixels.x.mean()
    columns = np.stack([np.ones_like(x), x][: fit.order + 1], axis=1)
    weight = used / np.maximum(gaussian_filter1d(pixels.y, 5.0), 0.1)
    found = np.linalg.lstsq(
        columns * np.sqrt(weight)[:, np.newaxis], pixels.y * np.sqrt(weight), rcond=None
    )[0]
    flat = np.maximum(columns @ found, LEAST_LEVEL)
    gain = fit.log_likelihood - log_likelihood(pixels.y, flat, used)
    err = math.sqrt(fit.covariance[fit.order + 1, fit.order + 1])
    significance = min(math.sqrt(max(2 * gain, 0.0)), 1 / err if err > 0 else 0.0)
    if significance >= options.least_significance:
        return None
    return Refusal(
        f"found a line of {significance:.1f} standard deviations in the dot band, expected "
        f"{options.least_significance:g} or more; expose longer"
    )


def _best(pixels: Pixels, model: LineModel, order: int, peak: float, fwhm: float) -> LineFit:
    starts = _STARTS.get(model, (0.0,))
    fits = [fitted_line(pixels, model, order, peak, fwhm, start) for start in starts]
    return max(fits, key=lambda each: each.log_likelihood)
