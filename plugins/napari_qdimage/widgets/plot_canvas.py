"""A plot in three sheets, ground, marks and choice, of which only those that changed are drawn."""
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import Event, PickEvent
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from qtpy.QtCore import QSize, QTimer, Signal
from qtpy.QtGui import QResizeEvent, QShowEvent
from qtpy.QtWidgets import QSizePolicy

from napari_qdimage.look import Look, dress_figure

_PICK_RADIUS_PT = 6.0
_DPI = 100
_LEAST_PX = 24
_HINT_PX = (320, 240)


class Stale(IntEnum):
    """What of a plot is out of date; what lies above it is then drawn too."""

    NOTHING = 0
    CHOICE = 1
    MARKS = 2
    GROUND = 3


class PlotCanvas(FigureCanvasQTAgg):
    """Base of the plots.

    A plot draws its axes in `build`, what may change often in `update_marks`, and what is chosen in
    `update_choice`. Artists of the latter two are animated and named in `marks` and `choice`: they
    are drawn over a copy of what lies beneath. Nothing is drawn while the plot cannot be seen.

    Signals
    -------
    picked : int, bool
        The dot_id of a mark that was clicked, and whether Shift or Ctrl was held.
    """

    picked = Signal(int, bool)
    depends_on_size = False

    def __init__(
        self, look: Look, margins_in: tuple[float, float, float, float] = (0.75, 0.2, 0.5, 0.35)
    ) -> None:
        super().__init__(Figure(dpi=_DPI))
        self.look = look
        self.marks: list[Artist] = []
        self.choice: list[Artist] = []
        self._margins_in = margins_in
        self._ids: dict[Line2D, NDArray[np.int64]] = {}
        self._nearest: tuple[Any, float] = (None, np.inf)
        self._stale = Stale.GROUND
        self._ground: Any = None
        self._marked: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._update)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.mpl_connect("pick_event", self._on_pick)

    def build(self) -> None:
        """Draw the axes on the empty figure."""

    def update_marks(self) -> None:
        """Bring the artists of `marks` up to date."""

    def update_choice(self) -> None:
        """Bring the artists of `choice` up to date."""

    def ask(self, stale: Stale) -> None:
        """Have the plot drawn anew from a sheet upwards, once for all that is asked in a moment."""
        self._stale = max(self._stale, stale)
        if self.isVisible():
            self._timer.start(0)

    def set_look(self, look: Look) -> None:
        """Change the colours."""
        self.look = look
        self.ask(Stale.GROUND)

    def pickable(self, axes: Axes, x: NDArray[Any], y: NDArray[Any], ids: NDArray[Any]) -> Line2D:
        """Make places of axes answer to a click by the id of a dot each."""
        line = Line2D(x, y, ls="none", marker="none", picker=True, pickradius=_PICK_RADIUS_PT)
        line.set_animated(True)
        axes.add_line(line)
        self._ids[line] = np.asarray(ids, np.int64)
        return line

    def move_pickable(
        self, line: Line2D, x: NDArray[Any], y: NDArray[Any], ids: NDArray[Any]
    ) -> None:
        """Change what `pickable` made."""
        line.set_data(x, y)
        self._ids[line] = np.asarray(ids, np.int64)

    def place_of(self, dot_id: int) -> tuple[int, int]:
        """Pixel (x, y) of the widget at which a dot's mark answers to a click.

        Raises
        ------
        KeyError
            If the dot has no mark.
        """
        for line, ids in self._ids.items():
            found = np.flatnonzero(ids == dot_id)
            places = np.asarray(line.get_xydata())[found]
            shown = line.axes.transData.transform(places) if line.axes else places
            inside = [at for at in shown if line.axes and line.axes.bbox.contains(*at)]
            if inside:
                x, y = inside[0]
                ratio = self.device_pixel_ratio
                return round(x / ratio), round((self.figure.bbox.height - y) / ratio)
        raise KeyError(dot_id)

    def draw(self) -> None:
        """Draw all sheets."""
        if min(self.width(), self.height()) < _LEAST_PX:
            return
        self._place_axes()
        super().draw()
        self._ground = self.copy_from_bbox(self.figure.bbox)
        self._draw_marks()

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what was asked for while the plot was hidden."""
        super().showEvent(event)
        if self._stale:
            self._timer.start(0)

    def sizeHint(self) -> QSize:
        """Return a small size: Matplotlib's own is the present one, which could only grow."""
        return QSize(*_HINT_PX)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Build anew where the arrangement depends on the size."""
        super().resizeEvent(event)
        if self.depends_on_size:
            self.ask(Stale.GROUND)

    def _update(self) -> None:
        stale, self._stale = self._stale, Stale.NOTHING
        if stale >= Stale.GROUND or self._ground is None:
            self.figure.clear()
            self._ids.clear()
            self.marks, self.choice = [], []
            dress_figure(self.figure, self.look)
            self.build()
            self.update_marks()
            self.update_choice()
            self.draw()
            return
        if stale >= Stale.MARKS:
            self.update_marks()
            self.update_choice()
            self.restore_region(self._ground)
            self._draw_marks()
        else:
            self.update_choice()
            self.restore_region(self._marked)
            self._draw_choice()
        self.update()

    def _draw_marks(self) -> None:
        self._draw_artists(self.marks)
        self._marked = self.copy_from_bbox(self.figure.bbox)
        self._draw_choice()

    def _draw_choice(self) -> None:
        self._draw_artists(self.choice)

    def _draw_artists(self, artists: Sequence[Artist]) -> None:
        for artist in artists:
            self.figure.draw_artist(artist)

    def _place_axes(self) -> None:
        """Keep the margins the same in inches, whatever the size."""
        width, height = self.figure.get_size_inches()
        left, right, bottom, top = self._margins_in
        if width > left + right + 0.3 and height > bottom + top + 0.3:
            self.figure.subplots_adjust(
                left=left / width,
                right=1 - right / width,
                bottom=bottom / height,
                top=1 - top / height,
            )

    def _on_pick(self, event: Event) -> None:
        if not isinstance(event, PickEvent):
            return
        line, mouse = event.artist, event.mouseevent
        if not isinstance(line, Line2D) or line not in self._ids or mouse.button != 1:
            return
        near, ids = np.asarray(getattr(event, "ind", ())), self._ids[line]
        shown = line.get_transform().transform(np.asarray(line.get_xydata())[near])
        distance = np.hypot(shown[:, 0] - mouse.x, shown[:, 1] - mouse.y)
        best = int(np.argmin(distance))
        # A click on several axes' marks picks each of them; the nearest counts.
        if self._nearest[0] is mouse and self._nearest[1] <= distance[best]:
            return
        self._nearest = (mouse, float(distance[best]))
        extend = bool({"shift", "ctrl", "control"} & set(mouse.modifiers))
        self.picked.emit(int(ids[near[best]]), extend)


def message_plot(figure: Figure, look: Look, text: str) -> Axes:
    """Fill a figure with words alone, where there is nothing to plot."""
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        text,
        ha="center",
        va="center",
        color=look.muted,
        fontsize=10,
        wrap=True,
        transform=axes.transAxes,
    )
    return axes
