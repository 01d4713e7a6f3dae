"""A simulation's options and seed as one file, so that the same call can be repeated."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_toml
from qdimage.simulate.options import SimulateOptions


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
    ConfigurationError
        If the file is no TOML, or a key or value is not an option's.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as TOML ({error})") from error
    seed = document.pop("seed", None)
    if not (seed is None or (type(seed) is int and seed >= 0)):
        raise ConfigurationError(f"{path}: found seed = {seed!r}; give an integer of at least 0")
    try:
        return Recipe(SimulateOptions.model_validate(document), seed)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"{path}: {name}: {first['msg']}; correct it or leave it out"
        ) from error
