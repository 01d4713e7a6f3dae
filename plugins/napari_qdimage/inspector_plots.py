"""A dot among all others: flux and injection rate against voltage."""
# mypy: disable-error-code="no-untyped-call"

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from napari_qdimage.look import Look, dress, kind_colour
from napari_qdimage.session import Session
from napari_qdimage.widgets.plot_canvas import PlotCanvas, Stale, message_plot
from qdimage.reporting.content import Array, Row, is_true, numbers, rows_of, signal_units
from qdimage.reporting.plots import plain_log
from qdimage.reporting.words import NOTHING, flux_unit, number, volts

if TYPE_CHECKING:
    import pandas as pd

NOT_MEASURED = "not measured"
_TITLE_PT = 10.0
_MOST_LINES = 12
_GOLDEN, _SPREAD = 0.6180339887, 0.34


def title(axes: Axes, look: Look, text: str) -> None:
    """Write a plot's answer above it."""
    axes.set_title(text, loc="left", fontsize=_TITLE_PT, fontweight="bold", color=look.ink)


class DotPlot(PlotCanvas):
    """A plot about the current dot.

    Attributes
    ----------
    sheet_of_choice : Stale
        The lowest sheet that another choice changes.
    """

    sheet_of_choice = Stale.CHOICE

    def __init__(
        self,
        session: Session,
        look: Look,
        margins_in: tuple[float, float, float, float] = (0.75, 0.2, 0.5, 0.35),
    ) -> None:
        super().__init__(look, margins_in)
        self.session = session

    @property
    def who(self) -> str:
        """Name of the current dot."""
        return f"dot {self.session.current}"

    def words(self) -> str:
        """Return what else is to be known of the current dot; "" for nothing."""
        return ""


class VoltagePlot(DotPlot):
    """Flux against voltage: the chosen dots over all others, with upper limits and F_min."""

    def build(self) -> None:
        """Draw axes for all dots of the field."""
        table = self._table()
        if not len(table):
            message_plot(self.figure, self.look, "EL flux: " + NOT_MEASURED)
            return
        voltage = numbers(table, "voltage_v")
        seen = np.unique(voltage)
        self._step = float(np.diff(seen).min()) if len(seen) > 1 else 0.2
        axes = self.figure.add_subplot()
        self._axes = axes
        dress(axes, self.look)
        axes.set_yscale("log")
        axes.set_xlim(seen[0] - 0.7 * self._step, seen[-1] + 0.7 * self._step)
        axes.set_ylim(*_log_range(table, self.session.f_min_photons_s))
        if len(seen) <= 8:
            axes.set_xticks(seen, [f"{value:g}" for value in seen])
        plain_log(axes.yaxis)
        axes.set_xlabel("voltage (V)")
        axes.set_ylabel(f"EL flux ({flux_unit(signal_units(table))})")
        self._draw_f_min(axes)
        self._cloud = self._add(axes, marker="o", color=self.look.muted, ms=3, alpha=0.5)
        self._limits = self._add(
            axes, marker="v", mec=self.look.muted, mfc="none", mew=0.6, ms=3.5, alpha=0.5
        )
        self._picks = self.pickable(axes, *[np.empty(0)] * 3)
        self.marks = [self._limits, self._cloud]

    def _table(self) -> "pd.DataFrame":
        table = self.session.of_field("dot_channels")
        return table[table["photons_s"].notna() & table["voltage_v"].notna()]

    def _add(self, axes: Axes, **style: Any) -> Line2D:
        (line,) = axes.plot([], [], ls="none", mec=style.pop("mec", "none"), **style)
        line.set_animated(True)
        return line

    def _draw_f_min(self, axes: Axes) -> None:
        f_min = self.session.f_min_photons_s
        if np.isfinite(f_min):
            axes.axhline(f_min, color=self.look.muted, lw=1, ls=(0, (5, 3)))
            axes.text(
                1.0,
                f_min,
                f"F_min {number(f_min)} ",
                ha="right",
                va="bottom",
                fontsize=8,
                color=self.look.muted,
                transform=axes.get_yaxis_transform(),
            )

    def update_marks(self) -> None:
        """Place all dots that are not rejected."""
        if not self.marks:
            return
        dots = self.session.dots
        kept = dots.index[is_true(dots, "accepted")]
        table = self._table()
        table = table[table["dot_id"].isin(kept)]
        x, ids = self._x(table), numbers(table, "dot_id").astype(np.int64)
        lit = is_true(table, "lit")
        y = np.where(lit, numbers(table, "photons_s"), numbers(table, "photons_upper_s"))
        self._cloud.set_data(x[lit], y[lit])
        self._limits.set_data(x[~lit], y[~lit])
        self.move_pickable(self._picks, x, y, ids)

    def _x(self, table: "pd.DataFrame") -> Array:
        """The same small shift for a dot at every voltage, so that points do not hide others."""
        jitter = ((numbers(table, "dot_id") * _GOLDEN) % 1.0 - 0.5) * _SPREAD * self._step
        return np.asarray(numbers(table, "voltage_v") + jitter)

    def update_choice(self) -> None:
        """Draw the chosen dots' lines; the current one in front."""
        if not self.marks:
            return
        for artist in self.choice:
            artist.remove()
        self.choice = []
        table = self._table()
        chosen = self.session.selection[-_MOST_LINES:]
        for dot in chosen:
            own = table[table["dot_id"] == dot].sort_values("voltage_v", kind="stable")
            self._draw_dot(own, is_current=dot == self.session.current)
        if self.session.current is not None:
            self._name(table)

    def _draw_dot(self, own: "pd.DataFrame", *, is_current: bool) -> None:
        if not len(own):
            return
        x, y = self._x(own), numbers(own, "photons_s")
        error, upper = numbers(own, "photons_err_s"), numbers(own, "photons_upper_s")
        lit = is_true(own, "lit")
        shown = np.where(lit, y, upper)
        colour = kind_colour("el", self.look) if is_current else self.look.chosen
        width = 1.8 if is_current else 0.8
        (line,) = self._axes.plot(x, shown, "-", color=colour, lw=width, alpha=0.8)
        ends = np.column_stack([x, np.maximum(y - error, 1e-9), x, y + error])[lit]
        bars = LineCollection(list(ends.reshape(-1, 2, 2)), colors=colour, linewidths=1.4)
        self._axes.add_collection(bars)
        size = 7 if is_current else 4
        (dots,) = self._axes.plot(
            x[lit], y[lit], "o", color=colour, ms=size, mec=self.look.chosen, mew=1.0
        )
        (limits,) = self._axes.plot(
            x[~lit], upper[~lit], "v", mfc=self.look.paper, mec=colour, ms=size, mew=1.4
        )
        self._take(line, bars, dots, limits)

    def _name(self, table: "pd.DataFrame") -> None:
        own = table[table["dot_id"] == self.session.current]
        text = self.who if len(own) else f"{self.who}: {NOT_MEASURED}"
        (row,) = rows_of(self.session.dots.loc[[self.session.current]])
        low, high = row["turn_on_voltage_low_v"], row["turn_on_voltage_high_v"]
        if low is not None and high is not None:
            text += f": turns on between {volts(low)} and {volts(high)}"
        name = self._axes.text(
            0,
            1.03,
            text,
            transform=self._axes.transAxes,
            fontsize=_TITLE_PT,
            fontweight="bold",
            color=self.look.ink,
        )
        self._take(name)

    def _take(self, *artists: Any) -> None:
        for artist in artists:
            artist.set_animated(True)
            self.choice.append(artist)


def _log_range(table: "pd.DataFrame", f_min: float) -> tuple[float, float]:
    upper = numbers(table, "photons_upper_s")
    values = np.concatenate([upper, numbers(table, "photons_s")[is_true(table, "lit")], [f_min]])
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return 0.1, 10.0
    return float(np.quantile(values, 0.001)) * 0.6, float(values.max()) * 1.6


class RatePlot(DotPlot):
    """Fitted injection rates against voltage: the chosen dots over all others."""

    def build(self) -> None:
        """Draw axes for all fits of the field."""
        table = self._table()
        if not len(table):
            message_plot(self.figure, self.look, f"rate fit of EL: {NOT_MEASURED}")
            return
        axes = self.figure.add_subplot()
        self._axes = axes
        dress(axes, self.look)
        x, y = numbers(table, "voltage_v"), numbers(table, "injection_rate_per_us")
        ends = np.column_stack(
            [numbers(table, f"injection_rate_{end}_per_us") for end in ("low", "high")]
        )
        every = np.concatenate([y, ends.ravel()])
        every = every[np.isfinite(every) & (every > 0)]
        axes.set_yscale("log")
        plain_log(axes.yaxis)
        seen = np.unique(x)
        step = float(np.diff(seen).min()) if len(seen) > 1 else 0.2
        axes.set_xlim(seen[0] - 0.7 * step, seen[-1] + 0.7 * step)
        if len(every):
            axes.set_ylim(every.min() * 0.6, every.max() * 1.6)
        if len(seen) <= 8:
            axes.set_xticks(seen, [f"{value:g}" for value in seen])
        axes.set_xlabel("voltage (V)")
        axes.set_ylabel("injection rate (1/µs)")
        (others,) = axes.plot(x, y, "o", color=self.look.muted, ms=4, alpha=0.6, mec="none")
        others.set_animated(True)
        self.marks = [others]
        self.pickable(axes, x, y, numbers(table, "dot_id"))

    def _table(self) -> "pd.DataFrame":
        table = self.session.of_field("rate_fits")
        known = table["injection_rate_per_us"].notna() & table["voltage_v"].notna()
        return table[known & table["dot_id"].notna()]

    def update_choice(self) -> None:
        """Draw the chosen dots' rates with their intervals."""
        if not self.marks:
            return
        for artist in self.choice:
            artist.remove()
        self.choice = []
        table = self._table()
        for dot in self.session.selection[-_MOST_LINES:]:
            own = table[table["dot_id"] == dot].sort_values("voltage_v", kind="stable")
            is_current = dot == self.session.current
            self.choice += _rate_marks(self._axes, own, self.look, is_current=is_current)
        if self.session.current is not None:
            self.choice.append(self._name(table))

    def _name(self, table: "pd.DataFrame") -> Any:
        known = (table["dot_id"] == self.session.current).any()
        return self._axes.text(
            0,
            1.03,
            self.who if known else f"{self.who}: {NOT_MEASURED}",
            transform=self._axes.transAxes,
            fontsize=_TITLE_PT,
            fontweight="bold",
            color=self.look.ink,
            animated=True,
        )

    def words(self) -> str:
        """Return the current dot's fits in words."""
        if self.session.current is None:
            return ""
        table = self.session.of_field("rate_fits")
        rows = rows_of(table[table["dot_id"] == self.session.current])
        return "\n".join(_rate_words(row) for row in rows)


def _rate_marks(axes: Axes, own: "pd.DataFrame", look: Look, *, is_current: bool) -> list[Any]:
    if not len(own):
        return []
    x, y = numbers(own, "voltage_v"), numbers(own, "injection_rate_per_us")
    low, high = (numbers(own, f"injection_rate_{end}_per_us") for end in ("low", "high"))
    colour = kind_colour("el", look) if is_current else look.chosen
    bars = LineCollection(
        [[(at, a), (at, b)] for at, a, b in zip(x, low, high, strict=True) if a == a and b == b],
        colors=colour,
        linewidths=1.8,
        animated=True,
    )
    axes.add_collection(bars)
    (line,) = axes.plot(
        x,
        y,
        "o-",
        color=colour,
        ms=7 if is_current else 5,
        lw=1.4,
        mec=look.chosen,
        mew=1.0,
        animated=True,
    )
    return [bars, line]


def _rate_words(row: Row) -> str:
    text = file_name(row) + ": "
    if row["injection_rate_per_us"] is None:
        return text + str(row["message"] or row["status"])
    low, high = (number(row[f"injection_rate_{end}_per_us"]) for end in ("low", "high"))
    text += f"{number(row['injection_rate_per_us'])} (95 %: {low}{NOTHING}{high}) per µs"
    if row["g2_0_model"] is not None:
        text += f", model g2(0) {number(row['g2_0_model'], 2)}"
    if row["p_value"] is not None:
        text += f", p {number(row['p_value'], 2)}"
    return text + (f", {row['flags'].replace(';', ', ')}" if row["flags"] else "")


def file_name(row: Row) -> str:
    """Return what a file is of: "EL 2.6 V, d01_el_2.6V.ptu"."""
    voltage = "" if row.get("voltage_v") is None else f" {volts(row['voltage_v'])}"
    return f"{str(row['kind']).upper()}{voltage}, {str(row['file']).rsplit('/', 1)[-1]}"
