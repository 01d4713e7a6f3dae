"""``calibrate``: a camera file from dark frames, flats, or dots that hold still."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qdimage.cli.parameters import Json, Quiet
from qdimage.cli.terminal import aligned, progress_bar, say, show, show_json

if TYPE_CHECKING:
    from qdimage.pipeline.calibrate import Calibration

_NAMES = {
    "bias_adu": ("bias", "ADU"),
    "bias_pattern_adu": ("bias from pixel to pixel, sd", "ADU"),
    "adu_per_photoelectron": ("ADU for each photoelectron (gain / sensitivity)", ""),
    "variance_slope_adu": ("slope of variance against mean", "ADU"),
    "excess_noise_factor_sq": ("excess noise F^2", ""),
    "electrons_per_adu": ("electrons for each ADU", ""),
    "em_gain": ("EM gain", ""),
    "read_noise_adu": ("read noise", "ADU"),
    "read_noise_e": ("read noise", "electrons"),
    "clock_induced_charge_e": ("clock-induced charge, pixel and frame", "electrons"),
}


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "calibrate",
        epilog="Example:  qdimage calibrate --dark dark.tif flat_1.tif flat_2.tif --em-gain 300 "
        "-o camera.toml",
    )(calibrate)


def calibrate(
    stacks: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[STACK]...", help="Stacks: dark frames where the name says so, else of light."
        ),
    ] = None,
    dark: Annotated[
        list[Path] | None,
        typer.Option("--dark", metavar="STACK", help="Frames without light; repeatable."),
    ] = None,
    flat: Annotated[
        list[Path] | None,
        typer.Option(
            "--flat", metavar="STACK", help="Light that holds still, of one intensity; repeatable."
        ),
    ] = None,
    flat_without_gain: Annotated[
        list[Path] | None,
        typer.Option(
            "--flat-without-gain", metavar="STACK", help="Light with EM gain off; repeatable."
        ),
    ] = None,
    em_gain: Annotated[
        float | None,
        typer.Option(min=1, help="EM gain as set, 1 for off; else from the files' metadata."),
    ] = None,
    electrons_per_adu: Annotated[
        float | None, typer.Option(min=0, help="Sensitivity, from the camera's data sheet.")
    ] = None,
    bias_adu: Annotated[
        float | None, typer.Option(help="Output without light, where there are no dark frames.")
    ] = None,
    saturation_adu: Annotated[
        float | None, typer.Option(min=0, help="Value from which a pixel is saturated.")
    ] = None,
    quantum_efficiency: Annotated[
        float | None, typer.Option(min=0, max=1, help="Copied into the camera file.")
    ] = None,
    roi_offset_px: Annotated[
        tuple[float, float],
        typer.Option(metavar="X Y", help="First pixel on the sensor, for the bias map."),
    ] = (0.0, 0.0),
    binning: Annotated[int, typer.Option(min=1, help="Of the stacks, for the bias map.")] = 1,
    frames: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="FIRST STOP", help="Frames FIRST <= t < STOP."),
    ] = None,
    channel_index: Annotated[
        int | None, typer.Option(min=0, help="Which channel, from 0, of a file with several.")
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png|.svg", help="Draw variance against mean, and the histogram."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.toml", help="Write the camera file."),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find a camera's bias, gain and noise from dark frames, flats, or dots that hold still."""
    from qdimage import api
    from qdimage.pipeline.calibrate_output import record

    known = {
        "em_gain": em_gain,
        "electrons_per_adu": electrons_per_adu,
        "bias_adu": bias_adu,
        "saturation_adu": saturation_adu,
        "quantum_efficiency": quantum_efficiency,
    }
    chosen = {"frames": frames, "channel_index": channel_index}
    selection: dict[str, Any] = {key: each for key, each in chosen.items() if each is not None}
    with progress_bar(quiet) as progress:
        found = api.calibrate(
            stacks or (),
            dark=dark or (),
            flat=flat or (),
            flat_without_gain=flat_without_gain or (),
            camera={key: each for key, each in known.items() if each is not None},
            output=output,
            roi_offset_px=roi_offset_px,
            binning=binning,
            progress=progress,
            **selection,
        )
    if figure is not None and found.can_be_drawn:
        api.draw_calibration(found, figure)
    elif figure is not None:
        say(f"qdimage: {figure} was not drawn: no line and no histogram was fitted", quiet=quiet)
    written = output is not None and found.status == "ok"
    if as_json:
        show_json(record(found) | {"camera_file": str(output) if written else None})
        return
    for warning in found.warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    if not (quiet and written):
        show(_text(found))
        show(f"camera file: {output}" if written else _how_to_write(found, output))


def _how_to_write(found: "Calibration", output: Path | None) -> str:
    if output is None:
        return "write the camera file with -o camera.toml"
    return f"{output} was not written: {found.message or 'nothing was measured'}"


def _text(found: "Calibration") -> str:
    from qdimage.domain.calibration import Measured

    rows: list[tuple[str, ...]] = []
    missing: dict[str, list[str]] = {}
    for name, each in found.quantities.items():
        shown, unit = _NAMES[name]
        if isinstance(each, Measured):
            interval = f"(95 %: {each.low:.5g} ... {each.high:.5g})"
            number = f"{each.value:.5g} +- {each.err:.2g}" if each.err else f"{each.value:.5g}"
            rows.append(
                (shown, f"{number} {unit}".rstrip(), interval if each.err else "", each.method)
            )
        else:
            missing.setdefault(each.reason, []).append(f"{shown} ({unit})" if unit else shown)
    lines = (
        [aligned(_stack_rows(found)), "", aligned(rows)] if rows else [aligned(_stack_rows(found))]
    )
    lines += [f"not measured: {', '.join(names)}: {reason}" for reason, names in missing.items()]
    return "\n".join(lines)


def _stack_rows(found: "Calibration") -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("stack", "taken for", "frames", "mean, ADU")]
    for each in found.stacks:
        mean = "" if each["mean_adu"] is None else f"{each['mean_adu']:.1f}"
        rows.append((str(each["file"]), str(each["role"]), str(each["n_frames"]), mean))
    return rows
