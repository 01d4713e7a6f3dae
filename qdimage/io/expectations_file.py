"""Finding and reading ``expectations.toml``."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from qdimage.domain.expectations import Expectations
from qdimage.errors import ConfigurationError
from qdimage.io.experiment_file import read_toml, refuse_link_out
from qdimage.io.explain import explain

FILE_NAME = "expectations.toml"


def find_expectations(paths: Iterable[Path], *, allow_outside: bool = False) -> Path | None:
    """Return the one ``expectations.toml`` that lies directly in the given folders, if any.

    Raises
    ------
    ConfigurationError
        If there are several, or one is a link out of its folder that is not allowed.
    """
    places = {(path / FILE_NAME).resolve(): path / FILE_NAME for path in paths if path.is_dir()}
    found = sorted(path for path in places.values() if path.is_file())
    if len(found) > 1:
        raise ConfigurationError(
            f"found {found[0]} and {found[1]}, expected one {FILE_NAME} in a run; name fewer "
            "folders"
        )
    if found and not allow_outside:
        refuse_link_out(found[0])
    return found[0] if found else None


def read_expectations(path: Path) -> Expectations:
    """Read statements and panels.

    Raises
    ------
    FormatError
        If the file cannot be read or is no TOML.
    ConfigurationError
        If a key or value is wrong.
    """
    try:
        return Expectations.model_validate(read_toml(path))
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, Expectations)}") from error
