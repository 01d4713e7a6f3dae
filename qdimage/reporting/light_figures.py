"""Intensity traces, decays and spectra of single dots, in rows of small plots."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from qdimage.domain.photon_tables import LIFETIMES, TRACES
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.reporting.content import Array, Content, Row, rows_of
from qdimage.reporting.photon_curves import read_curve
from qdimage.reporting.style import INK, KIND_COLOUR, PALE, heading, label
from qdimage.reporting.words import number, percent, volts

if TYPE_CHECKING:
    import pandas as pd

MOST_TRACES, MOST_DECAYS, MOST_SPECTRA = 8, 12, 12
_MOST_POINTS = 1500
_HEAD_IN, _FOOT_IN, _TITLE_IN = 0.85, 0.45, 0.42

Draw = Callable[[Axes, Row, "pd.DataFrame"], None]


def draw_traces(content: Content, device: str) -> Figure | None:
    """Return the intensity traces of a device's first files; None where there are none."""
    return _grid(
        content,
        device,
        TRACES.name,
        most=MOST_TRACES,
        columns=1,
        size_in=(9.2, 1.15),
        title=": intensity traces",
        note="both detectors; line: levels between change points",
        axis="time (s)",
        draw=_trace,
    )


def draw_decays(content: Content, device: str) -> Figure | None:
    """Return the decays of a device's first files; None where there are none."""
    return _grid(
        content,
        device,
        LIFETIMES.name,
        most=MOST_DECAYS,
        columns=3,
        size_in=(3.3, 2.1),
        title=": decays after a pulse",
        note="counts of each bin; line: fit with the response",
        axis="time after the pulse (ns)",
        draw=_decay,
    )


def draw_spectra(content: Content, device: str) -> Figure | None:
    """Return the spectra of a device's first files; None where there are none."""
    return _grid(
        content,
        device,
        SPECTRA.name,
        most=MOST_SPECTRA,
        columns=3,
        size_in=(3.3, 2.1),
        title=": spectra",
        note="counts of each pixel; line: fit",
        axis="wavelength (nm)",
        draw=_spectrum,
    )


def _grid(
    content: Content,
    device: str,
    table: str,
    *,
    most: int,
    columns: int,
    size_in: tuple[float, float],
    title: str,
    note: str,
    axis: str,
    draw: Draw,
) -> Figure | None:
    rows = [row for row in rows_of(content.of_device(table, device)) if row["curve"]]
    found = [(row, frame) for row in rows if (frame := read_curve(content.out, row)) is not None]
    if not found:
        return None
    shown = found[:most]
    columns = min(columns, len(shown))
    lines = math.ceil(len(shown) / columns)
    cell = 0.75 + size_in[0] + 0.25, _TITLE_IN + size_in[1] + _FOOT_IN
    width, height = max(columns * cell[0], 7.2), lines * cell[1] + _HEAD_IN
    figure = Figure(figsize=(width, height))
    for k, (row, frame) in enumerate(shown):
        left = (k % columns) * cell[0] + 0.75
        bottom = height - _HEAD_IN - (k // columns) * cell[1] - _TITLE_IN - size_in[1]
        axes = figure.add_axes(
            (left / width, bottom / height, size_in[0] / width, size_in[1] / height)
        )
        draw(axes, row, frame)
        axes.tick_params(labelsize=8)
        axes.set_title(_name(row), loc="left", fontsize=9.5)
        if k + columns >= len(shown):
            axes.set_xlabel(axis, fontsize=9, labelpad=2)
    if len(found) > most:
        note += f"; the first {most} of {len(found)} files"
    place = 0.2 / width
    figure.text(
        place,
        1 - 0.13 / height,
        heading(device, title, width),
        va="top",
        fontsize=13,
        fontweight="bold",
    )
    figure.text(place, 1 - 0.40 / height, note, va="top", fontsize=9.5, color="#555555")
    return figure


def _name(row: Row) -> str:
    who = f"dot {row['dot_id']}" if row["dot_id"] is not None else label(str(row["file"]), 24)
    parts = [f"{row['kind'].upper()}, {who}"]
    if row["voltage_v"] is not None:
        parts.append(volts(row["voltage_v"]))
    if row["status"] != "ok":
        return ", ".join([*parts, row["status"]])
    if row.get("on_fraction") is not None:
        parts.append(f"on {percent(row['on_fraction'])} % of the time")
    elif row.get("n_levels") is not None:
        parts.append(f"{row['n_levels']} level" + ("" if row["n_levels"] == 1 else "s"))
    if row.get("main_lifetime_ns") is not None:
        parts.append(f"{number(row['main_lifetime_ns'])} ns")
    if row.get("peak_nm") is not None:
        parts.append(f"{row['peak_nm']:.1f} nm, FWHM {number(row['fwhm_nm'])} nm")
    return ", ".join(parts)


def _trace(axes: Axes, row: Row, frame: "pd.DataFrame") -> None:
    time, counts = frame["time_s"].to_numpy(), frame["counts"].to_numpy()
    bin_s = row["bin_s"] or (float(time[1] - time[0]) if len(time) > 1 else 1.0)
    joined = max(len(time) // _MOST_POINTS, 1)
    rate = _joined(counts, joined) / bin_s
    at = _joined(time, joined)
    axes.plot(at, rate, color=KIND_COLOUR.get(row["kind"], INK), lw=0.7, alpha=0.75)
    if "level_counts_s" in frame:
        levels = frame["level_counts_s"].to_numpy()
        axes.plot(time, levels, color=INK, lw=1.1, drawstyle="steps-mid", rasterized=True)
    axes.set_xlim(float(time[0]), float(time[-1]) or 1.0)
    axes.set_ylim(0, max(float(rate.max()) * 1.05, 1.0))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel("counts/s", fontsize=9)


def _joined(values: Array, n: int) -> Array:
    """Return means of n neighbours each, what is left at the end dropped."""
    return np.asarray(values[: len(values) // n * n].reshape(-1, n).mean(axis=1))


def _decay(axes: Axes, row: Row, frame: "pd.DataFrame") -> None:
    time, counts = frame["time_ns"].to_numpy(), frame["counts"].to_numpy()
    seen = counts > 0
    axes.plot(
        time[seen],
        counts[seen],
        ".",
        ms=2.2,
        color=KIND_COLOUR.get(row["kind"], INK),
        alpha=0.5,
        rasterized=True,
    )
    if frame["model"].notna().any():
        axes.plot(time, frame["model"].to_numpy(), color=INK, lw=1.3)
    if seen.any():
        axes.set_yscale("log")
        axes.set_ylim(max(0.7, float(counts[seen].min()) * 0.7), float(counts.max()) * 1.8)
    axes.grid(axis="y", color=PALE, lw=0.5)


def _spectrum(axes: Axes, row: Row, frame: "pd.DataFrame") -> None:
    wavelength, counts = frame["wavelength_nm"].to_numpy(), frame["counts"].to_numpy()
    axes.plot(
        wavelength,
        counts,
        color=KIND_COLOUR.get(row["kind"], INK),
        lw=0.7,
        drawstyle="steps-mid",
        rasterized=True,
    )
    if frame["model"].notna().any():
        axes.plot(wavelength, frame["model"].to_numpy(), color=INK, lw=1.3)
    axes.set_xlim(float(wavelength[0]), float(wavelength[-1]))
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_ylabel("counts", fontsize=9)
