"""EL spectra over the PL spectra of the same dots."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.reporting.content import Content, Row, rows_of
from qdimage.reporting.photon_curves import read_curve
from qdimage.reporting.spectrum_words import with_error
from qdimage.reporting.style import KIND_COLOUR, PALE, heading
from qdimage.reporting.words import number, volts

MOST_PAIRS = 12
_COLUMNS = 3
_CELL_IN, _PLOT_IN = (3.75, 2.75), (3.2, 1.9)
_HEAD_IN, _FOOT_IN, _LEFT_IN = 0.75, 0.2, 0.3
# Widths of the EL line to either side.
_REACH_FWHMS = 3.0
_MOST_POINTS = 400


def draw_pairs(content: Content, device: str) -> Figure | None:
    """Return EL over PL of a device's first dots with both; None where there are none."""
    rows = rows_of(content.of_device(SPECTRA.name, device))
    pairs = [(row, other) for row in rows if (other := _other(row, rows)) is not None]
    if not pairs:
        return None
    shown = pairs[:MOST_PAIRS]
    columns = min(_COLUMNS, len(shown))
    lines = math.ceil(len(shown) / columns)
    width, height = max(columns * _CELL_IN[0], 7.2), lines * _CELL_IN[1] + _HEAD_IN + _FOOT_IN
    figure = Figure(figsize=(width, height))
    for index, (el, pl) in enumerate(shown):
        left = _LEFT_IN + (index % columns) * _CELL_IN[0]
        bottom = height - _HEAD_IN - (index // columns + 1) * _CELL_IN[1] + 0.5
        axes = figure.add_axes(
            (left / width, bottom / height, _PLOT_IN[0] / width, _PLOT_IN[1] / height)
        )
        _pair(axes, content, el, pl)
        if index + columns >= len(shown):
            axes.set_xlabel("wavelength (nm)", fontsize=9, labelpad=2)
    note = "each line's fitted height as 1, its baseline as 0"
    if len(pairs) > len(shown):
        note += f"; the first {len(shown)} of {len(pairs)}"
    title = heading(device, ": EL (purple) over PL (green) of the same dot", width)
    place = 0.2 / width
    figure.text(place, 1 - 0.13 / height, title, va="top", fontsize=13, fontweight="bold")
    figure.text(place, 1 - 0.4 / height, note, va="top", fontsize=9.5, color="#555555")
    return figure


def _other(row: Row, rows: list[Row]) -> Row | None:
    """The PL spectrum that a row was compared with."""
    if row["shift_nm"] is None:
        return None
    found = [
        each
        for each in rows
        if each["kind"] == "pl"
        and each["field"] == row["field"]
        and each["dot_id"] == row["dot_id"]
        and (row["dot_id"] is not None or _place(each) == _place(row))
        and str(each["file"]).rsplit("/", 1)[-1] == row["compared_with"]
    ]
    return found[0] if found else None


def _place(row: Row) -> tuple[float, float]:
    return round(row["x_px"] or 0.0, 1), round(row["y_px"] or 0.0, 1)


def _pair(axes: Axes, content: Content, el: Row, pl: Row) -> None:
    for row in (pl, el):
        curve = read_curve(content.out, row)
        if curve is None:
            continue
        x, counts, model = (
            curve[name].to_numpy(float) for name in ("wavelength_nm", "counts", "model")
        )
        if not np.isfinite(model).any():
            continue
        base, top = float(np.nanmin(model)), float(np.nanmax(model))
        near = np.abs(x - el["peak_nm"]) < _REACH_FWHMS * el["fwhm_nm"]
        joined = max(int(near.sum()) // _MOST_POINTS, 1)
        scaled = (counts[near] - base) / max(top - base, 1e-9)
        whole = scaled.size // joined * joined
        axes.plot(
            x[near][:whole].reshape(-1, joined).mean(axis=1),
            scaled[:whole].reshape(-1, joined).mean(axis=1),
            color=KIND_COLOUR[row["kind"]],
            lw=0.8,
            alpha=0.9,
        )
    axes.axhline(0, color=PALE, lw=0.8, zorder=0)
    axes.set_yticks([])
    axes.tick_params(labelsize=8)
    reach = _REACH_FWHMS * el["fwhm_nm"]
    axes.set_xlim(el["peak_nm"] - reach, el["peak_nm"] + reach)
    axes.set_ylim(-0.08, 1.3)
    who = f"dot {el['dot_id']}" if el["dot_id"] is not None else str(el["file"])
    axes.set_title(f"{who}, {volts(el['voltage_v'])}", loc="left", fontsize=9.5)
    axes.text(0.02, 0.97, _words(el), transform=axes.transAxes, va="top", fontsize=8)


def _words(row: Row) -> str:
    lines = [
        f"shift {with_error(row['shift_nm'], row['shift_err_nm'])} nm",
        f"width {with_error(row['width_ratio'], row['width_ratio_err'])}",
    ]
    if row["contour_p_value"] is not None:
        lines.append(f"contour p = {number(row['contour_p_value'], 2)}")
    return "\n".join(lines)
