"""A logistic curve through the share of lit dots, fitted to the dots themselves.

The turn-on voltages of the dots that light are logistic, but for a share that is lit below any
voltage; the others never light. The likelihood is computed on a grid, with the best plateau at each
place, and the grid is drawn closer until nothing better is found; an interval is where the
likelihood, maximized over everything else, stays above its level. Of a rise that is narrow beside
the steps of voltage, only what is done of it at one voltage may be known, and the median moves with
the width: so the grid's axes are the logit of the rise at one voltage and the width.
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
# At first: medians, and logits of the rise at every voltage; widths; shares below the range.
_COARSE, _COARSE_LOGITS, _LARGEST_LOGIT = (33, 13, 4), 13, 6.0
_FINE = (25, 17, 8)
_N_BINS = 48
_FEWEST_ROUNDS, _MOST_ROUNDS = 2, 6
_BETTER = 0.1
_N_PLATEAUS = 33
_NEAR = 9.0
# Less than half a dot is none.
_LEAST_LIT = 0.5


@dataclass(frozen=True)
class _Grid:
    """Places of the search, flat, and what was found there.

    Attributes
    ----------
    centre, width, below : ndarray, shape (p,)
    deviance, plateau : ndarray, shape (p,)
    """

    centre: Array
    width: Array
    below: Array
    deviance: Array
    plateau: Array

    @property
    def median(self) -> Array:
        """Voltage at which half of the dots that ever light are lit."""
        rise_at_median = (0.5 - self.below) / (1.0 - self.below)
        return np.asarray(self.centre + self.width / RISE * logit(rise_at_median))

    def logit_at(self, voltage_v: float) -> Array:
        """Logit of the share of the rise that is done at a voltage."""
        return np.asarray((voltage_v - self.centre) / (self.width / RISE))


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
    span, step = float(voltages_v[-1] - voltages_v[0]), float(np.diff(voltages_v).min())
    first, last = voltages_v[0] - _BEYOND * span, voltages_v[-1] + _BEYOND * span
    narrowest, widest = _NARROWEST * step, _WIDEST * span
    grid = _search(voltages_v, evidence, (first, last), (narrowest, widest), level + _NEAR)
    best = int(grid.deviance.argmin())
    refusal = _not_bracketed(voltages_v, grid, best, evidence)
    if refusal is not None:
        return refusal
    deviance = grid.deviance - grid.deviance[best]
    median = profiled(*_binned(grid.median, deviance), level)
    if median.low <= first or median.high >= last:
        return Refusal(
            f"the voltages {voltages_v[0]:g} to {voltages_v[-1]:g} V leave the median open "
            f"(best {median.value:.3g} V); measure to higher voltages, or more dots"
        )
    width = profiled(grid.width, deviance, level)
    width = Estimate(
        width.value,
        0.0 if width.low <= narrowest * 1.001 else width.low,
        float("nan") if width.high >= widest * 0.999 else width.high,
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


def _search(
    voltages_v: Array,
    evidence: ClassEvidence,
    medians_v: tuple[float, float],
    widths_v: tuple[float, float],
    level: float,
) -> _Grid:
    """Return a grid close around all places of a deviance below a level."""
    free = len(voltages_v) >= _FEWEST_WITH_FLOOR
    grid = _coarse(voltages_v, evidence, medians_v, widths_v, free=free)
    nearest = np.abs(voltages_v - grid.median[grid.deviance.argmin()]).argmin()
    reference = float(voltages_v[nearest])
    steps = np.array(
        [
            2.0 * _LARGEST_LOGIT / _COARSE_LOGITS,
            float(np.log(widths_v[1] / widths_v[0])) / _COARSE[1],
            _MOST_BELOW / _COARSE[2],
        ]
    )
    for done in range(1, _MOST_ROUNDS + 1):
        before = float(grid.deviance.min())
        low, high = _near(grid, before + level, reference)
        low, high = low - steps, high + steps
        low[1:] = np.maximum(low[1:], [np.log(widths_v[0]), 0.0])
        high[1:] = np.minimum(high[1:], [np.log(widths_v[1]), _MOST_BELOW])
        steps = (high - low) / (np.array(_FINE) - 1)
        logits, widths, below = (np.linspace(*ends) for ends in zip(low, high, _FINE, strict=True))
        at, width, share = _flat(logits, np.exp(widths), below if free else np.zeros(1))
        grid = _evaluate(voltages_v, evidence, reference - at * width / RISE, width, share)
        if done >= _FEWEST_ROUNDS and before - float(grid.deviance.min()) < _BETTER:
            break
    return grid


def _near(grid: _Grid, level: float, reference_v: float) -> tuple[Array, Array]:
    """Return the ends of all places below a level: logit of the rise, log of the width, share."""
    near = grid.deviance <= level
    places = np.stack(
        [grid.logit_at(reference_v)[near], np.log(grid.width[near]), grid.below[near]]
    )
    return places.min(axis=1), places.max(axis=1)


def _coarse(
    voltages_v: Array,
    evidence: ClassEvidence,
    medians_v: tuple[float, float],
    widths_v: tuple[float, float],
    *,
    free: bool,
) -> _Grid:
    """Medians all over the range, and narrow rises at each voltage."""
    widths = np.geomspace(*widths_v, _COARSE[1])
    below = np.linspace(0.0, _MOST_BELOW, _COARSE[2]) if free else np.zeros(1)
    median, width, share = _flat(np.linspace(*medians_v, _COARSE[0]), widths, below)
    places = [(median - width / RISE * logit((0.5 - share) / (1.0 - share)), width, share)]
    logits = np.linspace(-_LARGEST_LOGIT, _LARGEST_LOGIT, _COARSE_LOGITS)
    at, width, share = _flat(logits, widths, below)
    places += [(voltage - at * width / RISE, width, share) for voltage in voltages_v]
    centre, width, share = (np.concatenate(parts) for parts in zip(*places, strict=True))
    return _evaluate(voltages_v, evidence, centre, width, share)


def _flat(*axes: Array) -> list[Array]:
    return [each.ravel() for each in np.meshgrid(*axes, indexing="ij")]


def _evaluate(
    voltages_v: Array, evidence: ClassEvidence, centre: Array, width: Array, below: Array
) -> _Grid:
    log_likelihood, plateau = curve_log_likelihoods(
        evidence.likelihoods, evidence.weights, _rises(voltages_v, centre, width), below
    )
    return _Grid(centre, width, below, -2.0 * log_likelihood, plateau)


def _rises(voltages_v: Array, centre: Array, width: Array) -> Array:
    return np.asarray(expit((voltages_v - centre[:, None]) / (width[:, None] / RISE)))


def _binned(values: Array, deviance: Array) -> tuple[Array, Array]:
    """Return the best place in each of equal bins: values that differ at all places lie too close
    for the profile between two of them to be straight."""
    edges = np.linspace(values.min(), values.max(), _N_BINS + 1)[1:-1]
    order = np.argsort(deviance, kind="stable")
    _, first = np.unique(np.digitize(values[order], edges), return_index=True)
    return values[order[first]], deviance[order[first]]


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
    below = grid.below[near]
    rises = _rises(voltages_v, grid.centre[near], grid.width[near])
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
