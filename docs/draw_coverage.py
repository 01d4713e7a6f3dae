"""Draw how often intervals hold, from the figures that benchmarks measured (`docs/measured`).

Run it in qdimage's environment: ``.qd/env/bin/python docs/draw_coverage.py``. Each picture has the
name of its table and goes to `docs/images`.
"""

import csv
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta

HERE = Path(__file__).resolve().parent
MEASURED, IMAGES = HERE / "measured", HERE / "images"

_DARK, _LIGHT, _GREY = "#b3261e", "#3f6fb5", "#8a8a8a"
_COLOURS = (_DARK, _LIGHT, "#2a9d4a", "#a05ab0", "#c98a00", "#4a4a4a", "#1aa5b8", "#d0619f")
_STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "qdimage",
    "svg.fonttype": "path",
}
Rows = list[dict[str, str]]


def read(name: str) -> Rows:
    """The rows of a table in `docs/measured`."""
    with (MEASURED / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def column(rows: Rows, name: str) -> np.ndarray:
    """A column as numbers."""
    return np.array([float(row[name]) for row in rows])


def exact(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Ends of the exact 95 % interval of shares k of n, as distances from k / n."""
    low = np.where(k > 0, beta.ppf(0.025, np.maximum(k, 1e-9), n - k + 1), 0.0)
    high = np.where(k < n, beta.ppf(0.975, k + 1, np.maximum(n - k, 1e-9)), 1.0)
    return np.maximum(np.stack([k / n - low, high - k / n]), 0.0)


def _nominal(axes: Axes, *levels: float) -> None:
    for level in levels:
        axes.axhline(level, color=_GREY, linewidth=1, linestyle="--", zorder=0)


def _coverage_axis(axes: Axes, low: float = 0.6) -> None:
    axes.set_ylim(low, 1.01)
    axes.set_ylabel("share of intervals that hold")


def _shares(axes: Axes, x: np.ndarray, share: np.ndarray, n: np.ndarray, **more: object) -> None:
    off = exact(np.round(share * n), n)
    axes.errorbar(x, share, yerr=off, fmt="o", capsize=3, markersize=5, **more)


def g2_coverage(rows: Rows) -> Figure:
    """95 and 68 % intervals of g2(0) against counts, lowest and highest of eight shapes."""
    figure = Figure((7.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    counts = column(rows, "counts_per_bin")
    for level, colour in ((95, _DARK), (68, _LIGHT)):
        low, high = column(rows, f"low_{level}"), column(rows, f"high_{level}")
        left.vlines(counts, low, high, color=colour, linewidth=6, alpha=0.8, label=f"{level} %")
    _nominal(left, 0.95, 0.68)
    _coverage_axis(left)
    right.vlines(
        counts, column(rows, "narrowest"), column(rows, "widest"), color=_DARK, linewidth=6
    )
    _nominal(right, 1.0)
    right.set_ylim(0, 4)
    right.set_ylabel("width / width if the shape were known")
    for axes in (left, right):
        axes.set_xscale("log")
        axes.set_xlabel("coincidences in a bin")
    left.legend(title="interval", frameon=False, loc="lower right")
    return figure


def rate_fit(rows: Rows) -> Figure:
    """Intervals of the injection rate, with the ratio of electrons and holes known or free."""
    figure = Figure((7.2, 3.2), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, fit in zip(panels, ("balanced", "free"), strict=True):
        chosen = [row for row in rows if row["fit"] == fit]
        x, n = np.arange(len(chosen)), column(chosen, "curves")
        for level, colour in ((95, _DARK), (68, _LIGHT)):
            _shares(
                axes, x, column(chosen, f"coverage_{level}"), n, color=colour, label=f"{level} %"
            )
        _nominal(axes, 0.95, 0.68)
        axes.set_xticks(x, [row["rate_per_us"] for row in chosen])
        axes.set_xlim(-0.5, len(x) - 0.5)
        axes.set_xlabel("injection rate (1/us)")
        axes.set_title(f"{fit} injection", fontsize=10)
    _coverage_axis(panels[0])
    panels[0].legend(title="interval", frameon=False, loc="center right")
    return figure


def decays(rows: Rows) -> Figure:
    """Intervals of lifetimes."""
    figure = Figure((7.2, 4.0), layout="constrained")
    axes = figure.subplots()
    y = np.arange(len(rows))[::-1].astype(float)
    n = column(rows, "curves")
    for level, colour in ((95, _DARK), (68, _LIGHT)):
        share = column(rows, f"coverage_{level}")
        off = exact(np.round(share * n), n)
        axes.errorbar(
            share, y, xerr=off, fmt="o", capsize=3, markersize=5, color=colour, label=f"{level} %"
        )
        axes.axvline(level / 100, color=_GREY, linewidth=1, linestyle="--", zorder=0)
    axes.set_yticks(
        y,
        [f"{row['truth']}, {row['photons']} photons, {row['period_ns']} ns" for row in rows],
        fontsize=9,
    )
    axes.set_xlabel("share of intervals that hold")
    axes.set_xlim(0.5, 1.01)
    axes.legend(title="interval", frameon=False, loc="upper center", bbox_to_anchor=(0.65, 1.0))
    return figure


def turn_on(rows: Rows) -> Figure:
    """Coverage and bias of the turn-on fraction against the density of dots."""
    figure = Figure((7.2, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    kinds = {"log-normal": ("Gaussian spots", _DARK), "other": ("other laws, Airy spots", _LIGHT)}
    for shift, (kind, (label, colour)) in zip((-0.07, 0.07), kinds.items(), strict=True):
        chosen = [row for row in rows if row["kind"] == kind]
        x = np.arange(len(chosen)) + shift
        # Some four voltages of a field are judged, which are not independent: fields count.
        n = column(chosen, "fields")
        _shares(left, x, column(chosen, "covers"), n, color=colour, label=label)
        right.errorbar(
            x,
            column(chosen, "bias"),
            yerr=1.96 * column(chosen, "bias_err"),
            fmt="o",
            capsize=3,
            markersize=5,
            color=colour,
            label=label,
        )
        for axes in (left, right):
            axes.set_xticks(np.arange(len(chosen)), [row["density_per_um2"] for row in chosen])
            axes.set_xlabel("dots per square micrometre")
    _nominal(left, 0.95)
    _nominal(right, 0.0)
    _coverage_axis(left, 0.85)
    right.set_ylim(-0.05, 0.05)
    right.set_ylabel("bias of the fraction")
    right.legend(frameon=False, loc="upper left")
    return figure


def lit(rows: Rows) -> Figure:
    """How often darkness is called lit, where 1 % is asked for."""
    figure = Figure((7.2, 5.2), layout="constrained")
    axes = figure.subplots()
    y = np.arange(len(rows))[::-1].astype(float)
    for shift, part, colour, label in (
        (0.13, "dark", _DARK, "dark dots"),
        (-0.13, "blank", _LIGHT, "blank places"),
    ):
        axes.errorbar(
            100 * column(rows, f"{part}_share"),
            y + shift,
            xerr=196 * column(rows, f"{part}_err"),
            fmt="o",
            capsize=2,
            markersize=4,
            color=colour,
            label=label,
        )
    axes.axvline(1.0, color=_GREY, linewidth=1, linestyle="--", zorder=0)
    labels = [f"{row['condition']}, {row['density_per_um2']} / um$^2$" for row in rows]
    axes.set_yticks(y, labels, fontsize=9)
    axes.set_xlim(left=-0.2)
    axes.set_xlabel("called lit (%); bars are 95 %")
    axes.legend(frameon=False)
    return figure


def registration_pairs(rows: Rows) -> Figure:
    """Share of channels that are registered, against the dots that both show."""
    figure = Figure((6.0, 3.2), layout="constrained")
    axes = figure.subplots()
    x = np.arange(len(rows))
    k, n = column(rows, "registered"), column(rows, "channels")
    _shares(axes, x, k / n, n, color=_DARK)
    for place, row in zip(x, rows, strict=True):
        axes.annotate(
            f"{row['registered']} of {row['channels']}", (place, 0.03), ha="center", size=8
        )
    axes.set_xticks(x, [row["pairs"] for row in rows])
    axes.set_xlim(-0.6, len(x) - 0.4)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("dots found in both channels")
    axes.set_ylabel("share registered")
    return figure


def registration_chance(rows: Rows) -> Figure:
    """Share of unrelated lists of dots whose best agreement looks rarer than stated."""
    figure = Figure((6.0, 3.6), layout="constrained")
    axes = figure.subplots()
    level = np.unique(column(rows, "chance_p"))
    axes.plot(level, level, color=_GREY, linestyle="--", linewidth=1, label="what is allowed")
    for kind, colour in (("uniform", _DARK), ("clustered", _LIGHT)):
        chosen = [row for row in rows if row["dots"] == kind]
        k, n = column(chosen, "below"), column(chosen, "pairs")
        upper = beta.ppf(0.95, k + 1, n - k)
        x = column(chosen, "chance_p")
        axes.plot(x, upper, "v-", color=colour, linewidth=1, label=f"{kind} dots, 95 % upper limit")
        if (k > 0).any():
            axes.plot(x[k > 0], (k / n)[k > 0], "o", color=colour, label=f"{kind} dots, seen")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("chance_p")
    axes.set_ylabel("share of unrelated pairs below it")
    axes.legend(frameon=False, fontsize=9)
    return figure


def population(rows: Rows) -> Figure:
    """Coverage of the share below a limit over all shapes, and the width that it costs."""
    figure = Figure((7.2, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    errors = np.unique(column(rows, "err"))
    for shift, (n, colour) in enumerate((("9", _GREY), ("30", _LIGHT), ("100", _DARK))):
        cells = [
            [row for row in rows if row["dots"] == n and float(row["err"]) == err] for err in errors
        ]
        trials = np.array([column(cell, "trials").sum() for cell in cells])
        held = np.array(
            [(column(cell, "coverage") * column(cell, "trials")).sum() for cell in cells]
        )
        x = np.arange(len(errors)) + 0.15 * (shift - 1)
        _shares(left, x, held / trials, trials, color=colour, label=f"{n} dots")
        width = np.array([column(cell, "width").mean() for cell in cells])
        right.plot(x, width, "o-", color=colour, markersize=5, label=f"{n} dots")
    for axes in (left, right):
        axes.set_xticks(np.arange(len(errors)), [f"{err:g}" for err in errors])
        axes.set_xlabel("error of each g2(0)")
    _nominal(left, 0.95)
    _coverage_axis(left, 0.8)
    right.set_ylim(0, 1.05)
    right.set_ylabel("width of the 95 % interval")
    right.legend(frameon=False, fontsize=9)
    return figure


def spectra(rows: Rows) -> Figure:
    """Errors of peak and width in units of the bound, and pulls, of five detectors."""
    figure = Figure((7.2, 5.0), layout="constrained")
    panels = figure.subplots(2, 2, sharex=True, sharey=True)
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    parts = ("peak_over_bound", "width_over_bound", "peak_pull", "width_pull")
    titles = ("peak: error / bound", "width: error / bound", "peak: pull", "width: pull")
    for axes, part, title in zip(panels.ravel(), parts, titles, strict=True):
        # What the chance of so many draws makes of a ratio of 1.
        spread = 1.96 / np.sqrt(2 * column(rows, "draws").min())
        axes.axhspan(1 - spread, 1 + spread, color=_GREY, alpha=0.2, linewidth=0)
        for detector, colour, marker in zip(detectors, _COLOURS, "os^vD", strict=False):
            chosen = [row for row in rows if row["detector"] == detector]
            axes.plot(
                column(chosen, "counts"),
                column(chosen, part),
                f"{marker}-",
                color=colour,
                markersize=4,
                linewidth=1,
                label=detector,
            )
        _nominal(axes, 1.0)
        axes.set_xscale("log")
        axes.set_title(title, fontsize=10)
    for axes in panels[1]:
        axes.set_xlabel("counts of the line")
    panels[0, 0].set_ylim(0.6, 1.6)
    panels[0, 1].legend(frameon=False, fontsize=8)
    return figure


def localization(rows: Rows) -> Figure:
    """Errors of position over the bound, and the bias of photons, by kind of spot."""
    figure = Figure((8.0, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    cells = list(dict.fromkeys((row["photons"], row["background"]) for row in rows))
    spots = list(dict.fromkeys(row["spots"] for row in rows))
    for k, (spot, colour, marker) in enumerate(zip(spots, _COLOURS, "os^vDPX*", strict=False)):
        chosen = [row for row in rows if row["spots"] == spot]
        y = np.array([cells.index((row["photons"], row["background"])) for row in chosen])
        y = y + 0.11 * (k - (len(spots) - 1) / 2)
        for axes, part in ((left, "rms_over_bound"), (right, "flux_bias_percent")):
            axes.plot(
                column(chosen, part),
                y,
                marker,
                color=colour,
                markersize=4,
                linestyle="",
                label=spot,
            )
    left.set_yticks(np.arange(len(cells)), [f"{n} photons on {b}" for n, b in cells], fontsize=9)
    left.invert_yaxis()
    left.axvline(1.0, color=_GREY, linewidth=1, linestyle="--", zorder=0)
    right.axvline(0.0, color=_GREY, linewidth=1, linestyle="--", zorder=0)
    left.set_xlabel("error of position / bound")
    left.set_xlim(0.85, 1.25)
    right.set_xlabel("bias of photons (%)")
    handles, labels = right.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8)
    return figure


FIGURES: dict[str, Callable[[Rows], Figure]] = {
    each.__name__: each
    for each in (
        localization,
        registration_pairs,
        registration_chance,
        lit,
        turn_on,
        g2_coverage,
        decays,
        rate_fit,
        population,
        spectra,
    )
}


def draw(name: str, folder: Path) -> Path:
    """Draw one figure from its table."""
    with mpl.rc_context(_STYLE):
        figure = FIGURES[name](read(name))
        path = folder / f"coverage_{name}.svg"
        figure.savefig(path, metadata={"Date": None})
    return path


if __name__ == "__main__":
    for each in FIGURES:
        print(draw(each, IMAGES))
