"""How often the intervals of a population hold: `./qd bench population`.

Dots are drawn from populations of several shapes, measured with normal errors, and the share below
a limit is estimated. Printed are the coverage of the 95 % interval of the population's share, of
the interval of the number among the measured dots, the share's mean width and bias, and beside the
bias of the expected number that of the plain count of values below the limit. With `--limit-err`
the limit is a measured one too.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.population import G2Values, Limit, ShareBelow
from qdimage.photons.population_limit import given_limit
from qdimage.photons.population_share import share_below

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Array]

LIMIT = 0.07
NUMBERS, ERRORS = (9, 30, 100), (0.005, 0.02, 0.05, 0.1)
# Errors differ from dot to dot by this much, in logarithm.
ERROR_SPREAD = 0.3


def two_kinds(rng: np.random.Generator, n: int) -> Array:
    few = rng.random(n) < 0.3
    return np.where(few, rng.lognormal(np.log(0.045), 0.1, n), rng.lognormal(np.log(0.14), 0.2, n))


SHAPES: dict[str, Draw] = {
    "gamma": lambda rng, n: rng.gamma(4.0, 0.03, n),
    "lognormal": lambda rng, n: rng.lognormal(np.log(0.1), 0.6, n),
    "two kinds": two_kinds,
    "two points": lambda rng, n: np.where(rng.random(n) < 0.6, 0.1, 0.05),
    "at the limit": lambda rng, n: rng.lognormal(np.log(0.08), 0.15, n),
    "half normal": lambda rng, n: np.abs(rng.normal(0.0, 0.08, n)),
    "all above": lambda rng, n: 0.075 + rng.gamma(2.0, 0.02, n),
    "all below": lambda rng, n: 0.06 * rng.random(n),
}


def measured(rng: np.random.Generator, true: Array, err: Array) -> G2Values:
    """Values that are known not to be negative, with likelihood intervals."""
    x = rng.normal(true, err)
    value = np.maximum(x, 0.0)

    def reach(level: float) -> Array:
        return np.sqrt(level * err**2 + (value - x) ** 2)

    low_68, low_95 = (np.maximum(x - reach(level), 0.0) for level in (1.0, 3.84))
    return G2Values(value, low_68, x + reach(1.0), low_95, x + reach(3.84))


def run_cell(draw: Draw, n: int, err: float, limit_err: float, trials: int) -> str:
    rng = np.random.default_rng([n, round(1e4 * err), round(1e4 * limit_err)])
    share = float(np.mean(draw(np.random.default_rng(0), 2_000_000) < LIMIT))
    covered = counted = 0
    widths, biases, of_number, of_count = [], [], [], []
    start = perf_counter()
    for _ in range(trials):
        true = draw(rng, n)
        values = measured(rng, true, err * np.exp(rng.normal(0.0, ERROR_SPREAD, n)))
        found = share_below(values, _limit(rng, limit_err))
        if not isinstance(found, ShareBelow):
            raise RuntimeError(found.reason)
        n_below = int(np.sum(true < LIMIT))
        covered += int(found.low <= share <= found.high)
        counted += int(found.expected_low <= n_below <= found.expected_high)
        widths.append(found.high - found.low)
        biases.append(found.share - share)
        of_number.append((found.expected - n_below) / n)
        of_count.append(float(np.mean(values.value < LIMIT)) - n_below / n)
    each_ms = 1e3 * (perf_counter() - start) / trials
    return (
        f"{n:4d} {err:6.3f} {share:6.3f} {covered / trials:9.3f} {counted / trials:9.3f} "
        f"{np.mean(widths):7.3f} {np.mean(biases):+7.3f} {np.mean(of_number):+7.3f} "
        f"{np.mean(of_count):+7.3f} {each_ms:7.0f}"
    )


def _limit(rng: np.random.Generator, err: float) -> Limit:
    return given_limit(max(LIMIT + err * float(rng.normal()), 0.01), err, "simulated")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--limit-err", type=float, default=0.0)
    parser.add_argument("--shape", choices=sorted(SHAPES))
    parser.add_argument("--csv", type=Path, help="also write the table into this file")
    arguments = parser.parse_args()
    rows = ["shape,dots,err,true,coverage,number_coverage,width,bias,number_bias,count_bias,trials"]
    for name, draw in SHAPES.items():
        if arguments.shape not in (None, name):
            continue
        print(name)
        print("   n    err   true   share in  number in  width    bias  number   count      ms")
        for n in NUMBERS:
            for err in ERRORS:
                line = run_cell(draw, n, err, arguments.limit_err, arguments.trials)
                print(line, flush=True)
                rows.append(",".join([name, *line.split()[:-1], str(arguments.trials)]))
    if arguments.csv is not None:
        arguments.csv.write_text("\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
