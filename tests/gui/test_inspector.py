"""The tab of the dots: table, curves of the current dot, a person's judgement."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from finished_extras import add_rate_fits, add_series, add_spectra
from gui_acts import click, click_row, key, settle, wait_until, write
from judged_run import (
    HIGH,
    LOW,
    chosen_in_table,
    make_judged_run,
    open_dock,
    open_judged,
    row_of,
    show_plot,
    words_in,
)
from matplotlib.colors import to_hex

from qdimage.reporting.words import NOTHING

if TYPE_CHECKING:
    from napari import Viewer


@pytest.fixture
def dock(viewer: "Viewer", tmp_path: Path) -> Any:
    return open_judged(viewer, tmp_path)


def click_head(table: Any, title: str) -> None:
    """Click the head of a column."""
    from qtpy.QtCore import Qt

    model, heads = table.model(), table.horizontalHeader()
    titles = [model.headerData(k, Qt.Orientation.Horizontal) for k in range(model.columnCount())]
    section = next(k for k, text in enumerate(titles) if text.startswith(title))
    x = heads.sectionViewportPosition(section) + heads.sectionSize(section) // 2
    click(heads.viewport(), (x, heads.height() // 2))


def check_drawn(page: Any, *words: str) -> None:
    """A plot says what is expected, once it is drawn."""
    for each in words:
        wait_until(lambda each=each: each in words_in(page.plot), what=f"{each} in the plot")


def test_the_table_sorts_and_filters_and_each_tab_shows_the_current_dot(
    viewer: "Viewer", dock: Any
) -> None:
    dots = dock.tabs["Dots"].dots
    dock.show_tab("Dots")
    settle(0.1)
    assert list(dots.model.ids()) == list(range(1, 10))
    click_head(dots.table, "PL")
    click_head(dots.table, "PL")
    assert list(dots.model.ids()) == list(range(9, 0, -1))
    click_row(dots.table, row_of(dock, 2))
    write(dots.filter, "lit and pl_photons_s > 1250")
    assert list(dots.model.ids()) == [7, 6, 5, 4]
    assert dots.count.text() == "4 of 9 dots"
    # A filter hides rows; it does not choose others.
    assert dock.session.selection == (2,)
    write(dots.filter, "lit and pl_photon > 1250")
    assert "did you mean pl_photons_s" in dots.trouble.text()
    assert dots.trouble.isVisible()
    dots.filter.clear()
    assert not dots.trouble.isVisible()
    assert chosen_in_table(dock) == [2]
    click_row(dots.table, row_of(dock, 1))

    check_drawn(show_plot(dock, "Dots", "Images"), "PL", "EL 2.4 V", "lit, 50")
    check_drawn(show_plot(dock, "Dots", "Voltage"), "dot 1: turns on between 2.1 V and 2.4 V")
    page = show_plot(dock, "Dots", "g2")
    check_drawn(page, "dot 1, EL 2.4 V: g2(0) = ", "rate model", "resid. / s.d.")
    wait_until(lambda: page.files.count() == 3)
    key(page.files, "Down")
    check_drawn(page, "dot 1, EL 2.6 V: g2(0) = ")
    wait_until(lambda: page.words.text() == "rate_drift")
    check_drawn(show_plot(dock, "Dots", "Trace"), "% of the time")
    check_drawn(show_plot(dock, "Dots", "Lifetime"), "dot 1, PL: 20")
    check_drawn(show_plot(dock, "Dots", "Spectrum"), "spectrum not measured")
    check_drawn(show_plot(dock, "Dots", "Rates"), "rate fit of EL: not measured")
    page = show_plot(dock, "Dots", "g2")
    click_row(dots.table, row_of(dock, 9))
    check_drawn(page, "dot 9: g2 not measured")


def test_spectrum_counts_and_rates_of_the_current_dot(viewer: "Viewer", tmp_path: Path) -> None:
    run = make_judged_run(tmp_path / "run")
    add_spectra(run)
    add_series(run)
    add_rate_fits(run)
    dock = open_dock(viewer, run)
    page = show_plot(dock, "Dots", "Spectrum")
    check_drawn(page, "choose a dot")
    click_row(dock.tabs["Dots"].dots.table, row_of(dock, 1))
    check_drawn(page, "dot 1, EL 2.6 V: peak 629.00 ± 0.11 nm", "less fit")
    check_drawn(page, "EL", "fit", "PL, scaled")
    wait_until(lambda: page.words.text() == "width 25.9 ± 0.30 nm, gaussian")
    key(page.files, "Down")
    check_drawn(page, "dot 1, PL: peak 629.00", "EL, scaled")

    page = show_plot(dock, "Dots", "Counters")
    check_drawn(page, "dot 1: photon counters beside the camera", "dot 1: bands of the spectra")
    wait_until(lambda: "750000 photons emitted per second at 2.6 V" in page.words.text())
    click_row(dock.tabs["Dots"].dots.table, row_of(dock, 9))
    check_drawn(page, "dot 9: counts and bands at two voltages or more not measured")

    page = show_plot(dock, "Dots", "Rates")
    click(page.plot, page.plot.place_of(2))
    assert dock.session.current == 2
    check_drawn(page, "dot 2", "injection rate (1/µs)")
    rate = f"40.0 (95 %: 32.0{NOTHING}50.0) per µs, model g2(0) 0.050"
    wait_until(lambda: rate in page.words.text())
    assert "found pulsed light, expected cw" in page.words.text()


def test_buttons_judge_and_the_light_theme_reaches_table_and_plots(
    viewer: "Viewer", dock: Any
) -> None:
    inspector, session = dock.tabs["Dots"], dock.session
    buttons, bar = inspector.bar.buttons, inspector.bar
    page = show_plot(dock, "Dots", "Images")
    assert not buttons["accept"].isEnabled()
    click(buttons["next_unreviewed"])
    assert session.current == 1
    click(buttons["accept"])
    click(bar.go_on)
    click(buttons["reject"])
    assert session.current == 2
    assert session.reviewed == {1, 2}
    assert (bar.progress.value(), bar.progress.maximum()) == (2, 9)
    assert "Reject dot 2" in buttons["undo"].toolTip()
    model = inspector.dots.model
    assert model.index(row_of(dock, 2), 1).data() == "rejected"
    click(buttons["undo"])
    assert session.reviewed == {1}
    click(buttons["redo"])
    assert session.reviewed == {1, 2}
    click(buttons["previous"])
    assert session.current == 1

    # A click on a picture judges the dots in its channel.
    assert session.channel == HIGH
    wait_until(lambda: page.plot.place_of_channel(LOW))
    click(page.plot, page.plot.place_of_channel(LOW))
    assert session.channel == LOW
    wait_until(lambda: "lit, 50" in words_in(page.plot))

    dark = to_hex(page.plot.figure.get_facecolor())
    viewer.theme = "light"
    wait_until(lambda: to_hex(page.plot.figure.get_facecolor()) != dark)
    title = page.plot.figure.axes[0].title.get_color()
    assert (
        lightness(to_hex(title)) < 0.4 < 0.8 < lightness(to_hex(page.plot.figure.get_facecolor()))
    )


def lightness(colour: str) -> float:
    return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5)) / 765
