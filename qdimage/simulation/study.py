"""Several simulated devices together, as a publication shows them, and what it states of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from qdimage.domain.expectations import Panel, Selection, Statement
from qdimage.domain.experiment import Declared
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_toml
from qdimage.io.expectations_file import FILE_NAME as EXPECTATIONS
from qdimage.io.experiment_file import read_toml
from qdimage.io.explain import explain
from qdimage.simulation.experiment import Progress, simulate_experiment
from qdimage.simulation.files import filling
from qdimage.simulation.options import SimulateOptions
from qdimage.simulation.true_rows import true_rows, true_value

RECIPE = "recipe.toml"
_FOLDER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_OWN_KEYS = ("seed", "devices", "source", "note", "statements", "panels")


class _Claim(Statement):
    """A statement whose truth the simulation knows: rows and column of its truth."""

    truth: Selection | None = None

    @model_validator(mode="after")
    def _one_truth(self) -> "_Claim":
        if self.truth is not None and self.true_value is not None:
            raise ValueError("found truth and true_value, expected one of them")
        return self


class _StudyKeys(Declared):
    """The keys of a study's recipe that are no options of the simulator."""

    seed: int | None = Field(default=None, ge=0)
    devices: tuple[dict[str, Any], ...] = Field(min_length=1)
    source: str = ""
    note: str = ""
    statements: tuple[_Claim, ...] = ()
    panels: tuple[Panel, ...] = ()


@dataclass(frozen=True)
class Study:
    """A recipe of several devices.

    Attributes
    ----------
    path : pathlib.Path
    text : str
        The recipe as it was written.
    devices : mapping of str to mapping
        Options of each, nested as in a device's recipe, by its folder.
    seed : int or None
    keys : object
        Statements and panels, as declared.
    """

    path: Path
    text: str
    devices: Mapping[str, Mapping[str, Any]]
    seed: int | None
    keys: _StudyKeys


def is_study(path: Path) -> bool:
    """Whether a recipe is one of several devices.

    Raises
    ------
    FormatError
        If the file cannot be read or is no TOML.
    """
    return "devices" in read_toml(path)


def read_study(path: Path) -> Study:
    """Read a recipe: options that all devices share, and a table ``[[devices]]`` for each.

    A device has the key ``folder``, and in its groups the options in which it differs.

    Raises
    ------
    FormatError
        If the file cannot be read or is no TOML.
    ConfigurationError
        If a key or value is wrong.
    """
    document = read_toml(path)
    shared = {key: value for key, value in document.items() if key not in _OWN_KEYS}
    own = {key: value for key, value in document.items() if key in _OWN_KEYS}
    try:
        keys = _StudyKeys.model_validate(own)
    except ValidationError as error:
        raise ConfigurationError(f"{path}: {explain(error, _StudyKeys)}") from error
    devices: dict[str, Mapping[str, Any]] = {}
    for number, device in enumerate(keys.devices, start=1):
        folder = device.get("folder")
        if not isinstance(folder, str) or not _FOLDER.fullmatch(folder) or folder in devices:
            raise ConfigurationError(
                f"{path}: devices.{number}: found folder = {folder!r}, expected a name of letters, "
                "digits, _ and - that no other device has"
            )
        devices[folder] = _merged(shared, {k: v for k, v in device.items() if k != "folder"})
        _check_options(path, folder, devices[folder])
    return Study(path, path.read_text(encoding="utf-8-sig"), devices, keys.seed, keys)


def _merged(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(shared)
    for key, value in own.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def _check_options(path: Path, folder: str, options: Mapping[str, Any]) -> None:
    try:
        SimulateOptions.model_validate(options)
    except ValidationError as error:
        said = explain(error, SimulateOptions)
        raise ConfigurationError(f"{path}: device {folder}: {said}") from error


def simulate_study(
    out: Path,
    study: Study,
    *,
    devices: Mapping[str, SimulateOptions],
    seed: int,
    changed: str = "",
    progress: Progress | None = None,
) -> list[Path]:
    """Write every device of a study, its recipe, and ``expectations.toml`` with the truth.

    Parameters
    ----------
    out : pathlib.Path
        New or empty folder; it receives one folder for each device.
    study : Study
    devices : mapping of str to SimulateOptions
        By folder, in the study's order; the n-th device is drawn with the seed plus n.
    seed : int
    changed : str
        How seed and options differ from the recipe, written above its copy.
    progress : callable, optional
        Called as ``progress(file, done, total)``.

    Returns
    -------
    list of pathlib.Path
        The fields' folders.

    Raises
    ------
    ConfigurationError
        As `simulate_experiment`; or if the truth does not hold what a statement asks for.
    """
    out = Path(out)
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise ConfigurationError(
            f"{out}: expected a new or an empty folder; empty it or name another"
        )
    fields: list[Path] = []
    with filling(out) as made:
        for number, (folder, options) in enumerate(devices.items()):
            made.append(out / folder)
            fields += simulate_experiment(
                out / folder, options=options, seed=seed + number, progress=progress
            )
        made += [out / RECIPE, out / EXPECTATIONS]
        head = f"# Made with {changed}.\n" if changed else ""
        write_text(out / RECIPE, head + study.text)
        write_text(out / EXPECTATIONS, _expectations(out, study))
    return fields


def _expectations(out: Path, study: Study) -> str:
    rows = true_rows(out, study.devices)
    keys = study.keys
    statements = []
    for number, claim in enumerate(keys.statements, start=1):
        document = claim.model_dump(mode="json", exclude_defaults=True, exclude={"truth"})
        if claim.truth is not None:
            document["true_value"] = true_value(
                rows, claim.truth, f"{study.path}: statement {number}"
            )
        statements.append(document)
    panels = [each.model_dump(mode="json", exclude_defaults=True) for each in keys.panels]
    head = {"contract": 1, "source": keys.source, "note": keys.note}
    return format_toml({**head, "statements": statements, "panels": panels})
