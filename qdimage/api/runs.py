"""Calls about whole experiments: to declare, check, analyse, simulate and report them."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.api.arguments import PathLike, Progress, paths_of

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.domain.curation import Curation
    from qdimage.io.table_file import TableFormat
    from qdimage.pipeline.check import CheckResult
    from qdimage.pipeline.declare import Declaration
    from qdimage.pipeline.finished import FinishedRun
    from qdimage.pipeline.run import Plan, RunResult


def plan(
    paths: PathLike | Iterable[PathLike],
    *,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    allow_outside: bool = False,
    curation: "PathLike | Curation | None" = None,
) -> "Plan":
    """Say what `run` would analyse, reading the declarations alone.

    Parameters
    ----------
    paths : path or iterable of paths
        Folders; every ``experiment.toml`` in and below them is a field.
    options : mapping, optional
        Analysis options nested as in TOML, such as ``{"localize": {"max_rounds": 2}}``; they win
        over those of the experiments.
    assignments : sequence of str
        ``"stage.option=value"``; they win over everything.
    allow_outside : bool
        Accept paths that leave an experiment's folder.
    curation : path or Curation, optional
        What a person decided about dots; instead of the ``curation.json`` beside each experiment.

    Returns
    -------
    Plan
        The fields in order, each with its options, and what cannot be read.

    Raises
    ------
    FormatError, ConfigurationError
        If no declaration can be read, or an option or the curation is wrong.
    """
    from qdimage.pipeline.run import plan_run

    if isinstance(curation, str | os.PathLike):
        curation = Path(curation)

    return plan_run(
        paths_of(paths),
        overrides=options or {},
        assignments=assignments,
        allow_outside=allow_outside,
        curation=curation,
    )


def run(
    paths: PathLike | Iterable[PathLike],
    out: PathLike,
    *,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    allow_outside: bool = False,
    curation: "PathLike | Curation | None" = None,
    table_format: "TableFormat" = "csv",
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> "RunResult":
    """Analyse every field found; write tables, pictures and a report.

    Parameters
    ----------
    paths, options, assignments, allow_outside, curation
        As in `plan`.
    out : path
        New, empty, or the output of an earlier run, which is replaced once all is there.
    table_format : {"csv", "parquet"}
    workers : int
        Processes, which share fields, channels and files among them; tables do not depend on it. A
        script that asks for more than one has to guard its start with
        ``if __name__ == "__main__":``, since the processes import it.
    scheduler : str, optional
        Address of a running Dask scheduler, such as ``"tcp://host:8786"``, whose workers are used
        instead. They have to see the experiments under the same paths.
    resume : bool
        Keep the result of each step in `out`, and do only those anew of which files, options or
        qdimage are not as they were in the last run there, interrupted or not.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    RunResult
        With the tables as data frames, and what failed.

    Raises
    ------
    FormatError, ConfigurationError
        If nothing can be analysed. A stack that cannot be read raises nothing: it has the status
        `failed` in the tables, and is named in ``RunResult.failures``.

    Examples
    --------
    >>> import qdimage
    >>> result = qdimage.run("sample_stacks/demo_device", "results")  # doctest: +SKIP
    >>> result.tables["turn_on"]  # doctest: +SKIP
    """
    from qdimage.pipeline.run import run_plan
    from qdimage.reporting.build import build_report

    planned = plan(
        paths,
        options=options,
        assignments=assignments,
        allow_outside=allow_outside,
        curation=curation,
    )
    return run_plan(
        planned,
        Path(out),
        table_format=table_format,
        workers=workers,
        scheduler=scheduler,
        resume=resume,
        progress=progress,
        finish=build_report,
    )


def check(
    paths: PathLike | Iterable[PathLike],
    *,
    allow_outside: bool = False,
    progress: Progress | None = None,
) -> "CheckResult":
    """Read every input of every field and say what is wrong with it, analysing nothing.

    Returns
    -------
    CheckResult
        How much was read, and what is wrong with which file; `n_errors` stop an analysis.

    Raises
    ------
    FormatError
        If a path holds no experiment.
    """
    from qdimage.pipeline.check import check_inputs

    return check_inputs(paths_of(paths), allow_outside=allow_outside, progress=progress)


def init(
    folder: PathLike,
    *,
    ask: Callable[[str], str] | None = None,
    answers: Mapping[str, Mapping[str, str | float]] | None = None,
) -> "Declaration":
    """Write ``experiment.toml`` into a folder of stacks, from file names and metadata.

    Parameters
    ----------
    folder : path
    ask : callable, optional
        Called with a question where something cannot be found; returns "" for no answer.
    answers : mapping of str to mapping, optional
        By the file's name of a stack: ``kind``, ``voltage_v``, ``exposure_s``, ``pixel_size_um``,
        where they are known beforehand.

    Returns
    -------
    Declaration
        The file that was written, what was guessed, and what could not be found.

    Raises
    ------
    FormatError, ConfigurationError
        If the folder holds no stack, or is declared already.
    """
    from qdimage.pipeline.declare import declare_experiment

    return declare_experiment(Path(folder), ask=ask, answers=answers)


def simulate(
    out: PathLike,
    *,
    options: Mapping[str, Any] | None = None,
    assignments: Sequence[str] = (),
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Path]:
    """Write a simulated device with its ground truth.

    Parameters
    ----------
    out : path
        New or empty folder.
    options : mapping, optional
        Options of the simulator, nested as in its recipe.
    assignments : sequence of str
        ``"group.option=value"``.
    seed : int
        The same options and seed give the same bytes on one machine.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    list of pathlib.Path
        The fields' folders.
    """
    from qdimage.config import build_options
    from qdimage.simulation.experiment import simulate_experiment
    from qdimage.simulation.options import SimulateOptions

    built = build_options(
        SimulateOptions, options or {}, assignments=assignments, source="the simulator's options"
    )
    return simulate_experiment(Path(out), options=built, seed=seed, progress=progress)


def simulate_study(
    out: PathLike,
    recipe: PathLike,
    *,
    assignments: Sequence[str] = (),
    seed: int | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Write several simulated devices, and what a publication states of them with the truth.

    Parameters
    ----------
    out : path
        New or empty folder.
    recipe : path
        TOML of the options that all devices share, with a table ``[[devices]]`` for each.
    assignments : sequence of str
        ``"group.option=value"``, of every device.
    seed : int, optional
        Instead of the recipe's.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    list of pathlib.Path
        The fields' folders.

    Raises
    ------
    FormatError, ConfigurationError
        If the recipe cannot be read, or an option is wrong.
    """
    from qdimage.config import build_options
    from qdimage.simulation.options import SimulateOptions
    from qdimage.simulation.study import read_study, simulate_study

    study = read_study(Path(recipe))
    devices = {
        folder: build_options(
            SimulateOptions, options, assignments=assignments, source=f"{recipe}, {folder}"
        )
        for folder, options in study.devices.items()
    }
    changes = [f"--set {each}" for each in assignments]
    changes += [] if seed is None else [f"--seed {seed}"]
    return simulate_study(
        Path(out),
        study,
        devices=devices,
        seed=seed if seed is not None else study.seed or 0,
        changed=" ".join(changes),
        progress=progress,
    )


def read_run(out: PathLike) -> "FinishedRun":
    """Read the record and the tables of a finished run.

    Returns
    -------
    FinishedRun
        Record and tables, by name.

    Raises
    ------
    FormatError
        If the folder holds no finished run, or a table of it is damaged.
    """
    from qdimage.pipeline.finished import read_run

    return read_run(Path(out))


def empty_tables() -> dict[str, "pd.DataFrame"]:
    """Return every table of a run without a row, by name.

    Returns
    -------
    dict of str to pandas.DataFrame
        With all columns in their order and kinds.
    """
    from qdimage.pipeline.finished import empty_tables

    return empty_tables()


def write_tables(
    tables: "Mapping[str, pd.DataFrame]", folder: PathLike, *, table_format: "TableFormat" = "csv"
) -> tuple[Path, ...]:
    """Write every table of a run, as `run` does, and return the files.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        All of them, by name; from `run`, `read_run` or `curate`.
    folder : path
        Made if it is not there.
    table_format : {"csv", "parquet"}

    Returns
    -------
    tuple of pathlib.Path
        The files, in the order of the tables.

    Raises
    ------
    ConfigurationError
        If Parquet cannot be written.
    """
    from qdimage.pipeline.table_output import write_tables

    Path(folder).mkdir(parents=True, exist_ok=True)
    return write_tables(tables, Path(folder), table_format=table_format)


def report(out: PathLike, *, workers: int = 1, progress: Progress | None = None) -> Path:
    """Build pictures and ``report.html`` of a finished run anew, and return the report's path.

    Parameters
    ----------
    out : path
    workers : int
        Processes; what they draw is the same for any number. More than one need a guarded script,
        as in `run`.
    progress : callable, optional
        Called as ``progress(what, done, total)``.

    Returns
    -------
    pathlib.Path
        ``report.html``.

    Raises
    ------
    FormatError
        If the folder holds no finished run.
    """
    from qdimage.pipeline.places import processes
    from qdimage.reporting.build import build_report

    with processes(workers) as place:
        return build_report(Path(out), place, progress)


def forget_unfinished(out: PathLike) -> None:
    """Delete what a run that was killed had not finished, unless another one is at work.

    Parameters
    ----------
    out : path-like
        Its output folder. The results of an earlier run, and steps kept to resume from, stay.
    """
    from qdimage.pipeline.output import forget_unfinished as forget

    forget(Path(out))


def options(*, simulator: bool = False) -> list[dict[str, Any]]:
    """Return name, default, unit and meaning of every analysis (or simulator) option.

    Returns
    -------
    list of dict
        With ``name``, ``default``, ``unit`` and ``meaning``.
    """
    from qdimage.config import AnalysisOptions, option_rows
    from qdimage.simulation.options import SimulateOptions

    return option_rows(SimulateOptions if simulator else AnalysisOptions)
