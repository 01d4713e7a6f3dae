"""The share of lit dots against voltage, and the dots as a population."""
# mypy: disable-error-code="no-untyped-call"

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from napari_qdimage.convert import STATE_COLOURS
from napari_qdimage.dot_rows import dot_rows, el_channels
from napari_qdimage.inspector_plots import title
from napari_qdimage.look import Look, dress, state_colour
from napari_qdimage.session import POOLED, Session
from napari_qdimage.widgets.plot_canvas import PlotCanvas, Stale, message_plot
from qdimage.reporting.content import Array, is_true, numbers, signal_units
from qdimage.reporting.plots import plain_log
from qdimage.reporting.style import BLUE
from qdimage.reporting.words import flux_unit, number

if TYPE_CHECKING:
    import pandas as pd

_DARK_BLUE = "#56b4e9"


class FractionPlot(PlotCanvas):
    """The pooled fraction of a device at each voltage, with its interval; fields as circles."""

    def __init__(self, session: Session, look: Look) -> None:
        super().__init__(look, margins_in=(0.75, 0.2, 0.5, 0.4))
        self.session = session
        self._rows: pd.DataFrame | None = None

    def show_rows(self, rows: "pd.DataFrame") -> None:
        """Show rows of `turn_on`: those of the fields and those of the pool."""
        same = self._rows is not None and _voltages(self._rows) == _voltages(rows)
        self._rows = rows
        self.ask(Stale.MARKS if same else Stale.GROUND)

    def channel_at(self, index: int) -> str:
        """Return the shown field's channel at the voltage of a point that was picked."""
        own = self.session.of_field("channels")
        own = own[(own["kind"] == "el") & (own["voltage_v"] == self._seen[index])]
        return str(own["channel"].iloc[0]) if len(own) else ""

    def build(self) -> None:
        """Draw axes for all voltages."""
        if self._rows is None:
            return
        if not len(self._rows):
            message_plot(self.figure, self.look, "no EL channel gave a fraction yet")
            return
        look = self.look
        axes = self.figure.add_subplot()
        self._axes = axes
        dress(axes, look)
        self._seen = _voltages(self._rows)
        step = float(np.diff(self._seen).min()) if len(self._seen) > 1 else 0.2
        self._shift = 0.12 * step
        axes.set_xlim(self._seen[0] - 0.7 * step, self._seen[-1] + 0.7 * step)
        axes.set_ylim(-0.03, 1.03)
        if len(self._seen) <= 8:
            axes.set_xticks(self._seen, [f"{value:g}" for value in self._seen])
        for y in (0.0, 1.0):
            axes.axhline(y, color=look.faint, lw=0.8, zorder=0)
        axes.set_xlabel("voltage (V)")
        axes.set_ylabel("share of PL dots that are lit")
        colour = _DARK_BLUE if look.is_dark else BLUE
        (fields,) = axes.plot(
            [], [], "o", mfc="none", mec=look.muted, ms=4.5, alpha=0.8, label="single fields"
        )
        bars = LineCollection([], colors=colour, linewidths=2)
        axes.add_collection(bars)
        (pool,) = axes.plot([], [], "o-", color=colour, ms=7, lw=1.6, label="all fields, 95 %")
        self._fields, self._bars, self._pool = fields, bars, pool
        self.marks = [fields, bars, pool]
        for artist in self.marks:
            artist.set_animated(True)
        self._picks = self.pickable(axes, *[np.empty(0)] * 3)
        title(axes, look, "click a voltage to judge the dots there")

    def update_marks(self) -> None:
        """Place the fractions."""
        if not self.marks or self._rows is None:
            return
        pooled = self._rows[self._rows["field"] == POOLED].sort_values("voltage_v", kind="stable")
        single = self._rows[self._rows["field"] != POOLED]
        x, y = numbers(pooled, "voltage_v"), numbers(pooled, "fraction")
        low, high = numbers(pooled, "fraction_low"), numbers(pooled, "fraction_high")
        self._pool.set_data(x, y)
        self._bars.set_segments(
            [[(at, a), (at, b)] for at, a, b in zip(x, low, high, strict=True) if a == a]
        )
        names = list(dict.fromkeys(single["field"]))
        shift = np.linspace(-self._shift, self._shift, max(len(names), 2))
        offsets = np.array([shift[names.index(name)] for name in single["field"]])
        if len(names) > 1:
            self._fields.set_data(
                numbers(single, "voltage_v") + offsets, numbers(single, "fraction")
            )
        known = np.isfinite(y)
        index = [self._seen.index(value) for value in x[known]]
        self.move_pickable(self._picks, x[known], y[known], np.array(index, int))

    def update_choice(self) -> None:
        """Mark the voltage at which the dots are judged."""
        if not self.marks or self._rows is None:
            return
        for artist in self.choice:
            artist.remove()
        self.choice = []
        own = self.session.of_field("channels")
        voltage = numbers(own[own["channel"] == self.session.channel], "voltage_v")
        if len(voltage) and np.isfinite(voltage[0]):
            self.choice = [
                self._axes.axvline(
                    float(voltage[0]), color=self.look.ink, lw=1, ls=(0, (2, 2)), animated=True
                )
            ]


def _voltages(rows: "pd.DataFrame") -> list[float]:
    values = numbers(rows, "voltage_v")
    return sorted({float(value) for value in values if np.isfinite(value)})


@dataclass(frozen=True)
class Quantity:
    """What an axis of the population can show.

    Attributes
    ----------
    name : str
        A column of `dot_rows`.
    text : str
    unit : str
        "" for a pure number, and for a flux, whose unit is the session's.
    log : bool
    is_flux : bool
    """

    name: str
    text: str
    unit: str = ""
    log: bool = False
    is_flux: bool = False


QUANTITIES = (
    Quantity("el_g2_0", "EL g2(0)"),
    Quantity("pl_g2_0", "PL g2(0)"),
    Quantity("el_photons_s", "EL flux", log=True, is_flux=True),
    Quantity("pl_photons_s", "PL flux", log=True, is_flux=True),
    Quantity("turn_on_voltage_v", "turn-on voltage", "V"),
    Quantity("injection_rate_per_us", "injection rate", "1/µs", log=True),
    Quantity("lifetime_ns", "lifetime", "ns", log=True),
    Quantity("el_peak_nm", "EL peak", "nm"),
    Quantity("pl_peak_nm", "PL peak", "nm"),
)
_EL_FLUX = "el_photons_s"


class PopulationPlot(PlotCanvas):
    """Two quantities of all dots against each other; rejected ones are seen but do not count."""

    def __init__(self, session: Session, look: Look) -> None:
        super().__init__(look, margins_in=(0.75, 0.2, 0.5, 0.4))
        self.session = session
        self._x, self._y = QUANTITIES[3], QUANTITIES[2]

    @property
    def title_text(self) -> str:
        """What stands above the plot: how many dots count, and their middle."""
        return str(self._text.get_text()) if self.marks else ""

    def show_quantities(self, x: Quantity, y: Quantity) -> None:
        """Show two other quantities."""
        if (x, y) != (self._x, self._y):
            self._x, self._y = x, y
            self.ask(Stale.GROUND)

    def build(self) -> None:
        """Draw axes wide enough for all dots, rejected ones too."""
        self._read()
        if not self._known.any():
            text = f"{self._y.text} against {self._x.text}: not measured"
            message_plot(self.figure, self.look, text)
            return
        axes = self.figure.add_subplot()
        self._axes = axes
        dress(axes, self.look)
        for axis, quantity, values in (("x", self._x, self._at[0]), ("y", self._y, self._at[1])):
            _scale(axes, axis, quantity, self._range_of(quantity, values), self._text_of(quantity))
        self._lines = {state: self._line(axes, state) for state in _STATES}
        self._upper = self._line(axes, "dark")
        pointing = "v" if self._y.name == _EL_FLUX else "<"
        self._upper.set(marker=pointing, markerfacecolor="none")
        self._bars = LineCollection([], colors=self.look.muted, linewidths=0.8, animated=True)
        axes.add_collection(self._bars)
        self._text = axes.text(
            0,
            1.03,
            "",
            transform=axes.transAxes,
            color=self.look.ink,
            fontsize=9,
            fontweight="bold",
            animated=True,
        )
        self._picks = self.pickable(axes, *[np.empty(0)] * 3)
        self.marks = [self._bars, self._upper, *self._lines.values(), self._text]

    def _read(self) -> None:
        rows = dot_rows(self.session, self.session.channel)
        self._frame = rows
        self._at = [
            self._values(rows, quantity) if quantity.name in rows else np.full(len(rows), np.nan)
            for quantity in (self._x, self._y)
        ]
        quantities = zip((self._x, self._y), self._at, strict=True)
        usable = [np.isfinite(v) & ((v > 0) if q.log else True) for q, v in quantities]
        self._known = usable[0] & usable[1]
        shows_el = _EL_FLUX in (self._x.name, self._y.name) and "el_limit" in rows
        self._limit = is_true(rows, "el_limit") if shows_el else np.zeros(len(rows), bool)

    def _values(self, rows: "pd.DataFrame", quantity: Quantity) -> Array:
        """Return what is plotted: for a dot that was not seen in EL, the upper limit."""
        values = numbers(rows, quantity.name)
        if quantity.name != _EL_FLUX:
            return values
        return np.where(is_true(rows, "el_limit"), numbers(rows, "el_photons_upper_s"), values)

    def _range_of(self, quantity: Quantity, values: Array) -> Array:
        """Return values that an axis has to show; those of all channels, which are switched."""
        if quantity.name == _EL_FLUX:
            channels = el_channels(self.session)["channel"]
            rows = [dot_rows(self.session, str(channel)) for channel in channels]
            return np.concatenate([values, *(self._values(own, quantity) for own in rows)])
        ends = [f"{quantity.name}_{end}" for end in ("low", "high")]
        found = [numbers(self._frame, name)[self._known] for name in ends if name in self._frame]
        return np.concatenate([values[self._known], *found])

    def _line(self, axes: Axes, state: str) -> Line2D:
        filled = state in ("lit", "dark")
        colour = state_colour(state, self.look)
        (line,) = axes.plot(
            [],
            [],
            "o" if state != "rejected" else "x",
            ms=5,
            mfc=STATE_COLOURS[state] if filled else "none",
            mec=colour if state != "dark" or self.look.is_dark else self.look.muted,
            mew=0.9,
            animated=True,
        )
        return line

    def update_marks(self) -> None:
        """Place the dots in the colours of their states."""
        if not self.marks:
            return
        self._read()
        x, y = self._at
        state = self._frame["state"].to_numpy()
        for name, line in self._lines.items():
            own = self._known & (state == name) & ~(self._limit & (state != "rejected"))
            line.set_data(x[own], y[own])
        upper = self._known & self._limit & (state != "rejected")
        self._upper.set_data(x[upper], y[upper])
        kept = self._known & (state != "rejected")
        self._bars.set_segments(self._intervals(kept))
        self._text.set_text(self._words(kept))
        self.move_pickable(
            self._picks, x[self._known], y[self._known], numbers(self._frame, "dot_id")[self._known]
        )

    def _intervals(self, kept: Any) -> list[Any]:
        """Bars of both axes, where ends are known and the dots are few enough to see them."""
        segments = []
        for k, quantity in enumerate((self._x, self._y)):
            names = [f"{quantity.name}_{end}" for end in ("low", "high")]
            if not set(names) <= set(self._frame.columns):
                continue
            low, high = (numbers(self._frame, name) for name in names)
            for i in np.flatnonzero(kept & np.isfinite(low) & np.isfinite(high))[:300]:
                other = float(self._at[1 - k][i])
                ends = [(low[i], other), (high[i], other)]
                segments.append(ends if k == 0 else [(b, a) for a, b in ends])
        return segments

    def _words(self, kept: Any) -> str:
        """How many dots count, and their middle: of those that were seen, where some were not."""
        seen = kept & ~self._limit
        rejected, unseen = int((self._known & ~kept).sum()), int((kept & self._limit).sum())
        if not seen.any():
            text = "no dot is left"
        else:
            middle = float(np.median(self._at[1][seen]))
            text = f"{int(seen.sum())} dots, median {self._y.text} {number(middle)}"
        besides = [f"{n} {what}" for n, what in ((unseen, "unseen"), (rejected, "rejected")) if n]
        return f"{text}; {', '.join(besides)}" if besides else text

    def _text_of(self, quantity: Quantity) -> str:
        """Return a quantity's name with its unit."""
        if not quantity.is_flux:
            return quantity.text + (f" ({quantity.unit})" if quantity.unit else "")
        return f"{quantity.text} ({flux_unit(signal_units(self.session.dots))})"

    def update_choice(self) -> None:
        """Ring the chosen dots."""
        if not self.marks:
            return
        for artist in self.choice:
            artist.remove()
        chosen = self._known & np.isin(self._frame["dot_id"].to_numpy(), self.session.selection)
        (ring,) = self._axes.plot(
            self._at[0][chosen],
            self._at[1][chosen],
            "o",
            ms=11,
            mfc="none",
            mec=_DARK_BLUE if self.look.is_dark else BLUE,
            mew=2,
            animated=True,
        )
        self.choice = [ring]


_STATES = ("not counted", "dark", "lit", "rejected")


def _scale(axes: Axes, axis: str, quantity: Quantity, values: Array, text: str) -> None:
    known = values[np.isfinite(values) & ((values > 0) if quantity.log else True)]
    low, high = float(known.min()), float(known.max())
    one = axes.xaxis if axis == "x" else axes.yaxis
    set_limits = axes.set_xlim if axis == "x" else axes.set_ylim
    if quantity.log:
        (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
        low = max(low, 1e-5 * high)
        set_limits(low * 0.75, high * 1.35)
        plain_log(one)
    else:
        room = 0.06 * (high - low) or 0.05 * abs(high) or 0.1
        set_limits(low - room, high + room)
    one.set_label_text(text)
