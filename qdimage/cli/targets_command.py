"""``targets``: the dots to steer to, and what was measured there."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qdimage.cli.parameters import AllowOutside, Exposure, Json, Quiet
from qdimage.cli.terminal import aligned, say, show, show_json

if TYPE_CHECKING:
    from qdimage.pipeline.targets import TargetsAnswer
    from qdimage.pipeline.targets_attach import AttachAnswer
    from qdimage.pipeline.targets_check import CheckAnswer
    from qdimage.pipeline.targets_drift import DriftAnswer


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("targets", epilog="Example:  qdimage targets results --voltage 2.6 --number 20")(
        targets
    )


def targets(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of a finished run.")],
    voltage: Annotated[
        float | None, typer.Option(metavar="V", help="EL at this voltage; else PL.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Only fields of this device.")] = None,
    field: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this field; repeatable.")
    ] = None,
    dots: Annotated[
        str | None,
        typer.Option(metavar="ID,ID,...", help="These dots of one field, whatever the rules say."),
    ] = None,
    number: Annotated[
        int | None, typer.Option(min=1, help="Dots wanted: those that take the least time.")
    ] = None,
    min_photons_s: Annotated[float | None, typer.Option(help="Least flux at the camera.")] = None,
    max_photons_s: Annotated[float | None, typer.Option(help="Largest flux.")] = None,
    spacing_um: Annotated[
        float | None, typer.Option(help="Least distance between chosen dots.")
    ] = None,
    max_g2_floor: Annotated[float | None, typer.Option(help="Largest g2_floor.")] = None,
    g2_err: Annotated[
        float | None, typer.Option(help="Wanted standard error of g2(0); 0.01 if not given.")
    ] = None,
    counts_s: Annotated[
        float | None, typer.Option(help="Counts of both detectors; else from each dot's flux.")
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="CSV x_px,y_px,stage_x_um,stage_y_um of clicked dots."),
    ] = None,
    save_map: Annotated[
        bool,
        typer.Option("--save-map", help="Write their map as stage_from_px into experiment.toml."),
    ] = False,
    start_um: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="X Y", help="Where the stage is: the way begins there."),
    ] = None,
    stage_z_um: Annotated[
        float | None, typer.Option(help="Z of all targets; else of \\[optics].")
    ] = None,
    curation: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Decisions about dots; instead of each curation.json beside an experiment.toml.",
        ),
    ] = None,
    assignments: Annotated[
        list[str],
        typer.Option(
            "--set", metavar="OPTION=VALUE", help="Set an option of docs/targets.md; repeatable."
        ),
    ] = [],  # noqa: B006  typer reads it, nobody changes it
    attach: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Declare files measured at the targets: a folder of files with their names, or a "
            "CSV file,stage_x_um,stage_y_um.",
        ),
    ] = None,
    within_um: Annotated[
        float, typer.Option(min=0, help="Largest distance of a target from a place in that CSV.")
    ] = 0.5,
    allow_outside: AllowOutside = False,
    measured: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Compare the targets with measured places: CSV target,stage_x_um,stage_y_um, or "
            "a POI list of qudi.",
        ),
    ] = None,
    image: Annotated[
        Path | None,
        typer.Option(metavar="STACK", help="Correct the targets for drift by a new PL image."),
    ] = None,
    exposure_s: Exposure = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Choose dots for the confocal arm: stage coordinates, order, g2 floor, minutes of HBT.

    With --attach, --measured or --image, do that with the targets chosen before.
    """
    from qdimage import api

    if sum(each is not None for each in (attach, measured, image)) > 1:
        raise typer.BadParameter(
            "found two of them, expected one at a time", param_hint="--attach, --measured, --image"
        )
    if attach is not None:
        attached = api.attach_files(out, attach, within_um=within_um, allow_outside=allow_outside)
        _show_attached(attached, quiet=quiet, as_json=as_json)
        return
    if measured is not None:
        _show_check(api.check_targets(out, measured), quiet=quiet, as_json=as_json)
        return
    if image is not None:
        one = field[0] if field else None
        drift = api.correct_drift(out, image, field=one, exposure_s=exposure_s)
        _show_drift(drift, quiet=quiet, as_json=as_json)
        return
    given = {
        "number": number,
        "min_photons_s": min_photons_s,
        "max_photons_s": max_photons_s,
        "spacing_um": spacing_um,
        "max_g2_floor": max_g2_floor,
        "g2_err": g2_err,
        "counts_s": counts_s,
    }
    answer = api.targets(
        out,
        voltage_v=voltage,
        device=device,
        fields=field or (),
        dots=_ids(dots),
        pairs=pairs,
        start_um=start_um,
        stage_z_um=stage_z_um,
        curation=curation,
        save_map=save_map,
        options={name: value for name, value in given.items() if value is not None},
        assignments=assignments,
    )
    _hand_over(answer, quiet=quiet, as_json=as_json)


def _ids(text: str | None) -> tuple[int, ...]:
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if text is not None and (not parts or not all(part.isdecimal() for part in parts)):
        raise typer.BadParameter(
            f"found {text!r}, expected dot_ids such as 3,7,12", param_hint="--dots"
        )
    return tuple(int(part) for part in parts)


def _hand_over(answer: "TargetsAnswer", *, quiet: bool, as_json: bool) -> None:
    from qdimage.cli.frames import records

    for warning in answer.warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    rows = sorted(records(answer.table), key=lambda row: row["order"])
    if as_json:
        reason = answer.refusal.reason if answer.refusal else ""
        status = "refused" if answer.refusal else "ok"
        show_json({"status": status, "message": reason, "path_um": answer.path_um, "rows": rows})
    elif answer.refusal is not None:
        show(f"refused: {answer.refusal.reason}")
    elif not quiet:
        head = ("target", "field", "stage x, y (um)", "+-", "floor", "counts/s", "minutes", "")
        show(aligned([head, *(_line(row) for row in rows)]))
        show(f"{len(rows)} targets, {answer.path_um:.1f} um of way: {answer.out / 'targets.csv'}")


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    errors = [row[f"stage_{axis}_err_um"] for axis in "xy"]
    return (
        str(row["target"]),
        str(row["field"]),
        f"{row['stage_x_um']:.2f}, {row['stage_y_um']:.2f}",
        "?" if None in errors else f"{max(errors):.2g}",
        _number(row["g2_floor"], ".3f"),
        _number(row["counts_s"], ".0f"),
        _number(row["minutes"], ".3g"),
        str(row["message"]),
    )


def _number(value: float | None, spec: str) -> str:
    return "?" if value is None else format(value, spec)


def _show_attached(answer: "AttachAnswer", *, quiet: bool, as_json: bool) -> None:
    for reason in answer.left_out:
        say(f"qdimage: left out: {reason}", quiet=quiet)
    rows = [
        {
            "file": str(each.file),
            "target": each.target,
            "section": each.section,
            "kind": each.kind,
            "voltage_v": each.voltage_v,
            "experiment": str(each.experiment),
        }
        for each in answer.attached
    ]
    if as_json:
        show_json({"rows": rows, "left_out": answer.left_out})
    elif not quiet:
        lines = [
            (each.target, each.section, _kind(each.kind, each.voltage_v), str(each.file))
            for each in answer.attached
        ]
        show("\n".join([*filter(None, [aligned(lines)]), f"{len(rows)} files declared"]))


def _kind(kind: str, voltage_v: float | None) -> str:
    return kind if voltage_v is None else f"{kind} {voltage_v:g} V"


def _show_check(answer: "CheckAnswer", *, quiet: bool, as_json: bool) -> None:
    from qdimage.cli.frames import records

    summary, rows = records(answer.summary)[0], records(answer.table)
    if as_json:
        show_json(summary | {"rows": rows})
    elif not quiet:
        head = ("target", "measured - predicted (um)", "after the fit", "")
        lines = [
            (
                str(row["target"]),
                f"{row['residual_x_um']:+.3f}, {row['residual_y_um']:+.3f}",
                f"{row['left_x_um']:+.3f}, {row['left_y_um']:+.3f}",
                "off" if row["off"] else "",
            )
            for row in rows
        ]
        show(aligned([head, *lines]))
        show(_shift(summary))


def _show_drift(answer: "DriftAnswer", *, quiet: bool, as_json: bool) -> None:
    from qdimage.cli.frames import records

    summary, rows = records(answer.summary)[0], records(answer.table)
    if as_json:
        show_json(summary | {"rows": rows})
    elif summary["status"] != "ok":
        show(f"refused: {summary['message']}; the targets are as they were")
    elif not quiet:
        show(_shift(summary))
        show(f"targets.csv and the list of POIs are corrected for {summary['file']}")


def _shift(row: dict[str, Any]) -> str:
    """Offset, rotation and scale in one line, with what is known of their errors."""
    offset = f"offset {row['offset_x_um']:+.3f}, {row['offset_y_um']:+.3f} um"
    parts = [offset + _error(row["offset_err_um"], " each")]
    if row["rotation_deg"] is not None:
        parts.append(f"rotation {row['rotation_deg']:+.4f} deg" + _error(row["rotation_err_deg"]))
        parts.append(f"scale {row['scale']:.5f}" + _error(row["scale_err"]))
    parts.append(f"rms {row['rms_um']:.3f} um before the fit, {row['left_um']:.3f} um after it")
    return ", ".join(parts) + (f"; {row['message']}" if row["message"] else "")


def _error(value: float | None, after: str = "") -> str:
    return "" if value is None else f" +- {value:.2g}{after}"
