"""One table of all that has to be fast and right: `./qd bench summary`.

Each row holds a figure against another of the same run: that of another program where one is
installed, or the physical limit. Seconds are those of one processor, the least of several rounds.
Rows are added to a file with the commit that they were measured at, and how far they are from the
commit before is printed: so a step back is seen. `--table FILE` writes the table of the docs.
"""

import argparse
import contextlib
import csv
import io
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import correlation
import g2_coverage
import localization_frames.ours as localizing
import many_fields
import numpy as np
import rate_fit
from localization_frames.draw import GAUSSIAN, field
from localization_frames.peers import installed, picasso_mle, trackpy_locate

from qdimage.io.time_tags import open_photons
from qdimage.localize.options import LocalizeOptions

CLONE = Path(__file__).resolve().parents[1]
HISTORY = CLONE / ".qd" / "benchmarks.csv"
ROUNDS = 5
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OURS = LocalizeOptions()
N_RECORDS, N_CURVES, N_FIELDS = 5_000_000, 40, 2
# What a change has to exceed to be pointed out: a busy machine alone makes a tenth.
NOTABLE = 0.2


@dataclass(frozen=True)
class Row:
    """A figure, and what it is held against; NaN where there is nothing."""

    task: str
    figure: str
    unit: str
    value: float
    beside: str = ""
    other: float = float("nan")


def fastest(call: Callable[[], object]) -> float:
    """Processor seconds of the fastest of some rounds, compiled code warm."""
    call()
    seconds = []
    for _ in range(ROUNDS):
        begun = process_time()
        call()
        seconds.append(process_time() - begun)
    return min(seconds)


def localization() -> Iterator[Row]:
    """Frames of 512 x 512 px with some 650 dots of 1000 photons on 5 of background."""
    task, peers = "localization", installed()
    frame = field(GAUSSIAN, 1000, 5, np.random.default_rng(7))
    ours = 1e3 * fastest(lambda: localizing.located(frame, OURS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trackpy = 1e3 * fastest(lambda: trackpy_locate(frame, 3.0, 2000.0))
        yield Row(task, "time of a frame", "ms", ours, "trackpy", trackpy)
        if "Picasso" in peers:
            picasso = 1e3 * fastest(lambda: picasso_mle(frame, 3.0, 4000.0))
            yield Row(task, "time of a frame", "ms", ours, "Picasso", picasso)
    found = localizing.accuracy(GAUSSIAN, 1000, 5, OURS, 2)
    yield Row(task, "error of a position", "bounds", found.rms_over_bound, "Cramer-Rao bound", 1.0)


def correlating() -> Iterator[Row]:
    """PicoHarp T2 records, decoded and correlated in bins of 512 ps to +-500 ns."""
    task = "correlation"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photons.ptu"
        correlation.write_file(path, "PicoHarp T2", 4e-12, N_RECORDS)
        millions = int(open_photons(path).header["n_records"]) / 1e6
        curve = correlation.correlated(path)
        ours = millions / fastest(lambda: correlation.correlated(path))
        reading = millions / fastest(path.read_bytes)
        yield Row(task, "records", "million/s", ours, "reading the bytes", reading)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            correlation.compare_trattoria(path, curve, round(millions * 1e6))
        if " s " in printed.getvalue():
            seconds = float(printed.getvalue().split(":")[1].split(")")[1].split()[0])
            yield Row(task, "records", "million/s", ours, "trattoria", millions / seconds)


def g2_fits() -> Iterator[Row]:
    """Curves of an EL model with 50 coincidences in each bin at long delays."""
    trials = [g2_coverage.tried("el 25 25", 50.0, False, seed, True) for seed in range(N_CURVES)]
    milliseconds = 1e3 * float(np.median([trial.seconds for trial in trials]))
    yield Row("g2 fit", "time of a curve", "ms", milliseconds)
    answered = [trial for trial in trials if trial.interval is not None]
    widths = [
        (trial.interval[4] - trial.interval[3]) / trial.known_width
        for trial in answered
        if trial.interval is not None
    ]
    width = float(np.median(widths))
    yield Row("g2 fit", "width of the 95 % interval", "ratio", width, "shape known", 1.0)


def rate_fits() -> Iterator[Row]:
    """Balanced fits of EL curves, response, background and centre unknown."""
    truth, rng = rate_fit.Truth(25.0, 25.0), np.random.default_rng(250)
    options = rate_fit.OPTIONS.model_copy(update={"balanced": True})
    curves = [rate_fit.drawn(truth, rng) for _ in range(N_CURVES)]
    seconds = fastest(lambda: rate_fit.fitted(curves[:1], options))
    yield Row("rate-model fit", "time of a curve", "ms", 1e3 * seconds)
    fits = [fit for curve in curves for fit in rate_fit.fitted([curve], options)]
    pulls = [rate_fit.pull(fit.injection, 25.0) for fit in fits if fit.injection is not None]
    scatter = float(np.std(pulls))
    yield Row("rate-model fit", "scatter over stated error", "ratio", scatter, "as stated", 1.0)


def whole_job() -> Iterator[Row]:
    """Fields of 512 x 512 px, PL and four voltages, 50 frames each; `many_fields` has more."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        device, out = Path(folder) / "device", Path(folder) / "out"
        n_fields = many_fields.make(device, N_FIELDS, N_FIELDS)
        reading = many_fields.reading(device)
        many_fields.run(device, out, workers=1)
        seconds = many_fields.run(device, out, workers=1)
    yield Row("whole job", "fields, one worker", "1/min", 60 * n_fields / seconds)
    yield Row("whole job", "time", "readings", seconds / reading, "reading the pages", 1.0)


TASKS = (localization, correlating, g2_fits, rate_fits, whole_job)


def commit() -> str:
    """Return what names the clone's state."""
    command = ["git", "-C", str(CLONE), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def earlier(path: Path, now: str) -> dict[tuple[str, str, str], float]:
    """Return the last figures of other commits by task, figure and what they stand beside."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["commit"] != now]
    return {(row["task"], row["figure"], row["beside"]): float(row["value"]) for row in rows}


def record(path: Path, now: str, rows: list[Row]) -> None:
    """Add rows to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        if is_new:
            writer.writerow(["commit", *Row.__dataclass_fields__])
        writer.writerows([now, *cells(row)] for row in rows)


def cells(row: Row) -> list[str]:
    """Return a row as text, three digits of each number."""
    other = "" if np.isnan(row.other) else f"{row.other:.3g}"
    return [row.task, row.figure, row.unit, f"{row.value:.3g}", row.beside, other]


def main() -> None:
    """Print, record and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", help="folder where Picasso and others are installed")
    parser.add_argument("--record", type=Path, default=HISTORY, help="file that grows")
    parser.add_argument("--table", type=Path, help="file for the table alone")
    asked = parser.parse_args()
    if asked.peers:
        sys.path.append(asked.peers)
    now, rows = commit(), []
    before = earlier(asked.record, now)
    for task in TASKS:
        for row in task():
            rows.append(row)
            was = before.get((row.task, row.figure, row.beside))
            change = "" if was is None else f"{row.value / was - 1:+8.0%}"
            mark = "  !" if was is not None and abs(row.value / was - 1) > NOTABLE else ""
            name, figure, unit, value, beside, other = cells(row)
            print(
                f"{name:15} {figure:27} {value:>7} {unit:10} {beside:18} {other:>6} {change}{mark}",
                flush=True,
            )
    record(asked.record, now, rows)
    if asked.table:
        with asked.table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(Row.__dataclass_fields__)
            writer.writerows(cells(row) for row in rows)


if __name__ == "__main__":
    if any(name not in os.environ for name in ONE_THREAD):
        # Threads that wait for work would count as time of the processor.
        environ = {**os.environ, **dict.fromkeys(ONE_THREAD, "1")}
        sys.exit(subprocess.run([sys.executable, *sys.argv], env=environ, check=False).returncode)
    main()
