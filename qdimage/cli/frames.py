"""Data frames as what the command line prints and writes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
