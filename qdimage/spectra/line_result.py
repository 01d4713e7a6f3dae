"""A fitted line as it is handed over: in counts, in nm and in eV."""

import math

import numpy as np

from qdimage.domain.spectrum import EV_NM
from qdimage.domain.spectrum_fit import Line, LineModel, Measured, Noise
from qdimage.spectra.line_fit import LineFit
from qdimage.spectra.shapes import BOUNDS, SHAPES

_GRID = 4001


def line_of(
    fit: LineFit, bic: dict[str, float], p_value: float, window: tuple[int, int], noise: Noise
) -> Line:
    """Return a line from its fit in scaled counts.

    Parameters
    ----------
    fit : LineFit
    bic : mapping of str to float
        Of every line that was tried, less that of this one.
    p_value : float
    window : (int, int)
        Half-open range of pixels that were fitted.
    noise : Noise
        By which counts were scaled.
    """
    order = fit.order
    has_shape = BOUNDS[fit.model] is not None
    values, err = fit.parameters, np.sqrt(np.diag(fit.covariance))
    fwhm, scale = math.exp(values[-1]), noise.counts_per_electron
    counts = scale * math.exp(values[order + 1])
    peak_ev, fwhm_ev = in_ev(fit)
    return Line(
        model=fit.model,
        peak_nm=Measured(float(values[-2]), float(err[-2])),
        fwhm_nm=Measured(fwhm, fwhm * float(err[-1])),
        peak_ev=peak_ev,
        fwhm_ev=fwhm_ev,
        counts=Measured(counts, counts * float(err[order + 1])),
        shape=Measured(float(values[order + 2]), float(err[order + 2])) if has_shape else None,
        bic=bic,
        p_value=p_value,
        first=window[0],
        last=window[1],
        fitted=fit.levels * scale + noise.offset_counts,
    )


def in_ev(fit: LineFit) -> tuple[Measured, Measured]:
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
