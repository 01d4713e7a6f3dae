"""Rows of a table as plain values."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def plain_rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return rows of plain values, None where one is empty."""
    import pandas as pd

    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]
