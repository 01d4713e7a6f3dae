"""The table of the dots with its filter above it."""

from collections.abc import Iterable

import pandas as pd
from qtpy.QtCore import QItemSelectionModel, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_qdimage.convert import STATE_COLOURS
from napari_qdimage.dot_rows import words_of
from napari_qdimage.filter_text import FilterError
from napari_qdimage.guard import guard
from napari_qdimage.inspector_table import Column, DotFilter, DotTable
from napari_qdimage.look import Look, state_colour

_HINT = "filter: lit and el_g2_0 < 0.1"
_HELP = (
    'A column and a number or word: el_g2_0 < 0.1, turn_on_voltage_v >= 2.4, note != "".\n'
    "A state: lit, dark, not_counted; accepted, rejected, unreviewed; flagged, noted.\n"
    "A flag: crowded, edge, one of your own. Joined by and, or, not, ( ).\n"
    "The tip of a column's head says its name."
)
_ROW_PX, _COLUMN_MOST_PX = 22, 190
_ROWS_THAT_SIZE_COLUMNS = 50


class DotList(QWidget):
    """The dots, a row each, sorted by a click on a column's head.

    Signals
    -------
    chosen : object
        Tuple of the dot_id that a person chose, the current one last.

    Attributes
    ----------
    table : QTableView
    filter : QLineEdit
    model : DotFilter
        What the table shows.
    """

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._dots = DotTable()
        self.model = DotFilter(self._dots, lambda: words_of(self._dots.frame))
        self.table = QTableView()
        self.filter = QLineEdit()
        # Of the session; a filter may hide some of them.
        self._chosen: tuple[int, ...] = ()
        self.count = QLabel()
        self.trouble = QLabel()
        self._build()

    def _build(self) -> None:
        self.filter.setPlaceholderText(_HINT)
        self.filter.setToolTip(_HELP)
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._filter)
        self.trouble.setWordWrap(True)
        self.trouble.hide()
        line = QHBoxLayout()
        line.addWidget(self.filter, 1)
        line.addWidget(self.count)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(line)
        layout.addWidget(self.trouble)
        layout.addWidget(self.table, 1)
        self._build_table()

    def _build_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.setAlternatingRowColors(True)
        table.setWordWrap(False)
        table.setMinimumHeight(120)
        if (rows := table.verticalHeader()) is not None:
            rows.setVisible(False)
            rows.setDefaultSectionSize(_ROW_PX)
            rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        if (heads := table.horizontalHeader()) is not None:
            heads.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
            heads.setHighlightSections(False)
            heads.setResizeContentsPrecision(_ROWS_THAT_SIZE_COLUMNS)
        table.setSortingEnabled(True)
        self._selection.selectionChanged.connect(self._on_chosen)

    @property
    def _selection(self) -> QItemSelectionModel:
        model = self.table.selectionModel()
        if model is None:
            raise RuntimeError("the table has no model")
        return model

    def set_look(self, look: Look) -> None:
        """Change the colours."""
        colours = {state: state_colour(state, look) for state in STATE_COLOURS}
        self._dots.set_colours(colours, look.muted)
        stripe = look.stripe
        self.table.setStyleSheet(f"QTableView {{ alternate-background-color: {stripe}; }}")

    def show_dots(
        self, frame: pd.DataFrame, columns: Iterable[Column], chosen: Iterable[int]
    ) -> None:
        """Show dots, filtered as before; `chosen` is what is selected among them."""
        with guard:
            is_new = self._dots.update(frame, columns)
            self.model.refresh()
            if is_new:
                self._fit_columns()
            self.choose(chosen)
        self._count()

    def choose(self, dot_ids: Iterable[int]) -> None:
        """Select the rows of dots and bring the last one's into view."""
        dots, flags = list(dot_ids), QItemSelectionModel.SelectionFlag
        self._chosen = tuple(dots)
        with guard:
            self._selection.select(self.model.selection_of(dots), flags.ClearAndSelect | flags.Rows)
            for row in self.model.rows_of(dots[-1:]):
                index = self.model.index(row, 0)
                self._selection.setCurrentIndex(index, flags.NoUpdate)
                self.table.scrollTo(index)

    def _fit_columns(self) -> None:
        self.table.resizeColumnsToContents()
        for column in range(self.model.columnCount()):
            if self.table.columnWidth(column) > _COLUMN_MOST_PX:
                self.table.setColumnWidth(column, _COLUMN_MOST_PX)

    def _count(self) -> None:
        n, shown = self._dots.rowCount(), self.model.rowCount()
        self.count.setText(f"{n} dots" if n == shown else f"{shown} of {n} dots")

    def _filter(self, text: str) -> None:
        try:
            with guard:
                self.model.set_text(text)
                self.choose(self._chosen)
            self.trouble.hide()
        except FilterError as error:
            self.trouble.setText(str(error))
            self.trouble.show()
        self._count()

    def _on_chosen(self, *_: object) -> None:
        if not guard.closed:
            self.chosen.emit(tuple(self._chosen_ids()))

    def _chosen_ids(self) -> list[int]:
        ids = self.model.ids()
        now = [int(ids[index.row()]) for index in self._selection.selectedRows()]
        current = self._selection.currentIndex()
        last = int(ids[current.row()]) if current.isValid() else None
        return sorted(now, key=lambda dot: dot == last)
