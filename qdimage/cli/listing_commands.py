"""``options``: what can be set."""

from typing import Annotated, Any

import typer

from qdimage.cli.parameters import Json, Quiet
from qdimage.cli.terminal import aligned, show, show_json


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("options", epilog="Example:  qdimage options --json")(options)


def options(
    simulator: Annotated[
        bool, typer.Option("--simulator", help="List the options of simulate instead.")
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """List every analysis option: name, default, unit, meaning."""
    from qdimage import api

    rows = api.options(simulator=simulator)
    if as_json:
        show_json({"rows": rows})
        return
    table = [] if quiet else [("option", "default", "unit", "meaning")]
    table += [(row["name"], _text(row["default"]), row["unit"], row["meaning"]) for row in rows]
    show(aligned(table))


def _text(default: Any) -> str:
    if default is None:
        return "-"
    if isinstance(default, bool):
        return str(default).lower()
    return str(list(default)) if isinstance(default, tuple) else str(default)
