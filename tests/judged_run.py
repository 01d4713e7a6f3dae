"""A finished run whose dots stand apart and are counted, and the dock that shows it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from finished_run import Field as RunField
from finished_run import Tags, add_time_tags, make_run
from gui_acts import click_canvas, settle, wait_until

from qdimage.domain.tables import DOT_CHANNELS, DOTS
from qdimage.io.table_file import read_table, write_table

if TYPE_CHECKING:
    from napari import Viewer

PIXEL_UM = 0.107
# Dots 1 to 9 from left to right, then down; 8 and 9 are dark at 2.4 V, all but 1 and 2 at 2.1 V.
AT_PX = tuple((9.0 + 14.0 * column, 9.0 + 14.0 * row) for row in range(3) for column in range(3))
LOW, HIGH = "EL 2.1V", "EL 2.4V"
# Between four dots.
EMPTY_PX = (16.0, 16.0)


def make_judged_run(out: Path) -> Path:
    """Write the run: one field, two EL voltages, time tags of some dots."""
    make_run(out, [RunField(pixel_um=PIXEL_UM)])
    add_time_tags(out, [Tags(n_refused=0, n_failed=0)])
    dots, fluxes = read_table(out, DOTS), read_table(out, DOT_CHANNELS)
    dots[["x_px", "y_px"]] = np.array(AT_PX)
    dots[["x_um", "y_um"]] = PIXEL_UM * np.array(AT_PX)
    fluxes["counted"] = True
    write_table(dots, DOTS, out)
    write_table(fluxes, DOT_CHANNELS, out)
    return out


def open_judged(viewer: "Viewer", folder: Path) -> Any:
    """Return the dock, with the run open in it."""
    return open_dock(viewer, make_judged_run(folder / "run"))


def open_dock(viewer: "Viewer", run: Path) -> Any:
    """Return the dock, with a finished run open in it."""
    from napari_qdimage import dock

    widget = dock.show(viewer)
    widget.session.open_run(run)
    settle(0.1)
    # Only in an active window has anything the focus.
    widget.window().activateWindow()
    wait_until(widget.window().isActiveWindow, what="the window to be active")
    return widget


def world(x_px: float, y_px: float) -> tuple[float, float]:
    """Where napari shows a place of the field, as (y, x)."""
    return y_px * PIXEL_UM, x_px * PIXEL_UM


def click_dot(viewer: "Viewer", dot_id: int, *, held: str = "") -> None:
    """Click a dot in the image."""
    click_canvas(viewer, world(*AT_PX[dot_id - 1]), held=held)


def chosen_in_table(dock: Any) -> list[int]:
    """The dots whose rows are selected."""
    dots = dock.tabs["Dots"].dots
    ids = dots.model.ids()
    return [int(ids[index.row()]) for index in dots.table.selectionModel().selectedRows()]


def chosen_in_image(dock: Any) -> list[int]:
    """The dots whose points are selected."""
    layer = dock.layers.dots
    return sorted(int(layer.features["dot_id"].iloc[row]) for row in layer.selected_data)


def show_plot(dock: Any, tab: str, title: str) -> Any:
    """Bring a tab and a plot in it to the front, and return the page that is shown."""
    dock.show_tab(tab)
    pages = dock.tabs[tab].tabs
    pages.setCurrentIndex([pages.tabText(k) for k in range(pages.count())].index(title))
    settle(0.1)
    return pages.currentWidget()


def place_in(plot: Any, mark: int) -> tuple[int, int]:
    """Pixel (x, y) of a plot at which a mark answers, once it is drawn."""

    def found() -> bool:
        try:
            plot.place_of(mark)
        except KeyError:
            return False
        return True

    wait_until(found, what=f"mark {mark} in the plot")
    settle(0.05)
    place: tuple[int, int] = plot.place_of(mark)
    return place


def row_of(dock: Any, dot_id: int) -> int:
    """The table's row of a dot."""
    rows: list[int] = dock.tabs["Dots"].dots.model.rows_of([dot_id])
    return rows[0]


def words_in(plot: Any) -> str:
    """All that is written in a plot."""
    from matplotlib.text import Text

    return " | ".join(text.get_text() for text in plot.figure.findobj(Text) if text.get_text())
