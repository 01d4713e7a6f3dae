"""``trace``: the intensity of one time-tag file over time, its levels and its blinking."""

from pathlib import Path
from typing import Annotated, Any

import typer

from qdimage.cli.parameters import (
    Assignments,
    Config,
    Detectors,
    Json,
    OutFile,
    Quiet,
)
from qdimage.cli.terminal import say


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("trace", epilog="Example:  qdimage trace dots/d07_el_2.6V.ptu --bin-ms 20 --json")(
        trace
    )


def trace(
    file: Annotated[Path, typer.Argument(help="Time tags.")],
    detectors: Detectors = (0, 1),
    bin_ms: Annotated[float, typer.Option(help="Width of a bin of the trace.")] = 10.0,
    curve_out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the trace itself as CSV.")
    ] = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find the levels of the intensity, and how long the emitter is on and off."""
    from qdimage import api
    from qdimage.cli.frames import hand_over
    from qdimage.config import read_options_file
    from qdimage.domain.photon_tables import TRACES
    from qdimage.io.curve_file import write_curve
    from qdimage.pipeline.trace import trace_curve, trace_row

    found = api.trace(
        file,
        detectors=detectors,
        bin_s=bin_ms / 1e3,
        options=read_options_file(config) if config else {},
        assignments=assignments,
    )
    for warning in found.warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    if curve_out is not None:
        write_curve(trace_curve(found), curve_out)
    rows = [trace_row(found)]
    hand_over(rows, TRACES, _text, output=output, quiet=quiet, as_json=as_json)


def _text(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"{row['status']}: {row['message']}"
    lines = [
        f"{row['counts']} photons in {row['duration_s']:.4g} s, {row['mean_counts_s']:.4g} "
        f"counts/s; {row['n_change_points']} steps between {row['n_levels']} levels"
    ]
    rates, shares = row["level_counts_s"].split(";"), row["level_shares"].split(";")
    lines += [
        f"  {float(rate):10.4g} counts/s  {float(share):7.2%} of the time"
        for rate, share in zip(rates, shares, strict=True)
    ]
    if row["on_fraction"] is not None:
        lines.append(f"on {_with_err(row['on_fraction'], row['on_fraction_err'])} of the time")
        lines += [_dwells(row, state) for state in ("on", "off")]
    if row["message"]:
        lines.append(row["message"])
    return "\n".join(lines)


def _dwells(row: dict[str, Any], state: str) -> str:
    text = f"{state}: {row[f'n_{state}_dwells']} complete dwells"
    if row[f"mean_{state}_s"] is not None:
        text += f", mean {row[f'mean_{state}_s']:.4g} s"
    law = row[f"{state}_law"]
    if law is None:
        return text
    text += f", {law}"
    if row[f"{state}_exponent"] is not None:
        text += f" {_with_err(row[f'{state}_exponent'], row[f'{state}_exponent_err'])}"
    if row[f"{state}_cutoff_s"] is not None:
        what = "constant" if law == "exponential" else "cutoff"
        cutoff = _with_err(row[f"{state}_cutoff_s"], row[f"{state}_cutoff_err_s"])
        text += f", {what} {cutoff} s"
    return text


def _with_err(value: float, err: float | None) -> str:
    return f"{value:.4g}" if err is None else f"{value:.4g} +- {err:.2g}"
