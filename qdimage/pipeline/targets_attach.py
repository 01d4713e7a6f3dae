"""Files that were measured at targets, declared in the experiments that the targets are of."""

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qdimage.domain.target_tables import TARGETS
from qdimage.errors import ConfigurationError, FormatError, QdimageError
from qdimage.io.experiment_edit import append_rows
from qdimage.io.experiment_file import read_experiment
from qdimage.io.place_list import read_places
from qdimage.io.spectrum_file import SPECTRUM_READERS, open_spectrum
from qdimage.io.table_file import has_table, read_table
from qdimage.io.time_tags import HISTOGRAM_READERS, holds_photons, is_histogram
from qdimage.pipeline.declare import named_kind
from qdimage.pipeline.finished import read_run

if TYPE_CHECKING:
    import pandas as pd

_PLACE_COLUMNS = ("stage_x_um", "stage_y_um")
_SECTIONS = ("photons", "spectra")
# A spectrum's sheet may have numbers on its first lines alone.
_HISTOGRAM_HEAD = "lag_ns"


@dataclass(frozen=True)
class AttachedFile:
    """A file and the target it was measured at.

    Attributes
    ----------
    file : pathlib.Path
    target : str
    section : {"photons", "spectra"}
    kind : {"pl", "el"}
    voltage_v : float or None
    experiment : pathlib.Path
        The ``experiment.toml`` that now declares it.
    """

    file: Path
    target: str
    section: str
    kind: str
    voltage_v: float | None
    experiment: Path


@dataclass(frozen=True)
class AttachAnswer:
    """What was declared, and what was left out and why."""

    attached: tuple[AttachedFile, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    """A file that belongs to a row of `targets`."""

    path: Path
    target: "pd.Series[Any]"


def targets_of(out: Path) -> "pd.DataFrame":
    """Return the table `targets` of a run, in travelling order.

    Raises
    ------
    FormatError
        If it was not made yet, or is empty.
    """
    table = read_table(out, TARGETS) if has_table(out, TARGETS) else None
    if table is None or table.empty:
        raise FormatError(
            f"{out}: found no targets, expected {TARGETS.name}.csv with some; choose them with: "
            "qdimage targets OUT"
        )
    return table.sort_values("order", ignore_index=True)


def attach_files(
    out: Path, source: Path, *, within_um: float, allow_outside: bool = False
) -> AttachAnswer:
    """Declare measured files in the experiments of their targets; comments there stay.

    Parameters
    ----------
    out : pathlib.Path
        Folder of the run, with its targets.
    source : pathlib.Path
        A folder, whose files carry the names of targets; or a CSV file with the columns
        ``file``, ``stage_x_um``, ``stage_y_um``, which are then matched by place.
    within_um : float
        Largest distance of a target from a place.
    allow_outside : bool
        Declare files outside the experiment's folder too.

    Raises
    ------
    FormatError, ConfigurationError
        If there are no targets, no files, or an experiment cannot be found or changed.
    """
    targets = targets_of(out)
    left_out: list[str] = []
    if source.is_dir():
        measured = _by_name(source, targets, left_out)
    else:
        measured = _by_place(source, targets, within_um, left_out)
    experiments = _experiments(out)
    rows: dict[Path, dict[str, list[dict[str, Any]]]] = {}
    attached: list[AttachedFile] = []
    known: dict[Path, set[Path]] = {}
    for each in measured:
        experiment = _experiment_of(each.target, experiments)
        if experiment not in known:
            known[experiment] = _declared(experiment)
        if each.path.resolve() in known[experiment]:
            left_out.append(f"{each.path.name}: it is declared already")
            continue
        name = _name_in(experiment, each.path, allow_outside)
        described = _described(each)
        if isinstance(described, str):
            left_out.append(f"{each.path.name}: {described}")
            continue
        section, row = described
        row = {"file": name} | row
        rows.setdefault(experiment, {name: [] for name in _SECTIONS})[section].append(row)
        known[experiment].add(each.path.resolve())
        attached.append(
            AttachedFile(
                each.path,
                str(each.target["target"]),
                section,
                row["kind"],
                row.get("voltage_v"),
                experiment,
            )
        )
    for experiment, sections in rows.items():
        append_rows(experiment, sections)
    return AttachAnswer(tuple(attached), tuple(left_out))


def _by_name(folder: Path, targets: "pd.DataFrame", left_out: list[str]) -> list[_Measured]:
    """Files in and below a folder whose names hold that of one target."""
    patterns = [(_pattern(str(name)), index) for index, name in enumerate(targets["target"])]
    measured, unnamed = [], []
    for path in _data_files(folder):
        rows = [index for pattern, index in patterns if pattern.search(path.stem)]
        if len(rows) == 1:
            measured.append(_Measured(path, targets.iloc[rows[0]]))
        elif rows:
            names = ", ".join(str(targets["target"].iloc[row]) for row in rows)
            left_out.append(f"{path.name}: it names {len(rows)} targets ({names})")
        else:
            unnamed.append(path.name)
    if unnamed:
        others = f" (nor do {len(unnamed) - 1} others)" if len(unnamed) > 1 else ""
        left_out.append(f"{unnamed[0]}: it names no target{others}")
    return measured


def _pattern(name: str) -> re.Pattern[str]:
    """A target's name in a file's, with or without zeros before the number of the dot."""
    head, digits = re.fullmatch(r"(.*?d)0*(\d+)", name, re.DOTALL).groups()  # type: ignore[union-attr]
    return re.compile(rf"(?<![A-Za-z0-9]){re.escape(head)}0*{digits}(?![0-9A-Za-z])", re.IGNORECASE)


def _data_files(folder: Path) -> list[Path]:
    suffixes = {*SPECTRUM_READERS, *HISTOGRAM_READERS}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = [each for each in files if each.suffix.lower() in suffixes or holds_photons(each)]
    if not found:
        raise FormatError(
            f"{folder}: found no time tags and no spectra in or below it; name their folder"
        )
    return found


def _by_place(
    path: Path, targets: "pd.DataFrame", within_um: float, left_out: list[str]
) -> list[_Measured]:
    """Files listed with the place on the stage where each was measured."""
    places = targets[list(_PLACE_COLUMNS)].to_numpy(float)
    measured = []
    for row in read_places(path, numbers=_PLACE_COLUMNS, texts=("file",)):
        name = str(row["file"])
        if not name:
            raise FormatError(f"{path}: found a row without a file, expected its name in 'file'")
        file = path.parent / name
        if not file.is_file():
            raise FormatError(f"{path}: there is no file {name!r} beside it; correct the path")
        at = np.array([float(row[column]) for column in _PLACE_COLUMNS])
        distance = np.hypot(*(places - at).T)
        nearest = int(np.argmin(distance))
        if distance[nearest] > within_um:
            left_out.append(
                f"{name}: the nearest target, {targets['target'].iloc[nearest]}, lies "
                f"{distance[nearest]:.2f} um away"
            )
        elif np.sum(distance <= within_um) > 1:
            left_out.append(f"{name}: more than one target lies within {within_um:g} um")
        else:
            measured.append(_Measured(file, targets.iloc[nearest]))
    return measured


def _described(measured: _Measured) -> tuple[str, dict[str, Any]] | str:
    """The section of a file and its keys, or why it cannot be declared."""
    section = _section(measured.path)
    if not section:
        return "it is neither of time tags nor a spectrum"
    target = measured.target
    kind, voltage_v = named_kind(measured.path)
    kind = kind or str(target["kind"])
    if kind == "el" and voltage_v is None:
        voltage_v = None if target["kind"] == "pl" else float(target["voltage_v"])
        if voltage_v is None:
            return "its name states no voltage; name it as in d007_el_2.6V"
    row = {"kind": kind} | ({"voltage_v": voltage_v} if kind == "el" else {})
    return section, row | {name: round(float(target[name]), 3) for name in ("x_px", "y_px")}


def _section(path: Path) -> str:
    if holds_photons(path) or (path.suffix.lower() != ".csv" and is_histogram(path)):
        return "photons"
    if path.suffix.lower() == ".csv" and _HISTOGRAM_HEAD in _first_line(path):
        return "photons"
    try:
        open_spectrum(path)
    except QdimageError:
        return ""
    return "spectra"


def _first_line(path: Path) -> str:
    with path.open("rb") as file:
        return file.readline(1000).decode("utf-8", errors="replace").lower()


def _experiments(out: Path) -> Mapping[tuple[str, str], Path]:
    recorded = read_run(out, names=()).record["fields"]
    return {(each["device"], each["field"]): Path(str(each["experiment"])) for each in recorded}


def _experiment_of(target: "pd.Series[Any]", experiments: Mapping[tuple[str, str], Path]) -> Path:
    path = experiments.get((str(target["device"]), str(target["field"])))
    if path is None or not path.is_file():
        raise ConfigurationError(
            f"{path or target['field']}: the experiment.toml of the run is not there any more; put "
            "it back, or run the analysis again"
        )
    return path


def _declared(experiment: Path) -> set[Path]:
    declared = read_experiment(experiment, allow_outside=True).declared
    entries: Iterable[Any] = (*declared.photons, *declared.spectra)
    return {(experiment.parent / each.file).resolve() for each in entries}


def _name_in(experiment: Path, file: Path, allow_outside: bool) -> str:
    """The file's path relative to the experiment's folder."""
    folder = experiment.parent.resolve()
    if file.resolve().is_relative_to(folder):
        return file.resolve().relative_to(folder).as_posix()
    if not allow_outside:
        raise ConfigurationError(
            f"{file}: it lies outside {folder}; move it into the experiment's folder, or allow it "
            "with --allow-outside"
        )
    return Path(os.path.relpath(file.resolve(), folder)).as_posix()
