"""g2(0) and brightness of a rate model over a range of one number."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdimage.errors import ConfigurationError
from qdimage.pipeline.model_choice import ChosenModel
from qdimage.pipeline.prediction import NOTABLE_TRUNCATION, truncated
from qdimage.rates.el import ELECTRONS, HOLES
from qdimage.rates.pl import PUMP
from qdimage.rates.solution import solve
from qdimage.rates.weak_limit import weak_g2_0

SCAN_COLUMNS = (
    "model",
    "parameter",
    "value",
    "pump_per_us",
    "electron_rate_per_us",
    "hole_rate_per_us",
    "g2_0",
    "intensity_per_us",
    "truncation_error",
)
_MOST = 100_000


@dataclass(frozen=True)
class ModelScan:
    """Answers of one or several models over a range.

    Attributes
    ----------
    parameter : str
        What was varied: pump_per_us, hole_to_electron, or a parameter of the model.
    rows : tuple of dict
        With the keys `SCAN_COLUMNS`.
    weak_limit_g2_0 : dict
        Of each model, g2(0) where the drive is weak; None for a scan of the ratio.
    conventions : dict
    warnings : tuple of str
    """

    parameter: str
    rows: tuple[Mapping[str, Any], ...]
    weak_limit_g2_0: Mapping[str, float | None]
    conventions: Mapping[str, Any]
    warnings: tuple[str, ...]


def read_range(text: str) -> tuple[float, ...]:
    """Return the values of a range LOW:HIGH:N, evenly spaced in their logarithm.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    try:
        low, high, number = text.split(":")
        ends, n = (float(low), float(high)), int(number)
    except ValueError:
        ends, n = (0.0, 0.0), 0
    if not (0 < ends[0] < ends[1] < np.inf and 2 <= n <= _MOST):
        raise ConfigurationError(
            f"found the range {text!r}, expected LOW:HIGH:N with 0 < LOW < HIGH and N from 2 to "
            f"{_MOST}, such as 0.1:1000:40; correct it"
        )
    return tuple(float(value) for value in np.geomspace(*ends, n))


def scan_pump(
    models: Sequence[ChosenModel],
    pumps_per_us: Sequence[float],
    *,
    lines: Sequence[str] | None = None,
) -> ModelScan:
    """Return the answers of models at many pump rates.

    Raises
    ------
    ConfigurationError
        If a model has no light, or no pump.
    """
    for chosen in models:
        if chosen.settings.kind is None:
            raise ConfigurationError(
                "a model of one's own has no pump; name the parameter with --scan-parameter"
            )
    rows = [
        _row(chosen, PUMP.name, pump, chosen.at_pump(pump), pump, lines)
        for chosen in models
        for pump in pumps_per_us
    ]
    limits = {
        chosen.declared.name: weak_g2_0(chosen.declared, chosen.at_pump(1.0), lines=lines)
        for chosen in models
    }
    return _scan(PUMP.name, models, rows, limits)


def scan_ratio(
    chosen: ChosenModel, ratios: Sequence[float], *, lines: Sequence[str] | None = None
) -> ModelScan:
    """Return the answers of an EL model at many ratios of hole to electron injection.

    The pump stays: the geometric mean of both rates, or their sum, as it is meant.

    Raises
    ------
    ConfigurationError
        If the model is no EL.
    """
    if not chosen.is_el:
        raise ConfigurationError("--scan-ratio needs --kind el, where electrons and holes enter")
    pump = _pump(chosen)
    rows = [
        _row(chosen, "hole_to_electron", ratio, chosen.at_pump(pump, ratio), pump, lines)
        for ratio in ratios
    ]
    return _scan("hole_to_electron", [chosen], rows, {chosen.declared.name: None})


def scan_parameter(
    chosen: ChosenModel,
    name: str,
    values: Sequence[float],
    *,
    lines: Sequence[str] | None = None,
) -> ModelScan:
    """Return the answers of a model at many values of one of its parameters.

    Raises
    ------
    ConfigurationError
        If the model has no such parameter, or a value is out of its bounds.
    """
    parameter = chosen.declared.parameters[name]
    rows = []
    for value in values:
        at = {**chosen.values, name: parameter.checked(value)}
        rows.append(_row(chosen, name, value, at, None, lines))
    weak = weak_g2_0(chosen.declared, chosen.values, lines=lines)
    return _scan(name, [chosen], rows, {chosen.declared.name: weak})


def _pump(chosen: ChosenModel) -> float:
    electron, hole = chosen.values[ELECTRONS.name], chosen.values[HOLES.name]
    return electron + hole if chosen.settings.pump_is == "sum" else float(np.sqrt(electron * hole))


def _row(
    chosen: ChosenModel,
    parameter: str,
    value: float,
    values: Mapping[str, float],
    pump: float | None,
    lines: Sequence[str] | None,
) -> dict[str, Any]:
    light = solve(chosen.declared.build(values), lines=lines)
    cut, _ = truncated(chosen, values, lines=lines)
    return {
        "model": chosen.declared.name,
        "parameter": parameter,
        "value": value,
        "pump_per_us": values.get(PUMP.name) if pump is None else pump,
        "electron_rate_per_us": values.get(ELECTRONS.name),
        "hole_rate_per_us": values.get(HOLES.name),
        "g2_0": light.g2_0,
        "intensity_per_us": light.intensity_per_us,
        "truncation_error": None if cut is None else cut.g2_0_error,
    }


def _scan(
    parameter: str,
    models: Sequence[ChosenModel],
    rows: Sequence[Mapping[str, Any]],
    limits: Mapping[str, float | None],
) -> ModelScan:
    conventions: dict[str, Any] = {}
    for chosen in models:
        conventions |= chosen.conventions
    warnings = [warning for chosen in models for warning in chosen.warnings]
    worst = max((row for row in rows), key=lambda row: abs(row["truncation_error"] or 0.0))
    if abs(worst["truncation_error"] or 0.0) > NOTABLE_TRUNCATION:
        warnings.append(
            f"g2(0) is up to {100 * worst['truncation_error']:+.1f} % off by the largest number of "
            f"carriers, at {parameter} = {worst['value']:g}; raise --carriers"
        )
    return ModelScan(parameter, tuple(rows), limits, conventions, tuple(dict.fromkeys(warnings)))
