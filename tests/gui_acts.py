"""What a person does with mouse and keys, as real events, and what they then see."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari import Viewer

# The window is made in a fixture; importing Qt here would make tests without one wait for it.
Widget = Any
_STEP_S = 0.005


def settle(seconds: float = 0.0) -> None:
    """Let Qt do all that is waiting, for at least some seconds."""
    from qtpy.QtCore import QCoreApplication, QEvent

    end = time.monotonic() + seconds
    while True:
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        if time.monotonic() >= end:
            return
        time.sleep(_STEP_S)


def wait_until(condition: Callable[[], object], *, seconds: float = 20.0, what: str = "") -> None:
    """Let Qt work until a condition holds; fail if it does not hold in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain: {what or condition}"
        settle(_STEP_S)


def click(widget: Widget, at: tuple[int, int] | None = None, *, held: str = "") -> None:
    """Click with the left button: in a widget's middle, or at (x, y) of it.

    Parameters
    ----------
    held : str
        Key held down meanwhile: "Shift", "Ctrl", "Alt".
    """
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    assert widget.isVisible(), f"{widget} is not to be seen"
    assert widget.isEnabled(), f"{widget} cannot be used"
    place = widget.rect().center() if at is None else QPoint(*at)
    QTest.mouseMove(widget, place)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, _held(held), place)
    settle()


def click_row(view: Widget, row: int, column: int = 0, *, held: str = "") -> None:
    """Click a cell of an item view."""
    index = view.model().index(row, column)
    view.scrollTo(index)
    settle()
    place = view.visualRect(index).center()
    click(view.viewport(), (place.x(), place.y()), held=held)


def drag(widget: Widget, start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Press at one place (x, y) of a widget, move to another in steps, and let go."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    left, none = Qt.MouseButton.LeftButton, _held("")
    places = [QPoint(round(x), round(y)) for x, y in np.linspace(start, stop, 8)]
    QTest.mouseMove(widget, places[0])
    QTest.mousePress(widget, left, none, places[0])
    for place in places[1:]:
        _move_pressed(widget, place)
        settle(_STEP_S)
    QTest.mouseRelease(widget, left, none, places[-1])
    settle()


def _move_pressed(widget: Widget, place: Any) -> None:
    # QTest.mouseMove says that no button is down.
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(place),
        QPointF(widget.mapToGlobal(place)),
        none,
        left,
        _held(""),
    )
    QApplication.sendEvent(widget, event)


def key(target: Widget, keys: str) -> None:
    """Press keys, such as "Y" or "Ctrl+Z", in a widget or in a viewer's canvas."""
    from qtpy.QtGui import QKeySequence
    from qtpy.QtTest import QTest

    widget = target if hasattr(target, "setFocus") else canvas(target)
    widget.setFocus()
    settle()
    combination = QKeySequence(keys)[0]
    QTest.keyClick(widget, combination.key(), combination.keyboardModifiers())
    settle()


def write(widget: Widget, text: str) -> None:
    """Replace what stands in a line or a spin box by text, and press Return."""
    from qtpy.QtTest import QTest

    widget.setFocus()
    widget.selectAll()
    QTest.keyClicks(widget, text)
    key(widget, "Return")


def canvas(viewer: "Viewer") -> Widget:
    """The widget that a viewer draws in."""
    from qtpy.QtWidgets import QApplication, QWidget

    shown = [each for each in QApplication.topLevelWidgets() if each.isVisible()]
    found = [
        child
        for each in shown
        if each.windowTitle().startswith(viewer.title)
        for child in each.findChildren(QWidget)
        if type(child).__name__ == "CanvasBackendDesktop"
    ]
    assert len(found) == 1, f"found {len(found)} canvases, expected one"
    return found[0]


def canvas_place(viewer: "Viewer", world: tuple[float, float]) -> tuple[int, int]:
    """Pixel (x, y) of the canvas that shows a place (y, x) of the world."""
    camera, widget = viewer.scene.camera, canvas(viewer)
    y, x = (np.asarray(world) - np.asarray(camera.center)[-2:]) * camera.zoom
    return round(x + widget.width() / 2), round(y + widget.height() / 2)


def click_canvas(viewer: "Viewer", world: tuple[float, float], *, held: str = "") -> None:
    """Click at a place (y, x) of the world."""
    click(canvas(viewer), canvas_place(viewer, world), held=held)


def drag_canvas(viewer: "Viewer", start: tuple[float, float], stop: tuple[float, float]) -> None:
    """Drag from one place (y, x) of the world to another."""
    drag(canvas(viewer), canvas_place(viewer, start), canvas_place(viewer, stop))


def canvas_pixels(viewer: "Viewer") -> NDArray[np.uint8]:
    """What the canvas shows, as (y, x, rgba)."""
    settle(0.05)
    return np.asarray(viewer.screenshot(canvas_only=True, flash=False))


def changed_share(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> float:
    """Share of the pixels that differ; 1 where even the sizes do."""
    if before.shape != after.shape:
        return 1.0
    return float(np.mean(np.any(before != after, axis=-1)))


def choose_file(path: object, *, button: str = "Open") -> Callable[[], None]:
    """Have the next file dialog answer with a path; call the result to check that it was asked.

    Only Qt's own dialogs can be used so, which the conftest asks for.
    """
    return _when_dialog(lambda dialog: _answer_file(dialog, str(path)), what=button)


def answer(button_text: str) -> Callable[[], None]:
    """Have the next message box answered by clicking a button of a text."""
    return _when_dialog(lambda dialog: _press(dialog, button_text), what=button_text)


def _when_dialog(act: Callable[[Widget], None], *, what: str) -> Callable[[], None]:
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication, QDialog

    done: list[Widget] = []
    timer = QTimer()

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QDialog) and not done:
            done.append(dialog)
            timer.stop()
            act(dialog)

    timer.timeout.connect(look)
    timer.start(20)

    def check() -> None:
        timer.stop()
        assert done, f"no dialog came that could be answered with {what!r}"

    return check


def _answer_file(dialog: Widget, path: str) -> None:
    from qtpy.QtWidgets import QDialog, QLineEdit

    line = dialog.findChild(QLineEdit)
    line.setText(path)
    settle()
    dialog.done(QDialog.DialogCode.Accepted.value)


def _press(dialog: Widget, text: str) -> None:
    from qtpy.QtWidgets import QAbstractButton

    buttons = dialog.findChildren(QAbstractButton)
    named = [each for each in buttons if each.text().replace("&", "") == text]
    assert named, f"found the buttons {[each.text() for each in buttons]}, expected {text!r}"
    click(named[0])


@contextmanager
def longest_block() -> Iterator[Callable[[], float]]:
    """Measure for how long at most, in s, the window could not have answered an event."""
    from qtpy.QtCore import Qt, QTimer

    longest, last = 0.0, time.perf_counter()

    def tick() -> None:
        nonlocal longest, last
        now = time.perf_counter()
        longest, last = max(longest, now - last), now

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(1)
    try:
        yield lambda: longest
    finally:
        timer.stop()


def _held(name: str) -> Any:
    from qtpy.QtCore import Qt

    modifier = Qt.KeyboardModifier
    return {
        "": modifier.NoModifier,
        "Shift": modifier.ShiftModifier,
        "Ctrl": modifier.ControlModifier,
        "Alt": modifier.AltModifier,
    }[name]
