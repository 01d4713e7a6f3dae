"""``g2``: one time-tag file or histogram."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qdimage.cli.parameters import (
    Assignments,
    BinNs,
    Config,
    DarkCounts,
    DelayNs,
    Detectors,
    Duration,
    Json,
    LongestNs,
    OutFile,
    PairResponse,
    Quiet,
    Rates,
    Window,
)
from qdimage.cli.terminal import say

if TYPE_CHECKING:
    from qdimage.pipeline.g2 import G2Answer


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "g2", epilog="Example:  qdimage g2 dots/d07_el_2.6V.ptu --response-fwhm-ns 0.5 --json"
    )(g2)


def g2(
    file: Annotated[Path, typer.Argument(help="Time tags, or a histogram .phu or .csv.")],
    detectors: Detectors = (0, 1),
    bin_ns: BinNs = 0.512,
    longest_ns: LongestNs = 500.0,
    response_fwhm_ns: PairResponse = 0.0,
    delay_ns: DelayNs = None,
    period_ns: Annotated[
        float | None, typer.Option(help="Between pulses; else of the sync, or found.")
    ] = None,
    dark_counts_s: DarkCounts = (0.0, 0.0),
    duration_s: Duration = None,
    rate_counts_s: Rates = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", help="Read a file as it grows, and print the value so far."),
    ] = False,
    until_width: Annotated[
        float | None,
        typer.Option(min=0, help="With --follow: stop when the 95% interval is not wider."),
    ] = None,
    idle_s: Annotated[
        float, typer.Option(min=0, help="With --follow: stop when it has not grown for so long.")
    ] = 30.0,
    every_s: Annotated[
        float, typer.Option(min=0, help="With --follow: between two lines, at least.")
    ] = 5.0,
    window_s: Window = None,
    bright_only: Annotated[
        bool, typer.Option("--bright-only", help="Only photons while the emitter is on.")
    ] = False,
    excitation: Annotated[
        Literal["cw", "pulsed"] | None,
        typer.Option(help="As declared; else pulsed where there is a period."),
    ] = None,
    background_file: Annotated[
        Path | None, typer.Option(help="Time tags without the emitter, for the dark counts.")
    ] = None,
    response_file: Annotated[
        Path | None, typer.Option(help="Histogram of short pulses, for the response.")
    ] = None,
    config: Config = None,
    assignments: Assignments = [],  # noqa: B006  typer reads it, nobody changes it
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Find g2(0) of a time-tag file or histogram, with an interval, or refuse with the reason."""
    from qdimage import api
    from qdimage.cli.follow import followed
    from qdimage.cli.frames import hand_over
    from qdimage.config import read_options_file
    from qdimage.domain.photon_tables import PHOTONS
    from qdimage.pipeline.g2 import photon_row

    call: Callable[..., G2Answer] = partial(
        api.g2,
        window_s=window_s,
        bright_only=bright_only,
        excitation=excitation,
        background_file=background_file,
        response_file=response_file,
    )
    if follow:
        if bright_only or window_s is not None:
            raise typer.BadParameter(
                "--follow reads every photon; leave out --window-s, --bright-only"
            )
        call = partial(
            followed,
            until_width=until_width,
            idle_s=idle_s,
            every_s=every_s,
            as_json=as_json,
            quiet=quiet,
            excitation=excitation,
            background_file=background_file,
            response_file=response_file,
        )
    found = call(
        file,
        detectors=detectors,
        bin_ns=bin_ns,
        longest_ns=longest_ns,
        response_fwhm_ns=response_fwhm_ns,
        delay_ns=delay_ns,
        period_ns=period_ns,
        dark_counts_s=dark_counts_s,
        duration_s=duration_s,
        rate_counts_s=rate_counts_s,
        options=read_options_file(config) if config else {},
        assignments=assignments,
    )
    for warning in found.warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    rows = [photon_row(found)]
    hand_over(rows, PHOTONS, _text, output=output, quiet=quiet, as_json=as_json)


def _text(row: dict[str, Any]) -> str:
    if row["status"] != "ok":
        return f"{row['status']}: {row['message']}"
    value, low, high = (row[name] for name in ("g2_0", "g2_0_low", "g2_0_high"))
    lines = [f"g2(0) = {value:.4f}  (95%: {low:.4f} ... {high:.4f})"]
    if row["g2_0_uncorrected"] is not None:
        raw, err = row["g2_0_uncorrected"], row["g2_0_uncorrected_err"]
        lines.append(f"uncorrected, the centre bin: {raw:.4f} +- {err:.4f}")
    lines.append(
        f"{row['coincidences']} coincidences, {row['counts_s']:.4g} counts/s, "
        f"delay {row['delay_ns']:.3f} ns, goodness of fit p = {row['p_value']:.2g}"
    )
    if row["flags"]:
        lines.append(f"flags: {row['flags'].replace(';', ', ')}")
    return "\n".join(lines)
