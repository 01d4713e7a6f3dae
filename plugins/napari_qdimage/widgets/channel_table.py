"""The channels of a field, declared or only found, with voltages and exposures to be changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QAbstractItemView, QComboBox, QTableWidget, QTableWidgetItem, QWidget

from napari_qdimage.widgets.parts import hide_row_numbers, stretch_last_column
from qdimage.domain.colours import NO_ANSWER
from qdimage.reporting.content import rows_of

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.domain.experiment import Experiment
    from qdimage.pipeline.declare import FoundStack

_COLUMNS = ("Channel", "Kind", "Voltage, V", "Exposure, s", "Frames", "Size, px", "File")
_KIND, _VOLTAGE, _EXPOSURE = 1, 2, 3
_KEYS = {_VOLTAGE: "voltage_v", _EXPOSURE: "exposure_s"}
_KINDS = ("pl", "el", "—")


@dataclass(frozen=True)
class ChannelRow:
    """What is known of a channel; None or "" where it is not.

    Attributes
    ----------
    trouble : str
        Why it cannot be read.
    """

    name: str
    kind: str
    voltage_v: float | None
    exposure_s: float | None
    n_frames: int | None
    shape: tuple[int, int] | None
    file: str
    trouble: str = ""


def declared_rows(
    experiment: "Experiment | None", table: "pd.DataFrame", data: Mapping[str, Any]
) -> list[ChannelRow]:
    """Return the channels of an experiment, or of a run whose experiment is not there.

    Parameters
    ----------
    table : DataFrame
        The field's rows of `channels`.
    data : mapping of str to array
        What is shown of each channel that can be read.
    """
    known = {str(row["channel"]): row for row in rows_of(table)}
    if experiment is None:
        return [_from_run(name, row) for name, row in known.items()]
    declared = experiment.declared
    pl = [each for each in declared.channels if each.kind == "pl"]
    rows = []
    for each in (*pl, *declared.el_channels):
        run, shown = known.get(each.name), data.get(each.name)
        n_frames = None if run is None else run["n_frames"]
        if shown is not None and getattr(shown, "ndim", 0) == 3:
            n_frames = shown.shape[0]
        rows.append(
            ChannelRow(
                each.name,
                each.kind,
                each.voltage_v,
                each.exposure_s,
                n_frames,
                None if shown is None else tuple(shown.shape[-2:]),
                each.stack,
                "" if shown is not None or run is None else str(run["message"] or ""),
            )
        )
    return rows


def _from_run(name: str, row: Mapping[str, Any]) -> ChannelRow:
    height, width = row["height_px"], row["width_px"]
    return ChannelRow(
        name,
        str(row["kind"]),
        row["voltage_v"],
        row["exposure_s"],
        row["n_frames"],
        None if height is None or width is None else (height, width),
        str(row["stack"]),
        "" if row["status"] == "ok" else str(row["message"]),
    )


def found_rows(found: "Sequence[FoundStack]") -> list[ChannelRow]:
    """Return the stacks of a folder that declares none."""
    return [
        ChannelRow(
            each.file.rpartition(".")[0],
            each.kind,
            each.voltage_v,
            each.exposure_s,
            None,
            None,
            each.file,
            each.problem,
        )
        for each in found
    ]


class ChannelTable(QTableWidget):
    """One row for each channel.

    Signals
    -------
    edited : str, str, float
        Channel, key as in ``experiment.toml``, new value.
    chosen : str
        Name of the channel that is the current one.
    """

    edited = Signal(str, str, float)
    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(_COLUMNS), parent)
        self.setHorizontalHeaderLabels(list(_COLUMNS))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        hide_row_numbers(self)
        stretch_last_column(self)
        self.setMinimumHeight(120)
        self._rows: list[ChannelRow] = []
        self._filling = False
        self.itemChanged.connect(self._changed)
        self.currentCellChanged.connect(lambda *_: self.chosen.emit(self.current))

    @property
    def current(self) -> str:
        """Name of the current channel; "" for none."""
        at = self.currentRow()
        return self._rows[at].name if 0 <= at < len(self._rows) else ""

    def show_rows(self, rows: Sequence[ChannelRow], *, kinds: bool) -> None:
        """Show channels; `kinds` lets the user say which is PL and which is EL."""
        at = max(self.currentRow(), 0)
        self._filling = True
        self._rows = list(rows)
        self.setRowCount(len(rows))
        for index, each in enumerate(rows):
            self._fill(index, each, kinds=kinds)
        self.resizeColumnsToContents()
        if rows:
            self.setCurrentCell(min(at, len(rows) - 1), 0)
        self._filling = False
        self.chosen.emit(self.current)

    def answers(self) -> dict[str, dict[str, str | float]]:
        """Return what the cells say, by file, as `qdimage.init` takes it."""
        found: dict[str, dict[str, str | float]] = {}
        for index, each in enumerate(self._rows):
            box = self.cellWidget(index, _KIND)
            kind = box.currentText() if isinstance(box, QComboBox) else each.kind
            answer: dict[str, str | float] = {"kind": kind if kind in ("pl", "el") else ""}
            for column, key in _KEYS.items():
                item = self.item(index, column)
                value = None if item is None else _number(item.text())
                if value is not None:
                    answer[key] = value
            found[each.file] = answer
        return found

    def _fill(self, index: int, each: ChannelRow, *, kinds: bool) -> None:
        size = "" if each.shape is None else f"{each.shape[1]} x {each.shape[0]}"
        texts = (
            each.name,
            each.kind,
            _text(each.voltage_v),
            _text(each.exposure_s),
            _text(each.n_frames),
            size,
            each.file,
        )
        for column, text in enumerate(texts):
            item = QTableWidgetItem(text)
            has_voltage = kinds or each.kind == "el"
            can_change = column == _EXPOSURE or (column == _VOLTAGE and has_voltage)
            flags = Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEnabled
            item.setFlags(flags | Qt.ItemFlag.ItemIsEditable if can_change else flags)
            item.setToolTip(each.trouble or ("Double-click to change" if can_change else text))
            if each.trouble:
                item.setForeground(QColor(NO_ANSWER))
            self.setItem(index, column, item)
        self._offer_kinds(index, each.kind) if kinds else self.removeCellWidget(index, _KIND)

    def _offer_kinds(self, index: int, kind: str) -> None:
        box = QComboBox()
        box.addItems(_KINDS)
        box.setCurrentText(kind or _KINDS[-1])
        self.setCellWidget(index, _KIND, box)

    def _changed(self, item: QTableWidgetItem) -> None:
        if self._filling or item.column() not in _KEYS:
            return
        each, value = self._rows[item.row()], _number(item.text())
        before = each.voltage_v if item.column() == _VOLTAGE else each.exposure_s
        if value is None:
            self._filling = True
            item.setText(_text(before))
            self._filling = False
        elif value != before:
            self.edited.emit(each.name, _KEYS[item.column()], value)


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _number(text: str) -> float | None:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None
