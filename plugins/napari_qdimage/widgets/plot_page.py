"""A plot, above it which file it is of, below it what else is to be known."""

from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from napari_qdimage.curve_plots import FilePlot
from napari_qdimage.inspector_plots import DotPlot, file_name


class PlotPage(QWidget):
    """The content of a tab."""

    def __init__(self, plot: DotPlot) -> None:
        super().__init__()
        self.plot = plot
        self.files = QComboBox()
        self.files.setVisible(False)
        self.files.activated.connect(self._choose_file)
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.words.setVisible(False)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.files)
        layout.addWidget(plot, 1)
        layout.addWidget(self.words)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._update)

    def show_dot(self) -> None:
        """Bring file names and words up to date; once they are seen, if they are not."""
        if self.isVisible():
            self._timer.start(0)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Bring up to date what was not seen."""
        super().showEvent(event)
        self._timer.start(0)

    def _update(self) -> None:
        if isinstance(self.plot, FilePlot):
            rows, shown = self.plot.rows, self.plot.row
            self.files.clear()
            for row in rows:
                self.files.addItem(file_name(row), row["file"])
            if shown is not None:
                self.files.setCurrentIndex(self.files.findData(shown["file"]))
            self.files.setVisible(len(rows) > 1)
        text = self.plot.words()
        self.words.setText(text)
        self.words.setVisible(bool(text))

    def _choose_file(self, index: int) -> None:
        if isinstance(self.plot, FilePlot):
            self.plot.show_file(str(self.files.itemData(index)))
            self._timer.start(0)
