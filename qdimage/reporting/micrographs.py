"""PL and EL images of a field side by side, with circles around the dots."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import TransformedBbox

from qdimage.domain.colours import DARK, EL_ONLY, LIT, NO_ANSWER, NOT_COUNTED
from qdimage.reporting.content import Array, Content, FieldContent, Row
from qdimage.reporting.micrograph_panels import Panel, field_panels
from qdimage.reporting.panels import PANEL_IN, Panels, panel_grid, wrapped
from qdimage.reporting.style import DPI, EL_MAP, NIGHT, PL_MAP
from qdimage.reporting.words import number, pixel_flux_unit, round_down

_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.7
_FOOT_IN, _LEGEND_IN = 0.42, 0.62
_BAR_SHARE = 0.25


def draw_micrographs(content: Content, field: FieldContent) -> Figure | None:
    """Return the figure of a field; None where it has no channel."""
    shown = field_panels(content, field)
    return draw_chosen(shown, f"{field.device} · {field.name}", "") if shown else None


def draw_chosen(shown: list[Panel], name: str, title: str) -> Figure:
    """Return a figure of some panels, which may be of several fields."""
    sizes = [panel.image.shape for panel in shown if panel.image is not None]
    aspect = sizes[0][0] / sizes[0][1] if sizes else 1.0
    grid = panel_grid(len(shown), aspect=aspect, foot_in=_FOOT_IN, legend_in=_LEGEND_IN)
    grid.title(
        name,
        f": {title}" if title else "",
        f"mean images; colours span the {_LOW_PERCENT:g} to {_HIGH_PERCENT:g} % quantiles",
    )
    for index, panel in enumerate(shown):
        _draw(grid, index, panel)
    _legend(grid, shown)
    return grid.figure


def _draw(grid: Panels, index: int, panel: Panel) -> None:
    axes = grid.panel(index)
    axes.xaxis.set_visible(False)
    axes.yaxis.set_visible(False)
    axes.set_facecolor(NIGHT)
    axes.set_anchor("S")
    axes.set_title(panel.title, loc="left")
    axes.set_title(panel.count, loc="right", fontweight="normal", fontsize=10.5)
    if panel.image is None:
        _say(axes, panel.trouble, 0.5)
        return
    colours = PL_MAP if panel.row["kind"] == "pl" else EL_MAP
    low, high = _show(axes, panel.image, colours)
    _colour_bar(grid, index, colours, low, high, pixel_flux_unit(panel.row["signal_unit"]))
    radius = _circle_radius(panel.row, panel.image)
    for places, colour, line, width in (
        (panel.dots.lit, LIT, "solid", 1.1),
        (panel.dots.dark, DARK, (0, (2.2, 1.6)), 0.8),
        (panel.dots.other, NOT_COUNTED, (0, (1, 1.6)), 0.8),
    ):
        _circles(axes, places, radius, colour, line, width)
    own_style = ("s", EL_ONLY) if panel.registered else ("D", NO_ANSWER)
    _own_marks(axes, panel.own, *own_style)
    _scale_bar(axes, panel.image.shape, panel.pixel_um)
    if panel.trouble:
        _say(axes, panel.trouble, 0.84)


def _show(axes: Axes, image: Array, colours: LinearSegmentedColormap) -> tuple[float, float]:
    usable = image[np.isfinite(image)]
    low, high = (0.0, 1.0)
    if usable.size:
        low, high = (float(v) for v in np.percentile(usable, [_LOW_PERCENT, _HIGH_PERCENT]))
    high = high if high > low else low + 1.0
    height, width = image.shape
    # Pixels as they are, unless there are more of them than the panel has.
    few = max(height, width) <= PANEL_IN * DPI
    axes.imshow(
        image,
        cmap=colours,
        vmin=low,
        vmax=high,
        aspect="auto",
        interpolation="none" if few else "antialiased",
    )
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_box_aspect(height / width)
    return low, high


def _colour_bar(
    grid: Panels,
    index: int,
    colours: LinearSegmentedColormap,
    low: float,
    high: float,
    unit: str,
) -> None:
    left, bottom = grid.corners_in[index]
    width = grid.panel_in[0]
    place = grid.box(left, bottom - 0.15, width, 0.09)
    # Not in axes of its own, which would take as long as the image.
    bar = BboxImage(TransformedBbox(place, grid.figure.transFigure), cmap=colours)
    bar.set_data(np.linspace(0, 1, 256)[np.newaxis])
    grid.figure.add_artist(bar)
    for x, align, text in (
        (place.x0, "left", number(low)),
        ((place.x0 + place.x1) / 2, "center", unit),
        (place.x1, "right", number(high)),
    ):
        grid.figure.text(
            x, grid.box(0, bottom - 0.2, 0, 0).y0, text, ha=align, va="top", fontsize=9
        )


def _circle_radius(row: Row, image: Array) -> float:
    return float(max(3.5 * (row["psf_sigma_px"] or 1.0), 0.016 * max(image.shape)))


def _circles(
    axes: Axes,
    places: Array,
    radius: float,
    colour: str,
    line: str | tuple[int, tuple[float, ...]],
    width: float,
) -> None:
    if not len(places):
        return
    size = np.full(len(places), 2 * radius)
    axes.add_collection(
        EllipseCollection(
            size,
            size,
            np.zeros(len(places)),
            units="xy",
            offsets=places,
            offset_transform=axes.transData,
            facecolors="none",
            edgecolors=colour,
            linestyles=[line],
            linewidths=width,
        ),
        autolim=False,
    )


def _own_marks(axes: Axes, places: Array, marker: str, colour: str) -> None:
    if len(places):
        axes.plot(
            *places.T,
            marker,
            ms=7.5,
            mfc="none",
            mec=colour,
            mew=1.0,
            ls="none",
            scalex=False,
            scaley=False,
        )


def _scale_bar(axes: Axes, shape: tuple[int, ...], pixel_um: float | None) -> None:
    height, width = shape
    pixel, unit = (pixel_um, "µm") if pixel_um else (1.0, "px")
    length = round_down(_BAR_SHARE * width * pixel)
    x, y = 0.04 * width, height - 0.05 * min(height, width)
    dark = [withStroke(linewidth=4, foreground="black")]
    axes.plot(
        [x, x + length / pixel],
        [y, y],
        color="white",
        lw=2.5,
        solid_capstyle="butt",
        path_effects=dark,
        scalex=False,
        scaley=False,
    )
    axes.text(
        x + length / pixel / 2,
        y - 0.02 * height,
        f"{length:g} {unit}",
        color="white",
        ha="center",
        va="bottom",
        fontsize=9.5,
        path_effects=[withStroke(linewidth=2, foreground="black")],
    )


def _say(axes: Axes, text: str, y: float) -> None:
    axes.text(
        0.5,
        y,
        wrapped(text),
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=9.5,
        color=NO_ANSWER,
        bbox={"facecolor": NIGHT, "alpha": 0.8, "edgecolor": "none", "pad": 4},
    )


def _legend(grid: Panels, shown: list[Panel]) -> None:
    entries = []
    for name, places, colour, line in (
        ("PL dot brighter in EL than F_min (lit)", "lit", LIT, "-"),
        ("PL dot that is not (dark)", "dark", DARK, (0, (2.2, 1.6))),
        ("PL dot not counted (edge, outside, unresolved)", "other", NOT_COUNTED, (0, (1, 1.6))),
    ):
        if any(len(getattr(panel.dots, places)) for panel in shown):
            entries.append(Line2D([], [], color=colour, ls=line, lw=1.6, label=name))
    for name, marker, colour, wanted in (
        ("EL source without a PL dot", "s", EL_ONLY, True),
        ("localization in a channel without registration", "D", NO_ANSWER, False),
    ):
        if any(len(panel.own) and panel.registered == wanted for panel in shown):
            entries.append(
                Line2D([], [], color=colour, marker=marker, mfc="none", ls="none", ms=8, label=name)
            )
    if not entries:
        return
    grid.legend(
        entries,
        [str(entry.get_label()) for entry in entries],
        frameon=True,
        facecolor=NIGHT,
        edgecolor="none",
        framealpha=1.0,
        labelcolor="white",
        borderpad=0.9,
        handlelength=2.2,
    )
