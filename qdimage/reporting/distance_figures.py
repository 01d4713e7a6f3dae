"""Distances from EL localizations to the nearest PL dot, against what chance would give."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from qdimage.reporting.content import Array, Content, numbers
from qdimage.reporting.panels import panel_grid
from qdimage.reporting.plots import name_axes, plain_log
from qdimage.reporting.style import BLUE, GREY, INK, ORANGE
from qdimage.reporting.words import count, volts

if TYPE_CHECKING:
    import pandas as pd

_BINS_PER_DECADE = 6
_SHORTEST_PX, _LONGEST_PX = 0.003, 3000.0
_ASPECT = 0.72


def draw_distances(content: Content, device: str) -> Figure | None:
    """Return a histogram for each voltage of a device; None where nothing was matched."""
    matches = content.of_device("matches", device)
    matches = matches[matches["distance_px"].notna()]
    voltages = sorted(set(numbers(matches, "voltage_v")))
    if not voltages:
        return None
    grid = panel_grid(
        len(voltages),
        aspect=_ASPECT,
        foot_in=0.58,
        legend_in=0.42,
        left_in=0.58,
        most_columns=2 if len(voltages) <= 6 else 4,
    )
    grid.title(
        device,
        ": distance of EL to the nearest PL dot",
        "all fields; bins of equal width on the logarithmic axis",
    )
    edges = _edges(matches)
    for index, voltage in enumerate(voltages):
        axes = grid.panel(index)
        at = matches[matches["voltage_v"] == voltage]
        _histogram(axes, edges, numbers(at, "distance_px"), numbers(at, "chance_density_per_px2"))
        _gates(axes, numbers(at, "gate_px"))
        axes.set_title(f"EL at {volts(voltage)}", loc="left")
        n = count(len(at), "localization")
        axes.set_title(n, loc="right", fontsize=10, fontweight="normal")
        name_axes(axes, "distance (px)", "localizations per bin", grid.panel_in, 0.45)
    grid.legend(*axes.get_legend_handles_labels())
    return grid.figure


def _edges(matches: "pd.DataFrame") -> Array:
    """Bins from the closest pair to beyond the gate and what chance gives."""
    distances = numbers(matches, "distance_px")
    densities = numbers(matches, "chance_density_per_px2")
    by_chance = 2.0 / np.sqrt(np.pi * densities[densities > 0])
    gates = numbers(matches, "gate_px")
    farthest = np.concatenate([distances, by_chance, 2.0 * gates[np.isfinite(gates)]]).max()
    low = max(float(distances.min()), _SHORTEST_PX)
    high = min(max(float(farthest), 10 * low), _LONGEST_PX)
    first = np.floor(np.log10(low) * _BINS_PER_DECADE)
    last = np.ceil(np.log10(high) * _BINS_PER_DECADE + 1e-9)
    return np.asarray(10 ** (np.arange(first, last + 1) / _BINS_PER_DECADE))


def expected_by_chance(edges: Array, densities: Array) -> Array:
    """Return how many localizations chance puts into each bin of distance.

    A place without relation to the PL dots, of density rho, has its nearest one at a distance r
    with the probability density 2 pi r rho exp(-pi rho r^2): integrated over the bin, and added up
    over the localizations.
    """
    known = densities[np.isfinite(densities)]
    farther = np.exp(-np.pi * known[:, np.newaxis] * edges[np.newaxis] ** 2)
    return np.asarray((farther[:, :-1] - farther[:, 1:]).sum(axis=0))


def _histogram(axes: Axes, edges: Array, distances: Array, densities: Array) -> None:
    clipped = np.clip(distances, edges[0], edges[-1])
    counts, _ = np.histogram(clipped, edges)
    axes.stairs(counts, edges, fill=True, color=BLUE, alpha=0.85, label="found")
    axes.stairs(
        expected_by_chance(edges, densities),
        edges,
        color=ORANGE,
        lw=2.2,
        label="expected if EL and PL were unrelated",
        baseline=None,
    )
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.xaxis.set_minor_locator(NullLocator())
    plain_log(axes.xaxis)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))


def _gates(axes: Axes, gates: Array) -> None:
    known = gates[np.isfinite(gates)]
    if not len(known):
        return
    axes.axvspan(float(known.min()), float(known.max()), color=GREY, alpha=0.18, lw=0)
    axes.axvline(
        float(np.median(known)), color=INK, lw=1.2, ls=(0, (4, 2)), label="gate (median, range)"
    )
