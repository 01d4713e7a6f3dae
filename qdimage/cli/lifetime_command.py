"""``lifetime``: the decay of one time-tag file or histogram."""

from pathlib import Path
from typing import Annotated, Any

import typer

from qdimage.cli.parameters import (
    Assignments,
    Config,
    Json,
    OutFile,
    Quiet,
    Window,
)
from qdimage.cli.terminal import say


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "lifetime", epilog="Example:  qdimage lifetime dots/d07_pulsed.ptu --irf irf.ptu --json"
    )(lifetime)


def lifetime(
    file: Annotated[Path, typer.Argument(help="Time tags, or a decay .phu or .csv.")],
    irf: Annotated[
        Path | None, typer.Option("--irf", metavar="FILE", help="Measured response, as FILE.")
    ] = None,
    response_fwhm_ns: Annotated[
        float | None, typer.Option(min=0, help="Of a Gaussian response; else it is fitted.")
    ] = None,
    period_ns: Annotated[
        float | None, typer.Option(help="Between pulses; else from the file.")
    ] = None,
    components: Annotated[
        int | None, typer.Option(min=1, max=3, help="Exponentials; else chosen by evidence.")
    ] = None,
    detectors: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Detectors, from 0; else all.")
    ] = None,
    bin_ns: Annotated[float | None, typer.Option(help="Width of a bin; else chosen.")] = None,
    window_s: Window = None,
    mean_excitations: Annotated[
        float | None,
        typer.Option(help="Excitons of a pulse, on average: gives the biexciton's yield."),
    ] = None,
    dot_out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write \\[dot_parameters] for the rate models."),
    ] = None,
    curve_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write decay, model, residual as CSV.")
    ] = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find the lifetimes of a decay after pulses, with intervals, or refuse with the reason."""
    from qdimage import api
    from qdimage.cli.frames import hand_over
    from qdimage.config import read_options_file
    from qdimage.domain.photon_tables import LIFETIMES
    from qdimage.pipeline.lifetime_output import decay_curve, lifetime_row, write_dot

    found = api.lifetime(
        file,
        irf=irf,
        response_fwhm_ns=response_fwhm_ns,
        period_ns=period_ns,
        components=components,
        detectors=None if detectors is None else _whole_numbers(detectors),
        bin_ns=bin_ns,
        window_s=window_s,
        mean_excitations=mean_excitations,
        options=read_options_file(config) if config else {},
        assignments=assignments,
    )
    for warning in found.warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    if curve_out is not None:
        from qdimage.io.curve_file import write_curve

        write_curve(decay_curve(found), curve_out)
    rows = [lifetime_row(found)]
    hand_over(rows, LIFETIMES, _text, output=output, quiet=quiet, as_json=as_json)
    if dot_out is not None:
        write_dot(found, dot_out)


def _whole_numbers(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) < 256 for part in parts):
        raise typer.BadParameter(
            f"found {text!r}, expected detectors such as 0,1", param_hint="--detectors"
        )
    return tuple(int(part) for part in parts)


def _text(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"{row['status']}: {row['message']}"
    parts = [row[name].split(";") for name in ("lifetimes_ns", "lifetimes_low_ns")]
    ends = row["lifetimes_high_ns"].split(";")
    shares, amplitudes = row["shares"].split(";"), row["amplitudes"].split(";")
    lines = [
        f"{value} ns  (95%: {low} ... {high}), {float(share):.1%} of the photons, "
        f"{float(amplitude):.1%} of the amplitude"
        for value, low, high, share, amplitude in zip(*parts, ends, shares, amplitudes, strict=True)
    ]
    if row["components"] > 1:
        value, low, high = (row[f"lifetime{end}_ns"] for end in ("", "_low", "_high"))
        lines.append(f"mean, by photons: {value:.4g} ns  (95%: {low:.4g} ... {high:.4g})")
    if row["biexciton_lifetime_ns"] is not None:
        value, low, high = (row[f"biexciton_lifetime{end}_ns"] for end in ("", "_low", "_high"))
        lines.append(f"first photons of pairs: {value:.4g} ns  (95%: {low:.4g} ... {high:.4g})")
    if row["qy_ratio"] is not None:
        value, low, high = (row[f"qy_ratio{end}"] for end in ("", "_low", "_high"))
        lines.append(
            f"yield of biexciton / exciton = {value:.3g}  (95%: {low:.3g} ... {high:.3g}), "
            f"from {row['qy_ratio_source']}"
        )
    lines.append(
        f"{row['counts']} photons, {row['background_fraction']:.1%} background, response "
        f"{row['response']} {row['response_fwhm_ns']:.3g} ns, goodness of fit p = "
        f"{row['p_value']:.2g}"
    )
    lines += [each for each in (row["flags"], row["message"]) if each]
    return "\n".join(lines)
