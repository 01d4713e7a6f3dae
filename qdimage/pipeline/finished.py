"""A finished run read back: its record and its tables."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.domain.run_tables import RUN_TABLES
from qdimage.errors import FormatError
from qdimage.io.table_file import has_table, read_table
from qdimage.pipeline.output import RECORD
from qdimage.pipeline.tables import as_frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class FinishedRun:
    """What a run left behind.

    Attributes
    ----------
    out : pathlib.Path
    record : mapping
        ``run.json``.
    tables : mapping of str to pandas.DataFrame
        Those that were asked for, by name; one that the folder does not hold is empty.
    """

    out: Path
    record: Mapping[str, Any]
    tables: Mapping[str, "pd.DataFrame"]


def read_run(out: Path, *, names: Collection[str] | None = None) -> FinishedRun:
    """Read the folder of a finished run.

    Parameters
    ----------
    out : pathlib.Path
    names : collection of str, optional
        Of the tables that are wanted; all where not given.

    Raises
    ------
    FormatError
        If it holds none, or a table is damaged.
    """
    record = _record(out)
    tables = {
        table.name: read_table(out, table, older=True)
        if has_table(out, table)
        else as_frame([], table)
        for table in RUN_TABLES
        if names is None or table.name in names
    }
    return FinishedRun(out, record, tables)


def empty_tables() -> dict[str, "pd.DataFrame"]:
    """Return every table of a run without a row, by name."""
    return {table.name: as_frame([], table) for table in RUN_TABLES}


def _record(out: Path) -> dict[str, Any]:
    expected = "expected the output of qdimage run; name its folder"
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FormatError(f"{out}: found no {RECORD}, {expected}") from error
    except OSError as error:
        raise FormatError(
            f"{out / RECORD}: cannot be read ({error.strerror}); {expected}"
        ) from error
    except ValueError as error:
        raise FormatError(f"{out / RECORD}: found no JSON ({error}), {expected}") from error
    if not isinstance(record, dict) or not isinstance(record.get("fields"), list):
        raise FormatError(f"{out / RECORD}: found no list of fields, {expected}")
    return record
