"""A number from rows of a table, with the interval that the rows give it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
from scipy.stats import binom, t

from qdimage.domain.expectations import Selection, Wanted
from qdimage.domain.refusal import Refusal

Row = Mapping[str, Any]

SIGMAS = 1.959964
_CLOSE = 1e-9


@dataclass(frozen=True)
class Interval:
    """How the ends of a row's 95 % interval are found: two columns, or one with its error."""

    low: str = ""
    high: str = ""
    err: str = ""
    err_relative: float = 0.0

    def of(self, row: Row, column: str) -> tuple[float | None, float | None]:
        """Return the ends, None where they are not known."""
        value = _number(row.get(column))
        if value is None:
            return None, None
        low, high = _number(row.get(self.low)), _number(row.get(self.high))
        err = _number(row.get(self.err))
        if self.low and self.high and high is not None:
            below = value if low is None else max(value - low, 0.0)
            above = max(high - value, 0.0)
        elif self.err and err is not None:
            below = above = SIGMAS * err
        elif self.err_relative > 0:
            below = above = 0.0
        else:
            return None, None
        further = SIGMAS * self.err_relative * abs(value)
        return value - math.hypot(below, further), value + math.hypot(above, further)


@dataclass(frozen=True)
class Selected:
    """A number, the ends of its 95 % interval where known, and the row it is of, if it is one."""

    value: float
    low: float | None
    high: float | None
    row: Row | None = None


def chosen(rows: Sequence[Row], where: Mapping[str, Wanted]) -> list[Row]:
    """Return the rows that have the wanted values."""
    return [row for row in rows if all(_is(row.get(name), value) for name, value in where.items())]


def select(rows: Sequence[Row], selection: Selection, interval: Interval) -> Selected | Refusal:
    """Return the number that rows give, or why they give none.

    Parameters
    ----------
    rows : sequence of mapping
        Of the whole table.
    selection : Selection
    interval : Interval
        Of a single row's number. The number of rows beyond a limit is uncertain by the rows
        whose interval holds the limit; of a mean and a median the interval is that of the
        population that the rows are a sample of.
    """
    found = chosen(rows, selection.where)
    if selection.aggregate == "count" and not selection.column:
        return _scaled(Selected(len(found), None, None), selection.factor)
    if selection.aggregate == "only":
        answer = _only(found, selection, interval)
    else:
        answer = _of_many(found, selection, interval)
    return answer if isinstance(answer, Refusal) else _scaled(answer, selection.factor)


def _only(found: Sequence[Row], selection: Selection, interval: Interval) -> Selected | Refusal:
    if len(found) != 1:
        return Refusal(
            f"{selection.table} has {len(found) or 'no'} rows of this kind, expected one"
        )
    row = found[0]
    value = _number(row.get(selection.column))
    if value is None:
        said = str(row.get("message") or "") or f"{selection.column} is empty"
        return Refusal(said)
    return Selected(value, *interval.of(row, selection.column), row)


def _of_many(found: Sequence[Row], selection: Selection, interval: Interval) -> Selected | Refusal:
    known = [row for row in found if _number(row.get(selection.column)) is not None]
    if not known:
        return Refusal(f"none of {len(found)} rows of {selection.table} has {selection.column}")
    values = np.array([_number(row[selection.column]) for row in known], np.float64)
    if selection.aggregate in ("count", "fraction"):
        return _counted(known, values, selection, interval)
    if selection.aggregate in ("min", "max"):
        place = int(np.argmin(values) if selection.aggregate == "min" else np.argmax(values))
        row = known[place]
        return Selected(float(values[place]), *interval.of(row, selection.column), row)
    if selection.aggregate == "sum":
        return Selected(float(values.sum()), None, None)
    return _mean(values) if selection.aggregate == "mean" else _median(values)


def _counted(
    known: Sequence[Row],
    values: np.ndarray[Any, np.dtype[np.float64]],
    selection: Selection,
    interval: Interval,
) -> Selected:
    """Count values beyond a limit; at the least and most, those that surely and perhaps are."""
    ends = [interval.of(row, selection.column) for row in known]
    pairs = list(zip(values, ends, strict=True))
    lows = [value if end[0] is None else end[0] for value, end in pairs]
    highs = [value if end[1] is None else end[1] for value, end in pairs]
    whole = len(known) if selection.aggregate == "fraction" else 1

    def beyond(low: Sequence[float], high: Sequence[float]) -> float:
        number = sum(
            (selection.below is None or largest < selection.below)
            and (selection.above is None or smallest > selection.above)
            for smallest, largest in zip(low, high, strict=True)
        )
        return number / whole

    plain = list(map(float, values))
    return Selected(beyond(plain, plain), beyond(lows, highs), beyond(highs, lows))


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> Selected:
    mean = float(values.mean())
    if values.size < 2:
        return Selected(mean, None, None)
    half = float(t.ppf(0.975, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size))
    return Selected(mean, mean - half, mean + half)


def _median(values: np.ndarray[Any, np.dtype[np.float64]]) -> Selected:
    """Median with the order statistics that enclose it, whatever the distribution."""
    rising = np.sort(values)
    median = float(np.median(rising))
    rank = int(binom.ppf(0.025, rising.size, 0.5))
    if rank < 1:
        return Selected(median, None, None)
    return Selected(median, float(rising[rank - 1]), float(rising[rising.size - rank]))


def _scaled(answer: Selected, factor: float) -> Selected:
    low, high = (None if end is None else factor * end for end in (answer.low, answer.high))
    if factor < 0:
        low, high = high, low
    return Selected(factor * answer.value, low, high, answer.row)


def _is(value: Any, wanted: Wanted) -> bool:
    if isinstance(wanted, tuple):
        return any(_is(value, each) for each in wanted)
    if _is_empty(value):
        return wanted == ""
    if isinstance(wanted, str):
        return fnmatchcase(str(value), wanted)
    if isinstance(wanted, bool) or isinstance(value, bool | np.bool_):
        return isinstance(wanted, bool) and bool(value) is wanted
    number = _number(value)
    return number is not None and math.isclose(number, wanted, rel_tol=_CLOSE, abs_tol=_CLOSE)


def _is_empty(value: Any) -> bool:
    if value is None or value == "":
        return True
    return isinstance(value, float | np.floating) and math.isnan(value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool | np.bool_):
        return float(value)
    if isinstance(value, int | float | np.integer | np.floating) and math.isfinite(value):
        return float(value)
    return None
