"""``locate``, ``register``, ``track``: single stacks outside an experiment."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qdimage.cli.parameters import (
    Assignments,
    CameraFile,
    Config,
    Exposure,
    Json,
    OutFile,
    PixelSize,
    Quiet,
)
from qdimage.cli.terminal import aligned, progress_bar, say, show, show_json

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.pipeline.single import LocatedStack

StackFile = Annotated[Path, typer.Argument(help="TIFF stack.")]
Frames = Annotated[
    tuple[int, int] | None, typer.Option(metavar="FIRST STOP", help="Frames FIRST <= t < STOP.")
]
ChannelIndex = Annotated[
    int | None, typer.Option(min=0, help="Which channel, from 0, of a file with several.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    stacks = "sample_stacks/demo_device/field-01"
    app.command("locate", epilog=f"Example:  qdimage locate {stacks}/pl.tif --exposure-s 0.1")(
        locate
    )
    app.command(
        "register",
        epilog=f"Example:  qdimage register {stacks}/pl.tif {stacks}/el_2.4V.tif --exposure-s 0.1",
    )(register)
    app.command(
        "track", epilog=f"Example:  qdimage track {stacks}/pl.tif --exposure-s 0.1 -o tracks.csv"
    )(track)


def locate(
    stack: StackFile,
    camera: CameraFile = None,
    exposure_s: Exposure = None,
    pixel_size_um: PixelSize = None,
    frames: Frames = None,
    channel_index: ChannelIndex = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Localize the dots of one stack."""
    from qdimage import api
    from qdimage.cli.frames import records, write_rows
    from qdimage.domain.tables import LOCALIZATIONS

    found = api.locate(
        stack,
        camera=camera,
        exposure_s=exposure_s,
        options=_options(config),
        assignments=assignments,
        **_selection(frames, channel_index),
    )
    if found.image.noise_message:
        say(f"qdimage: {found.image.noise_message}", quiet=quiet)
    frame = _localizations(found, stack, pixel_size_um)
    if output is not None:
        write_rows(frame, LOCALIZATIONS, output)
    if as_json:
        show_json({"rows": records(frame)})
    elif output is None:
        show(_dots_text(frame))
    elif not quiet:
        show(f"{len(frame)} dots in {output}")


def track(
    stack: StackFile,
    static: Annotated[
        bool,
        typer.Option(
            "--static",
            help="The flux of the stack's dots in every frame, at their places; else dots are "
            "found in each frame anew and linked.",
        ),
    ] = False,
    camera: CameraFile = None,
    exposure_s: Exposure = None,
    frames: Frames = None,
    channel_index: ChannelIndex = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Follow the dots of a stack frame by frame: tracks, or traces of dots that stay."""
    from qdimage import api
    from qdimage.cli.frames import records, write_rows
    from qdimage.domain.track_tables import DOT_TRACES, TRACKS
    from qdimage.pipeline.tables import as_frame
    from qdimage.pipeline.tracks import dot_trace_rows, track_rows

    place = {"device": "", "field": stack.stem, "channel": stack.stem}
    with progress_bar(quiet or as_json) as progress:
        shared: dict[str, Any] = {
            "camera": camera,
            "exposure_s": exposure_s,
            "options": _options(config),
            "assignments": assignments,
            "progress": progress,
            **_selection(frames, channel_index),
        }
        if static:
            table = DOT_TRACES
            frame = as_frame(dot_trace_rows(place, *api.dot_traces(stack, **shared)), table)
        else:
            table = TRACKS
            frame = as_frame(track_rows(place, *api.track(stack, **shared)), table)
    if output is not None:
        write_rows(frame, table, output)
    if as_json:
        show_json({"rows": records(frame)})
    elif not quiet:
        where = f" in {output}" if output else "; name a file for the rows with -o"
        show(_counted(frame, static) + where)


def _counted(frame: "pd.DataFrame", static: bool) -> str:
    if static:
        return f"{frame['loc_id'].nunique()} dots, {len(frame)} fluxes"
    return f"{frame['track'].nunique()} tracks of {len(frame)} localizations"


def register(
    pl: Annotated[Path, typer.Argument(help="PL stack, the reference.")],
    el: Annotated[Path, typer.Argument(help="EL stack of the same field.")],
    camera: CameraFile = None,
    exposure_s: Exposure = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find the transform from an EL stack's pixels to a PL stack's, or refuse with the reason."""
    from qdimage import api
    from qdimage.cli.frames import records, write_rows
    from qdimage.domain.tables import REGISTRATION
    from qdimage.pipeline.tables import as_frame, registration_row

    shared: dict[str, Any] = {"options": _options(config), "assignments": assignments}
    read: dict[str, Any] = {**shared, "camera": camera, "exposure_s": exposure_s}
    reference = api.locate(pl, **read)
    moving = api.locate(el, **read, psf_sigma_px=reference.dots.psf_sigma_px)
    answer = api.register(reference, moving, **shared)
    row = {"device": "", "field": pl.stem, "channel": el.stem, "n_localizations": len(moving.dots)}
    frame = as_frame([row | registration_row(answer, shape=moving.shape)], REGISTRATION)
    if output is not None:
        write_rows(frame, REGISTRATION, output)
    if as_json:
        show_json(records(frame)[0])
    elif not quiet or output is None:
        show(_registration_text(records(frame)[0]))


def _options(config: Path | None) -> dict[str, Any]:
    from qdimage.config import read_options_file

    return read_options_file(config) if config else {}


def _selection(frames: tuple[int, int] | None, channel_index: int | None) -> dict[str, Any]:
    chosen = {"frames": frames, "channel_index": channel_index}
    return {key: value for key, value in chosen.items() if value is not None}


def _localizations(
    found: "LocatedStack", stack: Path, pixel_size_um: float | None
) -> "pd.DataFrame":
    from qdimage.domain.tables import LOCALIZATIONS
    from qdimage.pipeline.tables import as_frame, localization_rows

    rows = localization_rows(
        {"device": "", "field": stack.stem, "channel": stack.stem},
        found.dots,
        exposure_s=found.image.exposure_s,
        pixel_um=pixel_size_um or found.pixel_size_um,
        signal_unit=found.image.noise.unit,
    )
    return as_frame(rows, LOCALIZATIONS)


def _dots_text(frame: "pd.DataFrame") -> str:
    unit = frame["signal_unit"].iloc[0] if len(frame) else "photons"
    rows = [("id", "x_px", "y_px", "err_px", f"{unit}/s", "flags")]
    rows += [
        (
            str(row.loc_id),
            f"{row.x_px:.3f}",
            f"{row.y_px:.3f}",
            f"{row.x_err_px:.3f}",
            f"{row.photons_s:.1f} +- {row.photons_err_s:.1f}",
            str(row.flags or ""),
        )
        for row in frame.itertuples()
    ]
    return aligned(rows) + f"\n{len(frame)} dots"


def _registration_text(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"{row['status']}: {row['message']}"
    numbers = [row[name] for name in ("m00", "m01", "m02", "m10", "m11", "m12")]
    return (
        f"x = {numbers[0]:.6f} x {numbers[1]:+.6f} y {numbers[2]:+.3f} px\n"
        f"y = {numbers[3]:.6f} x {numbers[4]:+.6f} y {numbers[5]:+.3f} px\n"
        f"{row['n_inliers']} pairs, rms {row['rms_px']:.3f} px, "
        f"chance {row['chance_p']:.2g}, overlap {row['overlap_fraction']:.1%}"
    )
