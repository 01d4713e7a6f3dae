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
