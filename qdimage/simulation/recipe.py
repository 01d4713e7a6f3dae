"""A simulation's options and seed as one file, so that the same call can be repeated."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_toml
from qdimage.io.experiment_file import read_toml
from qdimage.io.explain import explain
from qdimage.simulation.options import SimulateOptions


@dataclass(frozen=True)
class Recipe:
    """What `simulate_experiment` was called with; ``seed`` is None where a file states none."""

    options: SimulateOptions
    seed: int | None = None


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write every option, defaults included, and the seed."""
    write_text(path, format_toml({"seed": recipe.seed, **recipe.options.model_dump(mode="json")}))


def read_recipe(path: Path) -> Recipe:
    """Read a recipe: any of the options in their groups, and ``seed``.

    Raises
    ------
    FormatError
        If the file cannot be read or is no TOML.
    ConfigurationError
        If a key or value is not an option's.
    """
    document = read_toml(path)
    seed = document.pop("seed", None)
    if not (seed is None or (type(seed) is int and seed >= 0)):
        raise ConfigurationError(f"{path}: found seed = {seed!r}; give an integer of at least 0")
    try:
        return Recipe(SimulateOptions.model_validate(document), seed)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, SimulateOptions)}") from error
