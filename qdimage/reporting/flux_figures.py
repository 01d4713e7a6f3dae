"""EL flux of the dots against voltage, and PL flux of lit and dark dots."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdimage.reporting.content import Array, Content, is_true, numbers, signal_units
from qdimage.reporting.plots import legend_beneath, plain_log, single_plot
from qdimage.reporting.states import channel_states, last_measured
from qdimage.reporting.style import BLUE, GREY, INK, ORANGE, VERMILION
from qdimage.reporting.words import count, flux_unit, number, volts

if TYPE_CHECKING:
    import pandas as pd

_GOLDEN = 0.6180339887
_SPREAD = 0.34
# From here on, thin lines are a picture inside the SVG: thousands of them would be slow to show.
_MANY_DOTS = 600


def draw_el_flux(content: Content, device: str) -> Figure | None:
    """Return the EL fluxes of a device's dots; None where none was measured."""
    table = content.of_device("dot_channels", device)
    table = table[table["photons_s"].notna() & table["voltage_v"].notna()]
    if not len(table):
        return None
    unit = flux_unit(signal_units(table))
    figure, axes = single_plot(
        device,
        ": EL flux of PL-visible dots",
        "voltage (V)",
        f"EL flux at the camera ({unit})",
        height_in=5.4,
    )
    voltages = np.unique(numbers(table, "voltage_v"))
    step = float(np.diff(voltages).min()) if len(voltages) > 1 else 0.2
    many = table.groupby(["field", "dot_id"]).ngroups > _MANY_DOTS
    lit = table[is_true(table, "lit") & (numbers(table, "photons_s") > 0)]
    dark = table[~is_true(table, "lit") & (numbers(table, "photons_upper_s") > 0)]
    _dot_lines(axes, lit, step, rasterized=many)
    _upper_limits(axes, dark, step, rasterized=many)
    _medians(axes, lit, voltages)
    _f_min(axes, content, unit)
    axes.set_yscale("log")
    plain_log(axes.yaxis)
    axes.set_xlim(voltages[0] - 0.7 * step, voltages[-1] + 0.7 * step)
    if len(voltages) <= 8:
        axes.set_xticks(voltages, [f"{value:g}" for value in voltages])
    legend_beneath(figure, axes)
    return figure


def _jitter(table: "pd.DataFrame", step: float) -> Array:
    """The same small shift for a dot at every voltage, so that points do not hide each other."""
    return ((numbers(table, "dot_id") * _GOLDEN) % 1.0 - 0.5) * _SPREAD * step


def _dot_lines(axes: Axes, lit: "pd.DataFrame", step: float, *, rasterized: bool) -> None:
    if not len(lit):
        return
    x = numbers(lit, "voltage_v") + _jitter(lit, step)
    points = np.column_stack([x, numbers(lit, "photons_s")])
    ordered = lit.assign(_row=np.arange(len(lit))).sort_values("voltage_v", kind="stable")
    paths = [points[g["_row"].to_numpy()] for _, g in ordered.groupby(["field", "dot_id"])]
    axes.add_collection(
        LineCollection(
            [path for path in paths if len(path) > 1],
            colors=BLUE,
            linewidths=0.5,
            alpha=0.16,
            rasterized=rasterized,
        )
    )
    axes.plot(
        *points.T,
        ".",
        ms=4.5,
        color=BLUE,
        alpha=0.4,
        mec="none",
        rasterized=rasterized,
        label=f"detected: flux ({count(len(lit), 'measurement')})",
    )


def _upper_limits(axes: Axes, dark: "pd.DataFrame", step: float, *, rasterized: bool) -> None:
    if not len(dark):
        return
    axes.plot(
        numbers(dark, "voltage_v") + _jitter(dark, step),
        numbers(dark, "photons_upper_s"),
        "v",
        ms=4,
        mfc="none",
        mec=GREY,
        alpha=0.35,
        rasterized=rasterized,
        label=f"not detected: 95 % upper limit ({len(dark)})",
    )


def _medians(axes: Axes, lit: "pd.DataFrame", voltages: Array) -> None:
    at, flux = numbers(lit, "voltage_v"), numbers(lit, "photons_s")
    found = [v for v in voltages if np.any(at == v)]
    if not found:
        return
    quartiles = np.array([np.percentile(flux[at == v], [25, 50, 75]) for v in found])
    low, middle, high = quartiles.T
    axes.errorbar(
        found,
        middle,
        yerr=[middle - low, high - middle],
        fmt="o-",
        color=VERMILION,
        ms=7,
        lw=2,
        elinewidth=2.4,
        capsize=0,
        zorder=5,
        label="detected: median, quartiles",
    )


def _f_min(axes: Axes, content: Content, unit: str) -> None:
    values = numbers(content.tables["turn_on"], "f_min_photons_s")
    known = values[np.isfinite(values)]
    if len(known):
        axes.axhline(
            float(known[0]),
            color=INK,
            lw=1.2,
            ls=(0, (5, 3)),
            zorder=4,
            label=f"F_min = {number(float(known[0]))} {unit}",
        )


def draw_pl_flux(content: Content, device: str) -> Figure | None:
    """Return PL flux histograms of lit and dark dots; None where no dot is known to be either."""
    lit, dark, voltages = _pl_by_state(content, device)
    every = np.concatenate([lit, dark])
    if not len(every):
        return None
    unit = flux_unit(signal_units(content.of_device("dots", device)))
    figure, axes = single_plot(
        device,
        ": are the dark dots dim in PL?",
        f"PL flux at the camera ({unit})",
        "PL dots per bin",
        height_in=5.4,
    )
    low, high = float(every.min()), float(every.max())
    edges = [float(edge) for edge in np.geomspace(low * 0.95, high * 1.05, 26)]
    name = volts(voltages[0]) if len(voltages) == 1 else "the field's highest voltage"
    axes.hist(
        [lit, dark],
        edges,
        stacked=True,
        color=[BLUE, ORANGE],
        edgecolor="white",
        linewidth=0.4,
        label=[f"lit in EL at {name} ({len(lit)})", f"dark ({len(dark)})"],
    )
    for values, colour in ((lit, BLUE), (dark, ORANGE)):
        if len(values):
            axes.plot(
                float(np.median(values)),
                1.03,
                "v",
                ms=10,
                color=colour,
                transform=axes.get_xaxis_transform(),
                clip_on=False,
            )
    axes.set_xscale("log")
    plain_log(axes.xaxis)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    legend_beneath(figure, axes)
    return figure


def _pl_by_state(content: Content, device: str) -> tuple[Array, Array, list[float]]:
    lit: list[Array] = [np.empty(0)]
    dark: list[Array] = [np.empty(0)]
    voltages: set[float] = set()
    for field in content.fields:
        last = last_measured(field) if field.device == device else None
        if last is None:
            continue
        voltages.add(last[1])
        ids, is_lit, counted = channel_states(field, last[0])
        dots = field.tables["dots"]
        own, flux = numbers(dots, "dot_id"), numbers(dots, "pl_photons_s")
        usable = np.isfinite(flux) & (flux > 0)
        lit.append(flux[usable & np.isin(own, ids[is_lit])])
        dark.append(flux[usable & np.isin(own, ids[counted & ~is_lit])])
    return np.concatenate(lit), np.concatenate(dark), sorted(voltages)
