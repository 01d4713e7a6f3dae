"""Shortcuts for judging dots: in napari's canvas, whichever layer is active, and in our widgets."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QWidget

from napari_qdimage import messages
from napari_qdimage.judging import SHORTCUTS, Judging
from napari_qdimage.layers import OWN

if TYPE_CHECKING:
    from napari import Viewer
    from napari.layers import Layer


class Keys:
    """Binds the shortcuts to a viewer and to the plugin's layers in it.

    A layer's own keys win over those of its kind, and they over the viewer's: so both are bound.
    """

    def __init__(self, judging: Judging, viewer: "Viewer") -> None:
        self._judging = judging
        self._viewer = viewer
        self._bound: list[Any] = []
        self._bind(viewer)
        for layer in viewer.layers:
            self._adopt(layer)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.events.removed.connect(self._on_removed)

    def close(self) -> None:
        """Take the shortcuts away."""
        self._viewer.layers.events.inserted.disconnect(self._on_inserted)
        self._viewer.layers.events.removed.disconnect(self._on_removed)
        for target in self._bound:
            for shortcut in SHORTCUTS:
                target.bind_key(_napari_keys(shortcut.keys), None)
        self._bound.clear()

    def _on_inserted(self, event: Any) -> None:
        self._adopt(event.value)

    def _on_removed(self, event: Any) -> None:
        self._bound = [each for each in self._bound if each is not event.value]

    def _adopt(self, layer: "Layer") -> None:
        if OWN in layer.metadata:
            self._bind(layer)

    def _bind(self, target: Any) -> None:
        for shortcut in SHORTCUTS:
            act = _act(self._judging, shortcut.act)
            target.bind_key(_napari_keys(shortcut.keys), _ignoring(act), overwrite=True)
        self._bound.append(target)


def bind_widget(judging: Judging, widget: QWidget) -> None:
    """Give a widget and what is in it the same shortcuts; a line of text keeps its letters."""
    for each in SHORTCUTS:
        shortcut = QShortcut(QKeySequence(each.keys), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(_act(judging, each.act))


def _act(judging: Judging, name: str) -> Callable[[], None]:
    method = getattr(judging, name)

    def act() -> None:
        with messages.shown():
            method()

    return act


def _ignoring(act: Callable[[], None]) -> Callable[[Any], None]:
    def of(_: Any) -> None:
        act()

    return of


def _napari_keys(keys: str) -> str:
    return keys.replace("Ctrl", "Control").replace("+", "-")
