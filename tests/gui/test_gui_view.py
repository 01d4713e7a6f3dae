"""``qdimage view PATH``: the window it opens."""

from typing import TYPE_CHECKING

import pytest
from folders import CLONE

from qdimage.cli.main import run_command_line

if TYPE_CHECKING:
    from napari import Viewer

DEMO = CLONE / "sample_stacks" / "demo_device"


def test_an_experiment_is_opened_from_the_command_line(
    viewer: "Viewer", monkeypatch: pytest.MonkeyPatch
) -> None:
    import napari
    from gui_acts import settle
    from napari_qdimage import dock

    left: list[str] = []
    monkeypatch.setattr(napari, "run", lambda: left.append("shown until it is closed"))
    monkeypatch.setattr(napari, "Viewer", lambda **_: viewer)
    assert run_command_line(["view", str(DEMO)]) == 0
    settle(0.1)
    widget = dock.find()
    assert widget is not None
    assert [key.field for key in widget.session.fields] == ["field-01", "field-02", "field-03"]
    assert {"PL", "EL 2.6V"} <= {layer.name for layer in viewer.layers}
    assert left == ["shown until it is closed"]
