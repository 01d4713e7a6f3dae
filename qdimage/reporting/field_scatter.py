"""How much the fields of a device, or the devices of a run, differ at each voltage."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.tables import TURN_ON
from qdimage.reporting.content import POOLED, Array, Content, Row, numbers, rows_of
from qdimage.reporting.plots import PLOT_IN, legend_beneath, single_plot
from qdimage.reporting.style import BLUE, GREY, PALE, label
from qdimage.reporting.words import count, number

if TYPE_CHECKING:
    import pandas as pd

_HEIGHT_IN = 5.4
_MOST_NAMES = 8
_GROUP = 0.76
_UPRIGHT_IN = 1.05
_COLOURS = (BLUE, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#6b6b6b", "#222222")


def draw_fields(content: Content, device: str) -> Figure | None:
    """Return the fractions of a device's fields beside their pool; None of a single field."""
    single = content.of_device(TURN_ON.name, device)
    single = single[single["fraction"].notna()]
    pools = [row for row in rows_of(content.pooled(device)) if row["between_field_sd"] is not None]
    if not pools:
        return None
    figure, axes = _plot(device, ": how much fields differ", len(pools))
    for place, pool in enumerate(pools):
        _pool(axes, place, pool)
    _groups(axes, single, pools, "field")
    _spread_words(axes, pools)
    legend_beneath(figure, axes)
    return figure


def draw_devices(content: Content) -> Figure | None:
    """Return the pooled fractions of all devices; None of a single device."""
    frame = content.tables[TURN_ON.name]
    pooled = frame[(frame["field"] == POOLED) & frame["fraction"].notna()]
    if pooled["device"].nunique() < 2:
        return None
    voltages = [{"voltage_v": voltage} for voltage in np.unique(numbers(pooled, "voltage_v"))]
    figure, axes = _plot("", "Turn-on fraction of every device", len(voltages))
    _groups(axes, pooled, voltages, "device")
    legend_beneath(figure, axes)
    return figure


def _plot(name: str, title: str, n_voltages: int) -> tuple[Figure, Axes]:
    figure, axes = single_plot(
        name, title, "voltage (V)", "fraction brighter than F_min", height_in=_HEIGHT_IN
    )
    axes.set_xlim(-0.55, n_voltages - 0.45)
    axes.set_ylim(-0.02, 1.03)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.spines["left"].set_bounds(0, 1)
    for border in np.arange(n_voltages - 1) + 0.5:
        axes.axvline(border, color=PALE, lw=0.8, zorder=0)
    return figure, axes


def _groups(axes: Axes, rows: "pd.DataFrame", at: list[Row], member: str) -> None:
    """Draw the members' fractions side by side in a strip for each voltage."""
    members = list(dict.fromkeys(rows[member]))
    places = np.linspace(-0.5, 0.5, len(members) + 2)[1:-1] * _GROUP
    named = len(members) <= _MOST_NAMES
    for k, name in enumerate(members):
        own = rows[rows[member] == name].drop_duplicates("voltage_v")
        x = _strips(own, at) + places[k]
        y = numbers(own, "fraction")
        error = np.abs([y - numbers(own, "fraction_low"), numbers(own, "fraction_high") - y])
        first = f"{member}s ({len(members)}), with intervals" if k == 0 else None
        axes.errorbar(
            x,
            y,
            yerr=np.nan_to_num(error),
            fmt="o",
            ms=5.5 if named else 3.5,
            color=_COLOURS[k] if named else BLUE,
            elinewidth=1.4 if named else 0.8,
            capsize=2.5 if named else 0,
            zorder=4,
            label=label(str(name), 20) if named else first,
        )
    axes.set_xticks(np.arange(len(at)), [f"{row['voltage_v']:g}" for row in at])
    axes.tick_params(axis="x", length=0)


def _strips(rows: "pd.DataFrame", at: list[Row]) -> Array:
    strip = {row["voltage_v"]: float(k) for k, row in enumerate(at)}
    return np.array([strip.get(v, np.nan) for v in numbers(rows, "voltage_v")], float)


def _pool(axes: Axes, place: int, pool: Row) -> None:
    """Draw the mean of the fields with its interval, and their standard deviation about it."""
    ends = [place - 0.46, place + 0.46]
    mean, sd = pool["fraction"], pool["between_field_sd"]
    axes.fill_between(
        ends,
        max(mean - sd, 0.0),
        min(mean + sd, 1.0),
        color=BLUE,
        alpha=0.1,
        lw=0,
        zorder=1,
        label="± sd of the true fractions" if place == 0 else None,
    )
    axes.plot(
        ends,
        [mean, mean],
        color=GREY,
        lw=1.4,
        zorder=2,
        label="mean (dashed: interval)" if place == 0 else None,
    )
    for end in (pool["fraction_low"], pool["fraction_high"]):
        axes.plot(ends, [end, end], color=GREY, lw=1.0, ls=(0, (3, 2)), zorder=2)


def _spread_words(axes: Axes, pools: list[Row]) -> None:
    upright = PLOT_IN / len(pools) < _UPRIGHT_IN
    for place, pool in enumerate(pools):
        low, high = pool["between_field_sd_low"], pool["between_field_sd_high"]
        text = number(pool["between_field_sd"], 2)
        if low is not None and high is not None:
            text += f" ({number(low, 2)} to {number(high, 2)})"
        axes.text(
            place,
            1.035,
            text if upright else f"sd {text}\n{count(pool['n_fields'], 'field')}",
            ha="center",
            va="bottom",
            fontsize=8.5,
            linespacing=1.3,
            rotation=90 if upright else 0,
            color="#444444",
        )
