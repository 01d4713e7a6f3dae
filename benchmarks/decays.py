"""Lifetimes of simulated decays: number of exponentials, coverage, bias beside least squares.

Photons are drawn one by one (0.5 ns Gaussian response, 2 % background) and fitted without knowing
where the pulse is. `too few` and `too many` are shares of curves with a wrong number of
exponentials; coverage, bias (in standard deviations) and width are of the curves with the
right number. Beside them single exponentials are fitted by Neyman's least squares, with
1/max(counts, 1) as weights, in the same bins and with the same model.
"""

import argparse
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from qdimage.domain.decay import Decay, DecayFit
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.photons.decay import fit_decay
from qdimage.photons.decay_options import DecayOptions
from qdimage.photons.decay_shape import N_COLUMNS, VALUE, Pulse, fill_decay

Array = NDArray[np.float64]

FWHM_NS, PLACE_NS, BACKGROUND, BIN_NS = 0.5, 7.33, 0.02, 0.1
SIGMA_NS = FWHM_NS / FWHM_PER_SIGMA
TRUTHS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "0.7+40": ((0.7, 40.0), (0.1, 0.9)),
    "4+40": ((4.0, 40.0), (0.2, 0.8)),
    "40": ((40.0,), (1.0,)),
}
PERIODS = (100.0, 400.0)
COUNTS = (1e3, 1e4, 1e5, 1e6)
OPTIONS = DecayOptions()


def drawn(rng: np.random.Generator, truth: str, period: float, n: float) -> Decay:
    """One decay."""
    lifetimes, shares = TRUTHS[truth]
    size = rng.poisson(n * (1 - BACKGROUND))
    which = rng.choice(len(lifetimes), size, p=shares)
    late = rng.exponential(np.array(lifetimes)[which]) + rng.normal(0, SIGMA_NS, size)
    flat = rng.uniform(0, period, rng.poisson(n * BACKGROUND))
    edges = np.arange(round(period / BIN_NS) + 1, dtype=np.float64) * BIN_NS
    counts = np.histogram(np.concatenate([(PLACE_NS + late) % period, flat]), edges)[0]
    return Decay(edges, counts.astype(np.int64), period)


def by_least_squares(decay: Decay, period: float) -> float:
    """Lifetime of a single exponential by Neyman's least squares, started at the truth."""
    pulse = Pulse(period, False, np.array([0.0, 1.0]), np.zeros(1), np.zeros(2))
    counts = decay.counts.astype(np.float64)
    weight, columns = 1 / np.sqrt(np.maximum(counts, 1.0)), np.empty((N_COLUMNS, len(counts)))
    total = counts.sum()

    def residuals(at: Array) -> Array:
        fill_decay(pulse, decay.edges_ns, 40 * np.exp(at[0]), PLACE_NS, SIGMA_NS, columns)
        levels = total * (at[1] * columns[VALUE] + at[2] / len(counts))
        return np.asarray((counts - levels) * weight)

    found = least_squares(residuals, [0.0, 1 - BACKGROUND, BACKGROUND], x_scale=[0.1, 0.1, 0.02])
    return float(40 * np.exp(found.x[0]))


def row(truth: str, period: float, n: float, curves: int, seed: int) -> str:
    """One line of the table."""
    lifetimes, shares = TRUTHS[truth]
    rng = np.random.default_rng(seed)
    k = len(lifetimes)
    numbers: list[int] = []
    values: list[list[tuple[float, ...]]] = []
    squares: list[float] = []
    p_values: list[float] = []
    begin = perf_counter()
    for index in range(curves):
        decay = drawn(rng, truth, period, n)
        found = fit_decay(decay, response_fwhm_ns=FWHM_NS, options=OPTIONS)
        if not isinstance(found, DecayFit):
            numbers.append(0)
            continue
        numbers.append(len(found.components))
        p_values.append(found.p_value)
        if len(found.components) == k:
            values.append(
                [
                    (e.value, e.low_68, e.high_68, e.low_95, e.high_95)
                    for part in found.components
                    for e in (part.lifetime_ns, part.share)
                ]
            )
        if k == 1 and index < curves // 5:
            squares.append(by_least_squares(decay, period))
    seconds = (perf_counter() - begin) / curves
    chosen = np.array(numbers)
    head = f"{truth:>7} {period:5g} {n:8g} {np.mean(chosen < k):7.3f} {np.mean(chosen > k):8.3f} "
    tails = []
    all_of_them = np.array(values)
    for i, (life, share) in enumerate(zip(lifetimes, shares, strict=True)):
        for j, true in ((2 * i, life), (2 * i + 1, share)):
            if j % 2 and (k == 1 or i):
                continue
            name = f"share {true:g}" if j % 2 else f"{true:g} ns"
            if len(values) < 20:
                tails.append(f"{name:>10} (too few curves)")
                continue
            value, low, high, low_95, high_95 = all_of_them[:, j].T
            tails.append(
                f"{name:>10} {np.mean((low <= true) & (true <= high)):6.3f} "
                f"{np.mean((low_95 <= true) & (true <= high_95)):6.3f} "
                f"{(np.mean(value) - true) / np.std(value):+7.2f} "
                f"{(np.median(value) - true) / true:+9.4f} {np.std(value) / true:8.4f}"
            )
    if squares:
        tails.append(
            f"least squares: bias {np.mean(squares) / 40 - 1:+.4f}, "
            f"{(np.mean(squares) - 40) / np.std(all_of_them[:, 0, 0]):+.1f} standard deviations"
        )
    end = f"   p < 0.05: {np.mean(np.array(p_values) < 0.05):.3f}, {1e3 * seconds:.0f} ms a curve"
    return (
        "\n".join(head + tail if i == 0 else " " * len(head) + tail for i, tail in enumerate(tails))
        + end
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--curves", type=int, default=300, help="curves in each cell")
    parser.add_argument("--counts", type=float, nargs="+", default=list(COUNTS))
    parser.add_argument("--periods", type=float, nargs="+", default=list(PERIODS))
    parser.add_argument("--truths", nargs="+", default=list(TRUTHS))
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print(
        f"{'truth':>7} {'ns':>5} {'photons':>8} {'too few':>7} {'too many':>8} {'of':>10} "
        f"{'68 %':>6} {'95 %':>6} {'bias/sd':>7} {'median':>9} {'sd':>8}"
    )
    for n in asked.counts:
        for period in asked.periods:
            for truth in asked.truths:
                print(row(truth, period, n, asked.curves, asked.seed), flush=True)


if __name__ == "__main__":
    main()
