"""A panel of a publication, drawn again from a run's tables and curves as it was declared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdimage.domain.expectations import Panel, Statement
from qdimage.domain.run_tables import RUN_TABLES
from qdimage.io.table_file import has_table, read_table
from qdimage.numerics.selection import chosen
from qdimage.pipeline.comparison import interval_of
from qdimage.reporting.content import Array, Content, Row, rows_of
from qdimage.reporting.g2_figures import draw_curves
from qdimage.reporting.micrograph_panels import field_panels
from qdimage.reporting.micrographs import draw_chosen
from qdimage.reporting.photon_curves import read_curve
from qdimage.reporting.plots import legend_beneath, plain_log, single_plot
from qdimage.reporting.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    KIND_COLOUR,
    ORANGE,
    VERMILION,
    VOLTAGE_MAP,
    label,
)
from qdimage.reporting.words import number, volts
from qdimage.units import unit_of

_HEIGHT_IN = 5.0
# Of the counts: a single noisy pixel is not the largest.
_HIGHEST = 0.995
_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, INK, GREY)
_MARKERS = ("o", "s", "^", "v", "D", "P")
_TABLES = {table.name: table for table in RUN_TABLES}


def draw_panel(content: Content, panel: Panel) -> Figure | None:
    """Return a panel's figure; None where the run has nothing for it."""
    draw: dict[str, Callable[[Content, Panel, list[Row]], Figure | None]] = {
        "image": _images,
        "curves": _curves,
        "spectra": _spectra,
        "series": _series,
        "ranked": _ranked,
    }
    rows = _rows(content, panel)
    return draw[panel.kind](content, panel, rows) if rows else None


def _rows(content: Content, panel: Panel) -> list[Row]:
    name = "channels" if panel.kind == "image" else panel.table
    table = _TABLES.get(name)
    if table is None or not has_table(content.out, table):
        return []
    return list(map(dict, chosen(rows_of(read_table(content.out, table, older=True)), panel.where)))


def _images(content: Content, panel: Panel, rows: list[Row]) -> Figure | None:
    wanted = {(row["device"], row["field"], row["channel"]) for row in rows}
    shown = [
        each
        for field in content.fields
        for each in field_panels(content, field)
        if (field.device, field.name, each.row["channel"]) in wanted
    ]
    return draw_chosen(shown, panel.panel, panel.title) if shown else None


def _curves(content: Content, panel: Panel, rows: list[Row]) -> Figure | None:
    return draw_curves(content, rows, panel.panel, f": {panel.title}" if panel.title else "")


def _spectra(content: Content, panel: Panel, rows: list[Row]) -> Figure | None:
    found = [(row, read_curve(content.out, row)) for row in rows]
    shown = [(row, frame) for row, frame in found if frame is not None]
    if not shown:
        return None
    y_name = "counts, each relative to its largest" if panel.normalized else "counts per pixel"
    figure, axes = _plot(panel, "wavelength (nm)", y_name)
    colours = _spectrum_colours([row for row, _ in shown])
    for (row, frame), colour in zip(shown, colours, strict=True):
        x = frame["wavelength_nm"].to_numpy()
        counts, model = frame["counts"].to_numpy(), frame["model"].to_numpy()
        floor = float(np.median(counts[counts <= np.quantile(counts, 0.25)]))
        scale = 1.0
        if panel.normalized:
            scale = 1.0 / max(float(np.quantile(counts, _HIGHEST)) - floor, 1.0)
        axes.step(x, (counts - floor) * scale, where="mid", color=colour, lw=0.7, alpha=0.7)
        axes.plot(x, (model - floor) * scale, color=colour, lw=1.6, label=_spectrum_name(row))
    if panel.log_y:
        axes.set_yscale("symlog", linthresh=10.0)
    axes.margins(x=0)
    legend_beneath(figure, axes)
    return figure


def _spectrum_colours(rows: Sequence[Row]) -> list[Any]:
    """Return colours by voltage, else by kind, else one for each spectrum."""
    voltages = sorted({row["voltage_v"] for row in rows if row["voltage_v"] is not None})
    kinds = [row["kind"] for row in rows]
    if len(voltages) > 1:
        span = voltages[-1] - voltages[0]
        return [
            VOLTAGE_MAP(((row["voltage_v"] or voltages[0]) - voltages[0]) / span) for row in rows
        ]
    if len(set(kinds)) == len(kinds):
        return [KIND_COLOUR.get(kind, INK) for kind in kinds]
    return [_COLOURS[k % len(_COLOURS)] for k in range(len(rows))]


def _spectrum_name(row: Row) -> str:
    parts = [row["kind"].upper()]
    if row["scope"] == "area" and row["pmma_nm"] is not None:
        parts.append(f"{row['pmma_nm']:g} nm PMMA")
    if row["voltage_v"] is not None:
        parts.append(volts(row["voltage_v"]))
    return ", ".join(parts)


@dataclass(frozen=True)
class _Points:
    """Values of a group with the ends of their intervals; without one the ends are the value."""

    x: Array
    y: Array
    low: Array
    high: Array


def _points(panel: Panel, rows: Sequence[Row], column: str) -> _Points | None:
    known = [row for row in rows if row.get(column) is not None]
    if panel.x:
        known = [row for row in known if row.get(panel.x) is not None]
    if not known:
        return None
    ends = _intervals(panel, known, column)
    x = [row[panel.x] if panel.x else 0.0 for row in known]
    y = [panel.factor * float(row[column]) for row in known]
    order = np.argsort(x if panel.x else y, kind="stable")
    columns = (np.array(each, np.float64)[order] for each in (x, y, *ends))
    return _Points(*columns)


def _intervals(panel: Panel, rows: Sequence[Row], column: str) -> tuple[list[float], list[float]]:
    interval = interval_of(Statement(statement="-", table=panel.table, column=column))
    lows, highs = [], []
    for row in rows:
        value = float(row[column])
        low, high = interval.of(row, column)
        lows.append(panel.factor * (value if low is None else low))
        highs.append(panel.factor * (value if high is None else high))
    return lows, highs


def _groups(panel: Panel, rows: list[Row]) -> dict[str, list[Row]]:
    if not panel.group:
        return {"": rows}
    groups: dict[str, list[Row]] = {}
    for row in rows:
        value = row.get(panel.group)
        name = f"{value:g}" if isinstance(value, float) else str(value or "")
        groups.setdefault(name, []).append(row)
    return groups


def _lines(panel: Panel, rows: list[Row]) -> dict[str, _Points]:
    """Return the points of each group and column, by a name that tells them apart."""
    found: dict[str, _Points] = {}
    for group, own in _groups(panel, rows).items():
        for column in panel.columns:
            points = _points(panel, own, column)
            words = [group] if group else []
            words += [column] if len(panel.columns) > 1 else []
            if points is not None:
                found[", ".join(words)] = points
    return found


def _series(content: Content, panel: Panel, rows: list[Row]) -> Figure | None:
    shown = _lines(panel, rows)
    if not shown:
        return None
    figure, axes = _plot(panel, _axis_name(panel.x), _axis_name(panel.columns[0]))
    for k, (name, points) in enumerate(shown.items()):
        _errorbar(axes, points.x, points, k, name, joined=True)
    if panel.log_y:
        axes.set_yscale("log", nonpositive="mask")
        plain_log(axes.yaxis)
    else:
        axes.set_ylim(bottom=min(0.0, *(float(each.low.min()) for each in shown.values())))
    _mark(axes, panel)
    legend_beneath(figure, axes)
    return figure


def _ranked(content: Content, panel: Panel, rows: list[Row]) -> Figure | None:
    shown = _lines(panel, rows)
    if not shown:
        return None
    figure, axes = _plot(panel, "rank, from the smallest on", _axis_name(panel.columns[0]))
    for k, (name, points) in enumerate(shown.items()):
        some = slice(0, panel.most)
        cut = _Points(points.x[some], points.y[some], points.low[some], points.high[some])
        place: Array = np.arange(1.0, len(cut.y) + 1) + 0.12 * (k - (len(shown) - 1) / 2)
        _errorbar(axes, place, cut, k, f"{name} ({len(cut.y)} of {len(points.y)})", joined=False)
    axes.xaxis.set_major_locator(MaxNLocator(min(panel.most, 15), integer=True))
    axes.set_ylim(bottom=0.0)
    _mark(axes, panel)
    legend_beneath(figure, axes)
    return figure


def _errorbar(axes: Axes, x: Array, points: _Points, k: int, name: str, *, joined: bool) -> None:
    colour = KIND_COLOUR.get(name.split(" ")[0], _COLOURS[k % len(_COLOURS)])
    error = np.maximum([points.y - points.low, points.high - points.y], 0.0)
    axes.errorbar(
        x,
        points.y,
        yerr=error,
        fmt=_MARKERS[k % len(_MARKERS)] + ("-" if joined else ""),
        ms=5.5,
        lw=1.0,
        elinewidth=1.4,
        capsize=2.5,
        color=colour,
        label=label(name) if name else None,
    )


def _mark(axes: Axes, panel: Panel) -> None:
    if panel.mark is not None:
        axes.axhline(
            panel.mark, color=GREY, lw=1.2, ls="--", zorder=0, label=f"stated {number(panel.mark)}"
        )


def _axis_name(column: str) -> str:
    unit = unit_of(column)
    return f"{column} ({unit})" if unit else column


def _plot(panel: Panel, x_name: str, y_name: str) -> tuple[Figure, Axes]:
    title = f": {panel.title}" if panel.title else ""
    return single_plot(panel.panel, title, x_name, y_name, height_in=_HEIGHT_IN)
