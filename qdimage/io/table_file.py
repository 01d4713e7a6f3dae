"""Tables on disk, checked against their declared columns."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from qdimage.domain.table import Table
from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.atomic import replacing

if TYPE_CHECKING:
    import pandas as pd

TableFormat = Literal["csv", "parquet"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("csv", "parquet")

_DTYPE = {"text": "string", "number": "float64", "integer": "Int64", "boolean": "boolean"}
_BOOLEANS = {"true": True, "false": False, "": None}


def typed(frame: "pd.DataFrame", table: Table) -> "pd.DataFrame":
    """Return the frame with the table's columns, in order, sorted and typed.

    Raises
    ------
    ValueError
        If a column is missing or not declared.
    """
    missing = [name for name in table.column_names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in table.column_names]
    if missing or unknown:
        raise ValueError(f"{table.name}: missing columns {missing}, undeclared columns {unknown}")
    types = {column.name: _DTYPE[column.kind] for column in table.columns}
    ordered = frame[list(table.column_names)].astype(types)
    keys = ["device", "field", *table.keys]
    return ordered.sort_values(
        keys, kind="stable", na_position="last", ignore_index=True, key=_empty_as_text
    )


def _empty_as_text(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """A missing text sorts as the empty one, which a file cannot tell from it."""
    return column.fillna("") if column.dtype == "string" else column


def write_table(
    frame: "pd.DataFrame", table: Table, folder: Path, *, table_format: TableFormat = "csv"
) -> Path:
    """Write a table, whole or not at all, in place of an older one of either format.

    Parameters
    ----------
    frame : pandas.DataFrame
        With the table's columns.
    table : Table
    folder : pathlib.Path
    table_format : {"csv", "parquet"}

    Raises
    ------
    ConfigurationError
        If Parquet is asked for and pyarrow is not installed.
    """
    path = folder / f"{table.name}.{table_format}"
    ordered = typed(frame, table)
    with replacing(path) as partial:
        if table_format == "parquet":
            require_parquet()
            _write_parquet(ordered, table, partial)
        else:
            write_csv(ordered, table, partial)
    for other in TABLE_FORMATS:
        if other != table_format:
            path.with_suffix(f".{other}").unlink(missing_ok=True)
    return path


def _write_parquet(frame: "pd.DataFrame", table: Table, path: Path) -> None:
    import pandas as pd

    cells = frame.copy()
    for column in table.columns:
        if column.kind == "text":
            cells[column.name] = cells[column.name].replace("", pd.NA)
    cells.to_parquet(path, index=False)


def require_parquet() -> None:
    """Raise `ConfigurationError` unless Parquet files can be written."""
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            "the format parquet needs pyarrow; pip install 'qdimage[parquet]', or use --format csv"
        ) from error


def write_csv(frame: "pd.DataFrame", table: Table, path: Path) -> None:
    """Write a typed table as CSV: UTF-8, line feeds, `true` and `false`, empty for missing."""
    text = frame.copy()
    for column in table.columns:
        if column.kind == "boolean":
            named = text[column.name].map({True: "true", False: "false"})
            text[column.name] = named.astype("string")
        elif column.kind == "text":
            # Python before 3.13 leaves a carriage return unquoted, where readers see a new row.
            text[column.name] = text[column.name].str.replace("\r\n?", "\n", regex=True)
    text.to_csv(path, index=False, encoding="utf-8", lineterminator="\n", na_rep="")


def has_table(folder: Path, table: Table) -> bool:
    """Whether a folder holds a table, in either format."""
    return any((folder / f"{table.name}.{name}").is_file() for name in TABLE_FORMATS)


def read_table(folder: Path, table: Table, *, older: bool = False) -> "pd.DataFrame":
    """Read a table of a finished run, in whichever format it was written.

    A text that is missing is read as an empty one.

    Parameters
    ----------
    folder : pathlib.Path
    table : Table
    older : bool
        Read columns as empty that versions before this one did not write.

    Raises
    ------
    FormatError
        If the file is missing, or is not this table.
    ConfigurationError
        If it is Parquet and pyarrow is not installed.
    """
    for table_format in TABLE_FORMATS:
        path = folder / f"{table.name}.{table_format}"
        if path.is_file():
            break
    else:
        raise FormatError(
            f"{folder}: found no {table.name}.csv, expected the output of qdimage run; "
            "name its folder"
        )
    if table_format == "parquet":
        require_parquet()
    try:
        frame = _read_csv(path) if table_format == "csv" else _read_parquet(path)
        if older:
            frame = _with_later_columns(frame, table)
        return typed(_parsed(frame, table), table)
    except (ValueError, TypeError, LookupError, ArithmeticError, OSError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise FormatError(
            f"{path}: this is not the table {table.name} ({reason}); run the analysis again"
        ) from error


def _with_later_columns(frame: "pd.DataFrame", table: Table) -> "pd.DataFrame":
    """Add the columns that are missing, but for those that say what a row is."""
    import pandas as pd

    needed = {"device", "field", *table.keys}
    later = [name for name in table.column_names if name not in {*frame.columns, *needed}]
    empty = pd.DataFrame("", index=frame.index, columns=later, dtype="string")
    return pd.concat([frame, empty], axis=1) if later else frame


def _read_parquet(path: Path) -> "pd.DataFrame":
    import pandas as pd

    return pd.read_parquet(path)


def _read_csv(path: Path) -> "pd.DataFrame":
    """Read every cell as text; pandas' own reader fills up short rows and shifts long ones."""
    import pandas as pd

    # Spreadsheets add a byte order mark, editors an empty line.
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = [row for row in csv.reader(file, strict=True) if row] or [[]]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise ValueError(f"row {number} has {len(row)} of {len(header)} cells")
    if len(set(header)) != len(header):
        raise ValueError("two columns have one name")
    return pd.DataFrame(rows, columns=header, dtype="string")


def _parsed(frame: "pd.DataFrame", table: Table) -> "pd.DataFrame":
    import pandas as pd

    parsed = frame.copy()
    for column in table.columns:
        values = parsed[column.name]
        if column.kind == "text":
            parsed[column.name] = values.astype("string").fillna("")
        elif not pd.api.types.is_string_dtype(values):
            continue
        elif column.kind == "boolean":
            unknown = sorted(set(values) - set(_BOOLEANS))
            if unknown:
                raise ValueError(f"{column.name} is {unknown[0]!r}, expected true or false")
            parsed[column.name] = values.map(_BOOLEANS).astype("boolean")
        elif column.kind == "integer":
            # pandas would cut off the fraction of 1.5 in silence.
            whole = [int(value) if value else None for value in values]
            parsed[column.name] = pd.array(whole, dtype="Int64")
        else:
            parsed[column.name] = pd.to_numeric(values.replace("", pd.NA))
    return parsed
