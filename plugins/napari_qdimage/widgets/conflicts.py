"""The question what holds when files are not as a kept session knew them."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_qdimage.session_file import Answer, Ask, Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_SHOWN = 8


def asking(parent: QWidget) -> Ask:
    """Return what a session calls to ask the person at the window."""

    def ask(conflicts: tuple[Conflict, ...]) -> Answer:
        box = QMessageBox(parent)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Files have changed")
        box.setText(conflicts_text(conflicts))
        go_on = box.addButton("Keep my decisions", QMessageBox.ButtonRole.AcceptRole)
        take = box.addButton("Take the files' decisions", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        box.exec()
        if box.clickedButton() is go_on:
            return "continue"
        return "take_files" if box.clickedButton() is take else "cancel"

    return ask


def conflicts_text(conflicts: "Sequence[Conflict]") -> str:
    """Say which files differ, and what each answer does."""
    lines = ["Since your last session here:", *(f"  {each}" for each in conflicts[:_MOST_SHOWN])]
    if len(conflicts) > _MOST_SHOWN:
        lines.append(f"  and {len(conflicts) - _MOST_SHOWN} more")
    lines.append(
        "Keep what you decided in the session, or take what each curation.json says instead? "
        "Decisions are found again by the places of their dots."
    )
    return "\n".join(lines)
