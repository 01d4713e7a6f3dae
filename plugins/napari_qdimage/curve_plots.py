"""The curves behind a dot's numbers, one file at a time: trace, g2, decay."""
# mypy: disable-error-code="no-untyped-call"

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from napari_qdimage.inspector_plots import NOT_MEASURED, DotPlot, file_name, title
from napari_qdimage.look import Look, dress, kind_colour
from napari_qdimage.session import Session
from napari_qdimage.widgets.plot_canvas import Stale, message_plot
from qdimage.reporting.content import Array, Row, numbers, rows_of
from qdimage.reporting.photon_curves import curve_view, read_curve
from qdimage.reporting.style import VERMILION
from qdimage.reporting.words import NOTHING, number, volts

if TYPE_CHECKING:
    import pandas as pd

_MOST_SIGMA = 4.0


class FilePlot(DotPlot):
    """A curve of one of the current dot's files.

    Attributes
    ----------
    table : str
        Where a row names the curve.
    what : str
        For the words where nothing was measured.
    """

    table = ""
    what = ""
    sheet_of_choice = Stale.GROUND

    def __init__(
        self,
        session: Session,
        look: Look,
        margins_in: tuple[float, float, float, float] = (0.75, 0.2, 0.5, 0.35),
    ) -> None:
        super().__init__(session, look, margins_in)
        self._file = ""

    @property
    def rows(self) -> list[Row]:
        """The current dot's rows of the table, EL first, in order of voltage."""
        if self.session.current is None or self.table not in self.session.measured:
            return []
        table = self.session.of_field(self.table)
        own = table[table["dot_id"] == self.session.current]
        return sorted(rows_of(own), key=lambda r: (r["kind"] != "el", r["voltage_v"] or 0.0))

    @property
    def row(self) -> Row | None:
        """The row that is shown: that of the file asked for, else the first with a curve."""
        rows = self.rows
        asked = [row for row in rows if row["file"] == self._file]
        with_curve = [row for row in rows if row.get("curve")]
        return next(iter([*asked, *with_curve, *rows]), None)

    def show_file(self, file: str) -> None:
        """Show another file of the dot."""
        self._file = file
        self.ask(Stale.GROUND)

    def build(self) -> None:
        """Draw the curve, or say that there is none."""
        row = self.row
        if self.session.current is None:
            message_plot(self.figure, self.look, "choose a dot")
            return
        if row is None:
            message_plot(self.figure, self.look, f"{self.who}: {self.what} {NOT_MEASURED}")
            return
        frame = None if self.session.out is None else read_curve(self.session.out, row)
        if frame is None or not self.draw_curve(row, frame):
            self.figure.clear()
            reason = row["message"] or NOT_MEASURED
            message_plot(self.figure, self.look, f"{file_name(row)}: {reason}")

    def draw_curve(self, row: Row, frame: "pd.DataFrame") -> bool:
        """Draw; return whether there was anything to draw."""
        raise NotImplementedError

    def words(self) -> str:
        """Return what else is to be known of the file: flags and message."""
        row = self.row
        if row is None:
            return ""
        return ". ".join(str(row[k]).replace(";", ", ") for k in ("flags", "message") if row.get(k))

    def update_choice(self) -> None:
        """Another dot has another curve: `build` draws it."""

    def two_axes(self) -> tuple[Axes, Axes]:
        """Return axes for a curve, and below them narrow ones for its residuals."""
        grid = self.figure.add_gridspec(2, 1, height_ratios=(4, 1), hspace=0.08)
        upper = self.figure.add_subplot(grid[0])
        lower = self.figure.add_subplot(grid[1], sharex=upper)
        for axes in (upper, lower):
            dress(axes, self.look)
        upper.tick_params(labelbottom=False)
        return upper, lower

    def draw_residuals(self, axes: Axes, x: Array, residual: Array) -> None:
        """Draw residuals in standard deviations."""
        for y in (-2, 0, 2):
            axes.axhline(y, color=self.look.faint, lw=0.8, zorder=0)
        known = np.isfinite(residual)
        axes.plot(
            x[known],
            np.clip(residual[known], -_MOST_SIGMA, _MOST_SIGMA),
            ".",
            ms=2.5,
            color=self.look.muted,
        )
        axes.set_ylim(-_MOST_SIGMA - 0.4, _MOST_SIGMA + 0.4)
        axes.set_yticks([-2, 2])
        axes.set_ylabel("resid. / s.d.", fontsize=8)


def measured(row: Row) -> str:
    """Return of what a curve is: "dot 3, EL 2.4 V"."""
    voltage = "" if row.get("voltage_v") is None else f" {volts(row['voltage_v'])}"
    return f"dot {row['dot_id']}, {str(row['kind']).upper()}{voltage}"


class G2Plot(FilePlot):
    """A correlation curve with its fits, g2(0) with its interval, and residuals."""

    table, what = "photons", "g2"

    def draw_curve(self, row: Row, frame: "pd.DataFrame") -> bool:
        """Draw; return whether there was anything to draw."""
        view = curve_view(frame, row)
        if view is None or not len(view.lag_ns):
            return False
        look, colour = self.look, kind_colour(row["kind"], self.look)
        axes, below = self.two_axes()
        for y in (0.0, 1.0):
            axes.axhline(y, color=look.faint, lw=0.8, zorder=0)
        axes.vlines(
            view.lag_ns,
            view.g2 - view.g2_err,
            view.g2 + view.g2_err,
            color=colour,
            lw=0.7,
            alpha=0.4,
        )
        axes.plot(view.lag_ns, view.g2, "o", ms=2.8, color=colour, mec="none", alpha=0.85)
        if np.isfinite(view.model).any():
            axes.plot(view.model_lag_ns, view.model, color=look.ink, lw=1.5, label="fit of the dip")
        if np.isfinite(view.rate_model).any():
            axes.plot(
                view.model_lag_ns,
                view.rate_model,
                color=VERMILION,
                lw=1.2,
                ls="--",
                label="rate model",
            )
        self._draw_g2_zero(axes, row)
        span = float(np.abs(view.lag_ns).max()) or 1.0
        axes.set_xlim(-span, span)
        axes.set_ylim(-0.06, max(1.3, float(np.quantile(view.g2, 0.98)) * 1.15))
        axes.set_ylabel("g2 / plateau")
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.legend(
            loc="lower right", fontsize=8, frameon=False, labelcolor=look.ink, handlelength=1.6
        )
        self.draw_residuals(below, view.lag_ns, view.residual)
        below.set_xlabel("delay (ns)")
        title(axes, look, f"{measured(row)}: {g2_words(row)}")
        return True

    def _draw_g2_zero(self, axes: Axes, row: Row) -> None:
        for low, high, width in (
            ("g2_0_low", "g2_0_high", 1.6),
            ("g2_0_low_68", "g2_0_high_68", 5),
        ):
            if row[low] is not None and row[high] is not None:
                axes.plot([0, 0], [row[low], row[high]], color=VERMILION, lw=width, zorder=5)
        if row["g2_0"] is not None:
            axes.plot(0, row["g2_0"], "D", ms=4, mfc="white", mec=VERMILION, mew=1.1, zorder=6)


def g2_words(row: Row) -> str:
    """Return g2(0) with its interval, or why there is none."""
    if row["g2_0"] is None:
        return f"g2(0) {row['status']}"
    low, high = number(row["g2_0_low"], 2), number(row["g2_0_high"], 2)
    return f"g2(0) = {number(row['g2_0'], 2)} (95 %: {low}{NOTHING}{high})"


class TracePlot(FilePlot):
    """Counts against time, with the levels between its steps."""

    table, what = "traces", "trace"

    def draw_curve(self, row: Row, frame: "pd.DataFrame") -> bool:
        """Draw; return whether there was anything to draw."""
        if not {"time_s", "counts"} <= set(frame.columns):
            return False
        look = self.look
        time, counts = numbers(frame, "time_s"), numbers(frame, "counts")
        bin_s = row["bin_s"] or (float(time[1] - time[0]) if len(time) > 1 else 1.0)
        axes = self.figure.add_subplot()
        dress(axes, look)
        axes.plot(time, counts / bin_s, color=kind_colour(row["kind"], look), lw=0.9, alpha=0.9)
        if "level_counts_s" in frame:
            axes.plot(
                time, numbers(frame, "level_counts_s"), color=look.ink, lw=1.4, ds="steps-mid"
            )
        if row["on_threshold_counts_s"]:
            axes.axhline(row["on_threshold_counts_s"], color=VERMILION, lw=1, ls=(0, (5, 3)))
        axes.set_xlim(float(time[0]), float(time[-1]) or 1.0)
        axes.set_ylim(0, max(float((counts / bin_s).max()) * 1.08, 1.0))
        axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.yaxis.set_major_formatter(EngFormatter(sep=" "))
        axes.set_xlabel("time (s)")
        axes.set_ylabel("counts/s")
        title(axes, look, f"{measured(row)}: {self._answer(row)}")
        return True

    def _answer(self, row: Row) -> str:
        if row["on_fraction"] is not None:
            return f"on for {100 * row['on_fraction']:.0f} % of the time"
        n = row["n_levels"]
        return str(row["status"]) if n is None else f"{n} level{'' if n == 1 else 's'}"


class DecayPlot(FilePlot):
    """Photons against the time after a pulse, with the fit and its residuals."""

    table, what = "lifetimes", "decay"

    def draw_curve(self, row: Row, frame: "pd.DataFrame") -> bool:
        """Draw; return whether there was anything to draw."""
        if not {"time_ns", "counts", "model"} <= set(frame.columns):
            return False
        look = self.look
        time, counts, model = (numbers(frame, name) for name in ("time_ns", "counts", "model"))
        seen = counts > 0
        if not seen.any():
            return False
        axes, below = self.two_axes()
        axes.plot(
            time[seen],
            counts[seen],
            ".",
            ms=2.6,
            color=kind_colour(row["kind"], look),
            alpha=0.7,
            mec="none",
        )
        if np.isfinite(model).any():
            axes.plot(time, model, color=look.ink, lw=1.5)
        axes.set_yscale("log")
        axes.set_ylim(max(0.7, float(counts[seen].min()) * 0.7), float(counts.max()) * 1.8)
        axes.set_ylabel("counts per bin")
        if "residual" in frame:
            self.draw_residuals(below, time, numbers(frame, "residual"))
        below.set_xlabel("time after the pulse (ns)")
        title(axes, look, f"{measured(row)}: {self._answer(row)}")
        return True

    def _answer(self, row: Row) -> str:
        if row["main_lifetime_ns"] is None:
            return str(row["status"])
        error = row["main_lifetime_err_ns"]
        spread = "" if error is None else f" ± {number(error, 2)}"
        more = "" if not row["components"] or row["components"] < 2 else ", slowest component"
        return f"{number(row['main_lifetime_ns'], 3)}{spread} ns{more}"
