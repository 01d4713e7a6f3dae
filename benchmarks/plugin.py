"""How long the plugin takes to show a choice and a decision, with 10,000 dots in the field.

Each time is from the act until Qt has nothing left to do: layers, table and the plot that is seen
are drawn. The fraction itself is computed in another process and not waited for.

The canvas is not drawn unless asked for: without a graphics card all of the window is then put
together by software, several times as slow as all else.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

TESTS = Path(__file__).parent.parent / "tests"
LIMIT_MS = 100.0
VOLTAGES = (2.1, 2.2, 2.4, 2.6)
SHARES = (0.05, 0.2, 0.6, 0.85)


def make_run(out: Path, n_dots: int) -> Path:
    """A finished run of one field with plausible fluxes, without the run."""
    import pandas as pd
    from finished_run import El, Field
    from finished_run import make_run as make

    from qdimage.domain.tables import DOT_CHANNELS, DOTS
    from qdimage.io.table_file import read_table, write_table

    lit = [round(share * n_dots) for share in SHARES]
    channels = [El(voltage, n) for voltage, n in zip(VOLTAGES, lit, strict=True)]
    make(out, [Field(el=channels, n_dots=n_dots)])
    rng = np.random.default_rng(1)
    dots, fluxes = read_table(out, DOTS), read_table(out, DOT_CHANNELS)
    dots["x_px"], dots["y_px"] = rng.uniform(4, 1020, (2, n_dots))
    dots["pl_photons_s"] = rng.lognormal(7, 0.5, n_dots)
    is_lit = fluxes["lit"].astype(bool)
    dark = pd.Series(rng.normal(0, 1.5, len(fluxes)))
    bright = pd.Series(rng.lognormal(5, 0.7, len(fluxes)))
    fluxes["photons_s"] = bright.where(is_lit, dark)
    fluxes["photons_upper_s"] = fluxes["photons_s"].clip(lower=0) + 3.0
    fluxes["counted"] = True
    write_table(dots, DOTS, out)
    write_table(fluxes, DOT_CHANNELS, out)
    return out


def start_display() -> "subprocess.Popen[bytes] | None":
    """An X server of our own, where there is the program."""
    if not shutil.which("Xvfb"):
        return None
    read_end, write_end = os.pipe()
    screen = ["-screen", "0", "1920x1200x24", "-nolisten", "tcp", "-displayfd", str(write_end)]
    server = subprocess.Popen(
        ["Xvfb", *screen], pass_fds=[write_end], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    return server


@dataclass(frozen=True)
class Times:
    """Times of an act in ms: median and greatest by the clock, and median of the processor.

    On a busy machine the clock also counts what others do meanwhile.
    """

    name: str
    clock: float
    most: float
    processor: float

    def __str__(self) -> str:
        return f"{self.name:34s} {self.clock:8.0f} {self.most:8.0f} {self.processor:10.0f}"


def time_act(name: str, act: Callable[[int], object], times: int) -> Times:
    """Time an act that is given its number, until Qt has nothing left to do."""
    from gui_acts import settle
    from qtpy.QtCore import QCoreApplication

    found = []
    for k in range(times):
        settle(0.05)
        clock, processor = perf_counter(), process_time()
        act(k)
        for _ in range(6):  # timers of no delay, and the paints that they ask for
            QCoreApplication.processEvents()
        found.append((1e3 * (perf_counter() - clock), 1e3 * (process_time() - processor)))
    median, most = np.median(found, axis=0), np.max(found, axis=0)
    return Times(name, float(median[0]), float(most[0]), float(median[1]))


def measure(folder: Path, n_dots: int, times: int) -> Iterator[Times]:
    """Times of each act."""
    import napari
    from gui_acts import settle
    from napari_qdimage.widgets.main import MainWidget

    run = make_run(folder / "run", n_dots)
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.window.resize(1600, 1000)
    main = MainWidget(viewer)
    viewer.window.add_dock_widget(main, name="qdimage", area="right")
    session = main.session
    session.open_run(run)
    settle(1.0)
    rng = np.random.default_rng(2)
    ids = rng.permutation(session.dots.index.to_numpy())
    channels = [f"EL {voltage}V" for voltage in VOLTAGES]
    for tab, plot in (("Dots", "Images"), ("Dots", "Voltage"), ("Turn-on", "Population")):
        main.show_tab(tab)
        pages = main.tabs[tab].tabs
        pages.setCurrentIndex([pages.tabText(k) for k in range(pages.count())].index(plot))
        settle(0.5)
        acts: dict[str, Callable[[int], object]] = {
            "choose": lambda k: session.select([int(ids[k])]),
            "reject": lambda k: session.reject([int(ids[k])]),
            "undo": lambda _: session.undo(),
            "recolour": lambda k: session.show_channel(channels[k % len(channels)]),
        }
        for name, act in acts.items():
            yield time_act(f"{tab}, {plot}: {name}", act, times)
    viewer.close()
    settle(0.1)


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dots", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--canvas", action="store_true", help="draw napari's canvas too")
    arguments = parser.parse_args()
    sys.path.insert(0, str(TESTS))
    server = start_display()
    print(f"{arguments.dots} dots, {len(VOLTAGES)} EL channels; the aim is {LIMIT_MS:g} ms")
    print(f"{'ms':34s} {'median':>8s} {'most':>8s} {'processor':>10s}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            QT_QPA_PLATFORM="xcb" if arguments.canvas else "offscreen",
            LP_NUM_THREADS="1",
            NAPARI_CONFIG=str(Path(folder) / "settings.yaml"),
            NAPARI_ASYNC="0",
            XDG_STATE_HOME=str(Path(folder) / "state"),
        )
        for times in measure(Path(folder), arguments.dots, arguments.times):
            print(times, flush=True)
    if server is not None:
        server.terminate()


if __name__ == "__main__":
    main()
