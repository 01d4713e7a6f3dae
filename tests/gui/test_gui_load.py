"""Opening: what is shown, what is read, what can be changed, what is said when it cannot."""

from typing import TYPE_CHECKING, Any

from gui_acts import canvas_pixels, changed_share, click, settle

if TYPE_CHECKING:
    from napari import Viewer


def open_dock(viewer: "Viewer") -> Any:
    from napari_qdimage import dock

    widget = dock.show(viewer)
    settle(0.1)
    return widget


def test_the_sample_opens_with_a_click(viewer: "Viewer") -> None:
    dock = open_dock(viewer)
    empty = canvas_pixels(viewer)
    click(dock.tabs["Load"].sample_button)
    assert [key.field for key in dock.session.fields] == ["field-01", "field-02", "field-03"]
    assert set(dock.layers.images) == {"PL", "EL 2.1V", "EL 2.2V", "EL 2.4V", "EL 2.6V"}
    assert changed_share(empty, canvas_pixels(viewer)) > 0.1
