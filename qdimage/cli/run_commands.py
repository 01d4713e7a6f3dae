"""``run``, ``report``: the whole analysis, and its report anew."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qdimage.cli.parameters import AllowOutside, Assignments, Config, Json, Paths, Quiet
from qdimage.cli.terminal import aligned, progress_bar, say, show, show_json

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.pipeline.run import Plan, RunResult

SOME_FAILED = 3


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("run", epilog="Example:  qdimage run sample_stacks/demo_device -o results")(run)
    app.command("report", epilog="Example:  qdimage report results")(report)


def run(
    paths: Paths,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="OUT", help="Folder for the results.")
    ],
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Processes; as many as cores if not given."),
    ] = None,
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
        show_json(_summary(result))
    elif not quiet:
        _show_result(result)
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


def _summary(result: "RunResult") -> dict[str, Any]:
    from qdimage.cli.frames import records

    return {
        "out": str(result.out),
        "report": str(result.out / "report.html"),
        "n_fields": result.n_fields,
        "failures": list(result.failures),
        "turn_on": records(result.tables["turn_on"]),
        "turn_on_curves": records(result.tables["turn_on_curves"]),
        "photons": records(result.tables["photons"]),
    }


def _show_result(result: "RunResult") -> None:
    turn_on = result.tables["turn_on"]
    for device, rows in turn_on[turn_on["field"] == "all"].groupby("device", sort=True):
        show(f"{device}: PL-visible dots that are brighter in EL than {_f_min(rows)}")
        show(aligned([_turn_on_line(row) for _, row in rows.iterrows()]))
        _show_curve(result.tables["turn_on_curves"], str(device))
    refused = result.tables["registration"]
    for _, row in refused[refused["status"] == "refused"].iterrows():
        show(f"refused: {row['field']}, {row['channel']}: {row['message']}")
    photons = result.tables["photons"]
    if len(photons):
        show("g2(0) of single dots")
        show(aligned([_photon_line(row) for _, row in photons.iterrows()]))
    show(f"report: {result.out / 'report.html'}")


def _show_curve(curves: "pd.DataFrame", device: str) -> None:
    """Show what all fields of a device say of its turn-on voltage."""
    own = curves[(curves["device"] == device) & (curves["field"] == "all")]
    for _, row in own.iterrows():
        if row["status"] != "ok":
            show(f"  curve {row['status']}: {row['message']}")
            continue
        show(
            f"  turn-on voltage: median {_estimate(row, 'median', '_v')} V, 10 to 90 % "
            f"{_estimate(row, 'width', '_v')} V, plateau {_estimate(row, 'plateau')}"
        )


def _estimate(row: "pd.Series[Any]", name: str, unit: str = "") -> str:
    from pandas import isna

    ends = (row[f"{name}_{end}{unit}"] for end in ("low", "high"))
    low, high = ("?" if isna(end) else f"{end:.3f}" for end in ends)
    return f"{row[f'{name}{unit}']:.3f} ({low} ... {high})"


def _photon_line(row: "pd.Series[Any]") -> tuple[str, ...]:
    from pandas import isna

    dot = "no dot" if isna(row["dot_id"]) else f"dot {row['dot_id']}"
    voltage = (
        str(row["kind"]) if isna(row["voltage_v"]) else f"{row['kind']} {row['voltage_v']:g} V"
    )
    where = f"  {row['field']}, {dot}", voltage, str(row["file"])
    if row["status"] != "ok":
        return *where, f"{row['status']}: {row['message']}"
    interval = f"{row['g2_0_low']:.3f} ... {row['g2_0_high']:.3f}"
    return *where, f"{row['g2_0']:.3f}  (95%: {interval})"


def _f_min(rows: "pd.DataFrame") -> str:
    known = rows["f_min_photons_s"].dropna()
    unit = rows["signal_unit"].iloc[0]
    return f"{known.iloc[0]:.3g} {unit}/s" if len(known) else "a limit that no channel gave"


def _turn_on_line(row: "pd.Series[Any]") -> tuple[str, ...]:
    voltage = f"  {row['voltage_v']:g} V"
    if row["status"] != "ok":
        return voltage, str(row["status"]), str(row["message"])
    interval = f"{row['fraction_low']:.3f} ... {row['fraction_high']:.3f}"
    share = f"{row['n_lit']} of {row['n_pl']}"
    confidence = f"{row['confidence']:.0%}"
    fraction = f"{row['fraction']:.3f}  ({confidence}: {interval})"
    return voltage, share, fraction + _between_fields(row)


def _between_fields(row: "pd.Series[Any]") -> str:
    from pandas import isna

    if isna(row["between_field_sd"]):
        return ""
    return f"  {row['n_fields']} fields, sd {_estimate(row, 'between_field_sd')}"


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of a finished run.")],
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Build pictures and report.html anew from the tables of a finished run."""
    from qdimage import api

    path = api.report(out)
    if as_json:
        show_json({"report": str(path)})
    elif not quiet:
        show(f"report: {path}")
