"""How well EL positions agree with PL positions, over the field and all together."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qdimage.reporting.content import Array, FieldContent, Mask, Row, numbers, rows_of
from qdimage.reporting.panels import Panels, panel_grid, wrapped
from qdimage.reporting.plots import name_axes
from qdimage.reporting.states import reference_channel
from qdimage.reporting.style import GREY, INK, PALE, VERMILION, VOLTAGE_MAP, label
from qdimage.reporting.words import count, number, round_down, volts

_FOOT_IN, _LEFT_IN, _LEGEND_IN = 0.62, 0.75, 0.5
# A typical long arrow takes this share of the field.
_ARROW_SHARE = 0.08
_ENTRY_IN = 1.7
_NAME_Y_IN = 0.62
_STEPS = [1, 2, 2.5, 5, 10]
_KEY_SHARE, _KEY_Y = 0.2, -0.112
_SCATTER_GATES = 1.7


@dataclass(frozen=True)
class _Residuals:
    """The pairs of one EL channel.

    Attributes
    ----------
    row : dict
        Of the table `registration`.
    places, offsets : ndarray, shape (n, 2)
        Position in the field and residual, of every localization with a PL dot in the field.
    gate : ndarray, shape (n,)
    matched : ndarray of bool, shape (n,)
    """

    row: Row
    places: Array
    offsets: Array
    gate: Array
    matched: Mask

    @property
    def rms_px(self) -> float:
        """Root mean square length of the matched residuals."""
        squares = np.sum(self.offsets[self.matched] ** 2, axis=1)
        return float(np.sqrt(np.mean(squares))) if len(squares) else float("nan")


def draw_registration(field: FieldContent) -> Figure | None:
    """Return maps and scatter of the residuals; None where no EL channel is declared."""
    rows = rows_of(field.tables["registration"].sort_values("voltage_v", kind="stable"))
    if not rows:
        return None
    channels = [_residuals(field, row) for row in rows]
    width, height = _frame(field)
    grid = panel_grid(
        len(channels) + 1,
        aspect=height / width,
        foot_in=_FOOT_IN,
        legend_in=_LEGEND_IN,
        left_in=_LEFT_IN,
    )
    magnification = _magnification(channels, width)
    grid.title(
        f"{field.device} · {field.name}",
        ": registration residuals",
        f"EL minus PL position of matched pairs; arrows magnified {magnification:g} times, "
        "bars give the length of a residual",
    )
    colours = VOLTAGE_MAP(np.linspace(0, 1, max(2, len(channels))))
    for index, channel in enumerate(channels):
        _map(grid, index, channel, magnification, (width, height), tuple(colours[index]))
    _scatter(grid, channels, [tuple(colour) for colour in colours])
    return grid.figure


def _residuals(field: FieldContent, row: Row) -> _Residuals:
    matches = field.tables["matches"]
    own = matches[matches["channel"] == row["channel"]]
    places = np.column_stack([numbers(own, "x_px"), numbers(own, "y_px")])
    offsets = np.column_stack([numbers(own, "residual_x_px"), numbers(own, "residual_y_px")])
    known = np.isfinite(offsets).all(axis=1)
    matched = np.isfinite(numbers(own, "dot_id")) & known
    return _Residuals(
        row, places[known], offsets[known], numbers(own, "gate_px")[known], matched[known]
    )


def _frame(field: FieldContent) -> tuple[float, float]:
    channels = field.tables["channels"]
    sizes = channels[channels["channel"] == (reference_channel(field) or "")]
    sizes = sizes[sizes["width_px"].notna()]
    if not len(sizes):
        return 1.0, 1.0
    return float(numbers(sizes, "width_px")[0]), float(numbers(sizes, "height_px")[0])


def _magnification(channels: list[_Residuals], width: float) -> float:
    lengths = [np.hypot(*each.offsets[each.matched].T) for each in channels if each.matched.any()]
    long = float(np.percentile(np.concatenate(lengths), 90)) if lengths else 0.0
    if long <= 0:
        return 1.0
    return round_down(max(_ARROW_SHARE * width / long, 1.0))


def _map(
    grid: Panels,
    index: int,
    channel: _Residuals,
    magnification: float,
    size: tuple[float, float],
    colour: tuple[float, ...],
) -> None:
    axes = grid.panel(index)
    width, height = size
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(height - 0.5, -0.5)
    axes.set_title(f"EL at {volts(channel.row['voltage_v'])}", loc="left")
    axes.spines[:].set_visible(True)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    y_name = "y_px, field (px)" if grid.is_first(index) else ""
    axes.tick_params(labelleft=grid.is_first(index))
    name_axes(axes, "x_px, field (px)", y_name, grid.panel_in, _NAME_Y_IN)
    if channel.row["status"] != "ok":
        text = f"{channel.row['status'] or 'not registered'}: {channel.row['message']}"
        axes.text(
            0.5,
            0.5,
            wrapped(text),
            transform=axes.transAxes,
            ha="center",
            va="center",
            color=VERMILION,
        )
        return
    n = int(channel.matched.sum())
    rms = f", rms {number(channel.rms_px, 2)} px" if n else ""
    axes.set_title(f"{count(n, 'pair')}{rms}", loc="right", fontweight="normal", fontsize=10)
    if channel.row["shared_from"]:
        source = f"transform taken over from {label(channel.row['shared_from'])}"
        axes.text(0.5, 0.03, source, transform=axes.transAxes, ha="center", color=GREY)
    ends = channel.places[channel.matched]
    arrows = channel.offsets[channel.matched]
    starts = ends - arrows
    axes.plot(*starts.T, ".", ms=3, color=GREY, scalex=False, scaley=False)
    if n:
        axes.quiver(
            *starts.T,
            *(magnification * arrows).T,
            angles="xy",
            scale_units="xy",
            scale=1,
            color=colour,
            width=0.0055,
            headwidth=3.6,
            headlength=4.2,
            headaxislength=3.8,
        )
        _arrow_key(axes, magnification, width)


def _arrow_key(axes: Axes, magnification: float, width: float) -> None:
    """A bar beside the axis' name, where no arrow can hide it."""
    length = round_down(_KEY_SHARE * width / magnification)
    share = length * magnification / width
    axes.plot(
        [0, share],
        [_KEY_Y, _KEY_Y],
        color=INK,
        lw=2.5,
        solid_capstyle="butt",
        transform=axes.transAxes,
        clip_on=False,
    )
    axes.text(
        share + 0.02, _KEY_Y, f"{length:g} px", transform=axes.transAxes, va="center", fontsize=9.5
    )


def _scatter(grid: Panels, channels: list[_Residuals], colours: list[tuple[float, ...]]) -> None:
    axes = grid.panel(len(channels))
    axes.set_title("all channels", loc="left")
    name_axes(axes, "residual x (px)", "residual y (px)", grid.panel_in, _NAME_Y_IN)
    axes.xaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=_STEPS))
    axes.axhline(0, color=PALE, lw=0.8)
    axes.axvline(0, color=PALE, lw=0.8)
    gates = np.concatenate([each.gate[each.matched] for each in channels])
    if not len(gates):
        axes.text(0.5, 0.5, "no matched pair", transform=axes.transAxes, ha="center", color=GREY)
        axes.set_xticks([])
        axes.set_yticks([])
        return
    gate = float(np.median(gates))
    reach = _SCATTER_GATES * gate
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(
        gate * np.cos(angle),
        gate * np.sin(angle),
        color=INK,
        lw=1,
        ls=(0, (4, 2)),
        label=f"gate, median {number(gate, 2)} px",
    )
    for each, colour in zip(channels, colours, strict=False):
        if each.row["status"] != "ok":
            continue
        inside, outside = each.offsets[each.matched], each.offsets[~each.matched]
        axes.plot(
            *inside.T,
            "o",
            ms=3.4,
            color=colour,
            mec="none",
            alpha=0.75,
            label=volts(each.row["voltage_v"]),
        )
        axes.plot(*outside.T, "x", ms=5, color=colour)
    ratio = grid.panel_in[1] / grid.panel_in[0]
    axes.set_xlim(-reach, reach)
    # Downwards as in the images.
    axes.set_ylim(reach * ratio, -reach * ratio)
    grid.legend(*axes.get_legend_handles_labels(), entry_in=_ENTRY_IN)
