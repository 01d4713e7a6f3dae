"""A chart of a single dot as numbers, which the page draws when it is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qdimage.reporting.content import Array

Look = Literal["points", "line", "steps", "limits", "level", "interval", "band"]
_DIGITS = 4
_EVEN = 1e-6


@dataclass(frozen=True)
class Axis:
    """An axis: what it shows, and whether by its logarithm; its range, or None for that of all."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Mark:
    """Something drawn in a chart.

    Attributes
    ----------
    look : str
        `points` with error bars from `low` to `high` where given, `line`, `steps`, `limits`
        (triangles that point down), `level` (a dashed line across at `y`), `interval` (a bar from
        `low` to `high` at each x), or `band` (shaded between `low` and `high`).
    x, y : ndarray, shape (n,)
    colour : str
        As CSS writes it.
    name : str
        For the legend; "" to leave it out.
    low, high : ndarray, shape (n,), or None
    width : float
        Of lines, or diameter of points.
    dashed : bool
    """

    look: Look
    x: Array
    y: Array
    colour: str
    name: str = ""
    low: Array | None = None
    high: Array | None = None
    width: float = 1.5
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """A chart with its answer.

    Attributes
    ----------
    title : str
        What was measured.
    answer : str
        The result in a few words.
    x, y : Axis
    marks : tuple of Mark
        From the lowest to the uppermost; nothing is drawn without any.
    below : tuple of Mark
        In a narrow chart beneath with the same x: residuals in standard deviations.
    notes : tuple of str
        Flags and messages.
    headings : tuple of str
    rows : tuple of tuple of str
        A small table beneath.
    source : str
        The file of the curve, relative to the output folder.
    """

    title: str
    answer: str
    x: Axis = Axis("")
    y: Axis = Axis("")
    marks: tuple[Mark, ...] = ()
    below: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    source: str = ""


def chart_json(chart: Chart) -> dict[str, Any]:
    """Return a chart as plain values, empty ones left out."""
    found = {
        "title": chart.title,
        "answer": chart.answer,
        "x": _axis(chart.x),
        "y": _axis(chart.y),
        "marks": [_mark(mark) for mark in chart.marks],
        "below": [_mark(mark) for mark in chart.below],
        "notes": [note for note in chart.notes if note],
        "headings": chart.headings,
        "rows": chart.rows,
        "source": chart.source,
    }
    return {name: value for name, value in found.items() if value}


def without_marks(chart: Chart) -> Chart:
    """Return a chart whose curve the page does not hold."""
    note = f"The curve is left out to keep this page small; it is in {chart.source}."
    return Chart(
        chart.title,
        chart.answer,
        notes=(*chart.notes, note if chart.source else ""),
        headings=chart.headings,
        rows=chart.rows,
        source=chart.source,
    )


def _axis(axis: Axis) -> dict[str, Any]:
    found = {"label": axis.label, "log": axis.log, "low": axis.low, "high": axis.high}
    return {name: value for name, value in found.items() if value not in (None, False)}


def _mark(mark: Mark) -> dict[str, Any]:
    found: dict[str, Any] = {
        "look": mark.look,
        "x": packed(mark.x),
        "y": packed(mark.y),
        "colour": mark.colour,
        "width": mark.width,
    }
    for name, values in (("low", mark.low), ("high", mark.high)):
        if values is not None:
            found[name] = packed(values)
    if mark.name:
        found["name"] = mark.name
    if mark.dashed:
        found["dashed"] = True
    return found


def packed(values: Array | Sequence[float]) -> list[Any] | dict[str, float]:
    """Return numbers of four digits, null for NaN; evenly spaced ones as start, step and count."""
    array = np.asarray(values, np.float64)
    steps = np.diff(array)
    if len(array) > 3 and np.ptp(steps) <= _EVEN * abs(steps[0]) and steps[0]:
        start, step = float(array[0]), float(array[-1] - array[0]) / (len(array) - 1)
        return {"start": _short(start, 8), "step": _short(step, 8), "n": len(array)}
    return [_short(float(value), _DIGITS) if np.isfinite(value) else None for value in array]


def _short(value: float, digits: int) -> float | int:
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded
