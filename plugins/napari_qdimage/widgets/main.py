"""The dock: one session for each viewer, and the tabs that show it."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QLabel, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_qdimage import messages
from napari_qdimage.layers import OWN, FieldLayers
from napari_qdimage.session import Session
from napari_qdimage.widgets.listening import listen
from napari_qdimage.widgets.load import LoadWidget
from napari_qdimage.widgets.parts import hint

if TYPE_CHECKING:
    from napari import Viewer

# Title of each tab, where its widget is, and what it is for.
TABS = (
    ("Load", "load.LoadWidget", "Open a field or a finished run; voltages and calibration"),
    ("Register", "register.RegisterWidget", "Lay the EL channels on the PL reference"),
    ("Localize", "localize.LocalizeWidget", "Find dots, with a preview of what is shown"),
    ("Turn-on", "turn_on.TurnOnWidget", "Which dots are lit at which voltage"),
    ("Dots", "inspector.InspectorWidget", "Every dot, its curves, and your judgement of it"),
    ("Compare", "compare.CompareWidget", "EL beside PL, with one crosshair in both"),
    ("Batch", "batch.BatchWidget", "Analyse many fields"),
    ("Export", "export.ExportWidget", "Save tables, the session and the options"),
)
_LEAST_WIDTH_PX = 420


class MainWidget(QWidget):
    """All of the plugin, in one dock.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        So named because napari gives it by this name.

    Attributes
    ----------
    session : Session
    layers : FieldLayers
    tabs : dict of str to QWidget
        By title.
    """

    def __init__(self, napari_viewer: "Viewer", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("qdimage")
        self.setMinimumWidth(_LEAST_WIDTH_PX)
        self.viewer = viewer = napari_viewer
        self.session = Session()
        self.layers = FieldLayers.of(self.session, viewer)
        self.tabs: dict[str, QWidget] = {}
        self.title = QLabel()
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.title.setWordWrap(True)
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.setUsesScrollButtons(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.title)
        self.trouble = hint("")
        layout.addWidget(self.trouble)
        layout.addWidget(self.pages, 1)
        for name, where, purpose in TABS:
            self._add(name, where, purpose)
        listen(self, self.session.opened, self._show_title)
        listen(self, self.session.curation_changed, self._show_trouble)
        viewer.layers.events.inserted.connect(self._adopt)
        self.destroyed.connect(_closer(self.layers, viewer, self._adopt))
        self._show_title()
        self._adopt_first()

    def show_tab(self, name: str) -> None:
        """Bring a tab to the front."""
        self.pages.setCurrentIndex(list(self.tabs).index(name))

    def open(self, path: Any) -> None:
        """Open an experiment's folder or a finished run; a message says why where it cannot."""
        load = self.tabs["Load"]
        if isinstance(load, LoadWidget):
            load.open_path(path)

    def _add(self, name: str, where: str, purpose: str) -> None:
        module, _, of_class = where.partition(".")
        try:
            found = getattr(import_module(f"napari_qdimage.widgets.{module}"), of_class)
            widget: QWidget = found(self.session, self.viewer, self)
        except Exception as error:  # noqa: BLE001  one tab must not take the others with it
            widget = QLabel(messages.explain(error))
            widget.setWordWrap(True)
        if hasattr(widget, "tab_wanted"):
            widget.tab_wanted.connect(self.show_tab)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(widget)
        self.tabs[name] = widget
        index = self.pages.addTab(area, name)
        self.pages.setTabToolTip(index, purpose)

    def _show_title(self) -> None:
        self._show_trouble()
        field, path = self.session.field, self.session.out or self.session.source
        if field is None:
            self.title.setText("Nothing is open: choose a folder under Load")
            return
        self.title.setText(f"<b>{field.device} · {field.field}</b>")
        self.title.setToolTip(str(path))

    def _show_trouble(self) -> None:
        self.trouble.setText(self.session.unsaved)

    # What the reader or the sample put into the viewer is taken over by the session.

    def _adopt(self, event: Any) -> None:
        source = event.value.metadata.get(OWN) if hasattr(event.value, "metadata") else None
        if isinstance(source, dict) and "open" in source:
            # Not while napari is still adding layers.
            QTimer.singleShot(0, self._adopt_first)

    def _adopt_first(self) -> None:
        found = [each for each in self.viewer.layers if isinstance(each.metadata.get(OWN), dict)]
        paths = {str(each.metadata[OWN]["open"]): None for each in found}
        for layer in found:
            self.viewer.layers.remove(layer)
        if paths:
            self.open(next(iter(paths)))


def _closer(
    layers: FieldLayers, viewer: "Viewer", adopt: Callable[[Any], None]
) -> Callable[..., None]:
    def close(*_: object) -> None:
        viewer.layers.events.inserted.disconnect(adopt)
        layers.close()

    return close
