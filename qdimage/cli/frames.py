"""Data frames as what the command line prints and writes."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.cli.terminal import show, show_json

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.domain.table import Table


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return the rows as dictionaries, with None for what is missing."""
    objects = frame.astype(object)
    rows = objects.where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def write_rows(frame: "pd.DataFrame", table: "Table", path: Path) -> None:
    """Write the rows as CSV, whole or not at all."""
    from qdimage.io.atomic import replacing
    from qdimage.io.table_file import write_csv

    with replacing(path) as partial:
        write_csv(frame, table, partial)


def hand_over(
    rows: Sequence[Mapping[str, Any]],
    table: "Table",
    text: Callable[[dict[str, Any]], str],
    *,
    output: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write rows of files that belong to no experiment, and print them as JSON or as text."""
    from qdimage.pipeline.tables import as_frame

    frame = as_frame([{"device": "", "field": "", **row} for row in rows], table)
    if output is not None:
        write_rows(frame, table, output)
    shown = records(frame)
    if as_json:
        show_json(shown[0] if len(shown) == 1 else {"rows": shown})
    elif output is None or not quiet:
        show("\n".join(text(row) for row in shown))
