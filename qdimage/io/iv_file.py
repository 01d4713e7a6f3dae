"""I-V curves of source-meters as text.

What is read: exports of Keithley's KickStart, which tell about the test above the columns and
sometimes below; buffers of the 2400, 2450 and 2600 series as CSV; readings of a 2400 as it sends
them, five numbers each without names; and any file with columns of voltage and current.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qdimage.domain.iv import IvCurve
from qdimage.errors import FormatError
from qdimage.io.iv_columns import (
    COMPLIANCE,
    CURRENT,
    REQUIRED,
    STATUS,
    TIME,
    VOLTAGE,
    Found,
    columns_of_buffer,
    columns_of_header,
    in_units_of,
    unit_scale,
)
from qdimage.io.iv_text import Dialect, End, dialect_of, end_of, read_lines

_MOST_V, _MOST_A = 1e4, 1e3
_LEAST_READINGS = 2
_MOST_META = 200
# Readings of a 2400 by default: voltage, current, resistance, time, status.
_ELEMENTS = 5
_OF_2400 = {VOLTAGE: Found(0), CURRENT: Found(1), TIME: Found(3), STATUS: Found(4)}
# The status word of a 2400 always says which quantity it sources; that of a 2600 is one byte.
_SOURCES, _COMPLIANCE_2400, _COMPLIANCE_2600 = (1 << 14) | (1 << 15), 1 << 3, 1 << 6
_TRUE = frozenset({"1", "t", "true", "y", "yes", "c", "compliance", "limited", "on"})
_LIMIT_KEY = re.compile(r"limit|compliance", re.IGNORECASE)
_VALUE = re.compile(r"([+-]?[\d.]+(?:[eE][+-]?\d+)?)\s*([a-zA-Z\u00b5\u03bc]*)\Z")
# Of the limit, from where on a reading is at it; a source-meter regulates to some 1e-3.
_AT_LIMIT = 0.995


_END_WARNINGS: Mapping[End, str] = {
    "whole": "",
    "cut": "line {} is cut off and was left out",
    "open": "the file ends within line {}, whose last number may be cut off",
}


def open_iv(
    path: Path, *, columns: Mapping[str, str] | None = None, limit_a: float | None = None
) -> IvCurve:
    """Read an I-V curve.

    Parameters
    ----------
    path : pathlib.Path
    columns : mapping of str to str, optional
        Names of the columns of ``voltage``, ``current`` and ``time`` in the file, where they cannot
        be told from the header.
    limit_a : float, optional
        The most current that the source-meter was told to give, where the file does not say.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    lines = read_lines(path)
    dialect = dialect_of(lines)
    read = _Reading(path, dialect, {name: text for name, text in (columns or {}).items() if text})
    end = end_of(lines, dialect)
    kept = lines[:-1] if end == "cut" else lines
    for number, line in enumerate(_one_reading_each(kept, dialect), start=1):
        read.take(number, line)
    return read.curve(limit_a, _END_WARNINGS[end].format(len(lines)))


def _one_reading_each(lines: list[str], dialect: Dialect) -> list[str]:
    """Split a 2400's buffer, which it sends as one line."""
    filled = [line for line in lines if line.strip()]
    if len(filled) != 1:
        return lines
    cells = dialect.cells(filled[0])
    whole = len(cells) % _ELEMENTS == 0 and len(cells) > _ELEMENTS
    if not whole or any(dialect.number(cell) is None for cell in cells):
        return lines
    separator = dialect.separator or " "
    starts = range(0, len(cells), _ELEMENTS)
    return [separator.join(cells[start : start + _ELEMENTS]) for start in starts]


@dataclass
class _Reading:
    """A file while its lines are read."""

    path: Path
    dialect: Dialect
    named: Mapping[str, str]
    header: list[str] | None = None
    columns: dict[str, Found] | None = None
    rows: list[tuple[float, float, float, bool]] = field(default_factory=list)
    bad: tuple[int, str] | None = None
    above: list[str] = field(default_factory=list)
    meta: dict[str, str] = field(default_factory=dict)

    def take(self, number: int, line: str) -> None:
        """Read one line; what is no reading after the last one is a footer."""
        cells = self.dialect.cells(line)
        if not any(cells) or cells == self.header or self._is_header(cells):
            return
        columns = self.columns or self._of_numbers(cells)
        if columns is None:
            self._remember(line)
            return
        values = self._values(cells, columns)
        if values is None:
            if not self.rows:
                self.columns = in_units_of(columns, cells) or self.columns
                self._remember(line)
            elif self.bad is None:
                self.bad = number, line.strip()[:60]
            return
        if self.bad is not None:
            raise FormatError(
                f"{self.path}: line {self.bad[0]}: found {self.bad[1]!r} between readings, "
                "expected numbers of voltage and current; correct or remove that line"
            )
        self.columns = columns
        self._check(number, values)
        self.rows.append(values)

    def _is_header(self, cells: list[str]) -> bool:
        """Take the first line that names a voltage and a current, with no reading above it."""
        if self.header is not None or len(cells) < len(REQUIRED):
            return False
        if all(self.dialect.number(cell) is not None for cell in cells):
            return False
        columns = columns_of_header(self.path, cells, self.named)
        if columns is None and "Reading" not in cells:
            return False
        self.header, self.columns = cells, columns
        self.rows.clear()
        self.bad = None
        return True

    def _of_numbers(self, cells: list[str]) -> dict[str, Found] | None:
        """Return the columns of a line that has no header above it."""
        if self.header is not None:
            return columns_of_buffer(self.header, cells)
        if self.named:
            return None
        numbers = [self.dialect.number(cell) for cell in cells]
        if len(numbers) < len(REQUIRED) or any(each is None for each in numbers):
            self.above = cells
            return None
        named = all(self.dialect.number(cell) is None for cell in self.above)
        if named and len(self.above) == len(cells):
            raise FormatError(
                f"{self.path}: found the columns {', '.join(map(repr, self.above))}, expected one "
                "of voltage and one of current; correct the header, or name them in [[iv]] with "
                "voltage_column and current_column"
            )
        if len(numbers) == _ELEMENTS and _is_2400(numbers[-1]):
            return dict(_OF_2400)
        found = {VOLTAGE: Found(0), CURRENT: Found(1)}
        return found | {TIME: Found(2)} if len(numbers) > len(REQUIRED) else found

    def _values(
        self, cells: list[str], columns: Mapping[str, Found]
    ) -> tuple[float, float, float, bool] | None:
        """Voltage, current, time, and whether in compliance."""
        volts, amps = (self._number(cells, columns[role]) for role in REQUIRED)
        # A reading without a current is an overflow, one without a voltage is none.
        if volts is None or amps is None or math.isnan(volts):
            return None
        time = self._number(cells, columns[TIME]) if TIME in columns else None
        return volts, amps, math.nan if time is None else time, self._limited(cells, columns)

    def _number(self, cells: list[str], found: Found) -> float | None:
        if found.index >= len(cells):
            return None
        value = self.dialect.number(cells[found.index])
        return None if value is None else value * found.scale

    def _limited(self, cells: list[str], columns: Mapping[str, Found]) -> bool:
        flag = columns.get(COMPLIANCE)
        if flag is not None and flag.index < len(cells):
            return cells[flag.index].lower() in _TRUE
        word = columns.get(STATUS)
        value = None if word is None else self._number(cells, word)
        if value is None or not 0 <= value < 1 << 32:
            return False
        mask = _COMPLIANCE_2400 if _is_2400(value) else _COMPLIANCE_2600
        return bool(int(value) & mask)

    def _check(self, number: int, values: tuple[float, float, float, bool]) -> None:
        volts, amps, *_ = values
        if abs(volts) > _MOST_V or abs(amps) > _MOST_A:
            raise FormatError(
                f"{self.path}: line {number}: found {volts:g} V and {amps:g} A, expected at most "
                f"{_MOST_V:g} V and {_MOST_A:g} A; correct the units in the header, or name the "
                "columns in [[iv]]"
            )

    def _remember(self, line: str) -> None:
        if len(self.meta) < _MOST_META and re.search("[:,;\t=]", line):
            key, value = re.split("[:,;\t=]", line, maxsplit=1)
            self.meta[key.strip(' "#')[:200].lower()] = value.strip(' ",;\t')[:200]

    def curve(self, limit_a: float | None, end_warning: str) -> IvCurve:
        """Return what was read."""
        if self.columns is None or len(self.rows) < _LEAST_READINGS:
            raise FormatError(
                f"{self.path}: found {self._too_little()}, expected at least {_LEAST_READINGS} "
                "lines of voltage and current; export the curve as CSV with its header"
            )
        volts, amps, time, limited = (np.array(each) for each in zip(*self.rows, strict=True))
        limit = limit_a if limit_a is not None else _stated_limit(self.meta)
        if limit is not None:
            with np.errstate(invalid="ignore"):
                limited = limited | (np.abs(amps) >= _AT_LIMIT * limit)
        return IvCurve(
            self.path,
            volts,
            amps,
            time if np.isfinite(time).all() else None,
            limited.astype(bool),
            limit,
            self.meta,
            tuple(self._warnings(amps, end_warning)),
        )

    def _too_little(self) -> str:
        if self.columns is not None or self.header is not None:
            return f"{len(self.rows)} readings"
        if self.named:
            return f"no header with {', '.join(map(repr, self.named.values()))}"
        return "no header that names a voltage and a current"

    def _warnings(self, amps: np.ndarray, end_warning: str) -> list[str]:
        found = []
        overflows = int(np.isnan(amps).sum())
        if overflows:
            found.append(f"{overflows} readings overflowed and were left out")
        if self.bad is not None and re.match(r'[+-]?["\d]', self.bad[1]):
            found.append(f"line {self.bad[0]} is cut off and was left out")
        elif end_warning:
            found.append(end_warning)
        return found


def _is_2400(status: float | None) -> bool:
    known = status is not None and math.isfinite(status) and status == int(status)
    return known and 0 < int(status or 0) < 1 << 32 and bool(int(status or 0) & _SOURCES)


def _stated_limit(meta: Mapping[str, str]) -> float | None:
    """The limit of the current in A that a preamble states, if its unit is one of current."""
    for key, text in meta.items():
        value = _VALUE.match(text)
        if not _LIMIT_KEY.search(key) or value is None:
            continue
        in_key = re.search(r"\(([^()]*)\)", key)
        unit = value.group(2) or (in_key.group(1) if in_key else "")
        scale = unit_scale(unit, CURRENT) if unit else (1.0 if "current" in key else None)
        if scale is not None and 0 < float(value.group(1)) * scale <= _MOST_A:
            return float(value.group(1)) * scale
    return None
