"""g2(0) of many dots: the smallest of EL beside PL, and all of them against voltage."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdimage.domain.photon_tables import PHOTONS, POPULATION, POPULATION_DOTS
from qdimage.reporting.content import Content, Row, numbers, rows_of
from qdimage.reporting.photon_answers import has_value, run_population, share_text
from qdimage.reporting.plots import legend_beneath, single_plot
from qdimage.reporting.style import INK, KIND_COLOUR
from qdimage.reporting.words import count, number

if TYPE_CHECKING:
    import pandas as pd

MOST_SMALLEST = 12
_HEIGHT_IN = 5.8
_GOLDEN = 0.6180339887
_MARKERS = ("o", "s", "^", "v", "P", "X")


def draw_smallest(content: Content) -> Figure | None:
    """Return the smallest g2(0) of EL beside those of PL; None where either is missing."""
    dots = content.tables[POPULATION_DOTS.name]
    groups = {kind: dots[dots["kind"] == kind].sort_values("g2_0") for kind in ("el", "pl")}
    if not all(len(group) for group in groups.values()):
        return None
    figure, axes = single_plot(
        "",
        "Smallest g2(0) of EL beside PL",
        "rank, from the smallest measured value on",
        "g2(0)",
        height_in=_HEIGHT_IN,
    )
    samples = list(dict.fromkeys(dots["sample"]))
    ends: list[float | None] = []
    for kind, group in groups.items():
        shown = group.iloc[:MOST_SMALLEST]
        ends += [float(end) for end in numbers(shown, "g2_0_high")]
        _ranks(axes, shown, kind, samples, len(group))
    limit = _limit(axes, content.tables[POPULATION.name])
    _below_words(axes, content)
    axes.set_ylim(0.0, max(_top(ends), 1.6 * limit))
    most = max(min(len(group), MOST_SMALLEST) for group in groups.values())
    axes.set_xlim(0.3, most + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(min(most, 15), integer=True))
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="lower center", ncols=3, fontsize=9)
    return figure


def _top(ends: Sequence[float | None]) -> float:
    """Return where the axis ends: above all intervals but those far wider than most."""
    known = [end for end in ends if end is not None and np.isfinite(end)]
    if not known:
        return 1.1
    return 1.1 * min(max(known), 3.0 * float(np.median(known)), 1.3)


def _ranks(axes: Axes, shown: "pd.DataFrame", kind: str, samples: list[str], n: int) -> None:
    colour = KIND_COLOUR[kind]
    x = np.arange(1, len(shown) + 1) + (-0.14 if kind == "el" else 0.14)
    y = numbers(shown, "g2_0")
    error = np.abs([y - numbers(shown, "g2_0_low"), numbers(shown, "g2_0_high") - y])
    for k, sample in enumerate(samples):
        at = np.asarray(shown["sample"] == sample)
        if not at.any():
            continue
        name = kind.upper() if len(samples) == 1 else f"{kind.upper()}, {sample}"
        axes.errorbar(
            x[at],
            y[at],
            yerr=np.nan_to_num(error[:, at]),
            fmt=_MARKERS[k % len(_MARKERS)],
            color=colour,
            ms=6.5,
            elinewidth=1.5,
            capsize=2.5,
            zorder=4,
            label=f"{name} ({at.sum()} of {n})",
        )
    shrunken = numbers(shown, "shrunken_g2_0")
    if np.isfinite(shrunken).any():
        axes.plot(
            x,
            shrunken,
            "_",
            ms=11,
            mew=2.2,
            color=INK,
            alpha=0.85,
            zorder=5,
            label="given also the other dots" if kind == "el" else None,
        )


def _limit(axes: Axes, populations: "pd.DataFrame") -> float:
    """Draw the limit with its error; return its upper end, 0 where there is none."""
    known = populations[populations["limit"].notna()]
    if not len(known):
        return 0.0
    row = rows_of(known.iloc[:1])[0]
    axes.axhspan(row["limit_low"], row["limit_high"], color="#0b8a66", alpha=0.12, lw=0, zorder=0)
    axes.axhline(
        row["limit"],
        color="#0b8a66",
        lw=1.4,
        ls=(0, (5, 3)),
        zorder=1,
        label=f"limit {number(row['limit'], 2)}: {row['limit_source']}",
    )
    return float(row["limit_high"])


def _below_words(axes: Axes, content: Content) -> None:
    lines = [
        f"{count(row['n_dots'], 'EL dot')}: {row['n_below']} measured below the limit, "
        f"{number(row['n_below_expected'], 2)} ({row['n_below_expected_low']:g} to "
        f"{row['n_below_expected_high']:g}) truly below, "
        f"{share_text(row)} of the population"
        for row in run_population(content, "el")
        if row["share_below"] is not None
    ]
    axes.text(
        0.0, 1.03, "\n".join(lines[:2]), transform=axes.transAxes, fontsize=9.5, color="#555555"
    )


def draw_g2_voltage(content: Content, device: str) -> Figure | None:
    """Return g2(0) of a device's dots against voltage; None where there are not two voltages."""
    rows = [row for row in rows_of(content.of_device(PHOTONS.name, device)) if has_value(row)]
    el = [row for row in rows if row["kind"] == "el" and row["voltage_v"] is not None]
    voltages = sorted({row["voltage_v"] for row in el})
    if len(voltages) < 2:
        return None
    step = float(np.diff(voltages).min())
    figure, axes = single_plot(
        device, ": g2(0) against voltage", "voltage (V)", "g2(0)", height_in=_HEIGHT_IN
    )
    _dots(axes, el, step, "el", f"EL dots, 95 % interval ({count(len(el), 'file')})")
    pl = [row | {"voltage_v": voltages[0] - 1.3 * step} for row in rows if row["kind"] == "pl"]
    _dots(axes, pl, step, "pl", f"PL dots ({count(len(pl), 'file')})")
    populations = content.tables[POPULATION.name]
    _means(axes, populations[(populations["device"] == device) & (populations["kind"] == "el")])
    _limit(axes, populations)
    _voltage_axis(axes, voltages, step, has_pl=bool(pl))
    ends = [row["g2_0_high"] for row in [*el, *pl] if row["g2_0_high"] is not None]
    axes.set_ylim(
        0.0, min(max(ends, default=1.0), 3.0 * float(np.median(ends or [1.0])), 1.3) * 1.1
    )
    legend_beneath(figure, axes)
    return figure


def _voltage_axis(axes: Axes, voltages: list[float], step: float, *, has_pl: bool) -> None:
    first = voltages[0] - (2.0 if has_pl else 0.7) * step
    axes.set_xlim(first, voltages[-1] + 0.7 * step)
    if len(voltages) > 12:
        return
    places = [voltages[0] - 1.3 * step] if has_pl else []
    names = ["PL"] if has_pl else []
    axes.set_xticks([*places, *voltages], [*names, *(f"{voltage:g}" for voltage in voltages)])


def _dots(axes: Axes, rows: list[Row], step: float, kind: str, name: str) -> None:
    if not rows:
        return
    colour = KIND_COLOUR[kind]
    keys = list(dict.fromkeys(_dot(row) for row in rows))
    shift = {key: ((k * _GOLDEN) % 1.0 - 0.5) * 0.5 * step for k, key in enumerate(keys)}
    for key in keys:
        own = sorted((row for row in rows if _dot(row) == key), key=lambda row: row["voltage_v"])
        if len({row["voltage_v"] for row in own}) > 1:
            places = [row["voltage_v"] + shift[key] for row in own]
            axes.plot(places, [row["g2_0"] for row in own], color=colour, lw=0.8, alpha=0.35)
    x = np.array([row["voltage_v"] + shift[_dot(row)] for row in rows])
    y, low, high = (
        np.array([np.nan if row[end] is None else row[end] for row in rows], float)
        for end in ("g2_0", "g2_0_low", "g2_0_high")
    )
    axes.errorbar(
        x,
        y,
        yerr=np.nan_to_num(np.abs([y - low, high - y])),
        fmt="o",
        ms=4.5,
        color=colour,
        elinewidth=1.0,
        alpha=0.7,
        label=name,
    )


def _dot(row: Row) -> tuple[str, object]:
    return row["field"], row["file"] if row["dot_id"] is None else row["dot_id"]


def _means(axes: Axes, populations: "pd.DataFrame") -> None:
    known = populations[populations["voltage_v"].notna() & populations["mean_g2_0"].notna()]
    if not len(known):
        return
    mean = numbers(known, "mean_g2_0")
    error = np.abs(
        [mean - numbers(known, "mean_g2_0_low"), numbers(known, "mean_g2_0_high") - mean]
    )
    axes.errorbar(
        numbers(known, "voltage_v"),
        mean,
        yerr=np.nan_to_num(error),
        fmt="D",
        ms=7,
        mfc="white",
        color=INK,
        elinewidth=2.0,
        capsize=4,
        zorder=6,
        label="mean of the EL dots, 95 % interval",
    )
