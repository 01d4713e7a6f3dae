"""Light against voltage: of a device's fields, of the bands of spectra, of dots on the counters."""

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.light_tables import BAND_SERIES, EL_SERIES, LIGHT_TURN_ON, PHOTON_FLUX
from qdimage.reporting.content import POOLED, Array, Content, numbers, rows_of, signal_units
from qdimage.reporting.log_points import draw_log_points, log_axis
from qdimage.reporting.plots import legend_beneath, single_plot
from qdimage.reporting.style import BLUE, GREY, INK, KIND_COLOUR, PALE, heading, label
from qdimage.reporting.words import count, flux_unit, number

if TYPE_CHECKING:
    import pandas as pd

MOST_TARGETS, MOST_DOTS, MOST_TICKS = 9, 30, 12
_HEIGHT_IN = 5.6
_SIGMA_95 = 1.959964
_LIGHTS = (
    ("integrated", "all light", INK, "s"),
    ("dots", "PL dots", KIND_COLOUR["el"], "o"),
    ("background", "between the dots", BLUE, "D"),
)
_BANDS = (
    ("dot_band", "dot band", KIND_COLOUR["el"], "o"),
    ("background_band", "background band", BLUE, "D"),
)
_PLOT_IN, _LARGE_IN, _LEFT_IN, _GAP_IN = (2.9, 2.2), (6.2, 3.6), 0.8, 0.3
_HEAD_IN, _TITLE_IN, _FOOT_IN, _LEGEND_IN = 0.85, 0.42, 0.45, 0.35


def draw_el_series(content: Content, device: str) -> Figure | None:
    """Return all light of a device against voltage; None below two voltages."""
    table = content.tables[EL_SERIES.name]
    own = table[(table["device"] == device) & (table["status"] == "ok")]
    # What stands for no light would stretch the axis down to 0 V.
    own = own[numbers(own, "voltage_v") != 0]
    pooled = own[(own["field"] == POOLED) & own["area_um2"].notna()]
    fields = own[(own["field"] != POOLED) & own["area_um2"].notna()]
    if pooled["voltage_v"].nunique() < 2:
        return None
    unit = flux_unit(signal_units(pooled))
    figure, axes = single_plot(
        device,
        ": EL of the whole area",
        "voltage (V)",
        f"EL at the camera ({unit}/µm²)",
        height_in=_HEIGHT_IN,
    )
    for name, words, colour, marker in _LIGHTS:
        for _, each in fields.groupby("field", sort=False):
            y = numbers(each, f"{name}_photons_s") / numbers(each, "area_um2")
            seen = y > _SIGMA_95 * numbers(each, f"{name}_photons_err_s") / numbers(
                each, "area_um2"
            )
            axes.plot(numbers(each, "voltage_v")[seen], y[seen], color=colour, lw=0.6, alpha=0.3)
        area = numbers(pooled, "area_um2")
        draw_log_points(
            axes,
            numbers(pooled, "voltage_v"),
            (
                numbers(pooled, f"{name}_photons_s") / area,
                numbers(pooled, f"{name}_photons_err_s") / area,
            ),
            colour=colour,
            name=words,
            marker=marker,
        )
    if not log_axis(axes):
        return None
    _voltage_ticks(axes, pooled)
    zeros = list(dict.fromkeys(pooled["zero"]))
    axes.text(
        0.0,
        1.02,
        f"{count(fields['field'].nunique(), 'field')}; no light is: {label('; '.join(zeros), 70)}",
        transform=axes.transAxes,
        fontsize=9.5,
        color="#555555",
    )
    legend_beneath(figure, axes)
    return figure


def draw_bands(content: Content, device: str) -> Figure | None:
    """Return both bands of each dot and area against voltage; None below two voltages."""
    table = content.of_device(BAND_SERIES.name, device)
    table = table[table["status"] == "ok"]
    groups = [
        (key, own)
        for key, own in table.groupby(["field", "scope", "dot_id"], sort=True, dropna=False)
        if own["voltage_v"].nunique() > 1
    ]
    if not groups:
        return None
    shown = groups[:MOST_TARGETS]
    columns = min(3, len(shown))
    lines = math.ceil(len(shown) / columns)
    plot = _PLOT_IN if len(shown) > 1 else _LARGE_IN
    cell = _LEFT_IN + plot[0] + _GAP_IN, _TITLE_IN + plot[1] + _FOOT_IN
    width, height = max(columns * cell[0], 7.2), lines * cell[1] + _HEAD_IN + _LEGEND_IN
    figure = Figure(figsize=(width, height))
    turn_on = content.of_device(LIGHT_TURN_ON.name, device)
    for k, (key, own) in enumerate(shown):
        left = (k % columns) * cell[0] + _LEFT_IN
        bottom = height - _HEAD_IN - (k // columns) * cell[1] - _TITLE_IN - plot[1]
        axes = figure.add_axes((left / width, bottom / height, plot[0] / width, plot[1] / height))
        _draw_target(axes, own, _turn_on_of(turn_on, key))
        axes.set_title(_target(key), loc="left", fontsize=9.5)
        axes.tick_params(labelsize=8)
        axes.set_xlabel("voltage (V)", fontsize=9, labelpad=2)
        if k % columns == 0:
            axes.set_ylabel("counts/s", fontsize=9)
    note = "95 % intervals; triangles: limits; shaded: where the band's light sets in"
    if len(groups) > len(shown):
        note += f"; the first {len(shown)} of {len(groups)}"
    place = 0.2 / width
    figure.text(
        place,
        1 - 0.13 / height,
        heading(device, ": dot band and background band", width),
        va="top",
        fontsize=13,
        fontweight="bold",
    )
    figure.text(place, 1 - 0.40 / height, note, va="top", fontsize=9.5, color="#555555")
    handles, names = _all_handles(figure)
    figure.legend(handles, names, loc="lower center", ncols=4, fontsize=9)
    return figure


def _all_handles(figure: Figure) -> tuple[list[Artist], list[str]]:
    found: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)


def _target(key: tuple[object, ...]) -> str:
    field, scope, dot_id = key
    who = "area" if scope == "area" else f"dot {int(str(dot_id).partition('.')[0])}"
    return f"{label(str(field), 24)}, {who}"


def _turn_on_of(turn_on: "pd.DataFrame", key: tuple[object, ...]) -> "pd.DataFrame":
    field, scope, dot_id = key
    own = turn_on[(turn_on["field"] == field) & (turn_on["scope"] == scope)]
    own = own[(own["source"] == "spectra") & (own["status"] == "ok")]
    return own if scope == "area" else own[own["dot_id"] == dot_id]


def _draw_target(axes: Axes, own: "pd.DataFrame", turn_on: "pd.DataFrame") -> None:
    volts = numbers(own, "voltage_v")
    for band, words, colour, marker in _BANDS:
        value = numbers(own, f"{band}_counts_s")
        err = (numbers(own, f"{band}_high_counts_s") - value) / _SIGMA_95
        draw_log_points(axes, volts, (value, err), colour=colour, name=words, marker=marker)
        for row in rows_of(turn_on[turn_on["light"] == band]):
            if row["turn_on_low_v"] is not None:
                axes.axvspan(row["turn_on_low_v"], row["turn_on_high_v"], color=colour, alpha=0.1)
    log_axis(axes)
    margin = 0.06 * max(float(np.ptp(volts)), 0.1)
    axes.set_xlim(volts.min() - margin, volts.max() + margin)


def draw_photon_flux(content: Content, device: str) -> Figure | None:
    """Return emitted photons of a device's dots against voltage; None without an EL rate."""
    table = content.of_device(PHOTON_FLUX.name, device)
    table = table[(table["kind"] == "el") & table["voltage_v"].notna()]
    table = table[table["emitted_photons_s"].notna()]
    if not len(table):
        return None
    figure, axes = single_plot(
        device,
        ": photons emitted by single dots",
        "voltage (V)",
        "photons emitted (1/s)",
        height_in=_HEIGHT_IN,
    )
    groups = list(table.groupby(["field", "dot_id"], sort=True, dropna=False))
    many = len(groups) > 1
    for k, (_, own) in enumerate(groups[:MOST_DOTS]):
        shift = _shift(k, table) if many else 0.0
        names = ("photon counters", "camera, same dot") if k == 0 else ("_", "_")
        volts = numbers(own, "voltage_v") + shift
        draw_log_points(
            axes,
            volts,
            (numbers(own, "emitted_photons_s"), numbers(own, "emitted_photons_err_s")),
            colour=KIND_COLOUR["el"],
            name=names[0],
        )
        draw_log_points(
            axes,
            volts,
            (
                numbers(own, "camera_emitted_photons_s"),
                numbers(own, "camera_emitted_photons_err_s"),
            ),
            colour=GREY,
            name=names[1],
            filled=False,
        )
    _voltage_ticks(axes, table)
    _device_ratio(axes, content, device)
    if not log_axis(axes):
        return None
    axes.grid(axis="y", color=PALE, lw=0.5)
    legend_beneath(figure, axes)
    return figure


def _voltage_ticks(axes: Axes, table: "pd.DataFrame") -> None:
    """Mark the voltages themselves, unless they are too many."""
    voltages = np.unique(numbers(table, "voltage_v"))
    if len(voltages) <= MOST_TICKS:
        axes.set_xticks(voltages, [f"{volts:g}" for volts in voltages])


def _shift(k: int, table: "pd.DataFrame") -> float:
    """Moves dots a little apart, so that they do not hide each other."""
    voltages: Array = np.unique(numbers(table, "voltage_v"))
    step = float(np.diff(voltages).min()) if len(voltages) > 1 else 0.2
    return ((k * 0.6180339887) % 1.0 - 0.5) * 0.2 * step


def _device_ratio(axes: Axes, content: Content, device: str) -> None:
    table = content.tables[PHOTON_FLUX.name]
    for row in rows_of(table[(table["device"] == device) & (table["field"] == POOLED)]):
        if row["ratio"] is None:
            continue
        words = {True: "agree", False: "disagree", None: "may agree or not"}[row["agrees"]]
        axes.text(
            0.0,
            1.02,
            f"counters over camera: {number(row['ratio'])} ({number(row['ratio_low'], 2)} to "
            f"{number(row['ratio_high'], 2)}), {count(row['n_dots'], 'dot')}: the arms {words}",
            transform=axes.transAxes,
            fontsize=9.5,
            color="#555555",
        )
