"""Correlation curves side by side: data, fit, residuals, and g2(0) with its interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdimage.domain.photon_tables import PHOTONS
from qdimage.reporting.content import Content, Row, rows_of
from qdimage.reporting.photon_answers import has_value
from qdimage.reporting.photon_curves import CurveView, curve_view, read_curve
from qdimage.reporting.style import GREY, INK, KIND_COLOUR, PALE, VERMILION, heading, label
from qdimage.reporting.words import NOTHING, number, volts

MOST_PANELS = 16
_COLUMNS = 4
_LEFT_IN, _WIDTH_IN, _GAP_IN = 0.62, 2.62, 0.3
_TITLE_IN, _CURVE_IN, _RESIDUAL_IN, _FOOT_IN = 0.62, 1.85, 0.5, 0.55
_HEAD_IN = 0.78
_MOST_SIGMA = 4.0


@dataclass(frozen=True)
class _Panel:
    row: Row
    view: CurveView


def draw_g2(content: Content, device: str) -> Figure | None:
    """Return the curves of a device, those known best; None where it has none."""
    rows = _ordered(rows_of(content.of_device(PHOTONS.name, device)))
    return draw_curves(content, rows, device, ": g2 of single dots")


def draw_curves(content: Content, rows: Sequence[Row], name: str, title: str) -> Figure | None:
    """Return the curves of rows of `photons`, the first that there is room for."""
    panels = _panels(content, rows)
    if not panels:
        return None
    shown = sorted(panels[:MOST_PANELS], key=_place)
    columns = min(_COLUMNS, len(shown))
    lines = math.ceil(len(shown) / columns)
    cell = _LEFT_IN + _WIDTH_IN + _GAP_IN, _TITLE_IN + _CURVE_IN + _RESIDUAL_IN + _FOOT_IN
    width, height = max(columns * cell[0] + 0.1, 7.2), lines * cell[1] + _HEAD_IN
    figure = Figure(figsize=(width, height))
    for k, panel in enumerate(shown):
        left = (k % columns) * cell[0] + _LEFT_IN
        top = height - _HEAD_IN - (k // columns) * cell[1]
        _draw(figure, panel, left, top, (width, height), is_first=k % columns == 0)
    _heading(figure, name, title, len(shown), len(panels))
    return figure


def _panels(content: Content, rows: Sequence[Row]) -> list[_Panel]:
    """Return the curves that can be drawn."""
    panels = []
    for row in rows:
        frame = read_curve(content.out, row)
        view = None if frame is None else curve_view(frame, row)
        if view is not None and len(view.lag_ns):
            panels.append(_Panel(row, view))
    return panels


def _ordered(rows: list[Row]) -> list[Row]:
    """Order files: of EL and PL in turn each dot's best known, its others, those refused."""
    ranks: dict[tuple[str, str, object], int] = {}
    turns: dict[tuple[bool, int, str], int] = {}
    keyed = []
    for row in sorted(rows, key=_width):
        dot = row["field"], row["kind"], row["dot_id"] or row["file"]
        rank = ranks[dot] = ranks.get(dot, -1) + 1
        group = not has_value(row), rank, row["kind"]
        turn = turns[group] = turns.get(group, -1) + 1
        keyed.append(((group[0], rank, turn, row["kind"] != "el"), row))
    return [row for _, row in sorted(keyed, key=lambda each: each[0])]


def _width(row: Row) -> float:
    low, high = row["g2_0_low"], row["g2_0_high"]
    known = has_value(row) and low is not None and high is not None
    return float(high - low) if known else math.inf


def _place(panel: _Panel) -> tuple[bool, str, float, float, str]:
    row = panel.row
    dot = math.inf if row["dot_id"] is None else row["dot_id"]
    return row["kind"] != "el", row["field"], dot, row["voltage_v"] or 0.0, row["file"]


def _heading(figure: Figure, name: str, title: str, n_shown: int, n: int) -> None:
    width, height = figure.get_size_inches()
    figure.text(
        0.2 / width,
        1 - 0.13 / height,
        heading(name, title, width),
        va="top",
        fontsize=13,
        fontweight="bold",
    )
    note = (
        "points: joined bins; line: fit; dashed: rate model; bar at 0: g2(0) with 68 and 95 % "
        "interval"
    )
    if n > n_shown:
        note += f"; {n_shown} of {n} curves, each dot's best known first"
    figure.text(0.2 / width, 1 - 0.40 / height, note, va="top", fontsize=9.5, color="#555555")


def _draw(
    figure: Figure,
    panel: _Panel,
    left: float,
    top: float,
    size_in: tuple[float, float],
    *,
    is_first: bool,
) -> None:
    width, height = size_in
    bottom = top - _TITLE_IN - _CURVE_IN

    def axes(y: float, tall: float) -> Axes:
        return figure.add_axes((left / width, y / height, _WIDTH_IN / width, tall / height))

    curve, residual = axes(bottom, _CURVE_IN), axes(bottom - _RESIDUAL_IN, _RESIDUAL_IN - 0.07)
    _curve(curve, panel)
    _residual(residual, panel)
    title, answer = _words(panel.row)
    x = left / width
    figure.text(x, (top - 0.1) / height, title, va="top", fontsize=10, fontweight="bold")
    colour = INK if has_value(panel.row) else VERMILION
    figure.text(x, (top - 0.33) / height, answer, va="top", fontsize=9, color=colour)
    if is_first:
        curve.set_ylabel("g2 / plateau", fontsize=9.5)
        residual.set_ylabel("resid.", fontsize=8.5)
        for each in (curve, residual):
            each.yaxis.set_label_coords(-0.42 / _WIDTH_IN, 0.5)
    residual.set_xlabel("delay (ns)", fontsize=9, labelpad=1)


def _words(row: Row) -> tuple[str, str]:
    who = f"dot {row['dot_id']}" if row["dot_id"] is not None else label(str(row["file"]), 18)
    title = f"{row['kind'].upper()}, {who}"
    if row["voltage_v"] is not None:
        title += f", {volts(row['voltage_v'])}"
    if not has_value(row):
        return title, f"{row['status']}: no g2(0)"
    low, high = number(row["g2_0_low"], 2), number(row["g2_0_high"], 2)
    answer = f"g2(0) = {number(row['g2_0'], 2)} ({low}{NOTHING}{high})"
    return title, f"{answer}, {label(row['flags'], 16)}" if row["flags"] else answer


def _curve(axes: Axes, panel: _Panel) -> None:
    view, row = panel.view, panel.row
    colour = KIND_COLOUR.get(row["kind"], GREY)
    axes.axhline(1.0, color=PALE, lw=0.8, zorder=0)
    axes.axhline(0.0, color=PALE, lw=0.8, zorder=0)
    axes.vlines(
        view.lag_ns, view.g2 - view.g2_err, view.g2 + view.g2_err, color=colour, lw=0.6, alpha=0.35
    )
    axes.plot(view.lag_ns, view.g2, "o", ms=2.2, color=colour, mec="none", alpha=0.75)
    if np.isfinite(view.model).any():
        axes.plot(view.model_lag_ns, view.model, color=INK, lw=1.3, zorder=4)
    if np.isfinite(view.rate_model).any():
        axes.plot(view.model_lag_ns, view.rate_model, color=VERMILION, lw=1.0, ls="--", zorder=4)
    if has_value(row):
        _interval(axes, row)
    span = float(np.abs(view.lag_ns).max()) or 1.0
    axes.set_xlim(-span, span)
    axes.set_ylim(-0.04, max(1.25, float(np.quantile(view.g2, 0.98)) * 1.12))
    axes.xaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.tick_params(labelsize=8, labelbottom=False)


def _interval(axes: Axes, row: Row) -> None:
    for low, high, thick in (("g2_0_low", "g2_0_high", 1.4), ("g2_0_low_68", "g2_0_high_68", 4.0)):
        if row[low] is not None and row[high] is not None:
            axes.plot(
                [0, 0],
                [row[low], row[high]],
                color=VERMILION,
                lw=thick,
                zorder=5,
                clip_on=False,
                solid_capstyle="butt",
            )
    axes.plot(0, row["g2_0"], "D", ms=2.6, mfc="white", mec=VERMILION, mew=0.9, zorder=6)


def _residual(axes: Axes, panel: _Panel) -> None:
    view = panel.view
    for y in (-2, 0, 2):
        axes.axhline(y, color=PALE, lw=0.8, zorder=0)
    known = np.isfinite(view.residual)
    axes.plot(
        view.lag_ns[known],
        np.clip(view.residual[known], -_MOST_SIGMA, _MOST_SIGMA),
        "o",
        ms=1.6,
        color=GREY,
        mec="none",
    )
    span = float(np.abs(view.lag_ns).max()) or 1.0
    axes.set_xlim(-span, span)
    axes.set_ylim(-_MOST_SIGMA, _MOST_SIGMA)
    axes.set_yticks([-2, 2])
    axes.xaxis.set_major_locator(MaxNLocator(5, symmetric=True))
    axes.tick_params(labelsize=8)
