"""Localizing: a preview of what is shown, a threshold dragged, all dots found."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gui_acts import canvas_pixels, changed_share, click, drag, settle, wait_until, write
from small_device import make_field

from qdimage import steps

if TYPE_CHECKING:
    from pathlib import Path

    from napari import Viewer

_SLOW_S = 120.0


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: "Path") -> Any:
    from napari_qdimage import dock

    make_field(tmp_path / "field")
    widget = dock.show(viewer)
    widget.open(tmp_path / "field")
    widget.show_tab("Localize")
    settle(0.1)
    return widget


def previewed(tab: Any) -> None:
    click(tab.preview_box)
    wait_until(lambda: tab.found is not None, seconds=_SLOW_S)
    settle(0.1)


def all_places(session: Any, channel: str) -> Any:
    """(row, column) of the dots that an analysis finds in a channel."""
    experiment, options = session.experiment, session.options
    declared = next(each for each in experiment.declared.channels if each.name == channel)
    image, width = steps.read_channel(experiment, declared, options=options)
    found = steps.localize(image, options=options.localize, psf_sigma_px=width)
    return found.positions[:, ::-1]


def answered(tab: Any) -> None:
    """Wait until nothing is asked for any more."""
    wait_until(
        lambda: not tab._pause.isActive() and tab._job is None and tab._wanted_box is None,
        seconds=_SLOW_S,
    )
    settle(0.1)


def test_the_preview_finds_what_an_analysis_finds_and_follows_view_and_threshold(
    dock: Any, viewer: "Viewer"
) -> None:
    tab = dock.tabs["Localize"]
    before = canvas_pixels(viewer)
    previewed(tab)
    assert changed_share(before, canvas_pixels(viewer)) > 0.002
    whole = tab.found
    wanted = all_places(dock.session, tab.channel)
    top, left, bottom, right = tab._visible_box()
    wanted = wanted[np.all((wanted >= (top, left)) & (wanted < (bottom, right)), axis=1)]
    kept = whole.places[whole.false_alarms <= 0.1]
    distance = np.hypot(*(kept[:, np.newaxis] - wanted).T)
    assert abs(len(kept) - len(wanted)) <= 1
    assert np.sum(distance.min(axis=0) < 0.05) >= len(kept) - 1

    # A part of it, by the camera: the same dots there, with the same significance.
    camera = viewer.scene.camera
    camera.zoom = camera.zoom * 3
    settle(0.05)
    answered(tab)
    part = tab.found
    assert 0 < len(part.places) < len(whole.places)
    distance = np.hypot(*(part.places[:, np.newaxis] - whole.places).T)
    sure = part.false_alarms < 0.01
    assert distance.min(axis=0)[sure].max() < 0.2

    # The line dragged to where fewer pass.
    strict = tab.plot.place_at(1e-9)
    drag(tab.plot, tab.plot.line_place(), strict)
    assert dock.session.options.localize.false_alarms_per_frame == pytest.approx(1e-9, rel=0.5)
    answered(tab)
    limit = dock.session.options.localize.false_alarms_per_frame
    assert f"{int((tab.found.false_alarms <= limit).sum())} dots" in tab.words.text()

    click(tab.preview_box)
    assert "preview" not in [layer.name for layer in viewer.layers]


def test_all_dots_are_found_with_the_options_of_the_form(dock: Any) -> None:
    tab = dock.tabs["Localize"]
    click(tab.options.button)
    write(tab.options.content.editors["false_alarms_per_frame"], "0.01")
    click(tab.find_button)
    assert tab.bar.job is not None
    wait_until(lambda: tab.bar.job is None, seconds=_SLOW_S)
    found = dock.session.of_field("localizations")
    assert set(found["channel"]) == {tab.channel_box.itemText(k) for k in range(3)}
    assert found["false_alarm_p"].max() <= 0.01
    assert set(dock.session.of_field("registration")["status"]) == {"ok"}
    assert f"PL: {(found['channel'] == 'PL').sum()}" in tab.counts.text()


def test_an_answer_about_another_channel_is_dropped(dock: Any) -> None:
    tab = dock.tabs["Localize"]
    previewed(tab)
    places = tab.found.places
    tab._moved()
    tab._pause.stop()
    tab._ask()
    tab.channel_box.setCurrentIndex(tab.channel_box.count() - 1)
    tab.channel_box.activated.emit(tab.channel_box.count() - 1)
    assert tab.found is None
    wait_until(lambda: tab.found is not None, seconds=_SLOW_S)
    answered(tab)
    assert not np.array_equal(tab.found.places, places)
