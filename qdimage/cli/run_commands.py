"""``run``, ``report``: the whole analysis, and its report anew."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qdimage.cli.parameters import AllowOutside, Assignments, Config, Json, Paths, Quiet
from qdimage.cli.run_summary import show_result, summary
from qdimage.cli.terminal import aligned, progress_bar, say, show, show_json

if TYPE_CHECKING:
    from qdimage.pipeline.run import Plan

SOME_FAILED = 3

Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; as many as cores if not given.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("run", epilog="Example:  qdimage run sample_stacks/demo_device -o results")(run)
    app.command("report", epilog="Example:  qdimage report results")(report)


def run(
    paths: Paths,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Folder for the results.")
    ],
    workers: Workers = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Use the workers of a running Dask cluster, as tcp://host:8786; they have to see "
            "the same files under the same paths.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Keep what each step finds in OUT, and do again only what an earlier run there, "
            "interrupted or not, has not done.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be analysed, and stop.")
    ] = False,
    table_format: Annotated[
        Literal["csv", "parquet"], typer.Option("--format", help="Format of the tables.")
    ] = "csv",
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    config: Config = None,
    curation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What a person decided about dots; instead of each curation.json beside "
            "an experiment.toml.",
        ),
    ] = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    allow_outside: AllowOutside = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Analyse every field found: tables, pictures and report.html in OUT."""
    from qdimage import api
    from qdimage.config import read_options_file

    options: dict[str, Any] = read_options_file(config) if config else {}
    if seed is not None:
        options["seed"] = seed
    shared: dict[str, Any] = {
        "options": options,
        "assignments": assignments,
        "allow_outside": allow_outside,
        "curation": curation,
    }
    if dry_run:
        _show_plan(api.plan(paths, **shared), as_json)
        return
    with progress_bar(quiet) as progress:
        result = api.run(
            paths,
            out,
            **shared,
            table_format=table_format,
            workers=workers or os.cpu_count() or 1,
            scheduler=scheduler,
            resume=resume,
            progress=progress,
        )
    for failure in result.failures:
        say(f"qdimage: failed: {failure}")
    if as_json:
        show_json(summary(result))
    elif not quiet:
        show_result(result)
    if result.failures:
        raise typer.Exit(SOME_FAILED)


def _show_plan(plan: "Plan", as_json: bool) -> None:
    fields = [
        {
            "device": experiment.device,
            "field": experiment.name,
            "experiment": str(experiment.path),
            "channels": [channel.name for channel in experiment.declared.channels],
            "photon_files": [photons.file for photons in experiment.declared.photons],
        }
        for experiment, _ in plan.fields
    ]
    if as_json:
        show_json({"fields": fields, "unreadable": plan.unreadable})
        return
    columns = ("device", "field", "channels", "photon_files")
    rows = [tuple(name.replace("_", " ") for name in columns)]
    rows += [tuple(_listed(each[name]) for name in columns) for each in fields]
    show(aligned(rows))
    for reason in plan.unreadable.values():
        say(f"qdimage: {reason}")


def _listed(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of a finished run.")],
    workers: Workers = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Build pictures and report.html anew from the tables of a finished run."""
    from qdimage import api

    with progress_bar(quiet) as progress:
        path = api.report(out, workers=workers or os.cpu_count() or 1, progress=progress)
    if as_json:
        show_json({"report": str(path)})
    elif not quiet:
        show(f"report: {path}")
