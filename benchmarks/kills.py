"""Runs that are killed at random moments and resumed: do the same bytes come out?

Fields of the demo device are analysed under several names. A trial kills the run some times, each
after a random time, and then lets it come to its end; its tables, curves and images are compared
with those of a run that nobody disturbed.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CLONE = Path(__file__).resolve().parents[1]
DEMO = CLONE / "sample_stacks" / "demo_device"
KILLS_PER_TRIAL = 5


def main() -> None:
    """Print what became of every trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--fields", type=int, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chance = np.random.default_rng(asked.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        device = make_device(Path(folder) / "device", asked.fields)
        begun = time.perf_counter()
        wanted = undisturbed(device, Path(folder) / "undisturbed", asked.workers)
        whole_s = time.perf_counter() - begun
        print(f"{asked.fields} fields take {whole_s:.1f} s; {len(wanted)} files are compared")
        n_killed = n_different = 0
        while n_killed < asked.kills:
            out = Path(folder) / "out"
            moments = chance.uniform(0.0, whole_s, KILLS_PER_TRIAL).tolist()
            killed = [kill_after(moment, device, out, asked.workers) for moment in moments]
            left = sorted(path.name for path in out.iterdir()) if out.exists() else []
            finish(device, out, asked.workers)
            different = {name for name, data in files_of(out).items() if wanted.get(name) != data}
            different |= set(wanted) - set(files_of(out))
            n_killed += sum(killed)
            n_different += bool(different)
            what = f"{len(different)} files differ" if different else "the same bytes"
            print(f"killed {sum(killed)} times, {n_killed} in all; left {left}: {what}", flush=True)
            shutil.rmtree(out)
    print(f"{n_killed} kills, {n_different} results that differ")


def make_device(device: Path, n_fields: int) -> Path:
    """Copy fields of the demo device under new names."""
    sources = sorted(DEMO.glob("field-*"))
    for number in range(n_fields):
        source, name = sources[number % len(sources)], f"copy-{number + 1:02d}"
        shutil.copytree(source, device / name)
        file = device / name / "experiment.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(f'name = "{source.name}"', f'name = "{name}"'), "utf-8")
    return device


def command(device: Path, out: Path, workers: int) -> list[str]:
    """The command that is killed and resumed."""
    run = [sys.executable, "-m", "qdimage", "run", str(device), "-o", str(out), "--quiet"]
    return [*run, "--resume", "--workers", str(workers)]


def undisturbed(device: Path, out: Path, workers: int) -> dict[str, bytes]:
    """Files of a run that comes to its end at once, kernels compiled."""
    finish(device, out, workers)
    return files_of(out)


def finish(device: Path, out: Path, workers: int) -> None:
    """Run to the end."""
    subprocess.run(command(device, out, workers), check=True)


def kill_after(seconds: float, device: Path, out: Path, workers: int) -> bool:
    """Kill a run, its processes with it, after a time; False where it ended before."""
    run = subprocess.Popen(command(device, out, workers), start_new_session=True)
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
        if path.suffix in (".csv", ".tif")
    }


if __name__ == "__main__":
    main()
