"""Parameters that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PATH...", help="Folders; every experiment.toml in and below them is a field."
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
Json = Annotated[
    bool, typer.Option("--json", help="Print JSON on standard output, messages on standard error.")
]
AllowOutside = Annotated[
    bool, typer.Option("--allow-outside", help="Accept paths that leave an experiment's folder.")
]
Assignments = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="STAGE.OPTION=VALUE",
        help="Set an analysis option; repeatable. They are listed by: qdimage options",
    ),
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="TOML file of analysis options.")
]
CameraFile = Annotated[
    Path | None,
    typer.Option("--camera", metavar="FILE", help="TOML file with the keys of \\[camera]."),
]
Exposure = Annotated[
    float | None,
    typer.Option(
        "--exposure-s", min=0, help="Exposure of one frame; else from the file's metadata."
    ),
]
PixelSize = Annotated[
    float | None,
    typer.Option("--pixel-size-um", min=0, help="Size of a camera pixel in the sample plane."),
]
OutFile = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the rows as CSV.")
]
Detectors = Annotated[
    tuple[int, int], typer.Option(metavar="A B", help="The two detectors, from 0.")
]
BinNs = Annotated[float, typer.Option("--bin-ns", help="Width of a bin.")]
LongestNs = Annotated[float, typer.Option("--longest-ns", help="Longest delay.")]
PairResponse = Annotated[
    float,
    typer.Option("--response-fwhm-ns", min=0, help="Response of the two detectors together."),
]
DelayNs = Annotated[
    float | None,
    typer.Option("--delay-ns", help="Delay of the second detector; else found."),
]
DarkCounts = Annotated[
    tuple[float, float],
    typer.Option("--dark-counts-s", metavar="A B", help="Dark counts of the detectors."),
]
Duration = Annotated[
    float | None,
    typer.Option("--duration-s", help="Of a histogram that does not state it."),
]
Rates = Annotated[
    tuple[float, float] | None,
    typer.Option(
        "--rate-counts-s", metavar="A B", help="Rates of a histogram that does not state them."
    ),
]
Window = Annotated[
    tuple[float, float] | None,
    typer.Option("--window-s", metavar="FROM TO", help="Only photons between these times."),
]
