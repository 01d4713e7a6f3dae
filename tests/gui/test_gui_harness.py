"""The display draws, real events arrive, errors in slots are seen."""

import time
from typing import TYPE_CHECKING

import numpy as np
from gui_acts import canvas_pixels, changed_share, click_canvas, key, longest_block, settle

if TYPE_CHECKING:
    from napari import Viewer


def test_the_canvas_is_drawn(viewer: "Viewer") -> None:
    empty = canvas_pixels(viewer)
    viewer.add_image(np.random.default_rng(0).random((64, 64)))
    assert changed_share(empty, canvas_pixels(viewer)) > 0.1
    assert len(np.unique(canvas_pixels(viewer).reshape(-1, 4), axis=0)) > 100


def test_a_click_arrives_where_it_points(viewer: "Viewer") -> None:
    points = viewer.add_points([[10.0, 20.0], [40.0, 50.0]], size=4)
    viewer.fit_to_view()
    points.mode = "select"
    click_canvas(viewer, (40.0, 50.0))
    assert set(points.selected_data) == {1}
    click_canvas(viewer, (10.0, 20.0))
    assert set(points.selected_data) == {0}


def test_a_key_arrives(viewer: "Viewer") -> None:
    pressed = []
    viewer.bind_key("Y", lambda _: pressed.append("Y"))
    key(viewer, "Y")
    assert pressed == ["Y"]


def test_an_error_in_a_slot_is_noted(viewer: "Viewer", slot_errors: list[str]) -> None:
    from qtpy.QtCore import QTimer

    def fail() -> None:
        raise ValueError("in a slot")

    QTimer.singleShot(0, fail)
    settle(0.05)
    assert len(slot_errors) == 1
    assert "in a slot" in slot_errors.pop()


def test_a_blocked_window_is_measured(viewer: "Viewer") -> None:
    from qtpy.QtCore import QTimer

    with longest_block() as blocked:
        QTimer.singleShot(20, lambda: time.sleep(0.2))
        settle(0.4)
    assert blocked() >= 0.19
