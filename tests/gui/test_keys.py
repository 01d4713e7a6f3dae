"""Judging by keys alone, as they reach napari's canvas and the dock."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gui_acts import click, key, settle, wait_until
from judged_run import click_dot, open_judged

if TYPE_CHECKING:
    from napari import Viewer


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    return open_judged(viewer, tmp_path)


def judged(dock: Any) -> dict[int, bool]:
    session = dock.session
    return {dot: bool(session.judgement(dot).accepted) for dot in sorted(session.reviewed)}


def type_text(line: Any, text: str) -> None:
    from qtpy.QtTest import QTest

    QTest.keyClicks(line, text)


def check_list_of_shortcuts(dock: Any) -> None:
    from napari_qdimage.judging import SHORTCUTS
    from qtpy.QtCore import QTimer
    from qtpy.QtWidgets import QApplication

    texts: list[str] = []

    def read() -> None:
        box = QApplication.activeModalWidget()
        if box is None:
            QTimer.singleShot(50, read)
            return
        texts.append(box.text())
        box.close()

    dock.show_tab("Dots")
    settle(0.1)
    QTimer.singleShot(50, read)
    click(dock.tabs["Dots"].bar.buttons["shortcuts"])
    wait_until(lambda: texts)
    for shortcut in SHORTCUTS:
        assert f"<b>{shortcut.keys}</b>" in texts[0]
        assert shortcut.text in texts[0]
    assert "Delete" in texts[0]


def test_keys_judge_with_the_layer_of_dots_active(viewer: "Viewer", dock: Any) -> None:
    viewer.layers.selection.active = dock.layers.dots
    click_dot(viewer, 1)
    key(viewer, "Y")
    assert judged(dock) == {1: True}
    assert dock.session.current == 2
    key(viewer, "N")
    assert judged(dock) == {1: True, 2: False}
    assert dock.session.current == 3
    key(viewer, "J")
    assert dock.session.current == 4
    key(viewer, "K")
    key(viewer, "K")
    assert dock.session.current == 2
    key(viewer, "U")
    assert dock.session.current == 3
    key(viewer, "Ctrl+Z")
    assert judged(dock) == {1: True}
    key(viewer, "Ctrl+Z")
    assert judged(dock) == {}
    key(viewer, "Ctrl+Shift+Z")
    assert judged(dock) == {1: True}
    assert dock.session.current == 1
    assert len(dock.layers.dots.data) == 9
    check_list_of_shortcuts(dock)


def test_keys_judge_in_every_tool_with_every_layer_and_in_the_dock(
    viewer: "Viewer", dock: Any
) -> None:
    layer = dock.layers.dots
    for number, mode in (("2", "add"), ("3", "select")):
        key(viewer, number)
        assert layer.mode == mode
        dock.session.select([4])
        key(viewer, "N")
        assert judged(dock) == {4: False}, mode
        key(viewer, "Ctrl+Z")
        assert judged(dock) == {}, mode
    viewer.layers.selection.active = dock.layers.images["PL"]
    click_dot(viewer, 6)
    key(viewer, "Y")
    assert judged(dock) == {6: True}
    dock.show_tab("Dots")
    settle(0.1)
    key(dock.tabs["Dots"].dots.table, "N")
    assert judged(dock) == {6: True, 7: False}
    key(dock.tabs["Dots"].dots.table, "Ctrl+Z")
    assert judged(dock) == {6: True}

    bar = dock.tabs["Dots"].bar
    click_dot(viewer, 5)
    key(viewer, "F")
    wait_until(bar.flag.hasFocus)
    type_text(bar.flag, "funny")
    key(bar.flag, "Return")
    assert dock.session.judgement(5).flags == ("funny",)
    assert not bar.flag.hasFocus()
    key(viewer, "M")
    wait_until(bar.note.hasFocus)
    # Letters that are shortcuts elsewhere.
    type_text(bar.note, "many unjudged by my key n")
    key(bar.note, "Return")
    assert dock.session.judgement(5).note == "many unjudged by my key n"
    assert judged(dock) == {6: True}
    key(viewer, "Ctrl+Z")
    assert dock.session.judgement(5).note == ""
    assert bar.note.text() == ""
