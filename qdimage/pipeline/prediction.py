"""What a rate model predicts, without data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdimage.errors import ConfigurationError
from qdimage.pipeline.model_choice import ChosenModel
from qdimage.rates.declaration import RateModel
from qdimage.rates.measured import measured_g2
from qdimage.rates.parameters import Parameter
from qdimage.rates.sensitivity import Sensitivity, sensitivities
from qdimage.rates.solution import Emission, solve, solve_cross
from qdimage.rates.truncation import Truncation, truncation
from qdimage.rates.weak_limit import weak_g2_0

# A truncation that changes g2(0) by more is worth a word.
NOTABLE_TRUNCATION = 0.05
_NEGLIGIBLE_EXPONENT = 1e-3


@dataclass(frozen=True)
class Prediction:
    """Light of a rate model.

    Attributes
    ----------
    model : str
        Its name.
    lag_ns, g2 : tuple of float
        As detectors, bins and background show it; where lines are correlated with others, positive
        lags have the first lines' photon first.
    g2_0 : float
        Without response, bins and background.
    intensity_per_us : float
        Counted photons, emitted by the dot.
    line_intensity_per_us : dict
        Of each line.
    states : tuple
        [electrons, holes] of EL; names of the others.
    populations : tuple of float
    parameters : dict
        Every parameter's value.
    conventions : dict
        How the rates of EL are meant, and what is counted.
    weak_limit_constant : float or None
        C of g2(0) -> C (k_X / k)(eta_BX / eta_X) at weak, balanced injection; None but for EL.
    weak_limit_g2_0 : float or None
        g2(0) where what drives the model is weak, at the given ratio of the rates.
    truncation_error : float or None
        Relative error of g2(0) by the largest number of carriers; None but for EL.
    truncation : dict
        With how many carriers it was compared, and the error of the intensity.
    warnings : tuple of str
        Where lifetimes and yields contradict each other, or the answer is doubtful.
    sensitivity : tuple of dict or None
        Logarithmic derivatives of g2(0) and intensity by every parameter, and whether less or more
        of it lowers g2(0).
    """

    model: str
    lag_ns: tuple[float, ...]
    g2: tuple[float, ...]
    g2_0: float
    intensity_per_us: float
    line_intensity_per_us: Mapping[str, float]
    states: tuple[Any, ...]
    populations: tuple[float, ...]
    parameters: Mapping[str, float]
    conventions: Mapping[str, Any]
    weak_limit_constant: float | None
    weak_limit_g2_0: float | None
    truncation_error: float | None
    truncation: Mapping[str, Any]
    warnings: tuple[str, ...]
    sensitivity: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True)
class Seen:
    """What is looked at, and through what.

    Attributes
    ----------
    lags_ns : sequence of float
    lines, against : sequence of str or None
        Lines whose photons are counted; those that they are correlated with, if others.
    response_fwhm_ns, bin_ns, background_share : float
        See `qdimage.rates.measured.measured_g2`.
    sensitivity : bool
    """

    lags_ns: Sequence[float] = (0.0,)
    lines: Sequence[str] | None = None
    against: Sequence[str] | None = None
    response_fwhm_ns: float = 0.0
    bin_ns: float = 0.0
    background_share: float = 0.0
    sensitivity: bool = False


def predict(chosen: ChosenModel, seen: Seen) -> Prediction:
    """Return what a model predicts.

    Raises
    ------
    ConfigurationError
        If the model has no steady light, or not the lines asked for.
    """
    model = chosen.declared.build(chosen.values)
    light = solve(model, lines=seen.lines)
    lags = np.asarray(seen.lags_ns, np.float64)
    if not np.isfinite(lags).all():
        raise ConfigurationError("--lags: found a delay that is not finite; correct it")
    cross = solve_cross(model, seen.lines or model.lines, seen.against) if seen.against else light
    g2 = measured_g2(
        cross,
        lags,
        response_fwhm_ns=seen.response_fwhm_ns,
        bin_ns=seen.bin_ns,
        background_share=seen.background_share,
    )
    cut, warnings = truncated(chosen, chosen.values, lines=seen.lines)
    return Prediction(
        model=chosen.declared.name,
        lag_ns=tuple(float(lag) for lag in lags),
        g2=tuple(float(value) for value in g2),
        g2_0=cross.g2_0,
        intensity_per_us=light.intensity_per_us,
        line_intensity_per_us=_of_lines(model, light, seen.lines),
        states=tuple(list(each) if isinstance(each, tuple) else each for each in model.states),
        populations=tuple(float(value) for value in light.populations),
        parameters=dict(chosen.values),
        conventions=chosen.conventions,
        weak_limit_constant=chosen.weak_limit_constant,
        weak_limit_g2_0=weak_g2_0(chosen.declared, chosen.values, lines=seen.lines),
        truncation_error=None if cut is None else cut.g2_0_error,
        truncation={} if cut is None else vars(cut),
        warnings=(*chosen.warnings, *warnings),
        sensitivity=_sensitivity(chosen, seen) if seen.sensitivity else None,
    )


def truncated(
    chosen: ChosenModel, values: Mapping[str, float], *, lines: Sequence[str] | None
) -> tuple[Truncation | None, tuple[str, ...]]:
    """Return the error of the largest number of carriers, and what is to be said of it."""
    if not chosen.is_el:
        return None, ()
    try:
        found = truncation(
            lambda carriers: chosen.with_carriers(carriers).build(values),
            chosen.settings.carriers,
            lines=lines,
        )
    except ConfigurationError as error:
        return None, (f"the error of the truncation is not known: {error}",)
    if abs(found.g2_0_error) <= NOTABLE_TRUNCATION:
        return found, ()
    return found, (
        f"with {found.carriers} carriers g2(0) is {100 * found.g2_0_error:+.1f} % off that with "
        f"{found.compared_with}; raise --carriers",
    )


def _of_lines(model: RateModel, light: Emission, lines: Sequence[str] | None) -> dict[str, float]:
    return {
        line: float(model.emission([line]).sum(axis=0) @ light.populations)
        for line in model.lines
        if lines is None or line in lines
    }


def _sensitivity(chosen: ChosenModel, seen: Seen) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "parameter": each.name,
            "unit": each.unit,
            "value": each.value,
            "g2_0_exponent": each.g2_0,
            "intensity_exponent": each.intensity,
            "for_lower_g2_0": _for_lower(each, chosen.declared.parameters[each.name]),
        }
        for each in sensitivities(chosen.declared, chosen.values, lines=seen.lines)
    )


def _for_lower(effect: Sensitivity, parameter: Parameter) -> str:
    """Which way the parameter has to go for a lower g2(0), if it can and if it matters."""
    if effect.g2_0 is None or abs(effect.g2_0) < _NEGLIGIBLE_EXPONENT:
        return ""
    less = effect.g2_0 > 0
    at_its_end = effect.value <= parameter.low if less else effect.value >= parameter.high
    return "at its bound" if at_its_end else "less" if less else "more"
