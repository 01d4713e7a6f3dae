"""``view``: a field, declared experiments or a finished run in napari."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from qdimage.errors import ConfigurationError

_QT = ("PyQt6", "PySide6")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("view", epilog="Example:  qdimage view results")(view)


def view(
    path: Annotated[
        Path, typer.Argument(help="A folder with stacks, an experiment.toml, or a run's results.")
    ],
) -> None:
    """Open a field or a finished run in napari, to look at its dots and to correct them."""
    _require_window()
    import napari_qdimage
    from napari_qdimage.opening import what_is

    what_is(path)
    napari_qdimage.open_viewer(path)


def _require_window() -> None:
    """Refuse where no window can open: Qt would end the process without a word of what to do."""
    if find_spec("napari") is None or not any(find_spec(name) for name in _QT):
        raise ConfigurationError(
            "napari and Qt are needed to view; install them: pip install 'qdimage[gui]'"
        )
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in _DISPLAYS):
        raise ConfigurationError(
            "found no display to open a window on; run it on a desktop, or through 'ssh -X'"
        )
