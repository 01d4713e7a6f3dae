"""The dots as a Qt table: sorted at once, filtered by what a person writes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from qtpy.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from qtpy.QtGui import QColor, QFont

from napari_qdimage.filter_text import Mask, filter_rows
from qdimage.domain.tables import DOTS
from qdimage.reporting.words import NOTHING, number

Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()
_MEANING = {column.name: column.meaning for column in DOTS.columns}


@dataclass(frozen=True)
class Column:
    """A column that is shown.

    Attributes
    ----------
    name : str
        In the frame of the dots.
    title : str
        With its unit.
    meaning : str
    digits : int
        Significant ones.
    always : bool
        Shown even where no dot has a value.
    """

    name: str
    title: str
    meaning: str = ""
    digits: int = 3
    always: bool = False


def columns_for(signal_unit: str, channel: str) -> tuple[Column, ...]:
    """Return the columns of the table, for the unit of the fluxes and the channel on show."""
    flux = f"{signal_unit or 'photons'}/s"
    return (
        Column("dot_id", "Dot", _MEANING["dot_id"], always=True),
        Column("state", "State", f"in {channel}" if channel else "", always=True),
        Column("review", "Review", "what a person decided", always=True),
        Column("pl_photons_s", f"PL\n{flux}", _MEANING["pl_photons_s"], always=True),
        Column("el_photons_s", f"{channel or 'EL'}\n{flux}", "EL flux at the dot, seen or not"),
        Column("turn_on_voltage_v", "Turn-on\nV", _MEANING["turn_on_voltage_v"]),
        Column("pl_g2_0", "PL\ng2(0)", _MEANING["pl_g2_0"], 2),
        Column("el_g2_0", "EL\ng2(0)", _MEANING["el_g2_0"], 2),
        Column("el_g2_0_voltage_v", "EL g2(0) at\nV", _MEANING["el_g2_0_voltage_v"]),
        Column("lifetime_ns", "Lifetime\nns", _MEANING["lifetime_ns"]),
        Column("injection_rate_per_us", "Injection\n1/µs", _MEANING["injection_rate_per_us"]),
        Column("pl_peak_nm", "PL peak\nnm", _MEANING["pl_peak_nm"], 5),
        Column("el_peak_nm", "EL peak\nnm", _MEANING["el_peak_nm"], 5),
        Column("x_px", "x\npx", _MEANING["x_px"], 5, always=True),
        Column("y_px", "y\npx", _MEANING["y_px"], 5, always=True),
        Column("isolated", "Isolated", _MEANING["isolated"]),
        Column("flags", "Flags", _MEANING["flags"]),
        Column("note", "Note", _MEANING["note"]),
    )


class DotTable(QAbstractTableModel):
    """The dots of a field, a row each, in an order of its own.

    Sorting is done here on whole columns: a proxy would ask for each of some 100 000 comparisons.
    """

    def __init__(self) -> None:
        super().__init__()
        self._columns: tuple[Column, ...] = ()
        self._frame = pd.DataFrame({"dot_id": pd.Series(dtype=int)})
        self._values: dict[str, NDArray[Any]] = {}
        self._ids: NDArray[np.int64] = np.empty(0, np.int64)
        self._order: NDArray[np.intp] = np.empty(0, np.intp)
        self._sorted_by: tuple[str, bool] = ("dot_id", False)
        self._state_colour: Mapping[str, QColor] = {}
        self._faint = QColor("#888888")

    @property
    def frame(self) -> pd.DataFrame:
        """The dots in their own order, which is not that of the table."""
        return self._frame

    @property
    def ids(self) -> NDArray[np.int64]:
        """The dot_id of each row of the table."""
        return self._ids[self._order]

    def row_in_frame(self, row: int) -> int:
        """Return where in `frame` a row of the table is."""
        return int(self._order[row])

    @property
    def columns(self) -> tuple[Column, ...]:
        """What is shown."""
        return self._columns

    def set_colours(self, states: Mapping[str, str], faint: str) -> None:
        """Set the colour beside each state, and that of rejected dots."""
        self._state_colour = {state: QColor(colour) for state, colour in states.items()}
        self._faint = QColor(faint)
        self._repaint()

    def update(self, frame: pd.DataFrame, columns: Iterable[Column]) -> bool:
        """Take over the dots; return whether the rows are others than before.

        Parameters
        ----------
        frame : pandas.DataFrame
            With the columns' names, and `dot_id` that is never empty.
        columns : iterable of Column
            Those without any value are left out.
        """
        shown = tuple(c for c in columns if c.always or _has_values(frame, c.name))
        ids = frame["dot_id"].to_numpy(np.int64)
        same = [c.name for c in shown] == [c.name for c in self._columns]
        same = same and np.array_equal(ids, self._ids)
        if not same:
            self.beginResetModel()
        self._frame, self._ids, self._columns = frame, ids, shown
        self._values = {}
        if not same:
            self._order = self._sorted()
            self.endResetModel()
            return True
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(shown) - 1)
        self._repaint()
        return False

    def rowCount(self, parent: Index = _NO_PARENT) -> int:
        """Return the number of dots."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        at, column = int(self._order[index.row()]), self._columns[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(at, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            numeric = self._of(column.name).dtype.kind in "biuf"
            side = Qt.AlignmentFlag.AlignRight if numeric else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.DecorationRole and column.name == "state":
            return self._state_colour.get(str(self._of("state")[at]))
        if role == Qt.ItemDataRole.ForegroundRole and self._is_rejected(at):
            return self._faint
        if role == Qt.ItemDataRole.FontRole and column.name == "dot_id" and self._is_rejected(at):
            font = QFont()
            font.setStrikeOut(True)
            return font
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._text(at, column)
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title and, as a tip, its meaning and the name to filter by."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._columns):
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{column.name}: {column.meaning}" if column.meaning else column.name
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column; dots without a value come last either way."""
        if not 0 <= column < len(self._columns):
            return
        self._sorted_by = (
            self._columns[column].name,
            order == Qt.SortOrder.DescendingOrder,
        )
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        ids = [int(self._ids[self._order[index.row()]]) for index in before]
        self._order = self._sorted()
        rows = {int(dot): row for row, dot in enumerate(self.ids)}
        after = [
            self.index(rows[dot], index.column()) for dot, index in zip(ids, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _sorted(self) -> NDArray[np.intp]:
        name, descending = self._sorted_by
        if name not in self._frame:
            name = "dot_id"
        values = self._frame[name].reset_index(drop=True)
        if pd.api.types.is_object_dtype(values.dtype) or isinstance(values.dtype, pd.StringDtype):
            values = values.fillna("").astype(str).replace("", None)
        ordered = values.sort_values(ascending=not descending, kind="stable", na_position="last")
        return ordered.index.to_numpy(np.intp)

    def _repaint(self) -> None:
        if len(self._order) and self._columns:
            last = self.index(len(self._order) - 1, len(self._columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def _is_rejected(self, at: int) -> bool:
        return bool(self._of("review")[at] == "rejected")

    def _of(self, name: str) -> NDArray[Any]:
        """Return a column as an array: a frame is slow to ask for single cells."""
        if name not in self._values:
            self._values[name] = _as_array(self._frame[name])
        return self._values[name]

    def _text(self, at: int, column: Column) -> str:
        value: Any = self._of(column.name)[at]
        if value is None or value != value:
            return NOTHING
        if isinstance(value, bool | np.bool_):
            return "yes" if value else "no"
        if isinstance(value, int | np.integer):
            return str(value)
        if isinstance(value, float | np.floating):
            return number(float(value), column.digits) + self._interval(at, column)
        return str(value)

    def _interval(self, at: int, column: Column) -> str:
        ends = [f"{column.name}_low", f"{column.name}_high"]
        if not all(end in self._frame for end in ends):
            return ""
        low, high = (float(self._of(end)[at]) for end in ends)
        return f" ({number(low, 2)}{NOTHING}{number(high, 2)})"


def _as_array(values: "pd.Series[Any]") -> NDArray[Any]:
    """Numbers and truths as such, NaN for none; texts as objects, None for none."""
    if pd.api.types.is_bool_dtype(values.dtype):
        if values.notna().all():
            return values.to_numpy(bool)
    elif pd.api.types.is_integer_dtype(values.dtype):
        if values.notna().all():
            return values.to_numpy(np.int64)
        return values.to_numpy(np.float64, na_value=np.nan)
    elif pd.api.types.is_float_dtype(values.dtype):
        return values.to_numpy(np.float64, na_value=np.nan)
    array = np.full(len(values), None, object)
    known = values.notna().to_numpy(bool)
    array[known] = values[known].to_numpy(object)
    return array


def _has_values(frame: pd.DataFrame, name: str) -> bool:
    if name not in frame:
        return False
    values = frame[name]
    if pd.api.types.is_numeric_dtype(values.dtype):
        return bool(values.notna().any())
    return bool((values.notna() & (values.astype(str) != "")).any())


class DotFilter(QSortFilterProxyModel):
    """Shows the rows that a filter keeps, in the table's own order."""

    def __init__(self, table: DotTable, words: Callable[[], Mapping[str, Mask]]) -> None:
        super().__init__()
        self._table, self._words = table, words
        self._text = ""
        self._kept = np.empty(0, bool)
        self.setDynamicSortFilter(False)
        self.setSourceModel(table)

    @property
    def text(self) -> str:
        """The filter."""
        return self._text

    def set_text(self, text: str) -> None:
        """Filter anew.

        Raises
        ------
        FilterError
            If the text is no filter; the one before stays.
        """
        kept = filter_rows(text, self._table.frame, self._words())
        self._text = text
        self._keep(kept)

    def refresh(self) -> None:
        """Apply the same filter to dots that have changed."""
        if self._text:
            self._keep(filter_rows(self._text, self._table.frame, self._words()))

    def _keep(self, kept: Mask) -> None:
        changed = not np.array_equal(kept, self._kept)
        self._kept = kept
        if changed:
            # invalidateFilter() is deprecated in newer Qt, and older Qt lacks its successor.
            self.invalidate()

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        """Whether a row of the table is shown."""
        at = self._table.row_in_frame(source_row)
        return not self._text or at >= len(self._kept) or bool(self._kept[at])

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Have the table itself sorted."""
        self._table.sort(column, order)

    def ids(self) -> NDArray[np.int64]:
        """Return the dot_id of each row that is shown."""
        ids = self._table.ids
        rows = (
            [self.mapToSource(self.index(row, 0)).row() for row in range(self.rowCount())]
            if self._text
            else range(len(ids))
        )
        return ids[np.fromiter(rows, np.intp)]

    def rows_of(self, dot_ids: Iterable[int]) -> list[int]:
        """Return the rows that show dots; those that the filter hides have none."""
        wanted = list(dot_ids)
        if not wanted:
            return []
        at = {int(dot): row for row, dot in enumerate(self._table.ids)}
        rows = (
            self.mapFromSource(self._table.index(at[dot], 0)).row() for dot in wanted if dot in at
        )
        return sorted(row for row in rows if row >= 0)

    def selection_of(self, dot_ids: Iterable[int]) -> QItemSelection:
        """Return whole rows of dots, neighbours joined."""
        rows = np.asarray(self.rows_of(dot_ids), int)
        selection = QItemSelection()
        last = self.columnCount() - 1
        for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if len(rows) else []:
            selection.append(
                QItemSelectionRange(self.index(int(run[0]), 0), self.index(int(run[-1]), last))
            )
        return selection
