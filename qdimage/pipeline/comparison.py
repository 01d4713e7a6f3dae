"""What a publication states beside what the tables of a run say."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.domain.comparison_table import COMPARISON
from qdimage.domain.expectations import Expectations, Panel, Selection, Statement
from qdimage.domain.refusal import Refusal
from qdimage.domain.run_tables import RUN_TABLES
from qdimage.domain.table import Table
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import sha256
from qdimage.io.expectations_file import find_expectations, read_expectations
from qdimage.numerics.selection import Interval, Selected, select
from qdimage.pipeline.plain_rows import plain_rows
from qdimage.pipeline.tables import as_frame

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

_ALL = "all"
_TABLES = {table.name: table for table in RUN_TABLES}
# What rounding of values in a file may move a truth by, relative.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class Compared:
    """The expectations that a run is held against, and where they were read."""

    path: Path
    expectations: Expectations


def plan_comparison(paths: Sequence[Path], *, allow_outside: bool = False) -> Compared | None:
    """Read the expectations beside the experiments, and check that they can be answered.

    Raises
    ------
    FormatError, ConfigurationError
        If the file cannot be read, or a table that this version writes has no such column.
    """
    path = find_expectations(paths, allow_outside=allow_outside)
    if path is None:
        return None
    expectations = read_expectations(path)
    for number, statement in enumerate(expectations.statements, start=1):
        _check(statement, f"{path}: statement {number}")
    for panel in expectations.panels:
        _check_panel(panel, f"{path}: panel {panel.panel}")
    return Compared(path, expectations)


def _check(selection: Statement, source: str) -> None:
    named = (selection.column, selection.low, selection.high, selection.err)
    _check_columns(selection.table, [*selection.where, *named], source)


def _check_panel(panel: Panel, source: str) -> None:
    _check_columns(panel.table, [*panel.where, panel.group, panel.x, *panel.columns], source)


def _check_columns(table: str, columns: Sequence[str], source: str) -> None:
    """A table that this version does not know may be one of a later version."""
    known = _TABLES.get(table)
    for name in columns if known is not None else ():
        if name and known is not None and name not in known.column_names:
            near = difflib.get_close_matches(name, known.column_names, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else "see the documentation of tables"
            raise ConfigurationError(f"{source}: the table {table} has no column {name!r}; {hint}")


def comparison_rows(expectations: Expectations, tables: Mapping[str, "pd.DataFrame"]) -> list[Row]:
    """Return a row of the table `comparison` for each statement.

    Parameters
    ----------
    expectations : Expectations
    tables : mapping of str to pandas.DataFrame
        Every table of the run.
    """
    rows: dict[str, list[Row]] = {}
    answers = []
    for number, statement in enumerate(expectations.statements, start=1):
        name = statement.table
        if name in tables and name not in rows:
            rows[name] = plain_rows(tables[name])
        answers.append(_row(number, statement, rows.get(name)))
    return answers


def _row(number: int, statement: Statement, rows: Sequence[Row] | None) -> Row:
    row: Row = {
        "device": _ALL,
        "field": _ALL,
        "number": number,
        "panel": statement.panel,
        "statement": statement.statement,
        "unit": statement.unit,
        "stated": statement.stated,
        "stated_err": statement.stated_err,
        "stated_as": statement.stated_as,
        "truth": statement.true_value,
        "answered_by": _words(statement),
        "note": statement.note,
    }
    if rows is None:
        reason = f"not measured: this run writes no table {statement.table}"
        return row | {"status": "refused", "message": reason}
    found = select(rows, statement, interval_of(statement))
    if isinstance(found, Refusal):
        return row | {"status": "refused", "message": f"not measured: {found.reason}"}
    if found.row is not None:
        row |= {name: found.row[name] for name in ("device", "field")}
    return row | {
        "recovered": found.value,
        "low": found.low,
        "high": found.high,
        "within": _within(statement.true_value, found),
        "status": "ok",
        "message": "",
    }


def _within(truth: float | None, found: Selected) -> bool | None:
    if truth is None or found.low is None or found.high is None:
        return None
    slack = _ROUNDING * abs(truth)
    return found.low - slack <= truth <= found.high + slack


def interval_of(statement: Statement) -> Interval:
    """Return the columns with a statement's interval: as named, else by the column's own name."""
    low, high, err = statement.low, statement.high, statement.err
    table = _TABLES.get(statement.table)
    if table is not None and statement.column and not (low or err):
        low, high, err = (_beside(statement.column, end, table) for end in ("low", "high", "err"))
        if low and high:
            err = ""
        else:
            low = high = ""
    return Interval(low, high, err, statement.err_relative)


def _beside(column: str, end: str, table: Table) -> str:
    """Return the name of a column's own low, high or err, which stands before its unit.

    That of ``photons_s`` is ``photons_err_s``: every beginning of the unit is tried.
    """
    places = [len(column), *(k for k, letter in enumerate(column) if letter == "_")]
    names = (f"{column[:k]}_{end}{column[k:]}" for k in places)
    return next((name for name in names if name in table.column_names), "")


def _words(selection: Selection) -> str:
    conditions = [f"{name} = {_listed(value)}" for name, value in selection.where.items()]
    what = f"{selection.table}.{selection.column}" if selection.column else selection.table
    parts = [what if selection.aggregate == "only" else f"{selection.aggregate} of {what}"]
    if selection.below is not None:
        parts.append(f"below {selection.below:g}")
    if selection.above is not None:
        parts.append(f"above {selection.above:g}")
    if selection.factor != 1:
        parts.append(f"times {selection.factor:g}")
    where = f" where {', '.join(conditions)}" if conditions else ""
    return " ".join(parts) + where


def _listed(value: Any) -> str:
    if isinstance(value, tuple):
        return " or ".join(_listed(each) for each in value)
    if value == "":
        return "empty"
    return f"{value:g}" if isinstance(value, float) else str(value)


def comparison_table(
    compared: Compared | None, tables: Mapping[str, "pd.DataFrame"]
) -> dict[str, "pd.DataFrame"]:
    """Return the table `comparison` by its name; none without expectations."""
    if compared is None:
        return {}
    rows = comparison_rows(compared.expectations, tables)
    return {COMPARISON.name: as_frame(rows, COMPARISON)}


def comparison_record(compared: Compared | None) -> Row:
    """Return what ``run.json`` keeps of the expectations, from which the report draws."""
    if compared is None:
        return {}
    found = compared.expectations
    return {
        "comparison": {
            "file": str(compared.path),
            "sha256": sha256(compared.path),
            "source": found.source,
            "note": found.note,
            "panels": [each.model_dump(mode="json") for each in found.panels],
        }
    }
