"""Coverage and width of the intervals of g2(0) on simulated correlation curves.

Curves of rate models and of a two-level emitter are drawn as Poisson counts and fitted without
knowing their shape or their centre. Beside them the same counts are fitted with the true shape
known, with free g2(0), stretch and plateau: widths are given relative to that.
"""

import argparse
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.refusal import Refusal
from qdimage.numerics.hull import hull
from qdimage.photons.dip import LEVEL_95, g2_zero
from qdimage.photons.dip_groups import grouped
from qdimage.photons.dip_options import DipOptions
from qdimage.rates.coulomb import exponential
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.pl import pl_model
from qdimage.rates.solution import solve

Array = NDArray[np.float64]
Shape = Callable[[Array], Array]

DOT = DotParameters()
X41 = 0.46284401059920
PLATEAUS = (1.5, 5.0, 20.0, 100.0, 1000.0)
BIN_NS, REACH_NS, FWHM_NS = 0.5, 500.0, 0.5
TRUTHS = (
    "el 16.8 16.8",
    "el 25 25",
    "el 83.3 83.3",
    "el 20 60",
    "el 60 20",
    "pl 1",
    "pl 25",
    "two-level",
)
# Sums of exponentials, weight/time in ns: two emitters, a slow shoulder, light without a dip.
OTHERS = ("dip 0.5/20", "dip 1.1/15 -0.2/120", "dip 0/25")
_ONE_PARAMETER_95 = 3.84
# Curves of a cell that are also fitted with the true shape: enough for a median width.
_MOST_KNOWN = 200


@dataclass(frozen=True)
class Trial:
    """One curve: its intervals, None where refused, and the width with the true shape known."""

    interval: tuple[float, float, float, float, float] | None
    known_width: float
    seconds: float
    components: int = 0


@cache
def shape_of(truth: str) -> tuple[float, Shape]:
    """g2(0), and the way from there to 1 as a function of |delay| in ns, from 0 to 1."""
    kind, *rates = truth.split()
    if kind == "two-level":
        return 0.0, lambda t: 1.0 - np.exp(-np.abs(t) / 25.0)
    if kind == "dip":
        return _sum_of_exponentials(rates)
    if kind == "pl":
        model = pl_model(DOT, pump_per_us=float(rates[0]))
    else:
        model = el_model(
            DOT,
            electron_per_us=float(rates[0]),
            hole_per_us=float(rates[1]),
            coulomb=exponential(X41),
            carriers=4,
        )
    lags = np.concatenate([np.arange(0.0, 5.0, 0.05), np.geomspace(5.0, 3000.0, 300)])
    values = solve(model).g2(lags)
    spline = CubicSpline(lags, (values - values[0]) / (1.0 - values[0]))
    return float(values[0]), lambda t: np.asarray(spline(np.minimum(np.abs(t), 3000.0)))


def _sum_of_exponentials(parts: list[str]) -> tuple[float, Shape]:
    weights, times = np.array([[float(x) for x in part.split("/")] for part in parts]).T
    depth = float(weights.sum())

    def shape(lag: Array) -> Array:
        left = weights @ np.exp(-np.abs(np.ravel(lag)) / times[:, np.newaxis])
        return np.asarray(1.0 - left.reshape(np.shape(lag)) / (depth or 1.0))

    return 1.0 - depth, shape


def blurred_means(shape: Shape, edges: Array, centre: float, stretch: float) -> Array:
    """Bin means of a shape seen through the detectors' response, by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(4)
    offsets = np.linspace(-4.0, 4.0, 33) * FWHM_NS / 2.3548
    response = np.exp(-0.5 * np.linspace(-4.0, 4.0, 33) ** 2)
    response /= response.sum()
    middle, half = (edges[:-1] + edges[1:]) / 2, np.diff(edges) / 2
    total = np.zeros(len(middle))
    for node, weight in zip(nodes, weights, strict=True):
        at = middle + half * node - centre
        for offset, share in zip(offsets, response, strict=True):
            total += weight / 2 * share * shape((at + offset) / stretch)
    return total


def known_shape_width(counts: Array, edges: Array, truth: str, centre: float) -> float:
    """Width of the 95 % profile interval with the true shape known."""
    exposure = np.diff(edges) / BIN_NS
    g2_0, _ = shape_of(truth)
    rising, by_stretch = _known_basis(truth, round(centre, 6), edges.tobytes())
    level = counts.sum() / (exposure * (g2_0 + (1 - g2_0) * rising)).sum()

    def fitted(value: float) -> float:
        plateau, stretch, best = level, 0.0, np.inf
        for _ in range(12):
            now = np.maximum(rising + stretch * by_stretch, 0.0)
            mean = np.maximum(plateau * exposure * (value + (1 - value) * now), 1e-6)
            rows = np.stack([mean / plateau, plateau * exposure * (1 - value) * by_stretch])
            best = min(best, 2 * float(np.sum(mean - counts * np.log(mean))))
            step = np.linalg.solve((rows / mean) @ rows.T, (rows / mean) @ (counts - mean))
            plateau, stretch = plateau + step[0], stretch + step[1]
        return best

    spread = _known_spread(rising, by_stretch, exposure, g2_0, level)
    values = np.linspace(max(0.0, g2_0 - 6 * spread), g2_0 + 6 * spread, 25)
    low, high = hull(values, np.array([fitted(v) for v in values]), _ONE_PARAMETER_95)
    return high - low


@cache
def _known_basis(truth: str, centre: float, edges: bytes) -> tuple[Array, Array]:
    bins = np.frombuffer(edges)
    _, shape = shape_of(truth)
    low, middle, high = (blurred_means(shape, bins, centre, s) for s in (0.98, 1.0, 1.02))
    return middle, (high - low) / 0.04


def _known_spread(
    rising: Array, by_stretch: Array, exposure: Array, g2_0: float, level: float
) -> float:
    mean = np.maximum(level * exposure * (g2_0 + (1 - g2_0) * rising), 1e-6)
    rows = np.stack(
        [
            level * exposure * (1 - rising),
            mean / level,
            level * exposure * (1 - g2_0) * by_stretch,
        ]
    )
    return float(np.sqrt(np.linalg.inv((rows / mean) @ rows.T)[0, 0]))


@cache
def _means(truth: str, centre: float) -> tuple[Array, Array]:
    edges = np.arange(-REACH_NS, REACH_NS + BIN_NS / 2, BIN_NS)
    g2_0, shape = shape_of(truth)
    return edges, g2_0 + (1 - g2_0) * blurred_means(shape, edges, centre, 1.0)


# Four phases of the centre within a bin, and a delay of the channels.
CENTRES = (-0.5, 0.0, 0.12, 1.31)


def tried(truth: str, plateau: float, rising: bool, seed: int, known: bool) -> Trial:
    """Simulate and fit one curve, and again with the true shape if `known`."""
    rng = np.random.default_rng([seed, (*TRUTHS, *OTHERS).index(truth), int(10 * plateau)])
    centre = CENTRES[seed % len(CENTRES)]
    edges, means = _means(truth, centre)
    counts = rng.poisson(plateau * means)
    curve = G2Curve(edges, counts, np.full(len(counts), plateau), 1.0, 1, 1)
    begin = perf_counter()
    found = g2_zero(curve, options=DipOptions(rising=rising), response_fwhm_ns=FWHM_NS)
    seconds = perf_counter() - begin
    groups, sums, _ = grouped(edges, counts.astype(np.float64), np.ones(len(counts)), centre)
    # Without a dip no width of one is known.
    known = known and shape_of(truth)[0] < 1.0
    width = known_shape_width(sums, groups, truth, centre) if known else float("nan")
    if isinstance(found, Refusal):
        return Trial(None, width, seconds)
    return Trial(
        (found.value, found.low_68, found.high_68, found.low_95, found.high_95),
        width,
        seconds,
        found.components,
    )


def _tried(asked: tuple[str, float, bool, int, bool]) -> Trial:
    return tried(*asked)


def row(truth: str, plateau: float, trials: list[Trial]) -> str:
    """One line of the table."""
    g2_0, _ = shape_of(truth)
    kept = [each for each in trials if each.interval is not None]
    value, low_68, high_68, low_95, high_95 = np.array([each.interval for each in kept]).T
    width = high_95 - low_95
    known = np.nanmedian([each.known_width for each in trials])
    return (
        f"{truth:>19} {g2_0:7.4f} {plateau:7g} "
        f"{np.mean((low_95 <= g2_0) & (g2_0 <= high_95)):6.3f} "
        f"{np.mean((low_68 <= g2_0) & (g2_0 <= high_68)):6.3f} "
        f"{np.mean(value) - g2_0:+9.4f} {np.median(value) - g2_0:+9.4f} {np.median(width):8.4f} "
        f"{np.median(width) / known:7.2f} {1 - len(kept) / len(trials):8.3f} "
        f"{np.mean([each.components for each in kept]):5.2f} "
        f"{1e3 * np.median([each.seconds for each in trials]):6.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=60, help="curves in each cell")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--plateaus", type=float, nargs="+", default=list(PLATEAUS))
    parser.add_argument("--truths", nargs="+", default=[*TRUTHS, *OTHERS])
    parser.add_argument("--rising", action="store_true", help="assume that g2 does not fall")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begin = perf_counter()
    print(f"hull of Q - min Q <= {LEVEL_95:g}; {asked.curves} curves in each cell")
    print(
        f"{'truth':>19} {'g2(0)':>7} {'plateau':>7} {'95 %':>6} {'68 %':>6} {'bias':>9} "
        f"{'median':>9} {'width':>8} {'/known':>7} {'refused':>8} {'K':>5} {'ms':>6}"
    )
    with ProcessPoolExecutor(asked.workers) as pool:
        for plateau in asked.plateaus:
            for truth in asked.truths:
                seeds = range(asked.seed, asked.seed + asked.curves)
                jobs = [
                    (truth, plateau, asked.rising, seed, index < _MOST_KNOWN)
                    for index, seed in enumerate(seeds)
                ]
                trials = list(pool.map(_tried, jobs, chunksize=max(1, asked.curves // 8)))
                print(row(truth, plateau, trials), flush=True)
    print(f"\n{perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
