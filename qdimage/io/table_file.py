"""Tables on disk, checked against their declared columns."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from qdimage.errors import ConfigurationError, FormatError
from qdimage.io.atomic import replacing
from qdimage.model.tables import Table

if TYPE_CHECKING:
    import pandas as pd

TableFormat = Literal["csv", "parquet"]
TABLE_FORMATS: tuple[TableFormat, ...] = ("csv", "parquet")

_DTYPE = {"text": "string", "number": "float64", "integer": "Int64", "boolean": "boolean"}


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
    return ordered.sort_values(keys, kind="stable", na_position="last", ignore_index=True)


def write_table(
    frame: "pd.DataFrame", table: Table, folder: Path, *, table_format: TableFormat = "csv"
) -> Path:
    """Write a table, whole or not at all.

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
            ordered.to_parquet(partial, index=False)
        else:
            write_csv(ordered, table, partial)
    return path


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
    text.to_csv(path, index=False, encoding="utf-8", lineterminator="\n", na_rep="")


def read_table(folder: Path, table: Table) -> "pd.DataFrame":
    """Read a table of a finished run, in whichever format it was written.

    Raises
    ------
    FormatError
        If the file is missing, or is not this table.
    """
    import pandas as pd

    for table_format in TABLE_FORMATS:
        path = folder / f"{table.name}.{table_format}"
        if path.is_file():
            break
    else:
        raise FormatError(
            f"{folder}: found no {table.name}.csv, expected the output of qdimage run; "
            "name its folder"
        )
    try:
        if table_format == "parquet":
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path, encoding="utf-8", dtype="string", keep_default_na=False)
        return typed(_parsed(frame, table), table)
    except (ValueError, TypeError, KeyError, OSError) as error:
        raise FormatError(
            f"{path}: this is not the table {table.name} ({error}); run the analysis again"
        ) from error


def _parsed(frame: "pd.DataFrame", table: Table) -> "pd.DataFrame":
    import pandas as pd

    parsed = frame.copy()
    for column in table.columns:
        values = parsed[column.name]
        if not pd.api.types.is_string_dtype(values):
            continue
        if column.kind == "boolean":
            parsed[column.name] = values.map({"true": True, "false": False}).astype("boolean")
        elif column.kind != "text":
            parsed[column.name] = pd.to_numeric(values.replace("", pd.NA))
    return parsed
