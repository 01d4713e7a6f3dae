"""The share of PL dots that are lit, against voltage, and the curve through it."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.turn_on_curve import FIRST_LIGHT, CurveShape
from qdimage.reporting.content import POOLED, Array, Content, Row, numbers, signal_units
from qdimage.reporting.curve_words import device_curve, electronvolts, with_interval
from qdimage.reporting.plots import PLOT_IN, legend_beneath, single_plot
from qdimage.reporting.style import BLUE, GREY, INK, ORANGE, PALE, VERMILION
from qdimage.reporting.words import flux_unit, number

if TYPE_CHECKING:
    import pandas as pd

_HEIGHT_IN = 5.4
_FIELD_WIDTH = 0.3
_BOTTOM = -0.045
_UPRIGHT_IN, _NARROW_IN = 0.85, 0.17
_N_CURVE = 300
# The photon energy is marked if it lies this many steps of voltage beyond the voltages, or less.
_STEPS_TO_ENERGY = 3.0


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
        "voltage (V)",
        f"fraction brighter than F_min = {limit} {flux_unit(signal_units(single))}",
        height_in=_HEIGHT_IN,
    )
    voltages = np.unique(numbers(pooled, "voltage_v"))
    step = float(np.diff(voltages).min()) if len(voltages) > 1 else 0.2
    curve = device_curve(content, device)
    _never_falling(axes, pooled)
    _fields(axes, single, step)
    _pool(axes, pooled, joined=curve is None)
    _without_answer(axes, single, step)
    _axes(axes, voltages, step)
    if curve is not None:
        _photon_energy(axes, curve, step)
        _curve(axes, curve)
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


def _never_falling(axes: Axes, pooled: "pd.DataFrame") -> None:
    known = pooled[pooled["fraction_monotone_low"].notna()]
    if len(known) < 2:
        return
    axes.fill_between(
        numbers(known, "voltage_v"),
        numbers(known, "fraction_monotone_low"),
        numbers(known, "fraction_monotone_high"),
        color=BLUE,
        alpha=0.13,
        lw=0,
        zorder=1,
        label="never falling, all voltages",
    )


def _curve(axes: Axes, curve: Row) -> None:
    """Draw the fitted curve, its median with the interval, and what it says in words."""
    shape = CurveShape.of(
        curve["median_v"], curve["width_v"], curve["below_range"], curve["plateau"]
    )
    voltage = np.linspace(*axes.get_xlim(), _N_CURVE)
    axes.plot(
        voltage, shape.fraction(voltage), color=ORANGE, lw=2.0, zorder=3, label="logistic curve"
    )
    half = 0.5 * curve["plateau"]
    axes.plot(
        [curve["median_low_v"], curve["median_high_v"]], [half, half], color=INK, lw=2.2, zorder=6
    )
    axes.plot(
        curve["median_v"],
        half,
        "D",
        ms=6.5,
        mfc="white",
        mec=INK,
        mew=1.4,
        zorder=7,
        label="median",
    )
    lines = [
        f"median {with_interval(curve, 'median', '_v')} V",
        f"10 to 90 % width {with_interval(curve, 'width', '_v')} V",
        f"plateau {with_interval(curve, 'plateau')}",
        f"{100 * FIRST_LIGHT:g} % lit at {with_interval(curve, 'first_light', '_v')} V",
    ]
    axes.text(
        0.02,
        0.965,
        "\n".join(lines),
        transform=axes.transAxes,
        va="top",
        fontsize=9.5,
        linespacing=1.45,
        color="#444444",
    )


def _photon_energy(axes: Axes, curve: Row, step: float) -> None:
    """Mark the voltage at which an electron's energy is a photon's."""
    energy = curve["photon_energy_ev"]
    low, high = axes.get_xlim()
    reach = _STEPS_TO_ENERGY * step
    if energy is None or not low - reach <= energy <= high + reach:
        return
    axes.set_xlim(min(low, energy - 0.4 * step), max(high, energy + 0.4 * step))
    axes.axvline(
        energy,
        ymax=0.62,
        color=GREY,
        lw=1.2,
        ls=(0, (4, 3)),
        zorder=0,
        label=f"photon energy {electronvolts(energy)}",
    )


def _pool(axes: Axes, pooled: "pd.DataFrame", *, joined: bool) -> None:
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
        fmt="o-" if joined else "o",
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
