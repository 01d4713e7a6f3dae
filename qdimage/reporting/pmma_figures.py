"""Areas under different thicknesses of PMMA: spectra, and the light of both bands over voltage."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.pmma_tables import PMMA_SERIES, PMMA_WINDOWS
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.reporting.content import Content, Row, rows_of
from qdimage.reporting.photon_curves import read_curve
from qdimage.reporting.plots import plain_log
from qdimage.reporting.pmma_words import thickness, window_words
from qdimage.reporting.style import BLUE, GREY, INK, KIND_COLOUR, PALE, label
from qdimage.reporting.words import volts

if TYPE_CHECKING:
    import pandas as pd

MOST_THICKNESSES = 8
_WIDTH_IN, _ROW_IN, _TITLE_IN, _HEAD_IN, _FOOT_IN = 10.2, 1.5, 0.56, 0.36, 0.55
_LEFT_IN, _SPECTRUM_IN, _GAP_IN, _SERIES_IN = 0.75, 4.35, 0.95, 3.6
_BANDS = (("dot_band", "dot band", KIND_COLOUR["el"]), ("background_band", "background band", BLUE))
_MOST_POINTS = 600


def draw_pmma(content: Content) -> Figure | None:
    """Return a row for each thickness: its spectrum, and its bands over voltage; None without."""
    series = [row for row in rows_of(content.tables[PMMA_SERIES.name]) if row["kind"] == "el"]
    windows = rows_of(content.tables[PMMA_WINDOWS.name])
    groups = [(each, of) for each in windows if (of := _of_window(series, each))]
    groups = groups[:MOST_THICKNESSES]
    if not groups:
        return None
    cell = _TITLE_IN + _ROW_IN
    height = len(groups) * cell + _HEAD_IN + _FOOT_IN
    figure = Figure(figsize=(_WIDTH_IN, height))
    curves = rows_of(content.tables[SPECTRA.name])
    for index, (window, rows) in enumerate(groups):
        bottom = height - _HEAD_IN - (index + 1) * cell
        last = index == len(groups) - 1
        left = _axes(figure, _LEFT_IN, bottom, _SPECTRUM_IN)
        _spectrum(left, content, rows, curves)
        right = _axes(figure, _LEFT_IN + _SPECTRUM_IN + _GAP_IN, bottom, _SERIES_IN)
        _series(right, rows, window)
        title = f"{thickness(window)}: {window_words(window)}"
        left.set_title(label(title, 90), loc="left", fontsize=9.5, pad=4)
        if last:
            left.set_xlabel("wavelength (nm)", fontsize=9, labelpad=2)
            right.set_xlabel("voltage (V)", fontsize=9, labelpad=2)
    _same_voltages([axes for axes in figure.axes if axes.get_yscale() == "log"])
    figure.text(
        0.2 / _WIDTH_IN,
        1 - 0.13 / height,
        "EL of areas under PMMA",
        va="top",
        fontsize=13,
        fontweight="bold",
    )
    return figure


def _of_window(series: Sequence[Row], window: Row) -> list[Row]:
    """Rows with an answer of a thickness; of an unknown one, those of the device."""
    return [
        row
        for row in series
        if row["status"] == "ok"
        and row["voltage_v"] is not None
        and row["pmma_nm"] == window["pmma_nm"]
        and (window["pmma_nm"] is not None or row["device"] == window["device"])
    ]


def _axes(figure: Figure, left_in: float, bottom_in: float, width_in: float) -> Axes:
    width, height = figure.get_size_inches()
    axes = figure.add_axes(
        (left_in / width, bottom_in / height, width_in / width, _ROW_IN / height)
    )
    axes.tick_params(labelsize=8)
    return axes


def _spectrum(axes: Axes, content: Content, rows: Sequence[Row], spectra: Sequence[Row]) -> None:
    """Draw the spectrum at the highest voltage, its highest counts as 1."""
    shown = max(rows, key=lambda row: float(row["voltage_v"]))
    same = ("device", "field", "file", "voltage_v")
    found = [row for row in spectra if all(row[name] == shown[name] for name in same)]
    curve = read_curve(content.out, found[0]) if found else None
    axes.set_ylabel("light (a. u.)", fontsize=9)
    axes.set_yticks([])
    if curve is None:
        return
    x, counts = _thinned(curve)
    axes.plot(x, counts / max(float(counts.max()), 1e-9), color=KIND_COLOUR["el"], lw=0.8)
    axes.axhline(0, color=PALE, lw=0.8, zorder=0)
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.set_ylim(-0.08, 1.12)
    axes.text(0.99, 0.95, volts(shown["voltage_v"]), transform=axes.transAxes, ha="right", va="top")


def _thinned(curve: "pd.DataFrame") -> tuple[np.ndarray, np.ndarray]:
    """Means of neighbouring pixels, so that a page holds no more points than it can show."""
    x, counts = curve["wavelength_nm"].to_numpy(float), curve["counts"].to_numpy(float)
    n = max(x.size // _MOST_POINTS, 1)
    whole = x.size // n * n
    return x[:whole].reshape(-1, n).mean(axis=1), counts[:whole].reshape(-1, n).mean(axis=1)


def _series(axes: Axes, rows: Sequence[Row], window: Row) -> None:
    """Draw light per area and second of both bands; open triangles are limits."""
    axes.set_yscale("log")
    axes.set_ylabel("counts/s/mm²", fontsize=9)
    if window["free_to_low_v"] is not None:
        _shade(axes, window)
    drawn = False
    for band, name, colour in _BANDS:
        for row in rows:
            value = row[f"{band}_counts_s_mm2"]
            if value is None:
                continue
            drawn = True
            _point(axes, row, band, colour)
        axes.plot([], [], "o", ms=4, color=colour, label=name)
    if not drawn:
        axes.text(0.5, 0.5, "no area_mm2", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_yticks([])
        return
    plain_log(axes.yaxis)
    axes.legend(loc="upper left", fontsize=7.5, handletextpad=0.2, borderpad=0.1)


def _point(axes: Axes, row: Row, band: str, colour: str) -> None:
    value, err = row[f"{band}_counts_s_mm2"], row[f"{band}_err_counts_s_mm2"]
    seen = row["dots_seen"] if band == "dot_band" else row["background_seen"]
    if seen and value > 0:
        low = min(err, 0.9 * value)
        axes.errorbar(
            row["voltage_v"], value, yerr=[[low], [err]], fmt="o", ms=4, color=colour, elinewidth=1
        )
        return
    upper = row[f"{band}_upper_counts_s_mm2"]
    axes.plot(row["voltage_v"], upper, "v", ms=5, mfc="none", color=colour)


def _shade(axes: Axes, window: Row) -> None:
    """Shade what is known to be in the window, and paler what may be."""
    first, last = window["free_from_high_v"], window["free_to_low_v"]
    low = window["free_from_low_v"] if window["free_from_low_v"] is not None else first
    high = window["free_to_high_v"] if window["free_to_high_v"] is not None else last
    axes.axvspan(low, high, color="#e3f1ec", lw=0, zorder=0)
    axes.axvspan(first, last, color="#b9ddd0", lw=0, zorder=0)
    axes.axvline(first, color=INK, lw=0.5, ls=":")


def _same_voltages(panels: Sequence[Axes]) -> None:
    """Give all panels one range of voltages."""
    ends = [end for axes in panels for line in axes.lines for end in np.asarray(line.get_xdata())]
    known = [float(end) for end in ends if np.isfinite(float(end))]
    if known:
        room = 0.06 * max(max(known) - min(known), 0.5)
        for axes in panels:
            axes.set_xlim(min(known) - room, max(known) + room)
