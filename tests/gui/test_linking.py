"""Choosing in one view chooses in all; what is done to points by hand can be undone."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gui_acts import (
    canvas_pixels,
    changed_share,
    click,
    click_canvas,
    click_row,
    drag_canvas,
    key,
    settle,
    wait_until,
)
from judged_run import (
    AT_PX,
    EMPTY_PX,
    chosen_in_image,
    chosen_in_table,
    click_dot,
    open_judged,
    place_in,
    row_of,
    show_plot,
    world,
)

if TYPE_CHECKING:
    from napari import Viewer

SAME_PX = 0.5


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    return open_judged(viewer, tmp_path)


def check_chosen(dock: Any, *dots: int) -> None:
    """All views show the same choice."""
    assert dock.session.selection == dots
    assert sorted(chosen_in_table(dock)) == sorted(dots)
    assert chosen_in_image(dock) == sorted(dots)


def test_a_dot_chosen_in_image_table_or_plot_is_chosen_in_all(viewer: "Viewer", dock: Any) -> None:
    """Journey: choose a dot in the image, in the table, and in each plot that shows many."""
    dock.show_tab("Dots")
    settle(0.1)
    before = canvas_pixels(viewer)
    click_dot(viewer, 3)
    check_chosen(dock, 3)
    assert 0 < changed_share(before, canvas_pixels(viewer)) < 0.1
    click_dot(viewer, 5, held="Shift")
    check_chosen(dock, 3, 5)
    click_canvas(viewer, world(*EMPTY_PX))
    check_chosen(dock, 3, 5)

    table = dock.tabs["Dots"].dots.table
    click_row(table, row_of(dock, 7))
    check_chosen(dock, 7)
    click_row(table, row_of(dock, 9), held="Shift")
    check_chosen(dock, 7, 8, 9)

    plot = show_plot(dock, "Dots", "Voltage").plot
    click(plot, place_in(plot, 4))
    check_chosen(dock, 4)
    click(plot, place_in(plot, 1), held="Ctrl")
    check_chosen(dock, 4, 1)
    plot = show_plot(dock, "Turn-on", "Population").findChild(type(dock.tabs["Turn-on"].population))
    click(plot, place_in(plot, 6))
    dock.show_tab("Dots")
    check_chosen(dock, 6)

    # napari's own tool for choosing points.
    viewer.layers.selection.active = dock.layers.dots
    key(viewer, "3")
    assert dock.layers.dots.mode == "select"
    click_dot(viewer, 2)
    check_chosen(dock, 2)
    corner, beyond = world(2.0, 2.0), world(30.0, 16.0)
    drag_canvas(viewer, corner, beyond)
    assert set(dock.session.selection) == {1, 2}
    check_chosen(dock, *dock.session.selection)


def test_add_move_and_delete_by_hand_are_acts_that_can_be_undone(
    viewer: "Viewer", dock: Any
) -> None:
    session, layer = dock.session, dock.layers.dots
    dock.show_tab("Dots")
    click_dot(viewer, 5)

    key(viewer, "2")
    assert layer.mode == "add"
    click_canvas(viewer, world(*EMPTY_PX))
    assert list(session.dots.index) == list(range(1, 11))
    assert session.dots.loc[10, ["x_px", "y_px"]].to_numpy(float) == pytest.approx(
        EMPTY_PX, abs=SAME_PX
    )
    # What napari copies from the point before stays out of the tables.
    assert session.dots.loc[[10], ["pl_photons_s", "turn_on_voltage_low_v"]].isna().all(axis=None)
    check_chosen(dock, 10)
    assert layer.features["state"].iloc[-1] == "not counted"
    key(viewer, "Ctrl+Z")
    assert 10 not in session.dots.index
    assert len(layer.data) == 9
    key(viewer, "Ctrl+Shift+Z")
    check_chosen(dock, 10)

    key(viewer, "3")
    click_dot(viewer, 9)
    check_chosen(dock, 9)
    target = (AT_PX[8][0] - 6.0, AT_PX[8][1] - 4.0)
    drag_canvas(viewer, world(*AT_PX[8]), world(*target))
    assert session.judgement(9).moved_to_px == pytest.approx(target, abs=SAME_PX)
    assert layer.data[list(layer.features["dot_id"]).index(9)] == pytest.approx(
        target[::-1], abs=SAME_PX
    )
    key(viewer, "Ctrl+Z")
    assert session.dots.loc[9, ["x_px", "y_px"]].to_numpy(float) == pytest.approx(AT_PX[8])
    assert layer.data[8] == pytest.approx(AT_PX[8][::-1])

    click_dot(viewer, 4)
    key(viewer, "Delete")
    assert 4 not in session.dots.index
    assert 4 not in set(layer.features["dot_id"])
    assert dock.tabs["Dots"].dots.model.rows_of([4]) == []
    key(viewer, "Ctrl+Z")
    # No number was given anew: rows and points are those of before.
    assert list(session.dots.index) == list(range(1, 11))
    assert list(layer.features["dot_id"]) == list(range(1, 11))
    check_chosen(dock, 4)


def test_a_rejected_dot_leaves_fraction_and_population_and_comes_back(
    viewer: "Viewer", dock: Any
) -> None:
    """Journey: reject, see what it does everywhere, undo."""
    from napari_qdimage.convert import rgba

    turn_on, layer = dock.tabs["Turn-on"], dock.layers.dots
    show_plot(dock, "Turn-on", "Population")
    before = turn_on.answer.text(), turn_on.details.text()
    assert "7 of 9 counted dots are lit" in before[1]
    click_dot(viewer, 2)
    key(viewer, "N")
    wait_until(lambda: "6 of 8 counted dots are lit" in turn_on.details.text())
    assert "1 rejected dot of this field (2)" in turn_on.curated.text()
    assert layer.border_color[1] == pytest.approx(rgba(["rejected"])[0])
    wait_until(lambda: "1 rejected" in turn_on.population.title_text)
    wait_until(lambda: not turn_on.fraction.is_counting, seconds=90)
    rows = turn_on.fraction.rows
    pool = rows[(rows["field"] == "all") & (rows["voltage_v"] == 2.4)].iloc[0]
    assert (pool["n_pl"], pool["n_lit"], pool["n_rejected"]) == (8, 6, 1)
    assert f"{100 * pool['fraction']:.3g}" in turn_on.answer.text()

    key(viewer, "Ctrl+Z")
    wait_until(lambda: "7 of 9 counted dots are lit" in turn_on.details.text())
    wait_until(lambda: not turn_on.fraction.is_counting, seconds=90)
    assert turn_on.curated.text() == "Curation leaves out no dot."
    assert np.all(layer.border_color[1] == layer.border_color[0])
    assert "rejected" not in turn_on.population.title_text
