"""The plugin's dock in a viewer: found, or opened."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari import Viewer

    from napari_qdimage.widgets.main import MainWidget

PLUGIN, TITLE = "qdimage", "Quantum dots"


def show(viewer: "Viewer") -> "MainWidget":
    """Return a viewer's dock, opened where it was not."""
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, TITLE)
    return widget  # type: ignore[no-any-return]


def find() -> "MainWidget | None":
    """Return the dock of the viewer that is used; None where it was not opened."""
    viewer = _viewer()
    if viewer is None:
        return None
    from napari_qdimage.widgets.main import MainWidget

    docked = viewer.window.dock_widgets.values()
    return next((each for each in docked if isinstance(each, MainWidget)), None)


def show_soon() -> None:
    """Open the dock of the viewer that is used, once it has done what it is at; none headless."""
    viewer = _viewer()
    if viewer is not None:
        from qtpy.QtCore import QTimer

        QTimer.singleShot(0, lambda: show(viewer))


def show_g2_soon(file: Path) -> None:
    """Correlate a time-tag file beside the window, and show its g2 in a dock of its own."""
    viewer = _viewer()
    if viewer is not None:
        from qtpy.QtCore import QTimer

        QTimer.singleShot(0, lambda: _show_g2(viewer, file))


def show_spectrum_soon(file: Path) -> None:
    """Show a spectrum in a dock of its own."""
    viewer = _viewer()
    if viewer is not None:
        from qtpy.QtCore import QTimer

        QTimer.singleShot(0, lambda: _show_spectrum(viewer, file))


def _show_spectrum(viewer: "Viewer", file: Path) -> None:
    from napari_qdimage.widgets.spectrum_of_file import SpectrumOfFile

    viewer.window.add_dock_widget(SpectrumOfFile(file), name=f"Spectrum {file.name}", area="bottom")


def _show_g2(viewer: "Viewer", file: Path) -> None:
    from napari_qdimage.widgets.g2_of_file import G2OfFile

    widget = G2OfFile(file)
    viewer.window.add_dock_widget(widget, name=f"g2 of {file.name}", area="bottom")


def _viewer() -> Any:
    """The viewer that was used last; None without a window."""
    from qtpy.QtWidgets import QApplication

    if QApplication.instance() is None:
        return None
    import napari

    return napari.current_viewer()
