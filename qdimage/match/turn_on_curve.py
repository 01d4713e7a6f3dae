"""A logistic curve through the share of lit dots, fitted to the dots themselves.

The turn-on voltages of the dots that light are logistic, but for a share that is lit below any
voltage; the others never light. The likelihood is computed on a grid of medians, widths and shares
lit below the range, with the best plateau at each place, and the grid is drawn closer twice; an
interval is where the likelihood, maximized over everything else, stays above its level.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2

from qdimage.domain.refusal import Refusal
from qdimage.domain.turn_on_curve import FIRST_LIGHT, RISE, CurveShape, Estimate, TurnOnCurve
from qdimage.match.profiles import profiled
from qdimage.match.series_kernels import curve_log_likelihoods, fixed_plateau_log_likelihoods
from qdimage.match.voltage_series import ClassEvidence

Array = NDArray[np.float64]

FEWEST_VOLTAGES = 3
# From as many voltages on, the share lit below the range is free.
_FEWEST_WITH_FLOOR = 5
# The median is looked for as far beyond the voltages as this share of their span.
_BEYOND = 0.5
# Widths looked for, from a share of the smallest step to a multiple of the span.
_NARROWEST, _WIDEST = 0.1, 4.0
_MOST_BELOW = 0.45
_COARSE = (33, 13, 4)
_FINE = (25, 17, 8)
_ROUNDS = 2
_N_PLATEAUS = 33
_NEAR = 9.0
# Less than half a dot is none.
_LEAST_LIT = 0.5


@dataclass(frozen=True)
class _Grid:
    """Places of the search, flat, and what was found there.

    Attributes
    ----------
    median, width, below : ndarray, shape (p,)
    deviance, plateau : ndarray, shape (p,)
    """

    median: Array
    width: Array
    below: Array
    deviance: Array
    plateau: Array


def fit_curve(
    voltages_v: Array, evidence: ClassEvidence, *, confidence: float, excess: float = 1.0
) -> TurnOnCurve | Refusal:
    """Fit the curve of a field, or of all fields of a device.

    Parameters
    ----------
    voltages_v : ndarray, shape (n voltages,)
        Ascending.
    evidence : ClassEvidence
    confidence : float
    excess : float
        Variance over that of independent dots, where fields differ.
    """
    n = len(voltages_v)
    if n < FEWEST_VOLTAGES:
        return Refusal(
            f"found {n} voltages with a fraction, expected at least {FEWEST_VOLTAGES} for a curve; "
            "measure more"
        )
    level = float(chi2.ppf(confidence, 1)) * excess
    axes = _first_axes(voltages_v)
    widest = axes[0][0], axes[0][-1], axes[1][0], axes[1][-1]
    grid = _evaluate(voltages_v, evidence, axes)
    for _ in range(_ROUNDS):
        axes = _closer(grid, axes, level + _NEAR)
        grid = _evaluate(voltages_v, evidence, axes)
    best = int(grid.deviance.argmin())
    refusal = _not_bracketed(voltages_v, grid, best, evidence)
    if refusal is not None:
        return refusal
    deviance = grid.deviance - grid.deviance[best]
    median = profiled(grid.median, deviance, level)
    if median.low <= widest[0] or median.high >= widest[1]:
        return Refusal(
            f"the voltages {voltages_v[0]:g} to {voltages_v[-1]:g} V leave the median open "
            f"(best {median.value:.3g} V); measure to higher voltages, or more dots"
        )
    width = profiled(grid.width, deviance, level)
    width = Estimate(
        width.value,
        0.0 if width.low <= widest[2] * 1.001 else width.low,
        float("nan") if width.high >= widest[3] * 0.999 else width.high,
    )
    visible = 1.0 - evidence.lapse
    plateau = _plateau(voltages_v, evidence, grid, deviance, level)
    shape = _shape(grid, best, visible)
    lack = max(2.0 * (evidence.log_likelihood + 0.5 * grid.deviance[best]), 0.0)
    dof = n - 2 - int(0 < grid.plateau[best] < 1) - int(grid.below[best] > 0)
    return TurnOnCurve(
        shape,
        median,
        width,
        Estimate(visible * plateau.value, visible * plateau.low, visible * plateau.high),
        _first_light(grid, deviance, level, best, visible),
        lack,
        max(dof, 0),
        float(chi2.sf(lack / excess, dof)) if dof > 0 else float("nan"),
    )


def _first_axes(voltages_v: Array) -> tuple[Array, Array, Array]:
    span = float(voltages_v[-1] - voltages_v[0])
    step = float(np.diff(voltages_v).min())
    medians = np.linspace(
        voltages_v[0] - _BEYOND * span, voltages_v[-1] + _BEYOND * span, _COARSE[0]
    )
    widths = np.geomspace(_NARROWEST * step, _WIDEST * span, _COARSE[1])
    free = len(voltages_v) >= _FEWEST_WITH_FLOOR
    below = np.linspace(0.0, _MOST_BELOW, _COARSE[2]) if free else np.zeros(1)
    return medians, widths, below


def _evaluate(
    voltages_v: Array, evidence: ClassEvidence, axes: tuple[Array, Array, Array]
) -> _Grid:
    median, width, below = (each.ravel() for each in np.meshgrid(*axes, indexing="ij"))
    log_likelihood, plateau = curve_log_likelihoods(
        evidence.likelihoods, evidence.weights, _rises(voltages_v, median, width, below), below
    )
    return _Grid(median, width, below, -2.0 * log_likelihood, plateau)


def _centre(median: Array, width: Array, below: Array) -> Array:
    """Centre of the rise if half of the dots that ever light are lit at the median."""
    rise_at_median = (0.5 - below) / (1.0 - below)
    return np.asarray(median - width / RISE * logit(rise_at_median))


def _rises(voltages_v: Array, median: Array, width: Array, below: Array) -> Array:
    centre = _centre(median, width, below)
    scale = width / RISE
    return np.asarray(expit((voltages_v - centre[:, None]) / scale[:, None]))


def _closer(
    grid: _Grid, axes: tuple[Array, Array, Array], level: float
) -> tuple[Array, Array, Array]:
    """Return finer axes around what is near the best, one place beyond on each side."""
    shape = tuple(len(axis) for axis in axes)
    near = (grid.deviance <= grid.deviance.min() + level).reshape(shape)
    spans = []
    for k, axis in enumerate(axes):
        others = tuple(i for i in range(3) if i != k)
        at = np.flatnonzero(near.any(axis=others))
        spans.append((axis[max(at[0] - 1, 0)], axis[min(at[-1] + 1, len(axis) - 1)]))
    below = np.zeros(1) if len(axes[2]) == 1 else np.linspace(*spans[2], _FINE[2])
    return np.linspace(*spans[0], _FINE[0]), np.geomspace(*spans[1], _FINE[1]), below


def _not_bracketed(
    voltages_v: Array, grid: _Grid, best: int, evidence: ClassEvidence
) -> Refusal | None:
    lit = (1.0 - evidence.lapse) * np.cumsum(evidence.shares)[:-1]
    if grid.plateau[best] <= 0 or lit[-1] * evidence.weights.sum() < _LEAST_LIT:
        return Refusal(f"no dot is lit up to {voltages_v[-1]:g} V; measure at higher voltages")
    if grid.median[best] < voltages_v[0] or grid.below[best] >= _MOST_BELOW:
        return Refusal(
            f"at the lowest voltage, {voltages_v[0]:g} V, {lit[0]:.0%} of the dots are lit, more "
            "than half of those that ever light; measure at lower voltages"
        )
    if grid.median[best] > voltages_v[-1]:
        return Refusal(
            f"at the highest voltage, {voltages_v[-1]:g} V, {lit[-1]:.0%} of the dots are lit and "
            "the share still rises; measure at higher voltages"
        )
    return None


def _plateau(
    voltages_v: Array, evidence: ClassEvidence, grid: _Grid, deviance: Array, level: float
) -> Estimate:
    near = deviance <= level + _NEAR
    median, width, below = grid.median[near], grid.width[near], grid.below[near]
    rises = _rises(voltages_v, median, width, below)
    reach = grid.plateau[near]
    low, high = float(reach.min()), float(reach.max())
    margin = 4.0 * float(np.sqrt(level / evidence.weights.sum()))
    values = np.linspace(max(low - margin, 0.0), min(high + margin, 1.0), _N_PLATEAUS)
    log_likelihood = fixed_plateau_log_likelihoods(
        evidence.likelihoods, evidence.weights, rises, below, values
    )
    profile = -2.0 * log_likelihood - float(grid.deviance.min())
    found = profiled(values, np.maximum(profile, 0.0), level)
    return Estimate(float(grid.plateau[int(grid.deviance.argmin())]), found.low, found.high)


def _shape(grid: _Grid, at: int, visible: float) -> CurveShape:
    plateau = visible * float(grid.plateau[at])
    return CurveShape.of(
        float(grid.median[at]), float(grid.width[at]), float(grid.below[at]) * plateau, plateau
    )


def _first_light(grid: _Grid, deviance: Array, level: float, best: int, visible: float) -> Estimate:
    """Return the first light of the best curve, and the range of those that are possible."""
    inside = np.flatnonzero(deviance <= level)
    values = np.array([_shape(grid, int(k), visible).voltage_at(FIRST_LIGHT) for k in inside])
    value = _shape(grid, best, visible).voltage_at(FIRST_LIGHT)
    low = float("nan") if np.isnan(values).any() else float(values.min())
    return Estimate(value, low, float(np.nanmax(values)) if np.isfinite(low) else float("nan"))
