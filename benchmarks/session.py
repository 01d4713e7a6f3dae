"""How long the plugin's session takes for a choice and for an act, without a window.

An act is timed with its record on disk. Half of the dots were decided about before, so that the
record is as long as it gets. The live fraction is a fit of all dots' fluxes, which the plugin
computes beside the window; it is timed apart. On a busy machine the clock also counts what others
do meanwhile, and the processor's time does not.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from napari_qdimage.session import Session
from plugin import LIMIT_MS, VOLTAGES, make_run

# Median and greatest by the clock, and median of the processor.
Times = tuple[float, float, float]


def timed(act: Callable[[int], object], times: int) -> Times:
    """Times in ms of an act that is given its number: by the clock, and of the processor."""
    found = []
    for k in range(times):
        clock, processor = perf_counter(), process_time()
        act(k)
        found.append((1e3 * (perf_counter() - clock), 1e3 * (process_time() - processor)))
    median, most = np.median(found, axis=0), np.max(found, axis=0)
    return float(median[0]), float(most[0]), float(median[1])


def measure(session: Session, times: int) -> Iterator[tuple[str, Times]]:
    """Name and times of each act; the views ask for the table of dots after each."""
    rng = np.random.default_rng(2)
    ids = [int(dot) for dot in rng.permutation(session.dots.index.to_numpy())]
    session.accept(ids[: len(ids) // 2])
    left, channels = ids[len(ids) // 2 :], [f"EL {voltage}V" for voltage in VOLTAGES]

    def then_look(act: Callable[[int], object]) -> Callable[[int], object]:
        return lambda k: (act(k), session.dots, session.reviewed)

    acts: dict[str, Callable[[int], object]] = {
        "choose": lambda k: session.select([ids[k]]),
        "next unreviewed": lambda _: session.next_unreviewed(),
        "another channel": lambda k: session.show_channel(channels[k % len(channels)]),
        "reject": lambda k: session.reject([left[k]]),
        "flag": lambda k: session.flag([left[k]], "odd"),
        "add": lambda k: session.add(10.0 + k, 20.0),
        "move": lambda k: session.move(left[-1 - k], 10.0 + k, 30.0),
        "delete": lambda k: session.delete([left[-1 - k]]),
        "undo": lambda _: session.undo(),
        "redo": lambda _: session.redo(),
    }
    for name, act in acts.items():
        yield name, timed(then_look(act), times)
    yield "reject 1,000", timed(then_look(lambda _: session.reject(left[:1000])), 1)
    yield "live fraction", timed(lambda k: _turn_on(session, left[1000 + times + k]), 3)


def _turn_on(session: Session, dot: int) -> None:
    session.reject([dot])
    session.turn_on()


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dots", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=15)
    arguments = parser.parse_args()
    print(f"{arguments.dots} dots, {len(VOLTAGES)} EL channels; the aim is {LIMIT_MS:g} ms")
    print(f"{'ms':20s} {'median':>8s} {'most':>8s} {'processor':>10s}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        session = Session()
        session.open_run(make_run(Path(folder) / "run", arguments.dots))
        for name, (median, most, processor) in measure(session, arguments.times):
            print(f"{name:20s} {median:8.0f} {most:8.0f} {processor:10.0f}", flush=True)


if __name__ == "__main__":
    main()
