"""A rate model of a user's own, declared in a TOML file."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from qdimage.domain.experiment import Declared
from qdimage.errors import ConfigurationError
from qdimage.io.experiment_file import read_toml
from qdimage.io.explain import explain
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.parameters import Parameter, ParameterSet
from qdimage.rates.user_model import Rule, declare_user_model
from qdimage.units import unit_of

_MOST_STATES, _MOST_TRANSITIONS = 300, 10_000


def _formula(value: object) -> object:
    """A number is a formula, too."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return repr(float(value)) if isinstance(value, int | float) and number else value


Name = Annotated[str, Field(min_length=1, max_length=40)]
Formula = Annotated[str, BeforeValidator(_formula), Field(min_length=1)]


class ParameterTable(Declared):
    """``[parameters.NAME]``"""

    default: float
    low: float = 0.0
    high: float = 1e9
    unit: str | None = Field(default=None, max_length=20)
    meaning: str = ""


class TransitionTable(Declared):
    """``[[transitions]]``"""

    source: Name
    target: Name
    rate: Formula
    photon_yield: Formula = "0"
    line: str = Field(default="", max_length=40)


class ModelFile(Declared):
    """The whole file."""

    name: Name
    meaning: str = ""
    states: tuple[Name, ...] = Field(min_length=1, max_length=_MOST_STATES)
    drive: tuple[Name, ...] = ()
    ladder: tuple[Name, ...] = ()
    parameters: dict[str, ParameterTable] = Field(default_factory=dict)
    transitions: tuple[TransitionTable, ...] = Field(min_length=1, max_length=_MOST_TRANSITIONS)


def read_model_file(path: Path) -> DeclaredModel:
    """Read a rate model.

    Raises
    ------
    FormatError
        If the file is missing, or is no TOML.
    ConfigurationError
        If a key or value is not allowed; names it.
    """
    document = read_toml(path)
    try:
        found = ModelFile.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, ModelFile)}") from error
    try:
        return declare_user_model(
            found.name,
            states=found.states,
            parameters=ParameterSet(
                tuple(_parameter(name, each) for name, each in found.parameters.items())
            ),
            rules=[Rule(**each.model_dump()) for each in found.transitions],
            drive=found.drive,
            ladder=found.ladder,
            meaning=found.meaning,
        )
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def _parameter(name: str, table: ParameterTable) -> Parameter:
    key = f"parameters.{name}"
    if not name.isidentifier():
        raise ConfigurationError(
            f"{key}: found a name that formulas cannot hold, expected letters, digits and _; "
            "rename it"
        )
    stated = unit_of(name)
    if table.unit is not None and stated and table.unit != stated:
        raise ConfigurationError(
            f"{key}.unit: found {table.unit!r}, but the name says {stated!r}; correct one of them"
        )
    unit = stated if table.unit is None else table.unit
    try:
        return Parameter(name, unit, table.default, table.low, table.high, table.meaning)
    except ConfigurationError as error:
        raise ConfigurationError(f"parameters.{error}") from error
