"""Runs that are killed at random moments and resumed: do the same bytes come out?

Corners of the demo device's fields are analysed under several names. In every trial a run is
killed, its processes with it, at a random moment of its whole length: in half of the trials it is
the first in its folder, in the others an earlier run with another option has left its tables
there. Each file that the kill leaves has to be the earlier run's or the new one's; then the run is
resumed, and its files are compared with those of a run that nobody disturbed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from small_device import make_field

N_SOURCES = 3
NOT_RESULTS = ("unfinished", "kept_steps")
EARLIER = {"match": {"confidence": 0.9}}


@dataclass(frozen=True)
class Job:
    """What is run, killed and resumed.

    Attributes
    ----------
    device : pathlib.Path
    workers : int
    whole : bool
        The command with its figures and report, or the tables, curves and images alone.
    """

    device: Path
    workers: int
    whole: bool

    def command(self, out: Path) -> list[str]:
        """The command line."""
        asked = [str(self.device), "-o", str(out), "--workers", str(self.workers)]
        if self.whole:
            return [sys.executable, "-m", "qdimage", "run", *asked, "--resume", "--quiet"]
        return [sys.executable, __file__, "--tables", *asked]


def main() -> None:
    """Print what became of every trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--fields", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2, help="in every other trial, else one")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--whole", action="store_true", help="with figures and report")
    parser.add_argument("--tables", type=Path, metavar="DEVICE", help="for itself")
    parser.add_argument("-o", type=Path, metavar="OUT", help="for itself")
    asked = parser.parse_args()
    if asked.tables:
        write_tables(asked.tables, asked.o, asked.workers)
        return
    chance = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        job = Job(make_device(folder / "device", asked.fields), 1, asked.whole)
        write_tables(job.device, folder / "earlier", asked.workers, options=EARLIER)
        # Kernels are compiled by now.
        begun = time.perf_counter()
        subprocess.run(job.command(folder / "undisturbed"), check=True)
        whole_s = time.perf_counter() - begun
        wanted, earlier = files_of(folder / "undisturbed"), files_of(folder / "earlier")
        print(f"{asked.fields} fields take {whole_s:.1f} s; {len(wanted)} files are compared")
        faults: list[str] = []
        n_killed = n_trials = n_kept = 0
        while n_killed < asked.kills:
            out = folder / "out"
            job = replace(job, workers=1 + n_trials % 2 * (asked.workers - 1))
            if n_trials // 2 % 2:
                shutil.copytree(folder / "earlier", out)
            found = trial(job, out, chance.uniform(0.0, whole_s), [wanted, earlier])
            n_trials += 1
            n_killed += found.killed
            n_kept += found.n_kept
            faults += found.faults
            what = "; ".join(found.faults) or "the same bytes"
            print(f"{n_killed:3} killed; {found.n_kept:3} steps kept: {what}", flush=True)
            shutil.rmtree(out)
    print(f"{n_killed} kills, {n_kept} steps kept, {len(faults)} faults {faults}")


@dataclass(frozen=True)
class Found:
    """What a kill left: steps kept, and faults, one line each."""

    killed: bool
    n_kept: int
    faults: Sequence[str]


def trial(job: Job, out: Path, seconds: float, answers: Sequence[dict[str, bytes]]) -> Found:
    """Kill a run after a time and resume it; the first of the answers is the one wanted."""
    killed = kill_after(seconds, job, out)
    kept, faults = list((out / "kept_steps").glob("*.zip")), faults_of_kill(out, answers)
    done = subprocess.run(job.command(out), check=False, capture_output=True, text=True)
    if done.returncode:
        faults.append(f"resumed: exit {done.returncode}, {done.stderr[-200:]!r}")
    return Found(killed, len(kept), faults + faults_of_resumed(out, answers[0]))


def faults_of_kill(out: Path, answers: Sequence[dict[str, bytes]]) -> list[str]:
    """Return what of a killed run is neither the earlier run's nor the new one's."""
    return [
        f"after the kill {name} is neither old nor new"
        for name, data in files_of(out).items()
        if not any(answer.get(name) == data for answer in answers)
    ]


def faults_of_resumed(out: Path, wanted: dict[str, bytes]) -> list[str]:
    """Return in what a resumed run is another than one that nobody disturbed."""
    found = files_of(out)
    names = sorted(set(found) | set(wanted))
    differ = [name for name in names if found.get(name) != wanted.get(name)]
    faults = [f"{len(differ)} files differ, among them {name}" for name in differ[:1]]
    partial = [path for path in out.rglob("*.partial") if path.parent.name != "kept_steps"]
    strange = {path.name for path in out.iterdir()} & {"unfinished", "qdimage.lock"}
    return faults + [f"{name} is left" for name in sorted(strange | {p.name for p in partial})]


def write_tables(
    device: Path, out: Path, workers: int, options: dict[str, dict[str, float]] | None = None
) -> None:
    """Run without figures and report, which take longer than all else here."""
    import qdimage
    from qdimage.pipeline.run import run_plan

    run_plan(qdimage.plan(device, options=options), out, resume=True, workers=workers)


def make_device(device: Path, n_fields: int) -> Path:
    """Cut fields out of the demo device, with a file of time tags in some."""
    for number in range(n_fields):
        tags = int(number < N_SOURCES)
        folder, source = device / f"field-{number:02d}", 1 + number % N_SOURCES
        make_field(folder, number=source, voltages=("2.6",), time_tags=tags)
    return device


def kill_after(seconds: float, job: Job, out: Path) -> bool:
    """Kill a run, its processes with it, after a time; False where it ended before."""
    run = subprocess.Popen(job.command(out), start_new_session=True)
    try:
        run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return True
    return False


def files_of(out: Path) -> dict[str, bytes]:
    """Tables, curves and images; the record and the report say when they were made."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.suffix in (".csv", ".tif") and path.relative_to(out).parts[0] not in NOT_RESULTS
    }


if __name__ == "__main__":
    main()
