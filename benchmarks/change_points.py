"""False steps in steady light, and steps found in blinking light: `./qd bench change_points`.

Steady light: Poisson, with dead time, antibunched, and with afterpulses, in traces of 50 to 10^6
photons; steps found for each trace, beside the number that was allowed. Telegraph light: steps
found, their places, levels, and the time constants of on and off, over several contrasts. Then the
speed. Seconds are those of the processor.
"""

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.photons.change_points import change_points
from qdimage.photons.dwell import blinking
from qdimage.photons.trace import KeptArrivals
from qdimage.photons.trace_levels import find_levels
from qdimage.photons.trace_options import TraceOptions

TICK_S = 1e-9
RATE_COUNTS_S = 2e4
N_PHOTONS = 6_000_000
Ticks = NDArray[np.int64]
Light = Callable[[int, np.random.Generator], Ticks]


def poisson(n: int, rng: np.random.Generator) -> Ticks:
    return np.cumsum(rng.exponential(1 / RATE_COUNTS_S / TICK_S, n)).astype(np.int64)


def dead_time(n: int, rng: np.random.Generator) -> Ticks:
    """A microsecond, far longer than that of any detector."""
    return poisson(n, rng) + 1000 * np.arange(n)


def antibunched(n: int, rng: np.random.Generator) -> Ticks:
    """No two photons together: an emitter of 40 ns excited at 20 per us, 2 % detected."""
    waits = rng.geometric(0.02, n)
    times = rng.gamma(waits, 50.0) + rng.gamma(waits, 40.0)
    return np.cumsum(times).astype(np.int64)


def afterpulsing(n: int, rng: np.random.Generator) -> Ticks:
    """One photon in fifty is followed by another within 50 ns or so."""
    times = poisson(n, rng)
    again = times[rng.random(n) < 0.02]
    after = again + 25 + rng.exponential(50.0, again.size).astype(np.int64)
    return np.sort(np.concatenate([times, after]))[:n]


STEADY: dict[str, Light] = {
    "Poisson": poisson,
    "dead time of 1 us": dead_time,
    "antibunched, 40 ns": antibunched,
    "2 % afterpulses": afterpulsing,
}


def false_steps() -> None:
    print("steps found in steady light, for each that was allowed (traces with any)")
    for name, light in STEADY.items():
        for allowed in (0.1, 1.0):
            cells = []
            for n in (50, 1000, 20_000, 1_000_000):
                rng = np.random.default_rng(n)
                n_traces = max(min(N_PHOTONS // n, 4000), 12)
                found = [
                    change_points(light(n, rng), false_alarms=allowed).size for _ in range(n_traces)
                ]
                rate, share = np.mean(found) / allowed, np.mean(np.array(found) > 0)
                cells.append(f"{n:>8}: {rate:5.2f} ({share:5.3f})")
            print(f"  {name:<20} {allowed:4}  " + "  ".join(cells), flush=True)


def telegraph(on_s: float, off_s: float, mean_s: float, rng: np.random.Generator) -> tuple:
    dwells = rng.exponential(mean_s, 1000)
    ends = np.cumsum(dwells)
    n = rng.poisson(np.tile([on_s, off_s], 500) * dwells)
    times = np.repeat(ends - dwells, n) + rng.random(n.sum()) * np.repeat(dwells, n)
    return (np.sort(times) / TICK_S).astype(np.int64), dwells


def recovery() -> None:
    print("telegraph light of 1000 dwells: steps found of those between dwells that can be seen")
    options = TraceOptions()
    for on_s, off_s, mean_s in (
        (2e4, 500.0, 0.05),
        (5e4, 300.0, 0.02),
        (2e4, 8e3, 0.05),
        (5e3, 100.0, 0.1),
        (2e4, 500.0, 0.005),
    ):
        rng = np.random.default_rng(1)
        times, dwells = telegraph(on_s, off_s, mean_s, rng)
        levels = find_levels(
            KeptArrivals(times, 1, int(times[-1]), times.size),
            tick_s=TICK_S,
            false_alarms=options.false_alarms,
            fewest_photons=options.fewest_photons,
            most_levels=options.most_levels,
        )
        found = blinking(levels, options=options)
        print(f"  {on_s:7.0f} and {off_s:5.0f} counts/s, {1e3 * mean_s:g} ms: ", end="")
        if isinstance(found, Refusal):
            print(found.reason)
            continue
        shortest = np.tile([found.on.shortest_s, found.off.shortest_s], 500)
        sure = dwells >= shortest
        true_s = np.cumsum(dwells)[:-1][sure[1:] & sure[:-1]]
        away_s = np.abs(levels.bounds_ticks[1:-1] * TICK_S - true_s[:, np.newaxis]).min(axis=1)
        near = away_s < np.minimum(found.on.shortest_s, found.off.shortest_s)
        print(
            f"{near.mean():.3f} found, {1e6 * np.median(away_s):.0f} us away; "
            f"{levels.counts_s.size} levels; on {found.on_time_s / dwells[::2].mean():.3f}, off "
            f"{found.off_time_s / dwells[1::2].mean():.3f} of the true means; "
            f"on {found.on_fraction:.4f} of the time, in truth "
            f"{dwells[::2].sum() / dwells.sum():.4f}"
        )


def speed() -> None:
    rng = np.random.default_rng(2)
    steady = poisson(1_000_000, rng)
    blinking_light = np.concatenate([telegraph(2e4, 500.0, 0.05, rng)[0]] * 2)
    blinking_light[blinking_light.size // 2 :] += blinking_light[-1]
    for name, times in (("steady", steady), ("telegraph", np.sort(blinking_light)[:1_000_000])):
        change_points(times[:1000], false_alarms=0.1)
        start = time.process_time()
        n = change_points(times, false_alarms=0.1).size
        seconds = time.process_time() - start
        print(f"{name} light: {times.size} photons in {seconds:.2f} s, {n} steps")


def main() -> None:
    """Print the three studies."""
    speed()
    recovery()
    false_steps()


if __name__ == "__main__":
    main()
