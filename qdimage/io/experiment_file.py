"""Finding and reading ``experiment.toml``."""

import math
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qdimage.domain.curation import Curation, FieldKey
from qdimage.domain.experiment import Experiment, ExperimentFile
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.curation_file import FILE_NAME as CURATION_NAME
from qdimage.io.curation_file import read_curation
from qdimage.io.explain import explain
from qdimage.io.inside import COPY_IT, is_link_out, leads_out

FILE_NAME = "experiment.toml"
POOLED = "all"
_TOO_LARGE = 2**63


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises
    ------
    FormatError
        If it is missing, not UTF-8, or not TOML, or holds a number that is not finite.
    """
    if path.is_fifo():
        # It would be waited for.
        raise FormatError(f"{path}: found a pipe, expected a file; name a file")
    try:
        # A byte order mark is what some Windows editors put in front.
        document = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError as error:
        raise FormatError(f"{path}: there is no such file; correct the path") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); name a file") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: the text is not UTF-8; save it as UTF-8") from error
    except RecursionError as error:
        raise FormatError(f"{path}: found lists nested without end; remove them") from error
    except ValueError as error:  # a TOMLDecodeError, or an integer of thousands of digits
        raise FormatError(f"{path}: this is no TOML: {error}; correct that place") from error
    for name in not_finite(document):
        raise FormatError(f"{path}: {name} is no finite number, expected one; correct it")
    return document


def not_finite(document: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the numbers that are nan or inf, or have more bits than TOML allows."""
    left: list[tuple[str, Any]] = list(document.items())
    while left:
        name, value = left.pop(0)
        if isinstance(value, dict):
            left += ((f"{name}.{key}", inner) for key, inner in value.items())
        elif isinstance(value, list):
            left += ((f"{name}.{index}", inner) for index, inner in enumerate(value))
        elif isinstance(value, int | float) and not _is_finite(value):
            yield name


def _is_finite(value: float) -> bool:
    whole = isinstance(value, int)
    return -_TOO_LARGE <= value < _TOO_LARGE if whole else math.isfinite(value)


def find_experiments(paths: Iterable[Path]) -> list[Path]:
    """Return every ``experiment.toml`` in and below the given folders, sorted.

    Raises
    ------
    FormatError
        If a path does not exist or holds none.
    """
    found: dict[Path, Path] = {}
    for path in paths:
        for each in _experiments_at(path):
            # One file can be reached on several ways.
            found.setdefault(each.resolve(), each)
    return sorted(found.values())


def _experiments_at(path: Path) -> list[Path]:
    if path.is_file():
        if path.suffix.lower() != ".toml":
            raise FormatError(
                f"{path}: found a file of another kind, expected a folder or an {FILE_NAME}; "
                "name the folder"
            )
        return [_absolute(path)]
    if not path.is_dir():
        raise FormatError(f"{path}: there is no such folder; correct the path")
    below = [_absolute(each) for each in path.rglob(FILE_NAME) if each.is_file()]
    if not below:
        raise FormatError(
            f"{path}: found no {FILE_NAME} in or below this folder, expected at least one; "
            "write one with: qdimage init FOLDER"
        )
    return below


def _absolute(path: Path) -> Path:
    """An absolute path whose folders have their own names, which fields are called by."""
    return path.resolve() if ".." in path.parts else path.absolute()


def read_experiments(paths: Iterable[Path], *, allow_outside: bool = False) -> list[Experiment]:
    """Read all experiments below some folders, sorted by device and field.

    Raises
    ------
    FormatError, ConfigurationError
        If a file cannot be read, or two fields have one name.
    """
    experiments = [
        read_experiment(path, allow_outside=allow_outside) for path in find_experiments(paths)
    ]
    experiments.sort(key=lambda each: (each.device, each.name))
    check_distinct(experiments)
    return experiments


def check_distinct(experiments: Sequence[Experiment]) -> None:
    """Refuse two fields of one name; the experiments are sorted by device and field.

    Raises
    ------
    ConfigurationError
        Names both files.
    """
    for first, second in pairwise(experiments):
        if (first.device, first.name) == (second.device, second.name):
            raise ConfigurationError(
                f"{second.path}: the field {second.name!r} of device {second.device!r} is also "
                f"declared in {first.path}; give one of them another name"
            )


def read_experiment(path: Path, *, allow_outside: bool = False) -> Experiment:
    """Read one ``experiment.toml``, and the ``curation.json`` beside it if there is one.

    Parameters
    ----------
    path : pathlib.Path
    allow_outside : bool
        Accept paths that leave the folder.

    Raises
    ------
    FormatError
        If it is not TOML.
    ConfigurationError
        If a key or value is not allowed; names the key, and the nearest known one.
    """
    path = _absolute(path)
    beside = path.with_name(CURATION_NAME)
    if not allow_outside:
        for each in (path, beside):
            refuse_link_out(each)
    document = read_toml(path)
    try:
        declared = ExperimentFile.model_validate(document)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, ExperimentFile)}") from error
    if not allow_outside:
        _refuse_outside(path, declared)
    folder = path.parent
    name = declared.experiment.name or folder.name
    if name == POOLED:
        raise ConfigurationError(
            f"{path}: the field is named {name!r}, as the rows of all fields together are; "
            "give it another name in [experiment]"
        )
    device = declared.experiment.device or folder.parent.name or folder.name
    found = beside.is_file()
    return Experiment(
        path=path,
        name=name,
        device=device,
        declared=declared,
        curation=read_curation(beside).placed(FieldKey(device, name)) if found else Curation(),
        curation_path=beside if found else None,
    )


def refuse_link_out(path: Path) -> None:
    """Refuse a file that is read because it lies in a folder, and is a link out of it.

    Raises
    ------
    ConfigurationError
        Names the file.
    """
    if path.is_file() and is_link_out(path):
        raise ConfigurationError(
            f"{path}: this is a link out of its folder, whose files alone are read; {COPY_IT}, or "
            "allow it with --allow-outside"
        )


def _refuse_outside(path: Path, declared: ExperimentFile) -> None:
    for name in _declared_paths(declared):
        try:
            leaves = leads_out(path.parent, name)
        except (OSError, RuntimeError, ValueError) as error:  # a circle of links, a null character
            raise ConfigurationError(
                f"{path}: the path {name!r} cannot be followed ({error}); correct it"
            ) from error
        if leaves:
            raise ConfigurationError(
                f"{path}: the path {name!r} leaves the experiment's folder; move the file into it, "
                "or allow it with --allow-outside"
            )


def _declared_paths(declared: ExperimentFile) -> Iterator[str]:
    if declared.camera.file:
        yield declared.camera.file
    if declared.camera.bias_map:
        yield declared.camera.bias_map
    yield from (channel.stack for channel in declared.channels)
    for photons in declared.photons:
        yield photons.file
        yield from (each for each in (photons.response_file, photons.background_file) if each)
    for spectrum in declared.spectra:
        yield from (each for each in (spectrum.file, spectrum.dark_file) if each)
    yield from (each.file for each in declared.iv)
