"""A plot with its legend beneath, and axis names at fixed places.

Fixed places spare Matplotlib the search for room, which takes as long as the drawing itself.
"""

import math

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from qdimage.reporting.style import heading
from qdimage.reporting.words import number

WIDTH_IN = 8.0
PLOT_IN = WIDTH_IN - 0.95 - 0.25
_LEFT_IN, _BOTTOM_IN, _HEAD_IN = 0.95, 1.15, 0.85
_NAME_X_IN, _NAME_Y_IN = 0.42, 0.7
_MOST_COLUMNS = 4


def single_plot(
    name: str, title: str, x_name: str, y_name: str, *, height_in: float
) -> tuple[Figure, Axes]:
    """Return a figure with one pair of axes; its title begins with a name."""
    figure = Figure(figsize=(WIDTH_IN, height_in))
    height = height_in - _BOTTOM_IN - _HEAD_IN
    axes = figure.add_axes(
        (_LEFT_IN / WIDTH_IN, _BOTTOM_IN / height_in, PLOT_IN / WIDTH_IN, height / height_in)
    )
    name_axes(axes, x_name, y_name, (PLOT_IN, height))
    figure.text(
        0.2 / WIDTH_IN,
        1 - 0.13 / height_in,
        heading(name, title, WIDTH_IN),
        va="top",
        fontsize=13,
        fontweight="bold",
    )
    return figure, axes


def name_axes(
    axes: Axes,
    x_name: str,
    y_name: str,
    size_in: tuple[float, float],
    y_distance_in: float = _NAME_Y_IN,
) -> None:
    """Name both axes; `size_in` is the width and height of the axes in inches."""
    axes.set_xlabel(x_name, va="center")
    axes.xaxis.set_label_coords(0.5, -_NAME_X_IN / size_in[1])
    axes.set_ylabel(y_name, va="center")
    axes.yaxis.set_label_coords(-y_distance_in / size_in[0], 0.5)


def legend_beneath(figure: Figure, axes: Axes) -> None:
    """Draw the axes' legend at the bottom of a single plot, in two rows if they suffice."""
    handles, names = axes.get_legend_handles_labels()
    if handles:
        columns = min(max(2, math.ceil(len(handles) / 2)), _MOST_COLUMNS)
        size = None if columns < _MOST_COLUMNS else 8.5
        figure.legend(
            handles, names, loc="lower center", ncols=columns, markerscale=1.2, fontsize=size
        )


def plain_log(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers; within one decade also between."""

    def between(value: float, _: float) -> str:
        low, high = axis.get_view_interval()
        crowded = high > 4 * low and f"{value:.0e}"[0] in "6789"
        return "" if high > 10 * low or crowded else number(value)

    axis.set_major_formatter(lambda value, _: number(value, 1))
    axis.set_minor_formatter(between)
