"""The napari plugin of qdimage."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari import Viewer


def open_viewer(path: str | os.PathLike[str] | None = None, *, block: bool = True) -> "Viewer":
    """Open a window of napari with the plugin's dock, and in it an experiment or a finished run.

    Parameters
    ----------
    path : path, optional
        A folder, an ``experiment.toml`` or a ``run.json``. Where it cannot be opened, a message in
        the window says why.
    block : bool
        Return when the window is closed.
    """
    import napari

    from napari_qdimage import dock

    viewer = napari.Viewer(title="qdimage", show_welcome_screen=False)
    widget = dock.show(viewer)
    if path is not None:
        widget.open(path)
    if block:
        napari.run()
    return viewer


def show_dock(viewer: "Viewer") -> None:
    """Open the dock."""
    from napari_qdimage import dock

    dock.show(viewer)


def show_register(viewer: "Viewer") -> None:
    """Open the dock at the registration."""
    from napari_qdimage import dock

    dock.show(viewer).show_tab("Register")


def show_localize(viewer: "Viewer") -> None:
    """Open the dock at the localization."""
    from napari_qdimage import dock

    dock.show(viewer).show_tab("Localize")
