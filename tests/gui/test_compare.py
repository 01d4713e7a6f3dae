"""EL beside PL: one camera, the same dots in both, one crosshair in both."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gui_acts import canvas, canvas_pixels, changed_share, click, key, settle
from judged_run import AT_PX, HIGH, LOW, PIXEL_UM, open_judged, world

if TYPE_CHECKING:
    from napari import Viewer

LEFT, RIGHT = 0, 1
CROSSHAIRS = ("crosshair in PL", "crosshair in EL")
NEAR_PX = 0.6


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    return open_judged(viewer, tmp_path)


def place_beside(viewer: "Viewer", side: int, at_px: tuple[float, float]) -> tuple[int, int]:
    """Pixel (x, y) of the canvas that shows a place of the field in one of the two views."""
    camera, widget = viewer.scene.camera, canvas(viewer)
    y, x = (np.array(world(*at_px)) - np.asarray(camera.center)[-2:]) * camera.zoom
    width = widget.width() / 2
    return round(x + (side + 0.5) * width), round(y + widget.height() / 2)


def crossing(viewer: "Viewer", name: str) -> tuple[float, float]:
    """Where (x, y) px the lines of a crosshair meet."""
    lines = viewer.layers[name].data
    rows, columns = lines[:, 0, 0], lines[:, 0, 1]
    return float(np.median(columns[np.abs(lines[:, 1, 0]) > 0])), float(
        np.median(rows[np.abs(lines[:, 1, 1]) > 0])
    )


def move_to(viewer: "Viewer", place: tuple[int, int]) -> None:
    from qtpy.QtCore import QPoint
    from qtpy.QtTest import QTest

    QTest.mouseMove(canvas(viewer), QPoint(*place))
    settle(0.05)


def test_el_and_pl_side_by_side(viewer: "Viewer", dock: Any) -> None:
    compare, session = dock.tabs["Compare"], dock.session
    before = [(layer.name, layer.visible) for layer in viewer.layers]
    dock.show_tab("Compare")
    settle(0.1)
    one = canvas_pixels(viewer)
    click(compare.switch)
    assert viewer.canvas.grid.enabled
    assert changed_share(one, canvas_pixels(viewer)) > 0.1
    dots, twin = viewer.layers["dots"], viewer.layers["dots in EL"]
    assert np.array_equal(dots.data, twin.data)

    # A click in either view chooses the dot in both.
    for side, dot in ((LEFT, 4), (RIGHT, 6)):
        click(canvas(viewer), place_beside(viewer, side, AT_PX[dot - 1]))
        assert session.selection == (dot,), f"view {side}"
        assert dots.selected_data == {dot - 1} == twin.selected_data
    assert "Dot 6" in compare.dot.text()
    assert f"{HIGH} 300" in compare.dot.text()

    # The crosshair follows the mouse in both.
    for side, at_px in ((LEFT, (20.0, 30.0)), (RIGHT, (31.0, 12.0))):
        move_to(viewer, place_beside(viewer, side, at_px))
        for name in CROSSHAIRS:
            assert crossing(viewer, name) == pytest.approx(at_px, abs=NEAR_PX), name
        shown = re.findall(r"[xy] ([\d.]+)", compare.place.text())
        assert [float(each) for each in shown] == pytest.approx(at_px, abs=NEAR_PX)
    click(compare.crosshair)
    assert not any(viewer.layers[name].visible for name in CROSSHAIRS)

    # What is decided shows in both, and so does another voltage.
    key(viewer, "N")
    assert np.array_equal(dots.border_color, twin.border_color)
    assert not np.array_equal(dots.border_color[5], dots.border_color[4])
    key(compare.voltage, "Up")
    assert session.channel == LOW
    assert viewer.layers[LOW].visible
    assert not viewer.layers[HIGH].visible

    zoom = viewer.scene.camera.zoom
    session.select([1])
    click(compare.zoom)
    assert viewer.scene.camera.zoom > zoom
    centre = np.asarray(viewer.scene.camera.center)[-2:]
    assert centre == pytest.approx(np.array(AT_PX[0][::-1]) * PIXEL_UM, abs=0.1)

    session.show_channel(HIGH)
    click(compare.switch)
    assert not viewer.canvas.grid.enabled
    assert [(layer.name, layer.visible) for layer in viewer.layers] == before
