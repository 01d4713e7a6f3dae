"""The tab "Dots": a table of them, what is known of the current one, and a person's judgement."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QSplitter, QTabWidget, QVBoxLayout, QWidget

from napari_qdimage import messages
from napari_qdimage.curve_plots import DecayPlot, G2Plot, TracePlot
from napari_qdimage.cutout_plot import CutoutPlot
from napari_qdimage.dot_rows import dot_rows
from napari_qdimage.inspector_plots import DotPlot, RatePlot, VoltagePlot
from napari_qdimage.inspector_table import columns_for
from napari_qdimage.judging import Judging
from napari_qdimage.keys import Keys, bind_widget
from napari_qdimage.linking import Linking, choose_picked
from napari_qdimage.look import look_of
from napari_qdimage.series_plot import SeriesPlot
from napari_qdimage.session import Session
from napari_qdimage.spectrum_plot import SpectrumPlot
from napari_qdimage.widgets.dot_list import DotList
from napari_qdimage.widgets.judge_bar import JudgeBar
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.plot_canvas import Stale
from napari_qdimage.widgets.plot_page import PlotPage
from qdimage.reporting.content import signal_units

if TYPE_CHECKING:
    from napari import Viewer

_PLOTS_LEAST_PX = 260


class InspectorWidget(QWidget):
    """Every dot of the field, its curves, and a person's judgement of it.

    Attributes
    ----------
    judging : Judging
    dots : DotList
    bar : JudgeBar
    tabs : QTabWidget
    plots : dict of str to DotPlot
        By the title of their tab.
    """

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.viewer = viewer
        self.judging = Judging(session)
        self.dots = DotList()
        self.bar = JudgeBar(session, self.judging)
        self.tabs = QTabWidget()
        self.plots = self._make_plots()
        self.pages = {name: PlotPage(plot) for name, plot in self.plots.items()}
        self._rows_are_old = True
        self._build()
        self._connect(Linking(session, viewer), Keys(self.judging, viewer))
        self._show_theme()
        self._open()

    def _make_plots(self) -> dict[str, DotPlot]:
        look, session = look_of(self.viewer.theme), self.session
        cutouts = CutoutPlot(session, look)
        cutouts.channel_picked.connect(self._show_channel_of_picture)
        return {
            "Images": cutouts,
            "Voltage": VoltagePlot(session, look),
            "Counters": SeriesPlot(session, look),
            "g2": G2Plot(session, look),
            "Trace": TracePlot(session, look),
            "Lifetime": DecayPlot(session, look),
            "Spectrum": SpectrumPlot(session, look),
            "Rates": RatePlot(session, look),
        }

    def _build(self) -> None:
        self.tabs.setDocumentMode(True)
        self.tabs.setMinimumHeight(_PLOTS_LEAST_PX)
        for name, page in self.pages.items():
            self.tabs.addTab(page, name)
        lower = QWidget()
        below = QVBoxLayout(lower)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.bar)
        below.addWidget(self.tabs, 1)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(self.dots)
        splitter.addWidget(lower)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setSizes([300, 480])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)

    def _connect(self, linking: Linking, keys: Keys) -> None:
        session = self.session
        bind_widget(self.judging, self)
        self.dots.chosen.connect(session.select)
        for plot in self.plots.values():
            plot.picked.connect(self._choose_picked)
        listen(self, session.opened, self._open)
        listen(self, session.tables_changed, self._open)
        listen(self, session.curation_changed, self._show_curation)
        listen(self, session.channel_changed, self._show_channel)
        listen(self, session.selection_changed, self._show_selection)
        self.viewer.events.theme.connect(self._show_theme)
        self.destroyed.connect(_closer(linking, keys, self.viewer, self._show_theme))

    # From the session

    def _open(self, *_: object) -> None:
        self._ask(Stale.GROUND)
        self._show_rows()
        self._show_selection()

    def _show_curation(self) -> None:
        self._ask(Stale.MARKS)
        self._show_rows()

    def _show_channel(self) -> None:
        self.plots["Images"].ask(Stale.MARKS)
        self._show_rows()

    def _ask(self, stale: Stale) -> None:
        for plot in self.plots.values():
            plot.ask(stale)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring up to date what was not seen."""
        super().showEvent(event)
        if self._rows_are_old:
            self._show_rows()

    def _show_rows(self) -> None:
        self._rows_are_old = not self.isVisible()
        if self._rows_are_old:
            return
        frame = dot_rows(self.session, self.session.channel)
        unit = next(iter(signal_units(frame)), "")
        columns = columns_for(unit, self.session.channel)
        self.dots.show_dots(frame, columns, self.session.selection)

    def _show_selection(self) -> None:
        if not self._rows_are_old:
            self.dots.choose(self.session.selection)
        for plot in self.plots.values():
            plot.ask(plot.sheet_of_choice)
        for page in self.pages.values():
            page.show_dot()

    def _show_theme(self, *_: object) -> None:
        look = look_of(self.viewer.theme)
        self.dots.set_look(look)
        for plot in self.plots.values():
            plot.set_look(look)

    # From the person

    def _choose_picked(self, dot_id: int, extend: bool) -> None:
        choose_picked(self.session, dot_id, extend)

    def _show_channel_of_picture(self, channel: str) -> None:
        with messages.shown():
            self.session.show_channel(channel)


def _closer(
    linking: Linking, keys: Keys, viewer: "Viewer", theme_slot: Callable[..., Any]
) -> Callable[..., None]:
    def close(*_: object) -> None:
        linking.close()
        keys.close()
        viewer.events.theme.disconnect(theme_slot)

    return close
