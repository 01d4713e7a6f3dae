"""The tab of the same name."""

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_qdimage.session import Session

if TYPE_CHECKING:
    from napari import Viewer


class LocalizeWidget(QWidget):
    """Empty as yet."""

    def __init__(self, session: Session, viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
