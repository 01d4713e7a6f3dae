"""The tab of the turn-on: states in colours, the fraction with its interval, against voltage."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gui_acts import click, key, settle, wait_until
from judged_run import HIGH, LOW, open_judged, place_in, show_plot, words_in

from qdimage.reporting.words import NOTHING

if TYPE_CHECKING:
    from napari import Viewer


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    return open_judged(viewer, tmp_path)


def colours(dock: Any) -> list[tuple[float, ...]]:
    return [rounded(colour) for colour in dock.layers.dots.border_color]


def rounded(colour: Any) -> tuple[float, ...]:
    return tuple(round(float(part), 3) for part in colour)


def test_a_voltage_chosen_in_curve_or_list_recolours_all(viewer: "Viewer", dock: Any) -> None:
    from napari_qdimage.convert import rgba

    turn_on, session = dock.tabs["Turn-on"], dock.session
    page = show_plot(dock, "Turn-on", "Curve")
    assert page is turn_on.curve
    wait_until(lambda: "77.8 % lit at 2.4 V" in turn_on.answer.text())
    assert f"95 % interval 67.8{NOTHING}87.8 %" in turn_on.details.text()
    assert "7 of 9 PL dots" in turn_on.details.text()
    legend = turn_on.legend.text()
    assert all(f"{state}&nbsp;{n}" in legend for state, n in (("lit", 7), ("dark", 2)))
    assert "EL only&nbsp;1" in legend
    lit, dark = (rounded(each) for each in rgba(["lit", "dark"]))
    assert colours(dock) == 7 * [lit] + 2 * [dark]
    alone = rounded(dock.layers.el_only.border_color[0])
    assert len({alone, lit, dark}) == 3

    # The points of the curve are named by their order.
    click(turn_on.curve, place_in(turn_on.curve, 0))
    assert session.channel == LOW
    assert turn_on.voltage.currentData() == LOW
    assert colours(dock) == 2 * [lit] + 7 * [dark]
    wait_until(lambda: "22.2 % lit at 2.1 V" in turn_on.answer.text())
    assert "dark&nbsp;7" in turn_on.legend.text()
    assert viewer.layers[LOW].visible
    assert not viewer.layers[HIGH].visible

    key(turn_on.voltage, "Down")
    assert session.channel == HIGH
    wait_until(lambda: "77.8 % lit at 2.4 V" in turn_on.answer.text())

    # The population says how many dots it shows, and shows those not seen as upper limits.
    show_plot(dock, "Turn-on", "Population")
    wait_until(lambda: turn_on.population.title_text)
    assert "7 dots, median EL flux 200; 2 unseen" in turn_on.population.title_text
    assert "EL flux (photons/s)" in words_in(turn_on.population)
    turn_on.y_box.setCurrentIndex(turn_on.y_box.findData("pl_photons_s"))
    key(turn_on.y_box, "Home")
    settle(0.1)
    wait_until(lambda: str(turn_on.y_box.currentText()) in words_in(turn_on.population))


def test_nothing_open_says_so(viewer: "Viewer") -> None:
    from napari_qdimage import dock

    widget = dock.show(viewer)
    widget.show_tab("Turn-on")
    settle(0.1)
    turn_on = widget.tabs["Turn-on"]
    assert turn_on.answer.text() == "no fraction yet"
    for tab in ("Dots", "Compare"):
        widget.show_tab(tab)
        settle(0.05)
    assert not widget.tabs["Compare"].switch.isEnabled()
    assert widget.tabs["Dots"].dots.count.text() == "0 dots"
    key(viewer, "Y")
    key(viewer, "Ctrl+Z")
    assert widget.session.curation.entries == ()
