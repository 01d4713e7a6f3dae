"""``correlate``: the histogram of delays between two detectors, with no model of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from qdimage.cli.parameters import Json, OutFile, Quiet
from qdimage.cli.terminal import say, show, show_json

if TYPE_CHECKING:
    from qdimage.domain.g2_curve import G2Curve
    from qdimage.pipeline.photons import Method

_METHODS: "dict[str, Method]" = {
    "all-pairs": "all pairs",
    "growing-bins": "growing bins",
    "start-stop": "start-stop",
}


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command(
        "correlate",
        epilog="Example:  qdimage correlate dots/d07_el_2.6V.ptu --method growing-bins "
        "--longest-ns 1e7 -o curve.csv",
    )(correlate)


def correlate(
    file: Annotated[Path, typer.Argument(help="Time tags.")],
    detectors: Annotated[
        tuple[int, int],
        typer.Option(metavar="A B", help="Two detectors, from 0, or one twice: with itself."),
    ] = (0, 1),
    bin_ns: Annotated[
        float, typer.Option(help="Width of a bin; of growing ones the shortest delay.")
    ] = 0.512,
    longest_ns: Annotated[float, typer.Option(help="Longest delay.")] = 500.0,
    method: Annotated[
        Literal["all-pairs", "growing-bins", "start-stop"],
        typer.Option(help="All pairs in equal or growing bins, or each start with its next stop."),
    ] = "all-pairs",
    bins_per_decade: Annotated[int, typer.Option(help="Of growing bins.")] = 10,
    window_s: Annotated[
        tuple[float, float] | None,
        typer.Option(metavar="FROM TO", help="Only photons between these times."),
    ] = None,
    output: OutFile = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Count pairs of photons by their delay, exactly, and write the curve."""
    from qdimage import api
    from qdimage.io.curve_file import write_curve
    from qdimage.pipeline.photons import curve_frame

    curve, warnings = api.correlate(
        file,
        detectors=detectors,
        bin_ns=bin_ns,
        longest_ns=longest_ns,
        method=_METHODS[method],
        bins_per_decade=bins_per_decade,
        window_s=window_s,
    )
    for warning in warnings:
        say(f"qdimage: {warning}", quiet=quiet)
    frame = curve_frame(curve)
    if output is not None:
        write_curve(frame, output)
    if as_json:
        show_json(_summary(curve) | {str(name): list(frame[name]) for name in frame})
    elif output is None:
        show(frame.to_csv(index=False, lineterminator="\n").rstrip("\n"))
    elif not quiet:
        show(_text(curve))


def _summary(curve: "G2Curve") -> dict[str, Any]:
    return {
        "method": curve.method,
        "coincidences": int(curve.counts.sum()),
        "counts_1": curve.counts_1,
        "counts_2": curve.counts_2,
        "duration_s": curve.duration_s,
    }


def _text(curve: "G2Curve") -> str:
    return (
        f"{curve.counts.sum()} coincidences ({curve.method}) of {curve.counts_1} and "
        f"{curve.counts_2} photons in {curve.duration_s:.6g} s"
    )
