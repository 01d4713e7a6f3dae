"""What rate models predict: g2(0) and brightness over a range, and g2 against delay."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import replacing
from qdimage.pipeline.model_decay import DecayPrediction
from qdimage.pipeline.model_scan import ModelScan
from qdimage.pipeline.prediction import NOTABLE_TRUNCATION, Prediction
from qdimage.reporting.plots import name_axes, plain_log
from qdimage.reporting.style import (
    BLUE,
    DPI,
    GREEN,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    house_style,
    label,
)
from qdimage.reporting.words import number
from qdimage.units import unit_of

_WIDTH_IN, _PANEL_IN = 7.2, 2.7
_LEFT_IN, _RIGHT_IN, _BOTTOM_IN, _GAP_IN, _TOP_IN = 0.95, 0.25, 0.75, 0.3, 0.6
# Of delays: beyond this ratio they are drawn in their logarithm.
_WIDE = 3000.0
_COLOURS = {"el": VERMILION, "pl": BLUE, "pl-charged": GREEN}
# Of the strongest lines; more could not be told apart.
_LINE_COLOURS = (ORANGE, BLUE, GREEN, VERMILION)
_FAINTEST = 1e-5
_NAMES = {"el": "EL", "pl": "PL", "pl-charged": "PL, blinking"}
_X_NAMES = {
    "pump_per_us": "pumping rate (1/µs)",
    "hole_to_electron": "hole injection / electron injection",
}


def write_figure(found: Prediction | ModelScan | DecayPrediction, path: Path) -> None:
    """Draw an answer into a file, whole or not at all.

    Raises
    ------
    ConfigurationError
        If the name does not end in .png or .svg.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise ConfigurationError(
            f"--figure: found {path.name!r}, expected a name that ends in .png or .svg; correct it"
        )
    with house_style(), replacing(path) as partial:
        figure = _drawn(found)
        metadata = {"Software": None} if kind == "png" else {"Date": None}
        figure.savefig(partial, format=kind, dpi=DPI, metadata=metadata)


def _drawn(found: Prediction | ModelScan | DecayPrediction) -> Figure:
    if isinstance(found, ModelScan):
        return draw_scan(found)
    return draw_g2(found) if isinstance(found, Prediction) else draw_decay(found)


def draw_scan(found: ModelScan) -> Figure:
    """Return a figure of g2(0) over brightness, both against what was varied."""
    figure, (upper, lower) = _panels(2)
    names = list(dict.fromkeys(row["model"] for row in found.rows))
    for name in names:
        rows = [row for row in found.rows if row["model"] == name]
        colour = _COLOURS.get(name, ORANGE)
        x = [row["value"] for row in rows]
        shown = _NAMES.get(name, label(name))
        upper.plot(x, [row["g2_0"] for row in rows], color=colour, lw=2, ls=":")
        upper.plot(x, [_settled(row) for row in rows], color=colour, lw=2, label=shown)
        lower.plot(x, [row["intensity_per_us"] for row in rows], color=colour, lw=2)
        limit = found.weak_limit_g2_0.get(name)
        if limit:
            upper.axhline(limit, color=colour, lw=1.2, ls=(0, (4, 3)))
            _beside(upper, limit, colour)
    if any(found.weak_limit_g2_0.values()):
        upper.plot([], [], color=GREY, lw=1.2, ls=(0, (4, 3)), label="limit of weak drive")
    if any(math.isnan(_settled(row)) for row in found.rows):
        doubtful = f"more than {100 * NOTABLE_TRUNCATION:g} % off by the most carriers"
        upper.plot([], [], color=GREY, lw=2, ls=":", label=doubtful)
    for axes in (upper, lower):
        axes.set_xscale("log")
        axes.set_xlim(found.rows[0]["value"], found.rows[-1]["value"])
        plain_log(axes.xaxis)
        axes.grid(visible=True)
    if all(row["g2_0"] > 0 for row in found.rows):
        upper.set_yscale("log")
        plain_log(upper.yaxis)
    lower.set_yscale("log")
    plain_log(lower.yaxis)
    upper.tick_params(labelbottom=False)
    unit = unit_of(found.parameter)
    plain = found.parameter + (f" ({unit})" if unit else "")
    _name(upper, "", "g2(0)")
    _name(lower, _X_NAMES.get(found.parameter, label(plain)), "photons emitted (1/µs)")
    _legend(figure, upper, _conventions(found.conventions))
    return figure


def _settled(row: Mapping[str, Any]) -> float:
    """g2(0), or NaN where more carriers would change it."""
    return math.nan if abs(row["truncation_error"] or 0.0) > NOTABLE_TRUNCATION else row["g2_0"]


def draw_g2(found: Prediction) -> Figure:
    """Return a figure of g2 against delay."""
    figure, (axes,) = _panels(1)
    lags, values = zip(*sorted(zip(found.lag_ns, found.g2, strict=True)), strict=True)
    shown = _NAMES.get(found.model, label(found.model))
    axes.axhline(1.0, color=GREY, lw=1.0, ls=(0, (4, 3)))
    marks = "o-" if len(lags) < 40 else "-"
    axes.plot(lags, values, marks, color=_COLOURS.get(found.model, ORANGE), lw=2, ms=4, label=shown)
    near = min((abs(lag) for lag in lags if lag), default=1.0)
    if max(map(abs, lags)) > _WIDE * near:
        axes.set_xscale("symlog", linthresh=near)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True)
    _name(axes, "delay (ns)", "g2")
    _legend(figure, axes, _conventions(found.conventions))
    return figure


def draw_decay(found: DecayPrediction) -> Figure:
    """Return a figure of the light after a pulse, and of its lines."""
    figure, (axes,) = _panels(1)
    order = sorted(range(len(found.time_ns)), key=lambda k: found.time_ns[k])
    times = [found.time_ns[k] for k in order]
    peak = max(found.photons_per_us)
    lines = {name: light for name, light in found.line_photons_per_us.items() if max(light) > 0}
    strongest = sorted(lines, key=lambda name: -max(lines[name]))[: len(_LINE_COLOURS)]
    shown = {"all lines": found.photons_per_us, **{name: lines[name] for name in strongest}}
    for (name, light), colour in zip(shown.items(), (INK, *_LINE_COLOURS), strict=False):
        if max(light) > _FAINTEST * peak:
            width = 2.6 if colour == INK else 1.3
            axes.plot(times, [light[k] for k in order], color=colour, lw=width, label=label(name))
    if peak > 0:
        axes.set_yscale("log")
        axes.set_ylim(peak * _FAINTEST, peak * 2)
        plain_log(axes.yaxis)
    axes.grid(visible=True)
    _name(axes, "time after the pulse (ns)", "photons emitted (1/µs)")
    _legend(figure, axes, "")
    return figure


def _panels(n: int) -> tuple[Figure, tuple[Axes, ...]]:
    """Panels above each other, of one width."""
    height = _BOTTOM_IN + n * _PANEL_IN + (n - 1) * _GAP_IN + _TOP_IN
    figure = Figure(figsize=(_WIDTH_IN, height))
    width = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN) / _WIDTH_IN
    axes = [
        figure.add_axes(
            (
                _LEFT_IN / _WIDTH_IN,
                (_BOTTOM_IN + k * (_PANEL_IN + _GAP_IN)) / height,
                width,
                _PANEL_IN / height,
            )
        )
        for k in range(n)
    ]
    return figure, tuple(axes[::-1])


def _beside(axes: Axes, value: float, colour: str) -> None:
    """Write a value above its line, at the right end."""
    axes.annotate(
        number(value, 2),
        (1.0, value),
        xycoords=("axes fraction", "data"),
        xytext=(-3, 3),
        textcoords="offset points",
        ha="right",
        color=colour,
        fontsize=9,
    )


def _name(axes: Axes, x_name: str, y_name: str) -> None:
    name_axes(axes, x_name, y_name, (_WIDTH_IN - _LEFT_IN - _RIGHT_IN, _PANEL_IN))


def _conventions(said: Any) -> str:
    if not said:
        return ""
    counted = "trion photons counted" if said["count_trions"] else "trion photons not counted"
    pump = "each carrier" if said["pump_is"] == "each" else "the sum of both carriers"
    return f"EL: pump of {pump}, at most {said['carriers']}; {said['coulomb']} law; {counted}"


def _legend(figure: Figure, axes: Axes, note: str) -> None:
    height = figure.get_size_inches()[1]
    handles, names = axes.get_legend_handles_labels()
    left = (_LEFT_IN - 0.1) / _WIDTH_IN
    figure.legend(
        handles, names, loc="upper left", ncols=5, bbox_to_anchor=(left, 1 - 0.02 / height)
    )
    figure.text(_LEFT_IN / _WIDTH_IN, 1 - 0.5 / height, note, fontsize=8.5, color=GREY, va="center")
