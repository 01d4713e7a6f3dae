"""Bias and coverage of g2(0) under pulses, beside the ratio of windows.

Curves are drawn as Poisson counts of overlapping peaks and fitted knowing the period to 0.1 % at
most, and neither lifetime nor centre. The ratio is that of the coincidences within half a period of
zero delay to the mean of the same windows around the other peaks.
"""

import argparse
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.refusal import Refusal
from qdimage.photons.pulsed import pulsed_g2_zero

Array = NDArray[np.float64]

PERIOD_NS, BIN_NS, REACH_NS = 100.03, 0.512, 500.0


@dataclass(frozen=True)
class Case:
    """What is drawn: lifetimes and their shares in a peak, and how much higher near peaks are."""

    name: str
    g2_0: float
    lifetimes_ns: tuple[float, ...] = (40.0,)
    shares: tuple[float, ...] = (1.0,)
    near: float = 0.0


CASES = (
    Case("40 ns", 0.02),
    Case("40 ns, half", 0.5),
    Case("0.7 and 40 ns", 0.02, (0.7, 40.0), (0.1, 0.9)),
    Case("40 ns, bunched", 0.02, near=0.4),
)


def means(case: Case, edges: Array, peak: float, centre: float) -> Array:
    """Expected coincidences; in the central peak the slowest light follows the faster."""
    total = 0.002 * peak * np.diff(edges)
    for m in range(-40, 41):
        lags = edges - centre - m * PERIOD_NS
        parts = [
            np.diff(np.sign(lags) * (1 - np.exp(-np.abs(lags) / t)) / 2) for t in case.lifetimes_ns
        ]
        height = 1 + case.near * np.exp(-abs(m) * PERIOD_NS / 130.0)
        shape = parts[-1] if m == 0 else sum(s * p for s, p in zip(case.shares, parts, strict=True))
        total = total + peak * (case.g2_0 if m == 0 else height) * shape
    return np.asarray(total)


def window_ratio(counts: Array, edges: Array, centre: float) -> float:
    """Coincidences of the central period over those of the mean of the others."""
    cumulative = np.concatenate([[0.0], np.cumsum(counts)])
    starts = centre + PERIOD_NS * (np.arange(-4, 5) - 0.5)
    sums = np.interp(starts + PERIOD_NS, edges, cumulative) - np.interp(starts, edges, cumulative)
    return float(sums[4] / np.delete(sums, 4).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=100, help="curves in each cell")
    parser.add_argument("--peaks", type=float, nargs="+", default=[300.0, 3000.0, 30_000.0])
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    edges = np.arange(-REACH_NS, REACH_NS + BIN_NS / 2, BIN_NS)
    print(f"{asked.curves} curves in each cell; bias in standard deviations of one curve")
    print(
        f"{'case':>16} {'g2(0)':>6} {'peak':>7} {'95 %':>6} {'68 %':>6} {'mean':>8} {'bias/sd':>8} "
        f"{'width':>8} {'window':>7} {'refused':>8} {'ms':>6}"
    )
    for case in CASES:
        for peak in asked.peaks:
            print(row(case, edges, peak, asked.curves, asked.seed), flush=True)


def row(case: Case, edges: Array, peak: float, n_curves: int, seed: int) -> str:
    """One line of the table."""
    found, ratios, refused, begin = [], [], 0, perf_counter()
    for k in range(n_curves):
        rng = np.random.default_rng([seed, CASES.index(case), int(peak), k])
        centre = (-0.3, 0.05, 1.7)[k % 3]
        counts = rng.poisson(means(case, edges, peak, centre))
        ratios.append(window_ratio(counts.astype(np.float64), edges, centre))
        curve = G2Curve(edges, counts, np.ones(len(counts)), 1.0, 1, 1)
        answer = pulsed_g2_zero(curve, period_ns=PERIOD_NS * (1 + 1e-3 * (k % 2)))
        if isinstance(answer, Refusal):
            refused += 1
            continue
        found.append((answer.value, answer.low_68, answer.high_68, answer.low_95, answer.high_95))
    value, low_68, high_68, low_95, high_95 = np.array(found).T
    g2_0 = case.g2_0
    return (
        f"{case.name:>16} {g2_0:6.2f} {peak:7g} "
        f"{np.mean((low_95 <= g2_0) & (g2_0 <= high_95)):6.3f} "
        f"{np.mean((low_68 <= g2_0) & (g2_0 <= high_68)):6.3f} {value.mean():8.4f} "
        f"{(value.mean() - g2_0) / value.std():+8.2f} {np.median(high_95 - low_95):8.4f} "
        f"{np.mean(ratios):7.3f} {refused / n_curves:8.3f} "
        f"{1e3 * (perf_counter() - begin) / n_curves:6.0f}"
    )


if __name__ == "__main__":
    main()
