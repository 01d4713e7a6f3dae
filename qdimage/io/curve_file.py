"""Curves behind the tables, as CSV."""

from pathlib import Path
from typing import TYPE_CHECKING

from qdimage.io.atomic import replacing

if TYPE_CHECKING:
    import pandas as pd


def write_curve(frame: "pd.DataFrame", path: Path) -> None:
    """Write a curve as CSV, whole or not at all, in a folder that is made where missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        frame.to_csv(partial, index=False, encoding="utf-8", lineterminator="\n", na_rep="")
