"""Small parts that several tabs are made of."""

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QTableWidget, QWidget


def heading(text: str) -> QLabel:
    """Return the title of a part of a tab."""
    label = QLabel(f"<b>{text}</b>")
    label.setTextFormat(Qt.TextFormat.RichText)
    return label


def hint(text: str) -> QLabel:
    """Return a text over several lines that can be copied; it takes no room while it is empty."""
    label = _Hint(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def row(*parts: QWidget, stretch: QWidget | None = None) -> QWidget:
    """Return widgets side by side; `stretch` takes the room that is left."""
    line = QWidget()
    layout = QHBoxLayout(line)
    layout.setContentsMargins(0, 0, 0, 0)
    for part in parts:
        layout.addWidget(part, 1 if part is stretch else 0)
    return line


def hide_row_numbers(table: QTableWidget) -> None:
    """Take the numbers in front of the rows away."""
    header = table.verticalHeader()
    if header is not None:
        header.hide()


def stretch_last_column(table: QTableWidget) -> None:
    """Have the last column take the room that is left."""
    header = table.horizontalHeader()
    if header is not None:
        header.setStretchLastSection(True)


class _Hint(QLabel):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.setText(text)

    def setText(self, text: str | None) -> None:
        super().setText(text)
        self.setVisible(bool(text))

    def clear(self) -> None:
        self.setText("")
