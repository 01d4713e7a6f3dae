"""Opening: what is shown, what is read, what can be changed, what is said when it cannot."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from folders import DEMO
from gui_acts import canvas_pixels, changed_share, click, key, settle, wait_until, write
from small_device import SIDE_PX, make_field

if TYPE_CHECKING:
    from napari import Viewer

_SLOW_S = 120.0
_MANY_FRAMES = 2000


@pytest.fixture
def dock(viewer: "Viewer") -> Any:
    from napari_qdimage import dock

    widget = dock.show(viewer)
    settle(0.1)
    return widget


def open_typed(dock: Any, path: Path) -> None:
    """Type a path and press Return."""
    write(dock.tabs["Load"].path_line, str(path))
    settle(0.1)


def test_the_sample_opens_with_a_click(viewer: "Viewer", dock: Any) -> None:
    empty = canvas_pixels(viewer)
    click(dock.tabs["Load"].sample_button)
    assert [key.field for key in dock.session.fields] == ["field-01", "field-02", "field-03"]
    assert set(dock.layers.images) == {"PL", "EL 2.1V", "EL 2.2V", "EL 2.4V", "EL 2.6V"}
    assert changed_share(empty, canvas_pixels(viewer)) > 0.1
    pixel = dock.session.experiment.declared.experiment.pixel_size_um
    for layer in dock.layers.images.values():
        assert [str(unit) for unit in layer.units[-2:]] == ["micrometer"] * 2
        assert layer.scale[-2:] == pytest.approx([pixel, pixel])


def test_of_a_long_stack_only_the_frames_that_are_shown_are_read(
    viewer: "Viewer", dock: Any, tmp_path: Path
) -> None:
    field = make_field(tmp_path / "field", voltages=("2.6",))
    frames = np.zeros((_MANY_FRAMES, SIDE_PX, SIDE_PX), np.uint16)
    tifffile.imwrite(field / "pl.tif", frames, photometric="minisblack")
    open_typed(dock, field)
    data = dock.layers.images["PL"].data
    assert data.shape == (_MANY_FRAMES, SIDE_PX, SIDE_PX)
    # The one at the start, and the one in the middle that napari shows first.
    assert data.n_read <= 3
    before = data.n_read
    for frame in (700, 1400, 1999):
        viewer.dims.set_current_step(0, frame)
        settle(0.05)
    assert data.n_read - before == 3


def test_what_cannot_be_opened_is_said_and_changes_nothing(dock: Any, tmp_path: Path) -> None:
    load, field = dock.tabs["Load"], make_field(tmp_path / "field")
    open_typed(dock, field)
    text, empty = tmp_path / "notes.txt", tmp_path / "empty"
    text.write_text("nothing", encoding="utf-8")
    empty.mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "experiment.toml").write_text("contract = 1\n[experiment\n", encoding="utf-8")
    for path, said in (
        (tmp_path / "nowhere", "there is no such file or folder; correct the path"),
        (text, "expected a folder"),
        (empty, "empty"),
        (broken, "experiment.toml"),
    ):
        open_typed(dock, path)
        message = load.message.text()
        assert said in message
        assert "Traceback" not in message
        assert "internal error" not in message
        assert dock.session.source == field
    assert dock.layers.images.keys() == {"PL", "EL 2.4V", "EL 2.6V"}


def test_a_stack_that_is_damaged_takes_no_other_with_it(dock: Any, tmp_path: Path) -> None:
    field = make_field(tmp_path / "field")
    (field / "el_2.4V.tif").write_bytes(b"no image")
    open_typed(dock, field)
    assert dock.layers.images.keys() == {"PL", "EL 2.6V"}


def test_a_folder_of_stacks_is_declared_and_a_voltage_corrected(dock: Any, tmp_path: Path) -> None:
    load, folder = dock.tabs["Load"], tmp_path / "stacks"
    folder.mkdir()
    for name in ("pl.tif", "el_2.6V.tif"):
        shutil.copy(DEMO / "field-02" / name, folder)
    open_typed(dock, folder)
    assert load.write_button.isVisible()
    write(load.pixel_line, "0.107")
    click(load.write_button)
    wait_until(lambda: dock.session.source == folder)
    assert {each.kind for each in dock.session.experiment.declared.channels} == {"pl", "el"}
    assert dock.layers.pixel_um == pytest.approx(0.107)

    channels = load.channels
    row = next(row for row in range(channels.rowCount()) if channels.item(row, 1).text() == "el")
    channels.item(row, 2).setText("2.5")
    settle(0.1)
    text = (folder / "experiment.toml").read_text(encoding="utf-8")
    assert "voltage_v = 2.5" in text
    assert dock.session.experiment.declared.el_channels[0].voltage_v == 2.5


def test_mean_images_are_computed_and_frames_come_back(
    viewer: "Viewer", dock: Any, tmp_path: Path
) -> None:
    load = dock.tabs["Load"]
    open_typed(dock, make_field(tmp_path / "field"))
    assert dock.layers.images["PL"].ndim == 3
    click(load.means_button)
    wait_until(lambda: dock.layers.images["PL"].ndim == 2, seconds=_SLOW_S)
    assert load.means_choice.isChecked()
    load.frames_choice.setFocus()
    key(load.frames_choice, "Space")
    assert dock.layers.images["PL"].ndim == 3
