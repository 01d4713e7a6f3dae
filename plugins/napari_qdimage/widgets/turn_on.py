"""The tab "Turn-on": which dots are lit at which voltage, and the dots as a population."""

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLabel, QTabWidget, QVBoxLayout, QWidget

from napari_qdimage import messages
from napari_qdimage.dot_rows import dot_states, el_channels
from napari_qdimage.layer_data import el_only_places
from napari_qdimage.left_out import left_out
from napari_qdimage.linking import choose_picked
from napari_qdimage.live_fraction import LiveFraction
from napari_qdimage.look import look_of, state_colour
from napari_qdimage.session import POOLED, Session
from napari_qdimage.turn_on_plots import QUANTITIES, FractionPlot, PopulationPlot, Quantity
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.plot_canvas import Stale
from qdimage.reporting.content import Row, rows_of, signal_units
from qdimage.reporting.words import NOTHING, flux_unit, number, percent, volts

if TYPE_CHECKING:
    import pandas as pd
    from napari import Viewer

_LEGEND = ("lit", "dark", "EL only", "not counted", "rejected")


class TurnOnWidget(QWidget):
    """The live fraction with its interval, its curve, and plots of the population.

    Attributes
    ----------
    voltage : QComboBox
        The EL channel that the dots are judged in.
    fraction : LiveFraction
    answer, details, curated, legend : QLabel
    curve : FractionPlot
    population : PopulationPlot
    x_box, y_box : QComboBox
        What the population shows.
    """

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.viewer = viewer
        look = look_of(viewer.theme)
        self.voltage = QComboBox()
        self.answer, self.details, self.curated, self.legend = (QLabel() for _ in range(4))
        self.curve = FractionPlot(session, look)
        self.population = PopulationPlot(session, look)
        self.x_box, self.y_box = QComboBox(), QComboBox()
        self.fraction = LiveFraction(session, self)
        self._has_chosen = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._count)
        self._build()
        self._connect()
        self._open()

    def _build(self) -> None:
        self.answer.setStyleSheet("font-size: 22pt; font-weight: bold;")
        for label in (self.details, self.curated):
            label.setWordWrap(True)
        head = QHBoxLayout()
        head.addWidget(QLabel("EL channel"))
        head.addWidget(self.voltage, 1)
        axes = QHBoxLayout()
        axes.addWidget(self.y_box, 1)
        axes.addWidget(QLabel("against"))
        axes.addWidget(self.x_box, 1)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 4, 0, 0)
        inside.addLayout(axes)
        inside.addWidget(self.population, 1)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.curve, "Curve")
        self.tabs.addTab(page, "Population")
        self.tabs.setMinimumHeight(300)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addLayout(head)
        for widget in (self.answer, self.details, self.curated, self.legend):
            layout.addWidget(widget)
        layout.addWidget(self.tabs, 1)

    def _connect(self) -> None:
        session = self.session
        self.voltage.activated.connect(self._choose_voltage)
        self.curve.picked.connect(self._choose_point)
        self.population.picked.connect(self._choose_dot)
        for box in (self.x_box, self.y_box):
            box.activated.connect(self._choose_quantities)
        listen(self, session.opened, self._open)
        listen(self, session.tables_changed, self._open)
        listen(self, self.fraction.changed, self._show_fraction)
        listen(self, session.curation_changed, self._show_curation)
        listen(self, session.channel_changed, self._show_channel)
        listen(self, session.selection_changed, self._show_selection)
        self.viewer.events.theme.connect(self._show_theme)
        viewer, slot = self.viewer, self._show_theme
        self.destroyed.connect(lambda *_: viewer.events.theme.disconnect(slot))

    # From the session

    def _open(self, *_: object) -> None:
        self.fraction.forget()
        self.voltage.clear()
        for name, voltage in el_channels(self.session).itertuples(index=False):
            self.voltage.addItem(f"{name} ({volts(float(voltage))})", name)
        self._fill_quantities()
        self.curve.ask(Stale.GROUND)
        self.population.ask(Stale.GROUND)
        self._show_channel()

    def _show_channel(self) -> None:
        self.voltage.setCurrentIndex(self.voltage.findData(self.session.channel))
        self.curve.ask(Stale.CHOICE)
        self._show_curation()

    def _show_curation(self) -> None:
        self.population.ask(Stale.MARKS)
        self._ask_fraction()

    def _show_selection(self) -> None:
        self.population.ask(Stale.CHOICE)

    def _show_theme(self, *_: object) -> None:
        look = look_of(self.viewer.theme)
        self.curve.set_look(look)
        self.population.set_look(look)
        self._show_legend()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring up to date what was not seen."""
        super().showEvent(event)
        self._ask_fraction()

    def _ask_fraction(self) -> None:
        """Have the fraction counted once for all that happens in a moment, if it is seen."""
        if self.isVisible():
            self._timer.start(0)

    def _count(self) -> None:
        with messages.shown():
            self._show_legend()
            self.fraction.ask()
            self._show_fraction()

    def _show_fraction(self) -> None:
        rows = self.fraction.rows
        self.curve.show_rows(rows)
        self._show_answer(rows)

    def _show_answer(self, rows: "pd.DataFrame") -> None:
        found = rows_of(rows)
        own = [r for r in found if r["channel"] == self.session.channel and self._is_shown(r)]
        self.answer.setEnabled(not self.fraction.is_counting)
        if not own:
            self.answer.setText("no fraction yet")
            self.details.setText("Run the analysis, or open a finished run, to see one.")
            self.curated.setText("")
            return
        voltage = own[0]["voltage_v"]
        pool = [r for r in found if r["field"] == POOLED and r["voltage_v"] == voltage]
        best = pool[0] if pool else own[0]
        self.answer.setText(_headline(best))
        unit = flux_unit(signal_units(rows))
        self.details.setText(f"{_sentence(best, unit)}\n{self._of_field(own[0])}")
        self.curated.setText(left_out(self.session))

    def _is_shown(self, row: Row) -> bool:
        field = self.session.field
        return field is not None and row["field"] == field.field

    def _of_field(self, row: Row) -> str:
        """The shown field: what is lit now, and the fraction once it is counted."""
        states = dot_states(self.session, self.session.channel)
        n_lit, n_dark = (int(np.sum(states == state)) for state in ("lit", "dark"))
        if not n_lit + n_dark:
            return f"This field: {row['message'] or row['status']}"
        text = f"This field: {n_lit} of {n_lit + n_dark} counted dots are lit"
        if self.fraction.is_counting:
            return f"{text}; the fractions are being counted anew …"
        if row["fraction"] is None:
            return f"{text}; {row['message'] or row['status']}"
        low, high = percent(row["fraction_low"]), percent(row["fraction_high"])
        return f"{text}: {percent(row['fraction'])} % ({low}{NOTHING}{high} %)"

    def _show_legend(self) -> None:
        states = dot_states(self.session, self.session.channel)
        n_el_only = len(el_only_places(self.session))
        parts, look = [], look_of(self.viewer.theme)
        for state in _LEGEND:
            n = n_el_only if state == "EL only" else int(np.sum(states == state))
            mark = "■" if state == "EL only" else "●"
            colour = state_colour(state, look)
            parts.append(f'<span style="color:{colour}">{mark}</span>&nbsp;{state}&nbsp;{n}')
        self.legend.setText(" &nbsp; ".join(parts))

    def _fill_quantities(self) -> None:
        """Offer what was measured; keep what a person chose, if it is among that."""
        dots = self.session.dots
        n_known = dots.notna().sum()
        known = [q for q in QUANTITIES if q.name == "el_photons_s" or n_known.get(q.name, 0)]
        chosen = (self.x_box.currentData(), self.y_box.currentData()) if self._has_chosen else _BOTH
        if not self._has_chosen and min(n_known.get("pl_g2_0", 0), n_known.get("el_g2_0", 0)) >= 5:
            chosen = ("pl_g2_0", "el_g2_0")
        for box, name in zip((self.x_box, self.y_box), chosen, strict=True):
            box.clear()
            for quantity in known:
                box.addItem(quantity.text, quantity.name)
            box.setCurrentIndex(max(box.findData(name), 0))
        self._show_quantities()

    # From the person

    def _choose_voltage(self, index: int) -> None:
        with messages.shown():
            self.session.show_channel(str(self.voltage.itemData(index)))

    def _choose_point(self, index: int, _: bool) -> None:
        channel = self.curve.channel_at(index)
        if channel:
            self.session.show_channel(channel)

    def _choose_dot(self, dot_id: int, extend: bool) -> None:
        choose_picked(self.session, dot_id, extend)

    def _choose_quantities(self, *_: object) -> None:
        self._has_chosen = True
        self._show_quantities()

    def _show_quantities(self) -> None:
        by_name: dict[object, Quantity] = {q.name: q for q in QUANTITIES}
        x, y = by_name.get(self.x_box.currentData()), by_name.get(self.y_box.currentData())
        if x is not None and y is not None:
            self.population.show_quantities(x, y)


_BOTH = ("pl_photons_s", "el_photons_s")


def _headline(row: Row) -> str:
    if row["fraction"] is None:
        return f"{row['status']} at {volts(row['voltage_v'])}"
    return f"{percent(row['fraction'])} % lit at {volts(row['voltage_v'])}"


def _sentence(row: Row, unit: str) -> str:
    if row["fraction"] is None:
        return str(row["message"] or "no fraction")
    low, high = percent(row["fraction_low"]), percent(row["fraction_high"])
    where = "all fields" if row["field"] == POOLED else row["field"]
    return (
        f"{100 * row['confidence']:g} % interval {low}{NOTHING}{high} %. {row['n_lit']} of "
        f"{row['n_pl']} PL dots ({where}) are brighter in EL than F_min = "
        f"{number(row['f_min_photons_s'])} {unit}."
    )
