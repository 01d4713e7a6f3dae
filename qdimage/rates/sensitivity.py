"""How g2(0) and brightness answer to each parameter: what would improve a device."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from qdimage.rates.declared import DeclaredModel
from qdimage.rates.parameters import Parameter
from qdimage.rates.solution import solve

_STEP = 2e-3
# Derivatives from five points, fourth order in the step (Fornberg, Math. Comput. 51, 699, 1988,
# doi:10.1090/S0025-5718-1988-0935077-0); from one side where the other is out of bounds.
_CENTRAL = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
_FORWARD = {0: -25 / 12, 1: 4.0, 2: -3.0, 3: 4 / 3, 4: -1 / 4}
_BACKWARD = {-step: -weight for step, weight in _FORWARD.items()}


@dataclass(frozen=True)
class Sensitivity:
    """The answer to one parameter, the others held.

    Attributes
    ----------
    name, unit : str
    value : float
    g2_0, intensity : float or None
        d ln g2(0) / d ln parameter and d ln intensity / d ln parameter; None where the parameter or
        the quantity is 0.
    """

    name: str
    unit: str
    value: float
    g2_0: float | None
    intensity: float | None


def sensitivities(
    declared: DeclaredModel, values: Mapping[str, float], *, lines: Sequence[str] | None = None
) -> tuple[Sensitivity, ...]:
    """Return the logarithmic derivatives with respect to every parameter.

    Parameters
    ----------
    declared : DeclaredModel
    values : mapping
        Of every parameter.
    lines : sequence of str, optional
        Of whose photons.
    """

    def logarithms(name: str, value: float) -> tuple[float, float]:
        light = solve(declared.build({**values, name: value}), lines=lines)
        return _log(light.g2_0), _log(light.intensity_per_us)

    return tuple(_of(each, values[each.name], logarithms) for each in declared.parameters)


def _of(
    parameter: Parameter, value: float, logarithms: Callable[[str, float], tuple[float, float]]
) -> Sensitivity:
    name, unit = parameter.name, parameter.unit
    if value == 0.0:
        return Sensitivity(name, unit, value, None, None)
    weights = _weights(parameter, value)
    found = {step: logarithms(name, value * math.exp(step * _STEP)) for step in weights}
    g2_0, intensity = (
        sum(weight * found[step][k] for step, weight in weights.items()) / _STEP for k in (0, 1)
    )
    return Sensitivity(name, unit, value, *(_finite(each) for each in (g2_0, intensity)))


def _weights(parameter: Parameter, value: float) -> Mapping[int, float]:
    reach = math.exp(2 * _STEP)
    low, high = sorted((value / reach, value * reach))
    if low >= parameter.low and high <= parameter.high:
        return _CENTRAL
    away_from_zero = (high > parameter.high) == (value > 0)
    return _BACKWARD if away_from_zero else _FORWARD


def _log(value: float) -> float:
    return math.log(value) if value > 0 else math.nan


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
