"""The whole analysis of every field found."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.config import AnalysisOptions, build_options
from qdimage.domain.curation import Curation
from qdimage.domain.experiment import Experiment
from qdimage.domain.iv_tables import IV
from qdimage.domain.photon_tables import PHOTONS
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.errors import QdimageError
from qdimage.io.atomic import write_text
from qdimage.io.curation_file import read_curation
from qdimage.io.documents import format_json
from qdimage.io.experiment_file import check_distinct, find_experiments, read_experiment
from qdimage.io.table_file import TableFormat, require_parquet
from qdimage.pipeline.cluster import cluster
from qdimage.pipeline.comparison import (
    Compared,
    comparison_record,
    comparison_table,
    plan_comparison,
)
from qdimage.pipeline.curation import given_curation
from qdimage.pipeline.field import FieldResult
from qdimage.pipeline.kept_steps import StepDone, forget_steps
from qdimage.pipeline.one_first import OneFirst, is_compiled
from qdimage.pipeline.output import KEPT, RECORD, check_output, owned, staged
from qdimage.pipeline.places import Here, Place, processes
from qdimage.pipeline.provenance import run_record
from qdimage.pipeline.table_output import write_tables
from qdimage.pipeline.tables import build_tables
from qdimage.pipeline.workers import analyse_fields

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str, int, int], None]
Finish = Callable[[Path, Place, Progress | None], object]


@dataclass(frozen=True)
class Plan:
    """What a run will analyse.

    Attributes
    ----------
    fields : tuple of (Experiment, AnalysisOptions)
        In order of device and field.
    unreadable : mapping of str to str
        ``experiment.toml`` files that cannot be read, and why.
    warnings : tuple of str
    compared : Compared or None
        What the tables are held against, if anything.
    """

    fields: tuple[tuple[Experiment, AnalysisOptions], ...]
    unreadable: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    compared: Compared | None = None

    @property
    def n_channels(self) -> int:
        """Stacks to read."""
        return sum(len(experiment.declared.channels) for experiment, _ in self.fields)


@dataclass(frozen=True)
class RunResult:
    """What a run wrote.

    Attributes
    ----------
    out : pathlib.Path
    n_fields : int
    tables : mapping of str to pandas.DataFrame
        By name, as in the output folder.
    failures : tuple of str
        What could not be read or computed, one line each; everything else is complete.
    steps : tuple of StepDone
        What was done, and what an earlier run had done, in order of the fields.
    """

    out: Path
    n_fields: int
    tables: Mapping[str, "pd.DataFrame"]
    failures: tuple[str, ...] = ()
    steps: tuple[StepDone, ...] = ()


def plan_run(
    paths: Iterable[Path],
    *,
    overrides: Mapping[str, Any],
    assignments: Sequence[str],
    allow_outside: bool,
    curation: Path | Curation | None = None,
) -> Plan:
    """Read every declaration; what cannot be read is set aside.

    Parameters
    ----------
    overrides : mapping
        Options that win over those of the declarations, nested as in TOML.
    assignments : sequence of str
        ``STAGE.OPTION=VALUE``; they win over everything.
    curation : path or Curation, optional
        Decisions about dots, instead of the ``curation.json`` beside each experiment.

    Raises
    ------
    FormatError, ConfigurationError
        If nothing can be read, two fields have one name, or an option or the curation is wrong.
    """
    build_options(AnalysisOptions, overrides, assignments=assignments, source="the options")
    paths = list(paths)
    fields: list[tuple[Experiment, AnalysisOptions]] = []
    errors: dict[str, QdimageError] = {}
    for path in find_experiments(paths):
        try:
            experiment = read_experiment(path, allow_outside=allow_outside)
            layers = (experiment.declared.analysis, overrides)
            options = build_options(
                AnalysisOptions, *layers, assignments=assignments, source=f"{path}, analysis"
            )
        except QdimageError as error:
            errors[str(path)] = error
        else:
            fields.append((experiment, options))
    if not fields:
        raise next(iter(errors.values()))
    fields.sort(key=lambda each: (each[0].device, each[0].name))
    experiments = [experiment for experiment, _ in fields]
    check_distinct(experiments)
    warnings: tuple[str, ...] = ()
    if curation is not None:
        file = curation if isinstance(curation, Path) else None
        decided = read_curation(curation) if isinstance(curation, Path) else curation
        experiments, warnings = given_curation(experiments, decided, file)
    planned = zip(experiments, (options for _, options in fields), strict=True)
    unreadable = {path: str(error) for path, error in errors.items()}
    compared = plan_comparison(paths, allow_outside=allow_outside)
    return Plan(tuple(planned), unreadable, warnings, compared)


def run_plan(
    plan: Plan,
    out: Path,
    *,
    table_format: TableFormat = "csv",
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
    finish: Finish = lambda *_: None,
) -> RunResult:
    """Analyse every field and write tables, mean images and the record of the run.

    Parameters
    ----------
    plan : Plan
    out : pathlib.Path
        New, empty, or the output of an earlier run, which is replaced once all is there.
    table_format : {"csv", "parquet"}
    workers : int
        Processes; the results are the same for any number.
    scheduler : str, optional
        Address of a running Dask scheduler, whose workers are used instead.
    resume : bool
        Keep each step's result in `out`, and take those that an earlier run has kept there and
        that still hold.
    progress : callable, optional
        Called as ``progress(what, done, total)``.
    finish : callable
        Called with the folder of the complete tables, before it takes the earlier run's place;
        with a place where further steps are computed, which may write into it; and with
        `progress`.

    Raises
    ------
    ConfigurationError
        If `out` holds other things, another run is writing into it, Parquet cannot be written, or
        no scheduler answers.
    """
    check_output(out)
    if table_format == "parquet":
        require_parquet()
    started, clock = datetime.now(UTC), time.perf_counter()
    kept = out / KEPT
    with owned(out), _place(workers, scheduler) as place, staged(out) as staging:
        if not resume or kept.is_symlink():
            forget_steps(kept)
        fields = analyse_fields(
            plan.fields,
            out=staging,
            place=place,
            progress=progress,
            kept=kept if resume else None,
        )
        analysed = time.perf_counter()
        tables = build_tables(fields)
        tables |= comparison_table(plan.compared, tables)
        write_tables(tables, staging, table_format=table_format)
        seconds = {"fields": analysed - clock, "tables": time.perf_counter() - analysed}
        record = run_record(
            fields,
            unreadable=plan.unreadable,
            warnings=plan.warnings,
            started=started,
            seconds=seconds,
            table_format=table_format,
        )
        record |= comparison_record(plan.compared)
        write_text(staging / RECORD, format_json(record) + "\n")
        finish(staging, place if place.writes_here else Here(), progress)
        steps = tuple(step for each in fields for step in each.steps)
        if resume:
            forget_steps(kept, but=[step.file for step in steps])
    failures = tuple(_failures(fields, plan.unreadable))
    return RunResult(out, len(fields), tables, failures, steps)


@contextmanager
def _place(workers: int, scheduler: str | None) -> Iterator[Place]:
    if scheduler:
        with cluster(scheduler) as place:
            yield place
        return
    with processes(workers) as place:
        yield place if place.at_once == 1 or is_compiled() else OneFirst(place)


def _failures(fields: Sequence[FieldResult], unreadable: Mapping[str, str]) -> list[str]:
    failures = [
        reason if path in reason else f"{path}: {reason}" for path, reason in unreadable.items()
    ]
    for result in fields:
        for channel in result.channels:
            if channel.row["status"] == "failed":
                name = f"{result.experiment.name}, {channel.declared.name}"
                failures.append(f"{name}: {channel.row['message']}")
        for table in (PHOTONS, SPECTRA, IV):
            for row in result.photons.get(table.name, []):
                if row["status"] == "failed":
                    failures.append(f"{result.experiment.name}, {row['file']}: {row['message']}")
    return failures
