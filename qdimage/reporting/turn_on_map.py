"""Where in a field the dots turn on at which voltage."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.reporting.content import Array, FieldContent, Mask, flag_mask, is_true, numbers
from qdimage.reporting.panels import panel_grid
from qdimage.reporting.plots import name_axes
from qdimage.reporting.style import GREY, INK, PALE, VOLTAGE_MAP, label
from qdimage.reporting.words import count, volts

_DARK, _SKIPPED, _ODD = "#9a9a9a", "#c4c4c4", "#0072B2"
# Colours at the ends of the map are too pale or too dark to tell from the paper and the ink.
_FIRST, _LAST = 0.06, 0.9
_LEGEND_IN = 0.7
_LEFT_IN, _NAME_IN = 0.75, 0.58


@dataclass(frozen=True)
class _Dots:
    """Places of a field's dots, the voltage from which each is lit, and what else is known.

    Attributes
    ----------
    x, y : ndarray, shape (n,)
    lit_from : ndarray, shape (n,)
        NaN where a dot is not lit.
    counted, odd : ndarray of bool, shape (n,)
        In the denominator at one voltage at least; dark at a voltage above `lit_from`.
    """

    x: Array
    y: Array
    lit_from: Array
    counted: Mask
    odd: Mask


def draw_turn_on_map(field: FieldContent) -> Figure | None:
    """Return the map and the histogram of a field; None where no two voltages were measured."""
    voltages = _voltages(field)
    dots = _dots(field)
    if len(voltages) < 2 or not dots.counted.any():
        return None
    aspect = _aspect(field, dots)
    grid = panel_grid(
        2, aspect=aspect, foot_in=0.62, legend_in=_LEGEND_IN, left_in=_LEFT_IN, most_columns=2
    )
    n = count(int(dots.counted.sum()), "counted dot")
    grid.title(label(field.name), ": voltage from which each dot is lit", n)
    axes = grid.panel(0)
    _map(axes, dots, voltages)
    name_axes(axes, "x (px)", "y (px)", grid.panel_in, _NAME_IN)
    shares = grid.panel(1)
    _steps(shares, dots, voltages)
    name_axes(shares, "voltage from which lit (V)", "counted dots", grid.panel_in, _NAME_IN)
    handles, names = axes.get_legend_handles_labels()
    grid.legend(handles, names, entry_in=1.9, markerscale=1.2)
    return grid.figure


def _voltages(field: FieldContent) -> Array:
    known = field.tables["turn_on"]
    known = known[known["fraction"].notna() & known["voltage_v"].notna()]
    return np.unique(numbers(known, "voltage_v"))


def _dots(field: FieldContent) -> _Dots:
    dots, fluxes = field.tables["dots"], field.tables["dot_channels"]
    counted_ids = numbers(fluxes, "dot_id")[_counted(field)]
    return _Dots(
        numbers(dots, "x_px"),
        numbers(dots, "y_px"),
        numbers(dots, "turn_on_voltage_high_v"),
        np.isin(numbers(dots, "dot_id"), counted_ids),
        flag_mask(dots, ("non_monotone",)),
    )


def _counted(field: FieldContent) -> Mask:
    return is_true(field.tables["dot_channels"], "counted")


def _aspect(field: FieldContent, dots: _Dots) -> float:
    channels = field.tables["channels"]
    own = channels[is_true(channels, "reference")]
    if len(own) and np.isfinite(numbers(own, "width_px")[0]):
        return float(numbers(own, "height_px")[0] / numbers(own, "width_px")[0])
    return float(np.ptp(dots.y) / np.ptp(dots.x)) if np.ptp(dots.x) else 1.0


def _colours(voltages: Array) -> list[tuple[float, ...]]:
    return [tuple(VOLTAGE_MAP(part)) for part in np.linspace(_FIRST, _LAST, len(voltages))]


def _size(n: int) -> float:
    """Diameter of a dot's mark in points: smaller where there are many."""
    return float(np.clip(75.0 / np.sqrt(max(n, 1)), 2.2, 6.5))


def _map(axes: Axes, dots: _Dots, voltages: Array) -> None:
    size = _size(len(dots.x))
    skipped = ~dots.counted
    axes.plot(
        dots.x[skipped],
        dots.y[skipped],
        ".",
        ms=0.6 * size,
        color=_SKIPPED,
        label=f"not counted ({int(skipped.sum())})",
    )
    dark = dots.counted & ~np.isfinite(dots.lit_from)
    axes.plot(
        dots.x[dark],
        dots.y[dark],
        "o",
        ms=size,
        mfc="white",
        mec=_DARK,
        mew=0.9,
        label=f"dark up to {volts(voltages[-1])} ({int(dark.sum())})",
    )
    for voltage, colour in zip(voltages, _colours(voltages), strict=True):
        here = dots.counted & (dots.lit_from == voltage)
        axes.plot(
            dots.x[here],
            dots.y[here],
            "o",
            ms=size,
            color=colour,
            label=f"from {volts(voltage)} ({int(here.sum())})",
        )
    odd = dots.counted & dots.odd
    if odd.any():
        axes.plot(
            dots.x[odd],
            dots.y[odd],
            "o",
            ms=1.7 * size,
            mfc="none",
            mec=_ODD,
            mew=0.9,
            label=f"dark again above ({int(odd.sum())})",
        )
    axes.set_xlim(min(dots.x.min(), 0.0), dots.x.max() + 4)
    axes.set_ylim(dots.y.max() + 4, min(dots.y.min(), 0.0))
    axes.set_aspect("equal", adjustable="box", anchor="SW")
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    for spine in axes.spines.values():
        spine.set_color(PALE)
    axes.tick_params(color=PALE)


def _steps(axes: Axes, dots: _Dots, voltages: Array) -> None:
    """Draw how many dots are lit from each voltage on, and how many stay dark."""
    lit = [int(np.sum(dots.counted & (dots.lit_from == voltage))) for voltage in voltages]
    dark = int(np.sum(dots.counted & ~np.isfinite(dots.lit_from)))
    x = np.arange(len(voltages) + 1)
    axes.bar(x[:-1], lit, width=0.72, color=_colours(voltages))
    axes.bar(x[-1:], [dark], width=0.72, color="white", edgecolor=_DARK, lw=1.0)
    top = max([*lit, dark, 1])
    for place, n in zip(x, [*lit, dark], strict=True):
        axes.text(
            float(place), n + 0.015 * top, str(n), ha="center", va="bottom", fontsize=9, color=INK
        )
    axes.set_ylim(0, 1.1 * top)
    axes.set_xticks(x, [*(f"{voltage:g}" for voltage in voltages), "dark"])
    axes.tick_params(axis="x", length=0)
    if len(voltages) > 7:
        axes.tick_params(axis="x", labelrotation=90)
    axes.spines["bottom"].set_color(GREY)
