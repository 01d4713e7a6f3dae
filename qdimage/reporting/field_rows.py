"""What the report says of a field in a table: a row for each EL channel."""

from typing import Any

from qdimage.reporting.content import FieldContent, Row, rows_of
from qdimage.reporting.origins import channel_rows


def field_rows(field: FieldContent) -> dict[str, Any]:
    """Return facts of a field, and its channels."""
    return {
        "pixel_um": field.pixel_um,
        "n_dots": len(field.tables["dots"]),
        "channels": channel_rows(field),
        "el": _el_rows(field),
    }


def _el_rows(field: FieldContent) -> list[Row]:
    """EL channels in order of voltage, with what three tables say about each."""
    registration = {row["channel"]: row for row in rows_of(field.tables["registration"])}
    turn_on = {row["channel"]: row for row in rows_of(field.tables["turn_on"])}
    return [
        {
            "channel": row,
            "registration": registration.get(row["channel"]),
            "turn_on": turn_on.get(row["channel"]),
        }
        for row in channel_rows(field)
        if row["kind"] == "el"
    ]
