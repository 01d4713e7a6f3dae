"""The share of PL dots that are lit, against voltage."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.reporting.content import POOLED, Array, Content, numbers, signal_units
from qdimage.reporting.plots import PLOT_IN, legend_beneath, single_plot
from qdimage.reporting.style import BLUE, GREY, PALE, VERMILION
from qdimage.reporting.words import flux_unit, number

if TYPE_CHECKING:
    import pandas as pd

_HEIGHT_IN = 5.4
_FIELD_WIDTH = 0.3
_BOTTOM = -0.045
_UPRIGHT_IN, _NARROW_IN = 0.85, 0.17


def draw_turn_on(content: Content, device: str) -> Figure | None:
    """Return the figure of a device; None where it has no EL channel."""
    single, pooled = content.of_device("turn_on", device), content.pooled(device)
    if not len(single):
        return None
    f_min = numbers(content.tables["turn_on"], "f_min_photons_s")
    known = f_min[np.isfinite(f_min)]
    limit = number(float(known[0])) if len(known) else "unknown"
    figure, axes = single_plot(
        device,
        ": PL-visible dots that are lit in EL",
        "voltage_v (V)",
        f"fraction brighter than F_min = {limit} {flux_unit(signal_units(single))}",
        height_in=_HEIGHT_IN,
    )
    voltages = np.unique(numbers(pooled, "voltage_v"))
    step = float(np.diff(voltages).min()) if len(voltages) > 1 else 0.2
    _fields(axes, single, step)
    _pool(axes, pooled)
    _without_answer(axes, single, step)
    _axes(axes, voltages, step)
    _counts(axes, pooled, step)
    legend_beneath(figure, axes)
    return figure


def _fields(axes: Axes, single: "pd.DataFrame", step: float) -> None:
    known = single[single["fraction"].notna()]
    names = list(dict.fromkeys(known["field"]))
    if len(names) < 2:
        return
    spread = np.linspace(-0.5, 0.5, len(names)) * _FIELD_WIDTH * step
    shift = dict(zip(names, spread, strict=True))
    x = numbers(known, "voltage_v") + np.array([shift[name] for name in known["field"]])
    axes.plot(
        x,
        numbers(known, "fraction"),
        "o",
        ms=5,
        mfc="white",
        mec=BLUE,
        alpha=0.45,
        label=f"single fields ({len(names)})",
    )


def _pool(axes: Axes, pooled: "pd.DataFrame") -> None:
    known = pooled[pooled["fraction"].notna()]
    if not len(known):
        return
    y = numbers(known, "fraction")
    error = np.abs([y - numbers(known, "fraction_low"), numbers(known, "fraction_high") - y])
    confidence = float(numbers(known, "confidence")[0])
    axes.errorbar(
        numbers(known, "voltage_v"),
        y,
        yerr=np.nan_to_num(error),
        fmt="o-",
        color=BLUE,
        ms=7,
        lw=1.6,
        elinewidth=1.8,
        capsize=4,
        zorder=5,
        label=f"{_pool_name(known)}, {100 * confidence:g} % interval",
    )


def _pool_name(known: "pd.DataFrame") -> str:
    return "all fields" if (known["field"] == POOLED).all() else "device"


def _without_answer(axes: Axes, single: "pd.DataFrame", step: float) -> None:
    for status, marker, colour in (("refused", "x", VERMILION), ("failed", "s", GREY)):
        at = numbers(single[single["status"] == status], "voltage_v")
        if not len(at):
            continue
        x, n = np.unique(at, return_counts=True)
        shift = 0.06 * step * (1 if status == "failed" else -1)
        axes.plot(
            x + shift,
            np.full(len(x), _BOTTOM),
            marker,
            ms=7,
            mew=1.8,
            color=colour,
            mfc="none",
            clip_on=False,
            label=f"{status} ({int(n.sum())})",
            ls="none",
        )


def _axes(axes: Axes, voltages: Array, step: float) -> None:
    axes.set_ylim(-0.085, 1.03)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.spines["left"].set_bounds(0, 1)
    for y in (0, 1):
        axes.axhline(y, color=PALE, lw=0.8, zorder=0)
    known = voltages[np.isfinite(voltages)]
    if len(known):
        axes.set_xlim(known.min() - 0.7 * step, known.max() + 0.7 * step)
    if 0 < len(known) <= 8:
        axes.set_xticks(known, [f"{value:g}" for value in known])


def _counts(axes: Axes, pooled: "pd.DataFrame", step: float) -> None:
    """Write n_lit / n_pl above each voltage, upright where they would touch."""
    low, high = axes.get_xlim()
    room_in = step / (high - low) * PLOT_IN
    known = pooled[pooled["n_pl"].notna()]
    if room_in < _NARROW_IN or not len(known):
        return
    axes.text(-0.012, 1.045, "lit/n", transform=axes.get_yaxis_transform(), ha="right", fontsize=9)
    for voltage, lit, n in zip(
        numbers(known, "voltage_v"), numbers(known, "n_lit"), numbers(known, "n_pl"), strict=True
    ):
        axes.text(
            voltage,
            1.045,
            f"{lit:.0f}/{n:.0f}",
            ha="center",
            va="bottom",
            fontsize=9,
            rotation=0 if room_in > _UPRIGHT_IN else 90,
        )
