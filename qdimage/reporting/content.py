"""What a report is made from: the record, tables and images of an output folder.

What it shows of them is listed in `sections`, in order, and what it shows of a single dot in
`dot_charts`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.iv_tables import IV_TABLES
from qdimage.domain.light_tables import LIGHT_TABLES
from qdimage.domain.photon_tables import PHOTON_TABLES
from qdimage.domain.table import Table
from qdimage.domain.tables import BLANKS, IMAGE_TABLES, TURN_ON, TURN_ON_CURVES, TURN_ON_VARIANCE
from qdimage.errors import FormatError
from qdimage.io.table_file import has_table, read_table, typed

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Row = dict[str, Any]

POOLED = "all"
RECORD = "run.json"
# Tables that older runs do not have.
_LATER = (BLANKS, TURN_ON_CURVES, TURN_ON_VARIANCE)
_RECORD_KEYS = {"qdimage": str, "fields": list, "warnings": list}


@dataclass(frozen=True)
class FieldContent:
    """One field of a run.

    Attributes
    ----------
    number : int
        Of the field in the run, from 1.
    device, name : str
    record : mapping
        Its entry in ``run.json``.
    tables : mapping of str to pandas.DataFrame
        Its rows of every table, by the table's name.
    """

    number: int
    device: str
    name: str
    record: Mapping[str, Any]
    tables: Mapping[str, "pd.DataFrame"]

    @property
    def pixel_um(self) -> float | None:
        """Size of a field pixel; None where it is not known."""
        value = self.record.get("pixel_um")
        return float(value) if isinstance(value, int | float) and value > 0 else None


@dataclass(frozen=True)
class Content:
    """A finished run.

    Attributes
    ----------
    out : pathlib.Path
    record : mapping
        ``run.json``.
    fields : tuple of FieldContent
        In the run's order.
    tables : mapping of str to pandas.DataFrame
        Whole, by name.
    """

    out: Path
    record: Mapping[str, Any]
    fields: tuple[FieldContent, ...]
    tables: Mapping[str, "pd.DataFrame"]

    @property
    def devices(self) -> tuple[str, ...]:
        """Names in order of first appearance."""
        return tuple(dict.fromkeys(field.device for field in self.fields))

    def of_device(self, table: str, device: str) -> "pd.DataFrame":
        """Return a device's rows of a table, pooled rows left out."""
        frame = self.tables[table]
        return frame[(frame["device"] == device) & (frame["field"] != POOLED)]

    def pooled(self, device: str) -> "pd.DataFrame":
        """Return a device's pooled turn-on fractions in order of voltage."""
        frame = self.tables[TURN_ON.name]
        rows = frame[(frame["device"] == device) & (frame["field"] == POOLED)]
        return rows.sort_values("voltage_v", kind="stable")


def read_content(out: Path) -> Content:
    """Read a run's output folder.

    Raises
    ------
    FormatError
        If it is not the output of a run.
    """
    record = _read_record(out)
    always = (table for table in IMAGE_TABLES if table not in _LATER)
    tables = {table.name: _read_text_filled(out, table) for table in always}
    may_lack = (*_LATER, *PHOTON_TABLES, *LIGHT_TABLES, *IV_TABLES)
    tables |= {table.name: _read_or_empty(out, table) for table in may_lack}
    pieces = {name: _by_field(frame) for name, frame in tables.items()}
    fields = []
    for number, entry in enumerate(record["fields"], start=1):
        key = str(entry["device"]), str(entry["field"])
        own = {name: piece.get(key, tables[name].iloc[:0]) for name, piece in pieces.items()}
        fields.append(FieldContent(number, *key, entry, own))
    return Content(out, record, tuple(fields), tables)


def _read_record(out: Path) -> dict[str, Any]:
    path = out / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FormatError(
            f"{out}: found no {RECORD}, expected the output of qdimage run; name its folder"
        ) from error
    except (OSError, ValueError) as error:
        raise FormatError(
            f"{path}: cannot be read ({error}), expected the record of a run; "
            "run the analysis again"
        ) from error
    if not isinstance(record, dict):
        raise FormatError(f"{path}: found no record of a run; run the analysis again")
    for key, kind in _RECORD_KEYS.items():
        if not isinstance(record.get(key), kind):
            raise FormatError(
                f"{path}: found no {key}, expected the record of a run; run the analysis again"
            )
    if not all(isinstance(e, dict) and {"device", "field"} <= e.keys() for e in record["fields"]):
        raise FormatError(
            f"{path}: found a field without device or name, expected the record of a run; "
            "run the analysis again"
        )
    return record


def _read_text_filled(out: Path, table: Table) -> "pd.DataFrame":
    """Read a table; an empty text is "", whatever the format on disk says."""
    frame = read_table(out, table, older=True)
    text = [column.name for column in table.columns if column.kind == "text"]
    return frame.assign(**{name: frame[name].fillna("") for name in text})


def _read_or_empty(out: Path, table: Table) -> "pd.DataFrame":
    """Read a table that an older run, or one without time tags, need not have."""
    import pandas as pd

    if has_table(out, table):
        return _read_text_filled(out, table)
    return typed(pd.DataFrame(columns=list(table.column_names), dtype=object), table)


def _by_field(frame: "pd.DataFrame") -> dict[tuple[str, str], "pd.DataFrame"]:
    groups = frame.groupby(["device", "field"], sort=False)
    return {(str(key[0]), str(key[1])): piece for key, piece in groups}


def numbers(frame: "pd.DataFrame", column: str) -> Array:
    """Return a column as floats, NaN where it is empty; 1 and 0 for true and false."""
    return np.asarray(frame[column].to_numpy(dtype=float, na_value=np.nan), np.float64)


def is_true(frame: "pd.DataFrame", column: str) -> Mask:
    """Whether a boolean column is true; empty is not."""
    return np.asarray(numbers(frame, column) == 1.0)


def rows_of(frame: "pd.DataFrame") -> list[Row]:
    """Return rows of plain values, None where a number is empty."""
    return [
        {str(name): _plain(value) for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, str | bool):
        return value
    # pd.NA has no truth value, and NaN is not itself.
    return value if isinstance(value, int | float) and value == value else None


def flag_mask(frame: "pd.DataFrame", names: tuple[str, ...]) -> Mask:
    """Whether a row carries one of the flags."""
    wanted = set(names)
    return np.array([bool(wanted & set(str(text).split(";"))) for text in frame["flags"]], bool)


def signal_units(frame: "pd.DataFrame") -> list[str]:
    """Return the units that rows count in, in order of first appearance."""
    return [str(unit) for unit in dict.fromkeys(frame["signal_unit"]) if unit]
