"""A window to test in: a display of its own, napari with settings of its own, nothing left over.

What a person does is in `gui_acts`: `click`, `key`, `drag`, `write`, `wait_until`, `canvas_pixels`.
Every test in this folder has the marker `gui`. An error in a slot, which Qt only prints, fails its
test. With QDIMAGE_PICTURES=FOLDER the last state of each window is saved there.
"""

import gc
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gui_acts import settle, wait_until
from gui_display import can_start, own_display

if TYPE_CHECKING:
    from napari import Viewer

_HERE = Path(__file__).parent
_WINDOW_PX = (1600, 1000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker("gui")


@pytest.fixture(scope="session")
def display() -> Iterator[None]:
    """A display of this process's own, for the rest of its life."""
    if not can_start():
        pytest.skip("there is no Xvfb; install it with ./qd test --system-packages")
    with own_display():
        yield


@pytest.fixture(scope="session")
def napari_ready(display: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Qt and napari imported, with settings in a temporary folder.

    Their own deprecation warnings are theirs; later ones are errors, as everywhere.
    """
    settings = tmp_path_factory.mktemp("napari") / "settings.yaml"
    os.environ.update(
        NAPARI_CONFIG=str(settings),
        NAPARI_ASYNC="0",
        LP_NUM_THREADS="1",
        XDG_STATE_HOME=str(settings.parent / "state"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import napari.layers
        import napari.qt
        import napari.settings
        import napari.viewer  # noqa: F401
        from qtpy.QtCore import QCoreApplication, Qt
        from qtpy.QtWidgets import QApplication

        # A test can only use the dialogs that Qt draws itself.
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
        application = QApplication.instance() or QApplication(["napari"])
    yield
    settle()
    application.quit()


@pytest.fixture
def slot_errors(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Errors that reached Qt's event loop; any that is still listed at the end fails the test."""
    errors: list[str] = []

    def note(*error: Any) -> None:
        errors.append("".join(traceback.format_exception(*error)))

    monkeypatch.setattr(sys, "excepthook", note)
    yield errors
    assert not errors, "an error reached the event loop:\n" + "\n".join(errors)


@pytest.fixture
def viewer(
    napari_ready: None, slot_errors: list[str], request: pytest.FixtureRequest
) -> "Iterator[Viewer]":
    """An empty viewer in a window that is shown, closed when the test is over."""
    import napari
    from napari.settings import get_settings
    from qtpy.QtWidgets import QApplication

    get_settings().appearance.theme = "dark"
    shown = napari.Viewer(show=True, show_welcome_screen=False)
    shown.window.resize(*_WINDOW_PX)
    wait_until(lambda: any(each.isVisible() for each in QApplication.topLevelWidgets()))
    settle(0.1)
    yield shown
    _keep_picture(shown, request.node.name)
    shown.close()
    # Qt deletes a window when it comes to it, and napari keeps one while Python does.
    for _ in range(3):
        settle(0.02)
        gc.collect()


def _keep_picture(shown: "Viewer", name: str) -> None:
    folder = os.environ.get("QDIMAGE_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        settle(0.1)
        shown.screenshot(str(Path(folder) / f"{name}.png"), canvas_only=False, flash=False)
