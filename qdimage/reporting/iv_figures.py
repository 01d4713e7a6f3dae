"""Current against voltage, light against current, and photons for each electron."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.iv_tables import EFFICIENCY, IV
from qdimage.reporting.content import POOLED, Content, Row, numbers, rows_of
from qdimage.reporting.log_points import draw_log_points, short_log
from qdimage.reporting.photon_curves import read_curve
from qdimage.reporting.style import BLUE, GREY, INK, KIND_COLOUR, VERMILION, heading, label

if TYPE_CHECKING:
    import pandas as pd

MOST_FILES = 6
_PLOT_IN, _LEFT_IN, _GAP_IN = (3.3, 3.0), 0.9, 0.3
_HEAD_IN, _FOOT_IN = 0.9, 1.05
_COLOURS = (INK, BLUE, VERMILION, "#009E73", "#E69F00", GREY)


def draw_iv(content: Content, device: str) -> Figure | None:
    """Return the I-V curves of a device; beside them light and efficiency where they are known."""
    table = content.of_device(IV.name, device)
    files = [
        (rows, curve)
        for _, own in table[table["curve"] != ""].groupby(["field", "file"], sort=True)
        if (curve := read_curve(content.out, (rows := rows_of(own))[0])) is not None
    ]
    if not files:
        return None
    light = content.tables[EFFICIENCY.name]
    light = light[(light["device"] == device) & light["current_a"].notna()]
    n_panels = 1 + _has(light, "emitted_photons_s") + _has(light, "electrons_s")
    width = n_panels * (_LEFT_IN + _PLOT_IN[0] + _GAP_IN)
    height = _HEAD_IN + _PLOT_IN[1] + _FOOT_IN
    figure = Figure(figsize=(width, height))
    panels = [
        figure.add_axes(
            (
                (k * (_LEFT_IN + _PLOT_IN[0] + _GAP_IN) + _LEFT_IN) / width,
                _FOOT_IN / height,
                _PLOT_IN[0] / width,
                _PLOT_IN[1] / height,
            )
        )
        for k in range(n_panels)
    ]
    _curves(panels[0], files[:MOST_FILES])
    if n_panels > 1:
        _light(panels[1], light)
    if n_panels > 2:
        _efficiency(panels[2], light)
    figure.text(
        0.2 / width,
        1 - 0.13 / height,
        heading(device, ": current and light" if n_panels > 1 else ": current", width),
        va="top",
        fontsize=13,
        fontweight="bold",
    )
    found = [axes.get_legend_handles_labels() for axes in panels]
    handles = {name: handle for each in found for handle, name in zip(*each, strict=True)}
    figure.legend(
        list(handles.values()), list(handles), loc="lower center", ncols=min(len(handles), 5)
    )
    return figure


def _has(light: "pd.DataFrame", name: str) -> bool:
    return bool((numbers(light, name) > 0).any()) if len(light) else False


def _curves(axes: Axes, files: list[tuple[list[Row], "pd.DataFrame"]]) -> None:
    for k, (rows, curve) in enumerate(files):
        colour = _COLOURS[k % len(_COLOURS)]
        name = label(str(rows[0]["file"]), 24)
        volts, amps = (curve[each].to_numpy(float) for each in ("voltage_v", "current_a"))
        limited = curve["compliance"].to_numpy(float) > 0
        with np.errstate(invalid="ignore"):
            size = np.where(amps != 0, np.abs(amps), np.nan)
        _sweeps(axes, volts, np.where(limited, np.nan, size), rows, colour, name)
        if limited.any():
            axes.plot(volts[limited], size[limited], "x", ms=4, color=colour, label="compliance")
        leak = next((row for row in rows if row["leak_ohm"] is not None), None)
        if leak is not None:
            ends = np.linspace(volts.min(), volts.max(), 200)
            line = np.abs(leak["leak_siemens"] * ends)
            at = line > 0
            axes.plot(ends[at], line[at], ":", lw=1.2, color=GREY, label="leak", zorder=1)
    axes.set_yscale("log")
    short_log(axes.yaxis)
    axes.set_xlabel("voltage (V)")
    axes.set_ylabel("|current| (A)")


def _sweeps(
    axes: Axes, volts: "np.ndarray", size: "np.ndarray", rows: list[Row], colour: str, name: str
) -> None:
    first = 0
    for row in rows:
        stop = first + (row["n_readings"] or 0)
        falling = row["direction"] == "down"
        axes.plot(
            volts[first:stop],
            size[first:stop],
            "--" if falling else "-",
            lw=1.3,
            color=colour,
            label=f"{name}, {row['direction']}",
        )
        first = stop


def _light(axes: Axes, light: "pd.DataFrame") -> None:
    pooled = light[(light["arm"] == "camera") & (light["field"] == POOLED)]
    draw_log_points(
        axes,
        numbers(pooled, "current_a"),
        (numbers(pooled, "emitted_photons_s"), numbers(pooled, "emitted_photons_err_s")),
        colour=INK,
        name="camera, all fields",
        marker="s",
    )
    counters = light[light["arm"] == "counters"]
    for k, (_, own) in enumerate(counters.groupby(["field", "dot_id"], sort=True, dropna=False)):
        draw_log_points(
            axes,
            numbers(own, "current_a"),
            (numbers(own, "emitted_photons_s"), numbers(own, "emitted_photons_err_s")),
            colour=KIND_COLOUR["el"],
            name="single dots, counters" if k == 0 else "_",
        )
    for axis, scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        scale("log")
        short_log(axis)
    axes.set_xlabel("current of the device (A)")
    axes.set_ylabel("photons emitted (1/s)")


def _efficiency(axes: Axes, light: "pd.DataFrame") -> None:
    pooled = light[(light["arm"] == "camera") & (light["field"] == POOLED)]
    for name, words, colour, marker in (
        ("efficiency", "all light", INK, "s"),
        ("dots_efficiency", "PL dots", KIND_COLOUR["el"], "o"),
    ):
        volts, value, low, high = (
            numbers(pooled, each) for each in ("voltage_v", name, f"{name}_low", f"{name}_high")
        )
        seen = np.isfinite(value) & (low > 0)
        if seen.any():
            axes.errorbar(
                volts[seen],
                value[seen],
                yerr=np.abs([value - low, high - value])[:, seen],
                fmt=f"{marker}-",
                color=colour,
                capsize=2,
                label=f"efficiency, {words}",
            )
        limit = np.isfinite(value) & ~seen & (high > 0)
        axes.plot(volts[limit], high[limit], "v", color=colour, mfc="none")
    axes.set_yscale("log")
    short_log(axes.yaxis)
    axes.set_xlabel("voltage (V)")
    axes.set_ylabel("photons for each electron")
