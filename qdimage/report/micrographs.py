"""PL and EL images of a field side by side, with circles around the dots."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.transforms import TransformedBbox
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.image_file import read_image
from qdimage.report.content import Content, FieldContent, Row, numbers, rows_of
from qdimage.report.panels import PANEL_IN, Panels, panel_grid, wrapped
from qdimage.report.states import Dots, channel_dots, last_measured
from qdimage.report.style import DPI, EL_MAP, NIGHT, PL_MAP, YELLOW
from qdimage.report.words import count, number, pixel_flux_unit, round_down, volts

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.7
_FOOT_IN, _LEGEND_IN = 0.42, 0.62
_LIT, _DARK, _OTHER = "#ffffff", "#9cc9f5", "#8d8d8d"
_NO_ANSWER = "#ffb454"
_BAR_SHARE = 0.25


@dataclass(frozen=True)
class _Panel:
    """What one panel shows.

    Attributes
    ----------
    row : dict
        Of the table `channels`.
    image : ndarray or None
    title, count : str
    dots : Dots
        In the image's own frame.
    own : ndarray, shape (n, 2)
        Further places: sources without a PL dot, or all localizations if not registered.
    registered : bool
    trouble : str
        Why there is no answer; "" where there is one.
    pixel_um : float or None
    """

    row: Row
    image: Array | None
    title: str
    count: str
    dots: Dots
    own: Array
    registered: bool
    trouble: str
    pixel_um: float | None


def draw_micrographs(content: Content, field: FieldContent) -> Figure | None:
    """Return the figure of a field; None where it has no channel."""
    shown = _panels(content, field)
    if not shown:
        return None
    sizes = [panel.image.shape for panel in shown if panel.image is not None]
    aspect = sizes[0][0] / sizes[0][1] if sizes else 1.0
    grid = panel_grid(len(shown), aspect=aspect, foot_in=_FOOT_IN, legend_in=_LEGEND_IN)
    grid.title(
        f"{field.device} · {field.name}",
        "",
        f"mean images; colours span the {_LOW_PERCENT:g} to {_HIGH_PERCENT:g} % quantiles",
    )
    for index, panel in enumerate(shown):
        _draw(grid, index, panel)
    _legend(grid, shown)
    return grid.figure


def _panels(content: Content, field: FieldContent) -> list[_Panel]:
    rows = sorted(rows_of(field.tables["channels"]), key=_order)
    voltages = [row["voltage_v"] for row in rows if row["kind"] == "el"]
    return [
        _pl_panel(content, field, row)
        if row["kind"] == "pl"
        else _el_panel(content, field, row, voltages.count(row["voltage_v"]) > 1)
        for row in rows
    ]


def _order(row: Row) -> tuple[bool, float, str]:
    return row["kind"] != "pl", row["voltage_v"] or 0.0, row["channel"]


def _pl_panel(content: Content, field: FieldContent, row: Row) -> _Panel:
    image, trouble = _image(content, row)
    highest = last_measured(field)
    title = "PL" if highest is None else f"PL (circles: EL {volts(highest[1])})"
    dots = channel_dots(field, None if highest is None else highest[0])
    n = len(field.tables["dots"])
    return _Panel(
        row, image, title, count(n, "dot"), dots, np.empty((0, 2)), True, trouble, field.pixel_um
    )


def _el_panel(content: Content, field: FieldContent, row: Row, ambiguous: bool) -> _Panel:
    image, trouble = _image(content, row)
    name = row["channel"] if ambiguous else "EL"
    found = field.tables["registration"]
    registration = rows_of(found[found["channel"] == row["channel"]])
    fractions = field.tables["turn_on"]
    turn_on = rows_of(fractions[fractions["channel"] == row["channel"]])
    affine = _affine(registration[0]) if registration else None
    counted = ""
    if turn_on and turn_on[0]["n_pl"] is not None:
        counted = f"{turn_on[0]['n_lit']} / {turn_on[0]['n_pl']} lit"
    for answer in (*registration, *turn_on):
        if answer["status"] not in ("", "ok"):
            trouble = trouble or f"{answer['status']}: {answer['message']}"
    dots, own = Dots.none(), _own_places(field, row["channel"], only_unmatched=affine is not None)
    if affine is not None:
        dots = channel_dots(field, row["channel"]).moved(inverse(affine))
    pixel_um = None
    if affine is not None and field.pixel_um is not None:
        pixel_um = field.pixel_um * float(np.sqrt(abs(np.linalg.det(affine[:, :2]))))
    title = f"{name} at {volts(row['voltage_v'])}"
    return _Panel(row, image, title, counted, dots, own, affine is not None, trouble, pixel_um)


def _image(content: Content, row: Row) -> tuple[Array | None, str]:
    if not row["image"]:
        return None, f"{row['status']}: {row['message']}" if row["message"] else "no image"
    try:
        image = read_image(content.out / row["image"])
    except FormatError:
        return None, f"{row['image']} is missing or damaged; run the analysis again"
    if image.ndim != 2 or image.size == 0:
        return None, f"{row['image']} is no picture; run the analysis again"
    return image, ""


def _affine(row: Row) -> Array | None:
    values = [row[f"m{i}{j}"] for i in range(2) for j in range(3)]
    if row["status"] != "ok" or any(value is None for value in values):
        return None
    affine = np.array(values, float).reshape(2, 3)
    return affine if abs(np.linalg.det(affine[:, :2])) > 0 else None


def inverse(affine: Array) -> Array:
    """Return the map back, of a 2x3 affine map."""
    linear = np.linalg.inv(affine[:, :2])
    return np.column_stack([linear, -linear @ affine[:, 2]])


def _own_places(field: FieldContent, channel: str, *, only_unmatched: bool) -> Array:
    found = field.tables["localizations"]
    own: pd.DataFrame = found[found["channel"] == channel]
    if only_unmatched:
        matches = field.tables["matches"]
        matches = matches[matches["channel"] == channel]
        free = set(matches.loc[matches["dot_id"].isna(), "loc_id"])
        own = own[own["loc_id"].isin(free)]
    return np.column_stack([numbers(own, "x_px"), numbers(own, "y_px")])


def _draw(grid: Panels, index: int, panel: _Panel) -> None:
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
        (panel.dots.lit, _LIT, "solid", 1.1),
        (panel.dots.dark, _DARK, (0, (2.2, 1.6)), 0.8),
        (panel.dots.other, _OTHER, (0, (1, 1.6)), 0.8),
    ):
        _circles(axes, places, radius, colour, line, width)
    own_style = ("s", YELLOW) if panel.registered else ("D", _NO_ANSWER)
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
        color=_NO_ANSWER,
        bbox={"facecolor": NIGHT, "alpha": 0.8, "edgecolor": "none", "pad": 4},
    )


def _legend(grid: Panels, shown: list[_Panel]) -> None:
    entries = []
    for name, places, colour, line in (
        ("PL dot brighter in EL than F_min (lit)", "lit", _LIT, "-"),
        ("PL dot that is not (dark)", "dark", _DARK, (0, (2.2, 1.6))),
        ("PL dot not counted (edge, outside, unresolved)", "other", _OTHER, (0, (1, 1.6))),
    ):
        if any(len(getattr(panel.dots, places)) for panel in shown):
            entries.append(Line2D([], [], color=colour, ls=line, lw=1.6, label=name))
    for name, marker, colour, wanted in (
        ("EL source without a PL dot", "s", YELLOW, True),
        ("localization in a channel without registration", "D", _NO_ANSWER, False),
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
