"""What darkness looks like in each EL channel, and where lit begins."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from qdimage.domain.photometry import BlankPlaces
from qdimage.match.lit import dark_null
from qdimage.reporting.content import Array, FieldContent, Mask, Row, is_true, numbers, rows_of
from qdimage.reporting.panels import Panels, panel_grid, wrapped
from qdimage.reporting.plots import name_axes
from qdimage.reporting.states import channel_states
from qdimage.reporting.style import BLUE, GREY, INK, ORANGE, VERMILION
from qdimage.reporting.words import count, flux_unit, number, volts

if TYPE_CHECKING:
    import pandas as pd

_ASPECT = 0.72
_FOOT_IN, _LEFT_IN, _LEGEND_IN = 0.58, 0.62, 0.42
_NAME_Y_IN, _ENTRY_IN = 0.45, 2.9
_USUAL_FALSE_ALARM = 0.01
# The axis is linear within so many widths of the null, and logarithmic beyond.
_LINEAR_SIGMA = 5.0
_BINS_PER_SIGMA = 3
_BINS_PER_DECADE = 8
_SYMLOG_LINEAR_DECADES = 1.5
_RATIOS = np.linspace(-10.0, 30.0, 4001)


@dataclass(frozen=True)
class _Null:
    """One EL channel's blank places and dots, fluxes in signal per second.

    Attributes
    ----------
    row : dict
        Of the table `registration`.
    free, occupied : ndarray
        Blank places without and with an EL localization.
    dots : ndarray
        Of the denominator.
    width_s, threshold_s, f_min_s : float
        Standard deviation of the null, flux from which a dot of the usual error is lit, and that
        from which it counts in the fraction; NaN where not known.
    """

    row: Row
    free: Array
    occupied: Array
    dots: Array
    width_s: float
    threshold_s: float
    f_min_s: float


def draw_null(field: FieldContent) -> Figure | None:
    """Return a histogram of blank places and dots for each channel; None without a blank place."""
    if not len(field.tables["blanks"]):
        return None
    rows = rows_of(field.tables["registration"].sort_values("voltage_v", kind="stable"))
    channels = [_null(field, row) for row in rows]
    grid = panel_grid(
        len(channels),
        aspect=_ASPECT,
        foot_in=_FOOT_IN,
        legend_in=_LEGEND_IN,
        left_in=_LEFT_IN,
        most_columns=3,
    )
    grid.title(
        f"{field.device} · {field.name}",
        ": what darkness looks like",
        "EL flux at places without a PL dot and at PL dots; logarithmic beyond "
        f"{_LINEAR_SIGMA:g} widths of the null",
    )
    unit = flux_unit(sorted({str(row) for row in field.tables["blanks"]["signal_unit"] if row}))
    entries: dict[str, Artist] = {}
    for index, channel in enumerate(channels):
        handles, names = _panel(grid, index, channel, unit).get_legend_handles_labels()
        entries |= dict(zip(names, handles, strict=True))
    grid.legend(list(entries.values()), list(entries), entry_in=_ENTRY_IN)
    return grid.figure


def _null(field: FieldContent, row: Row) -> _Null:
    blanks = field.tables["blanks"]
    own = blanks[blanks["channel"] == row["channel"]]
    flux, err, occupied = _fluxes(own), numbers(own, "photons_err_s"), is_true(own, "occupied")
    fractions = field.tables["turn_on"]
    f_min = numbers(fractions[fractions["channel"] == row["channel"]], "f_min_photons_s")
    width = float(np.median(err)) if len(err) else float("nan")
    return _Null(
        row,
        flux[~occupied],
        flux[occupied],
        _counted_fluxes(field, str(row["channel"])),
        width,
        width * _threshold(flux, err, occupied, _false_alarm_probability(field)),
        float(f_min[0]) if len(f_min) else float("nan"),
    )


def _fluxes(rows: "pd.DataFrame") -> Array:
    return numbers(rows, "photons_s")


def _counted_fluxes(field: FieldContent, channel: str) -> Array:
    fluxes = field.tables["dot_channels"]
    own = fluxes[fluxes["channel"] == channel]
    _, _, counted = channel_states(field, channel)
    flux = _fluxes(own)[counted]
    return flux[np.isfinite(flux)]


def _false_alarm_probability(field: FieldContent) -> float:
    options = field.record.get("options", {}).get("match", {})
    return float(options.get("false_alarm_probability", _USUAL_FALSE_ALARM))


def _threshold(flux: Array, err: Array, occupied: Mask, probability: float) -> float:
    """Ratio of flux to error from which darkness is as rare as that."""
    if not len(flux):
        return float("nan")
    places = np.zeros((len(flux), 2))
    rare = dark_null(BlankPlaces(flux, err, occupied, places)).false_alarm(_RATIOS) <= probability
    return float(_RATIOS[np.argmax(rare)]) if rare.any() else float("nan")


def _panel(grid: Panels, index: int, channel: _Null, unit: str) -> Axes:
    axes = grid.panel(index)
    axes.set_title(f"EL at {volts(channel.row['voltage_v'])}", loc="left")
    y_name = "share of places (%)" if grid.is_first(index) else ""
    name_axes(axes, f"EL flux ({unit})", y_name, grid.panel_in, _NAME_Y_IN)
    if not np.isfinite(channel.width_s):
        axes.set_xticks([])
        axes.set_yticks([])
        text = channel.row["message"] or "no place to measure darkness at"
        axes.text(
            0.5,
            0.5,
            wrapped(text),
            transform=axes.transAxes,
            ha="center",
            va="center",
            color=VERMILION,
        )
        return axes
    note = f"null width {number(channel.width_s, 2)}; {count(len(channel.dots), 'dot')}"
    axes.set_title(note, loc="right", fontsize=10, fontweight="normal")
    edges = _edges(channel)
    n_blanks = len(channel.free) + len(channel.occupied)
    filled = {"fill": True, "color": GREY, "alpha": 0.45}
    _stairs(axes, channel.free, n_blanks, edges, label="no dot", **filled)
    if len(channel.occupied):
        beside = "no dot, but an EL source"
        _stairs(axes, channel.occupied, n_blanks, edges, label=beside, color=ORANGE, lw=1.6)
    _stairs(axes, channel.dots, len(channel.dots), edges, label="PL dots", color=BLUE, lw=2.0)
    axes.axvline(channel.threshold_s, color=INK, lw=1.2, ls=(0, (4, 2)), label="lit from here")
    axes.axvline(channel.f_min_s, color=VERMILION, lw=1.4, label="F_min of the fraction")
    _scale(axes, edges, channel.width_s)
    return axes


def _stairs(axes: Axes, fluxes: Array, n: int, edges: Array, **style: Any) -> None:
    """Draw the share of n places in each bin; what is beyond the axis lies in the last ones."""
    counts, _ = np.histogram(np.clip(fluxes, edges[0], edges[-1]), edges)
    axes.stairs(100.0 * counts / max(n, 1), edges, **style)


def _edges(channel: _Null) -> Array:
    """Bins of equal width on the axis, up to the brightest dot."""
    linear = _LINEAR_SIGMA * channel.width_s
    n = round(_LINEAR_SIGMA * _BINS_PER_SIGMA)
    middle = np.linspace(-linear, linear, 2 * n + 1)
    every = np.concatenate([channel.free, channel.occupied, channel.dots, [channel.f_min_s]])
    highest = max(float(np.nanmax(every)), 2.0 * linear)
    decades = np.log10(highest / linear)
    tail = linear * 10 ** (np.arange(1, np.ceil(decades * _BINS_PER_DECADE) + 1) / _BINS_PER_DECADE)
    return np.concatenate([middle, tail])


def _scale(axes: Axes, edges: Array, width_s: float) -> None:
    axes.set_xscale("symlog", linthresh=_LINEAR_SIGMA * width_s, linscale=_SYMLOG_LINEAR_DECADES)
    axes.set_xlim(edges[0], edges[-1])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(_ticks(edges, width_s))
    axes.xaxis.set_major_formatter(lambda value, _: number(value, 1))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _ticks(edges: Array, width_s: float) -> list[float]:
    """0, and powers of ten beyond the linear part."""
    first = np.ceil(np.log10(_LINEAR_SIGMA * width_s))
    powers = 10.0 ** np.arange(first, np.floor(np.log10(edges[-1])) + 1)
    return [0.0, *powers.tolist()]
