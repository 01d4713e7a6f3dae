"""A camera's keys, their values, and where each is from."""

from collections.abc import Mapping
from typing import Any

from qtpy.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from napari_qdimage.widgets.parts import hide_row_numbers, stretch_last_column
from qdimage.domain.camera import CAMERA_KEYS, Camera
from qdimage.domain.tables import CHANNELS

_MEANING = {column.name: column.meaning for column in CHANNELS.columns}
_ESTIMATED = ("bias_adu", "read_noise_e", "saturation_adu")
_UNKNOWN, _TO_COME = "not known", "found in the data when analysed"


class CalibrationTable(QTableWidget):
    """One row for each key of ``[camera]``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(len(CAMERA_KEYS), 3, parent)
        self.setHorizontalHeaderLabels(["Key", "Value", "From"])
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        hide_row_numbers(self)
        stretch_last_column(self)
        self.setMinimumHeight(120)
        self.clear_rows()

    def show_row(self, row: Mapping[str, Any]) -> None:
        """Show the calibration of a row of `channels`."""
        pairs = (each.partition(": ") for each in str(row["camera_sources"] or "").split(";"))
        sources = {key: source for key, _, source in pairs}
        for index, key in enumerate(CAMERA_KEYS):
            value = row[key]
            known = value is not None and value == value
            self._fill(index, key, float(value) if known else None, sources.get(key, _UNKNOWN))

    def show_camera(self, camera: Camera, *, complete: bool) -> None:
        """Show a camera; before the data were looked at it is not complete."""
        for index, key in enumerate(CAMERA_KEYS):
            absent = _TO_COME if key in _ESTIMATED and not complete else _UNKNOWN
            self._fill(index, key, getattr(camera, key), camera.sources.get(key, absent))

    def clear_rows(self) -> None:
        """Show the keys alone."""
        for index, key in enumerate(CAMERA_KEYS):
            self._fill(index, key, None, "")

    def _fill(self, index: int, key: str, value: float | None, source: str) -> None:
        for column, text in enumerate((key, "" if value is None else f"{value:.6g}", source)):
            item = QTableWidgetItem(text)
            item.setToolTip(_MEANING[key] if column < 2 else source)
            self.setItem(index, column, item)
        if index == len(CAMERA_KEYS) - 1:
            self.resizeColumnsToContents()
