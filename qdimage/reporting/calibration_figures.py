"""A camera's calibration: variance against mean with its residuals, and the dark histogram."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qdimage.domain.calibration import Measured
from qdimage.errors import ConfigurationError
from qdimage.image.photon_transfer import TransferLine
from qdimage.image.single_electrons import SingleElectrons
from qdimage.io.atomic import replacing
from qdimage.pipeline.calibrate import Calibration
from qdimage.reporting.plots import name_axes
from qdimage.reporting.style import BLUE, DPI, GREY, INK, ORANGE, VERMILION, house_style

_WIDTH_IN, _LEFT_IN, _RIGHT_IN, _BOTTOM_IN, _TOP_IN, _GAP_IN = 7.2, 0.95, 0.25, 0.7, 0.45, 0.85
_PLOT_IN = 2.6
_RESIDUAL_IN, _RESIDUAL_GAP_IN = 1.0, 0.15
_DARK = -1
_LEAST_COUNT = 0.3


def write_figure(found: Calibration, path: Path) -> None:
    """Draw a calibration into a file, whole or not at all.

    Raises
    ------
    ConfigurationError
        If the name does not end in .png or .svg, or there is nothing to draw.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise ConfigurationError(
            f"--figure: found {path.name!r}, expected a name that ends in .png or .svg; correct it"
        )
    with house_style(), replacing(path) as partial:
        figure = draw_calibration(found)
        metadata = {"Software": None} if kind == "png" else {"Date": None}
        figure.savefig(partial, format=kind, dpi=DPI, metadata=metadata)


def draw_calibration(found: Calibration) -> Figure:
    """Return a figure of what a calibration rests on.

    Raises
    ------
    ConfigurationError
        If neither a line nor a histogram was fitted.
    """
    line = found.line if isinstance(found.line, TransferLine) else None
    electrons = found.electrons if isinstance(found.electrons, SingleElectrons) else None
    if not found.can_be_drawn:
        raise ConfigurationError(
            "--figure: no line and no histogram was fitted, so that there is nothing to draw "
            f"({found.message}); leave --figure out"
        )
    heights = []
    if line is not None:
        heights += [(_PLOT_IN, _RESIDUAL_GAP_IN), (_RESIDUAL_IN, _GAP_IN)]
    if electrons is not None:
        heights.append((_PLOT_IN, 0.0))
    axes, figure = _stacked(heights)
    if line is not None:
        _draw_line(axes[0], axes[1], line, found)
    if electrons is not None:
        _draw_histogram(axes[-1], electrons)
    return figure


def _stacked(heights: list[tuple[float, float]]) -> tuple[list[Axes], Figure]:
    """Axes above each other, each with its height and the gap beneath it, in."""
    used = sum(height + gap for height, gap in heights) - heights[-1][1]
    total = used + _TOP_IN + _BOTTOM_IN
    figure = Figure(figsize=(_WIDTH_IN, total))
    width = (_WIDTH_IN - _LEFT_IN - _RIGHT_IN) / _WIDTH_IN
    axes, top = [], total - _TOP_IN
    for height, gap in heights:
        box = (_LEFT_IN / _WIDTH_IN, (top - height) / total, width, height / total)
        axes.append(figure.add_axes(box))
        top -= height + gap
    return axes, figure


def _draw_line(upper: Axes, lower: Axes, line: TransferLine, found: Calibration) -> None:
    points = line.points
    used = points.mean <= line.linear_to_adu
    dark = points.stack == _DARK
    ends = np.array([points.mean.min(), points.mean.max()])
    upper.plot(ends, line.intercept_adu2 + line.slope_adu * ends, color=INK, lw=1.2, label="fit")
    for which, colour, label in (
        (used & ~dark, BLUE, "pixels of like brightness"),
        (used & dark, ORANGE, "dark frames"),
        (~used, VERMILION, "left out: not linear"),
    ):
        if which.any():
            upper.plot(
                points.mean[which], points.variance[which], "o", ms=4, color=colour, label=label
            )
            residual = points.variance - line.intercept_adu2 - line.slope_adu * points.mean
            pulls = residual[which] / line.residual_err[which]
            lower.plot(points.mean[which], pulls, "o", ms=3, color=colour)
    gain = found.quantities["adu_per_photoelectron"]
    said = (
        f": {gain.value:.4g} ± {gain.err:.2g} ADU per photoelectron"
        if isinstance(gain, Measured)
        else ""
    )
    upper.set_title(f"Photon transfer{said}", loc="left")
    upper.legend(loc="upper left")
    upper.tick_params(labelbottom=False)
    lower.axhline(0.0, color=INK, lw=0.8)
    lower.axhspan(-2.0, 2.0, color=GREY, alpha=0.15, lw=0)
    width = _WIDTH_IN - _LEFT_IN - _RIGHT_IN
    name_axes(upper, "", "variance (ADU²)", (width, _PLOT_IN))
    name_axes(lower, "mean (ADU)", "residual / error", (width, _RESIDUAL_IN))


def _draw_histogram(axes: Axes, electrons: SingleElectrons) -> None:
    histogram = electrons.histogram
    filled = histogram.counts > 0
    axes.plot(
        histogram.difference_adu[filled],
        histogram.counts[filled],
        ".",
        ms=3,
        color=BLUE,
        label="pixels",
    )
    shown = electrons.expected >= _LEAST_COUNT
    axes.plot(
        histogram.difference_adu[shown],
        electrons.expected[shown],
        color=VERMILION,
        lw=1.2,
        label="fit",
    )
    axes.set_yscale("log")
    axes.set_ylim(_LEAST_COUNT, 3 * histogram.counts.max())
    axes.set_title(
        f"Single electrons: {electrons.adu_per_electron:.4g} ADU each, {electrons.electrons:.3g} "
        "per pixel and frame",
        loc="left",
    )
    axes.legend(loc="upper right")
    width = _WIDTH_IN - _LEFT_IN - _RIGHT_IN
    name_axes(axes, "difference of two frames (ADU)", "pixels", (width, _PLOT_IN))
