"""Measured values on a logarithmic axis: points with intervals, limits where nothing is seen."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from qdimage.reporting.content import Array
from qdimage.reporting.words import number

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_SIGMA_95, _ONE_SIDED_95 = 1.959964, 1.644854


def draw_log_points(
    axes: Axes,
    x: Array,
    values: tuple[Array, Array],
    *,
    colour: str,
    name: str,
    marker: str = "o",
    filled: bool = True,
    joined: bool = True,
) -> None:
    """Draw values whose 95 % interval lies above 0, and one-sided limits of the others.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    x : ndarray, shape (n,)
    values : (ndarray, ndarray)
        Value and standard deviation.
    colour, name, marker : str
    filled : bool
    joined : bool
        Draw a line through the values that are seen.
    """
    value, err = values
    known = np.isfinite(x) & np.isfinite(value) & np.isfinite(err)
    x, value, err = x[known], value[known], err[known]
    order = np.argsort(x, kind="stable")
    x, value, err = x[order], value[order], err[order]
    seen = value > _SIGMA_95 * err
    if seen.any():
        axes.errorbar(
            x[seen],
            value[seen],
            yerr=_SIGMA_95 * err[seen],
            fmt=f"{marker}-" if joined else marker,
            lw=1.1,
            ms=5.5,
            color=colour,
            mfc=colour if filled else "white",
            elinewidth=1.0,
            capsize=2,
            zorder=4,
            label=name,
        )
    limit = value + _ONE_SIDED_95 * err
    shown = ~seen & (limit > 0)
    if shown.any():
        axes.plot(
            x[shown],
            limit[shown],
            "v",
            ms=5.5,
            color=colour,
            mfc="none",
            zorder=3,
            label=None if seen.any() else f"{name}: 95 % limits",
        )


def log_axis(axes: Axes) -> bool:
    """Make the vertical axis logarithmic; False where there is nothing on it."""
    if not axes.lines and not axes.containers:
        return False
    axes.set_yscale("log")
    short_log(axes.yaxis)
    return True


def short_log(axis: Axis) -> None:
    """Label a logarithmic axis with short numbers: large and small ones as powers of ten."""

    def major(value: float, _: float) -> str:
        exponent = round(np.log10(value))
        if -2 <= exponent <= 3:
            return number(value, 1)
        return f"10{str(exponent).translate(_SUPERSCRIPT)}"

    def between(value: float, _: float) -> str:
        low, high = axis.get_view_interval()
        wanted = f"{value:.0e}"[0] in "2345"
        return number(value, 1) if high <= 10 * low and wanted else ""

    axis.set_major_formatter(major)
    axis.set_minor_formatter(between)
