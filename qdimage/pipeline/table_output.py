"""All tables of a run into a folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from qdimage.domain.run_tables import RUN_TABLES
from qdimage.io.table_file import TableFormat, require_parquet, write_table

if TYPE_CHECKING:
    import pandas as pd


def write_tables(
    tables: Mapping[str, "pd.DataFrame"], folder: Path, *, table_format: TableFormat = "csv"
) -> tuple[Path, ...]:
    """Write every table of a run, each whole or not at all, and return the files.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        All of them, by name.
    folder : pathlib.Path
    table_format : {"csv", "parquet"}

    Raises
    ------
    ConfigurationError
        If Parquet cannot be written.
    """
    if table_format == "parquet":
        require_parquet()
    return tuple(
        write_table(tables[table.name], table, folder, table_format=table_format)
        for table in RUN_TABLES
    )
