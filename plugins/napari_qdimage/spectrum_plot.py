"""A dot's spectrum with its fit, and beside it the other kind's."""
# mypy: disable-error-code="no-untyped-call"

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from napari_qdimage.curve_plots import FilePlot, measured
from napari_qdimage.inspector_plots import title
from napari_qdimage.look import dress, kind_colour
from qdimage.reporting.content import Array, Row, numbers
from qdimage.reporting.photon_curves import read_curve
from qdimage.reporting.style import VERMILION
from qdimage.reporting.words import NOTHING, number, volts

if TYPE_CHECKING:
    import pandas as pd


class SpectrumPlot(FilePlot):
    """Counts against wavelength, with the fitted line and what is left of them.

    Thin beside it: the dot's spectrum of the other kind, as high at its peak.
    """

    table, what = "spectra", "spectrum"

    def draw_curve(self, row: Row, frame: "pd.DataFrame") -> bool:
        """Draw; return whether there was anything to draw."""
        if not {"wavelength_nm", "counts"} <= set(frame.columns) or not len(frame):
            return False
        x, counts = numbers(frame, "wavelength_nm"), numbers(frame, "counts")
        model = numbers(frame, "model") if "model" in frame else np.full(len(x), np.nan)
        fitted = np.isfinite(model)
        colour = kind_colour(row["kind"], self.look)
        if fitted.any():
            axes, below = self.two_axes()
            self._draw_rest(below, x, np.where(fitted, counts - model, np.nan), colour)
        else:
            axes = below = self.figure.add_subplot()
            dress(axes, self.look)
        axes.plot(x, counts, color=colour, lw=0.9, ds="steps-mid", label=str(row["kind"]).upper())
        self._draw_other(axes, row, float(np.nanmax(model) if fitted.any() else counts.max()))
        if fitted.any():
            axes.plot(x[fitted], model[fitted], color=self.look.ink, lw=1.5, label="fit")
            self._draw_width(axes, row, model[fitted])
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.set_xlim(float(x.min()), float(x.max()))
        axes.set_ylabel("counts")
        below.set_xlabel("wavelength (nm)")
        axes.legend(loc="upper left", fontsize=8, frameon=False, labelcolor=self.look.ink)
        title(axes, self.look, f"{measured(row)}: {peak_words(row)}")
        return True

    def _draw_rest(self, axes: Axes, x: Array, rest: Array, colour: str) -> None:
        axes.axhline(0.0, color=self.look.faint, lw=0.8, zorder=0)
        axes.plot(x, rest, color=colour, lw=0.7, ds="steps-mid")
        axes.yaxis.set_major_locator(MaxNLocator(2))
        axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.set_ylabel("less fit", fontsize=8)

    def _draw_other(self, axes: Axes, row: Row, height: float) -> None:
        other = next((r for r in self.rows if r["kind"] != row["kind"] and r.get("curve")), None)
        out = self.session.out
        frame = None if other is None or out is None else read_curve(out, other)
        if frame is None or other is None or "model" not in frame or height <= 0:
            return
        model = numbers(frame, "model")
        top = float(np.nanmax(model)) if np.isfinite(model).any() else 0.0
        if top <= 0:
            return
        axes.plot(
            numbers(frame, "wavelength_nm"),
            numbers(frame, "counts") * (height / top),
            color=kind_colour(other["kind"], self.look),
            lw=0.6,
            alpha=0.7,
            zorder=1,
            label=f"{str(other['kind']).upper()}, scaled",
        )

    def _draw_width(self, axes: Axes, row: Row, model: Array) -> None:
        peak, width = row["peak_nm"], row["fwhm_nm"]
        if peak is None or width is None:
            return
        base = float(min(model[0], model[-1]))
        half = base + (float(model.max()) - base) / 2
        axes.plot(
            [peak - width / 2, peak + width / 2], [half, half], color=VERMILION, lw=1.6, marker="|"
        )
        axes.axvline(peak, color=VERMILION, lw=0.8, ls=":")

    def words(self) -> str:
        """Return line, background, and the comparison with the dot's PL."""
        row = self.row
        if row is None or row["peak_nm"] is None:
            return super().words()
        return ". ".join(text for text in (_line(row), _background(row), super().words()) if text)


def peak_words(row: Row) -> str:
    """Return the peak with its error, or why there is none."""
    return (
        str(row["status"]) if row["peak_nm"] is None else f"peak {_with_error(row, 'peak', 5)} nm"
    )


def _with_error(row: Row, name: str, digits: int) -> str:
    error = row[f"{name}_err_nm"]
    spread = "" if error is None else f" ± {number(error, 2)}"
    return f"{number(row[f'{name}_nm'], digits)}{spread}"


def _line(row: Row) -> str:
    width = "" if row["fwhm_nm"] is None else f"width {_with_error(row, 'fwhm', 3)} nm, "
    text = f"{width}{row['model'] or ''}"
    if row["p_value"] is not None:
        text += f", p {number(row['p_value'], 2)}"
    if row["shift_nm"] is not None:
        text += f"; {number(row['shift_nm'], 2)} nm from the PL"
    if row["turn_on_voltage_v"] is not None and row["sub_bandgap_v"] is not None:
        text += (
            f"; turns on at {volts(row['turn_on_voltage_v'])}, "
            f"{number(1e3 * row['sub_bandgap_v'], 2)} mV below its photon energy"
        )
    return text


def _background(row: Row) -> str:
    if row["background_ratio"] is None:
        return ""
    if row["background_free"] and row["background_ratio_upper"] is not None:
        return f"background / dot < {number(row['background_ratio_upper'], 2)} (95 %)"
    low, high = row["background_ratio_low"], row["background_ratio_high"]
    return (
        f"background / dot {number(row['background_ratio'], 2)} "
        f"(95 %: {number(low, 2)}{NOTHING}{number(high, 2)})"
    )
