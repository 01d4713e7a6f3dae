"""What a rate model predicts, without data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from qdimage.domain.experiment import DotParametersTable
from qdimage.errors import ConfigurationError
from qdimage.io.experiment_file import explain, read_toml
from qdimage.rates.coulomb import coulomb_law
from qdimage.rates.declaration import RateModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import Overflow, el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve
from qdimage.rates.weak_limit import weak_limit_constant


@dataclass(frozen=True)
class Prediction:
    """Light of a rate model.

    Attributes
    ----------
    lag_ns, g2 : tuple of float
    g2_0 : float
        Without response and bins.
    intensity_per_us : float
        Counted photons, emitted by the dot.
    states : tuple
        [electrons, holes] of EL; "0", "X", "XX" of PL.
    populations : tuple of float
    weak_limit_constant : float or None
        C of g2(0) -> C (k_X / k)(eta_BX / eta_X) at weak, balanced injection; None for PL.
    """

    lag_ns: tuple[float, ...]
    g2: tuple[float, ...]
    g2_0: float
    intensity_per_us: float
    states: tuple[Any, ...]
    populations: tuple[float, ...]
    weak_limit_constant: float | None


def read_dot(path: Path) -> DotParameters:
    """Read a table ``[dot_parameters]`` from a TOML file, where it may stand alone.

    Raises
    ------
    FormatError, ConfigurationError
        If it is no TOML, or a key or value is not allowed.
    """
    document = read_toml(path)
    inner = document.get("dot_parameters")
    table = inner if isinstance(inner, dict) and len(document) == 1 else document
    return dot_parameters(table, source=str(path))


def dot_parameters(table: Mapping[str, Any], *, source: str) -> DotParameters:
    """Return the dot of a table ``[dot_parameters]``; what it does not state is as published.

    Raises
    ------
    ConfigurationError
        If a key or value is not allowed; names it and `source`.
    """
    try:
        declared = DotParametersTable.model_validate(dict(table))
    except ValidationError as error:
        raise ConfigurationError(f"{source}: {explain(error, DotParametersTable)}") from error
    known = DotParameters.__dataclass_fields__
    stated = declared.model_dump(exclude_none=True)
    return DotParameters(**{key: value for key, value in stated.items() if key in known})


def predict_pl(
    dot: DotParameters,
    *,
    pump_per_us: float,
    lags_ns: Sequence[float],
    response_fwhm_ns: float = 0.0,
    bin_ns: float = 0.0,
) -> Prediction:
    """Return the light of a dot under cw excitation."""
    model = pl_model(dot, pump_per_us=pump_per_us)
    return _prediction(model, lags_ns, response_fwhm_ns, bin_ns, None)


def predict_el(
    dot: DotParameters,
    *,
    electron_per_us: float,
    hole_per_us: float,
    lags_ns: Sequence[float],
    coulomb: str = "exp",
    coulomb_parameters: Mapping[str, Any],
    carriers: int = 6,
    overflow: Overflow = "recombine",
    count_trions: bool = True,
    response_fwhm_ns: float = 0.0,
    bin_ns: float = 0.0,
) -> Prediction:
    """Return the light of a dot under electrical injection; see `qdimage.rates.el.el_model`."""
    law = coulomb_law(coulomb, **coulomb_parameters)
    model = el_model(
        dot,
        electron_per_us=electron_per_us,
        hole_per_us=hole_per_us,
        coulomb=law,
        carriers=carriers,
        overflow=overflow,
        count_trions=count_trions,
    )
    weak = weak_limit_constant(law, dot, largest_charge=carriers, count_trions=count_trions)
    return _prediction(model, lags_ns, response_fwhm_ns, bin_ns, weak)


def _prediction(
    model: RateModel,
    lags_ns: Sequence[float],
    response_fwhm_ns: float,
    bin_ns: float,
    weak: float | None,
) -> Prediction:
    light = solve(model)
    lags = np.asarray(lags_ns, np.float64)
    g2 = measured_g2(light, lags, response_fwhm_ns=response_fwhm_ns, bin_ns=bin_ns)
    return Prediction(
        tuple(float(lag) for lag in lags),
        tuple(float(value) for value in g2),
        light.g2_0,
        light.intensity_per_us,
        tuple(list(state) if isinstance(state, tuple) else state for state in model.states),
        tuple(float(value) for value in light.populations),
        weak,
    )
