"""What a session is opened from: declared experiments, or a finished run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import qdimage
from napari_qdimage.decisions_in_table import decisions_in_table
from qdimage.config import AnalysisOptions, build_options
from qdimage.domain.curation import Curation, FieldKey
from qdimage.domain.experiment import Experiment
from qdimage.errors import QdimageError

if TYPE_CHECKING:
    import pandas as pd

CURATION = "curation.json"


@dataclass(frozen=True)
class Source:
    """Experiments and tables.

    Attributes
    ----------
    fields : tuple of FieldKey
    experiments : mapping of FieldKey to Experiment
        Those that are there.
    options : mapping of FieldKey to AnalysisOptions
    curation : Curation
        What was decided before.
    tables : mapping of str to pandas.DataFrame
        Of the run; empty for experiments.
    warnings : tuple of str
    out, source : pathlib.Path or None
        The run's folder, or where the experiments are.
    files : tuple of pathlib.Path
        All that was read, or that the decisions rest on.
    """

    fields: tuple[FieldKey, ...] = ()
    experiments: Mapping[FieldKey, Experiment] = field(default_factory=dict)
    options: Mapping[FieldKey, AnalysisOptions] = field(default_factory=dict)
    curation: Curation = field(default_factory=Curation)
    tables: Mapping[str, "pd.DataFrame"] = field(default_factory=qdimage.empty_tables)
    warnings: tuple[str, ...] = ()
    out: Path | None = None
    source: Path | None = None
    files: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path | None:
        """Where the session is kept unless another place is chosen."""
        if self.out is not None or self.source is None:
            return self.out
        return self.source if self.source.is_dir() else self.source.parent


def experiments_at(path: Path) -> Source:
    """Read declared experiments; nothing is measured yet.

    Raises
    ------
    FormatError, ConfigurationError
        If none can be read.
    """
    plan = qdimage.plan(path)
    experiments = {experiment.key: experiment for experiment, _ in plan.fields}
    return Source(
        fields=tuple(experiments),
        experiments=experiments,
        options={experiment.key: options for experiment, options in plan.fields},
        curation=_joined(experiment.curation for experiment in experiments.values()),
        warnings=tuple(plan.unreadable.values()),
        source=path,
        files=tuple(_files_of(experiments.values())),
    )


def run_at(out: Path) -> Source:
    """Read a finished run, and the experiments that it was made from as far as they are there.

    Raises
    ------
    FormatError
        If the folder holds none, or a file is damaged.
    """
    run = qdimage.read_run(out)
    records = {FieldKey(each["device"], each["field"]): each for each in run.record["fields"]}
    experiments, missing = _experiments_of(records)
    options, unknown = _recorded_options(records)
    decided, unread = _decisions(records, experiments, run.tables["dots"])
    tables = [out / f"{name}.{run.record.get('table_format', 'csv')}" for name in run.tables]
    return Source(
        fields=tuple(records),
        experiments=experiments,
        options=options,
        curation=decided,
        tables=run.tables,
        warnings=(*missing, *unknown, *unread),
        out=out,
        files=(out / "run.json", *tables, *_files_of(experiments.values())),
    )


def _decisions(
    records: Mapping[FieldKey, Mapping[str, Any]],
    experiments: Mapping[FieldKey, Experiment],
    dots: "pd.DataFrame",
) -> tuple[Curation, tuple[str, ...]]:
    """Return what was decided about a run's fields.

    What lies beside an experiment may be newer than the run, and holds. A run with decisions from
    elsewhere has them from there, or from its own tables where that file is no longer there.
    """
    found: list[Curation] = []
    warnings: list[str] = []
    for key, record in records.items():
        experiment, named = experiments.get(key), record.get("curation")
        beside = None if experiment is None else experiment.folder / CURATION
        if experiment is not None and (named is None or Path(named) == beside):
            found.append(experiment.curation)
            continue
        try:
            found.append(_own_entries(Path(named), key) if named else Curation())
        except QdimageError as error:
            own = dots[(dots["device"] == key.device) & (dots["field"] == key.field)]
            found.append(decisions_in_table(own, key))
            warnings.append(f"{error}; what the run's tables still say of its decisions is shown")
    return _joined(found), tuple(warnings)


def _own_entries(path: Path, key: FieldKey) -> Curation:
    read = qdimage.read_curation(path).placed(key).entries
    return Curation(tuple(each for each in read if (each.device, each.field) == key))


def _joined(every: Iterable[Curation]) -> Curation:
    return Curation(tuple(entry for each in every for entry in each.entries))


def _files_of(experiments: Iterable[Experiment]) -> Iterable[Path]:
    for each in experiments:
        yield each.path
        yield each.folder / CURATION
        yield from (each.folder / channel.stack for channel in each.declared.channels)
        yield from (each.folder / photons.file for photons in each.declared.photons)


def _experiments_of(
    records: Mapping[FieldKey, Mapping[str, Any]],
) -> tuple[dict[FieldKey, Experiment], tuple[str, ...]]:
    found: dict[FieldKey, Experiment] = {}
    warnings: list[str] = []
    for key, record in records.items():
        path = Path(str(record["experiment"]))
        if not path.is_file():
            warnings.append(f"{key}: found no {path}, so that its frames are not shown")
            continue
        plan = qdimage.plan(path, allow_outside=True)
        found[key] = plan.fields[0][0]
    return found, tuple(warnings)


def _recorded_options(
    records: Mapping[FieldKey, Mapping[str, Any]],
) -> tuple[dict[FieldKey, AnalysisOptions], tuple[str, ...]]:
    """Return the options that a run recorded; the present defaults where they are not valid."""
    found: dict[FieldKey, AnalysisOptions] = {}
    warnings: list[str] = []
    for key, record in records.items():
        try:
            found[key] = build_options(AnalysisOptions, record["options"], source=str(key))
        except QdimageError as error:
            found[key] = AnalysisOptions()
            warnings.append(f"{error}; the run was made by another version: defaults are shown")
    return found, tuple(warnings)
