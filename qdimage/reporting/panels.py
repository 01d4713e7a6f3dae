"""Square-pixel panels in a grid, placed by hand: quicker than a layout engine, and the same
for all fields."""

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from qdimage.reporting.style import heading, label

PANEL_IN = 3.75
_GAP_IN = 0.22
_HEAD_IN = 0.62
_TITLE_IN = 0.36
_ENTRY_IN = 3.7


@dataclass(frozen=True)
class Panels:
    """A figure with places for panels.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
    width_in, height_in : float
        Of the figure.
    panel_in : (float, float)
        Width and height of a panel.
    corners_in : tuple of (float, float)
        Lower left corner of each panel.
    spare_in : (float, float, float, float)
        Left, bottom, width, height of the place for the legend.
    """

    figure: Figure
    width_in: float
    height_in: float
    panel_in: tuple[float, float]
    corners_in: tuple[tuple[float, float], ...]
    spare_in: tuple[float, float, float, float]

    def box(self, left: float, bottom: float, width: float, height: float) -> Bbox:
        """Return a place in inches as shares of the figure."""
        w, h = self.width_in, self.height_in
        return Bbox.from_bounds(left / w, bottom / h, width / w, height / h)

    def axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        """Return new axes at a place in inches."""
        return self.figure.add_axes(self.box(left, bottom, width, height).bounds)

    def is_first(self, index: int) -> bool:
        """Whether a panel begins a row."""
        return self.corners_in[index][0] == self.corners_in[0][0]

    def panel(self, index: int) -> Axes:
        """Return new axes in a panel's place."""
        return self.axes(*self.corners_in[index], *self.panel_in)

    def legend(
        self,
        handles: Sequence[Artist],
        names: Sequence[str],
        entry_in: float = _ENTRY_IN,
        **style: Any,
    ) -> None:
        """Draw a legend in its place: a column in an empty panel, else a row at the bottom."""
        left, bottom, width, height = self.spare_in
        place = self.axes(left, bottom, width, height)
        place.set_axis_off()
        columns = 1 if height > 1 else max(1, int(width / entry_in))
        place.legend(handles, names, loc="center", ncols=columns, **style)

    def title(self, name: str, text: str, note: str) -> None:
        """Write the figure's title, a name and a text, and a note beneath it."""
        x, h = _GAP_IN / self.width_in, self.height_in
        self.figure.text(
            x,
            1 - 0.13 / h,
            heading(name, text, self.width_in),
            fontsize=13,
            fontweight="bold",
            va="top",
        )
        self.figure.text(x, 1 - 0.40 / h, note, fontsize=9.5, va="top", color="#555555")


def panel_grid(
    n_panels: int,
    *,
    aspect: float,
    foot_in: float,
    legend_in: float,
    left_in: float = 0.0,
    most_columns: int = 4,
) -> Panels:
    """Return a figure with places for panels.

    Parameters
    ----------
    n_panels : int
    aspect : float
        Height over width of a panel.
    foot_in, left_in : float
        Room beneath and left of each panel, for its colour bar or its axis.
    legend_in : float
        Height of the legend where no panel's place is left for it.
    most_columns : int
    """
    columns = min(_columns(n_panels), most_columns)
    rows = math.ceil(n_panels / columns)
    spare = columns * rows > n_panels
    aspect = min(max(aspect, 0.3), 2.5)
    width, height = PANEL_IN, PANEL_IN * aspect
    cell = left_in + width + _GAP_IN, _TITLE_IN + height + foot_in
    strip = 0.0 if spare else legend_in
    figure_width = _GAP_IN + columns * cell[0]
    figure_height = _HEAD_IN + rows * cell[1] + strip + 0.1
    corners = [
        (
            _GAP_IN + left_in + (k % columns) * cell[0],
            figure_height - _HEAD_IN - (k // columns) * cell[1] - _TITLE_IN - height,
        )
        for k in range(columns * rows)
    ]
    legend = (_GAP_IN, 0.1, figure_width - 2 * _GAP_IN, legend_in)
    if spare:
        legend = (*corners[n_panels], width, height)
    figure = Figure(figsize=(figure_width, figure_height))
    return Panels(
        figure, figure_width, figure_height, (width, height), tuple(corners[:n_panels]), legend
    )


def _columns(n_panels: int) -> int:
    if n_panels <= 3:
        return max(2, n_panels)
    return 3 if n_panels <= 6 else 4


def wrapped(text: str, width: int = 44, most_lines: int = 4) -> str:
    """Break a message into a few lines that fit into a panel."""
    lines = textwrap.wrap(label(text, 400), width, max_lines=most_lines, placeholder=" …")
    return "\n".join(lines)
