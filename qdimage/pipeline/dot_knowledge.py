"""What is known of a dot, from a table ``[dot_parameters]``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qdimage.domain.experiment import DotParametersTable
from qdimage.errors import ConfigurationError
from qdimage.io.experiment_file import read_toml
from qdimage.io.explain import explain
from qdimage.rates.dot import DotParameters


@dataclass(frozen=True)
class DotKnowledge:
    """What is known of a dot.

    Attributes
    ----------
    dot : DotParameters
    errors : mapping
        Standard errors of its parameters, by name.
    """

    dot: DotParameters
    errors: Mapping[str, float]


def dot_knowledge(
    table: DotParametersTable | Mapping[str, Any], *, source: str = "dot"
) -> DotKnowledge:
    """Return the dot of a table ``[dot_parameters]`` with standard errors.

    What it does not state is as published, and without an error.

    Raises
    ------
    ConfigurationError
        If a key or value is not allowed; names it and `source`.
    """
    if not isinstance(table, DotParametersTable):
        try:
            table = DotParametersTable.model_validate(dict(table))
        except ValidationError as error:
            raise ConfigurationError(f"{source}: {explain(error, DotParametersTable)}") from error
    stated = table.model_dump(exclude_none=True)
    known = DotParameters.__dataclass_fields__
    errors = {name: float(stated[key]) for name in known if (key := _err_key(name)) in stated}
    dot = DotParameters(**{key: value for key, value in stated.items() if key in known})
    return DotKnowledge(dot, errors)


def _err_key(name: str) -> str:
    return f"{name.removesuffix('_ns')}_err_ns" if name.endswith("_ns") else f"{name}_err"


def read_dot_knowledge(path: Path) -> DotKnowledge:
    """Read a table ``[dot_parameters]`` from a TOML file, where it may stand alone.

    Raises
    ------
    FormatError, ConfigurationError
        If it is no TOML, or a key or value is not allowed.
    """
    document = read_toml(path)
    inner = document.get("dot_parameters")
    table = inner if isinstance(inner, dict) and len(document) == 1 else document
    return dot_knowledge(table, source=str(path))
