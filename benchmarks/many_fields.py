"""A night's work: many fields, against the time that reading their pages takes.

Fields of 512 x 512 pixels with PL and four voltages, 50 frames each (131 MB), are simulated on the
spot: a few of their own, the others copies of these under other names. Reading is timed with
tifffile, page by page, after the files have been read once.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tifffile

import qdimage

VOLTAGES = (2.2, 2.4, 2.6, 2.8)
CHANNEL_S, FIELD_S = 0.5, 1.0  # that are allowed besides reading
FIELD_BYTES = 512 * 512 * 2 * 50 * (1 + len(VOLTAGES))


def main() -> None:
    """Print the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=100)
    parser.add_argument("--simulated", type=int, default=3, help="fields that are no copies")
    parser.add_argument("--folder", type=Path, help="keep the fields here, and use them again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True, dir=asked.folder) as temporary:
        device = (asked.folder or Path(temporary)) / "many_fields"
        n_fields = make(device, asked.fields, asked.simulated)
        n_channels = n_fields * (1 + len(VOLTAGES))
        read_s = reading(device)
        print(f"{n_fields} fields, {n_fields * FIELD_BYTES / 1e9:.1f} GB; read in {read_s:.1f} s")
        allowed_s = read_s + CHANNEL_S * n_channels + FIELD_S * n_fields
        out = Path(temporary) / "out"
        run(device, out, workers=1)
        seconds = {workers: run(device, out, workers=workers) for workers in (1, 2)}
        for workers, taken_s in seconds.items():
            per_minute, times = 60 * n_fields / taken_s, taken_s / read_s
            print(
                f"{workers} worker{'s' * (workers > 1)}: {taken_s:.1f} s, {per_minute:.1f} fields "
                f"per minute, {times:.1f} x the reading"
            )
        print(f"allowed for one: {allowed_s:.1f} s; two are {seconds[1] / seconds[2]:.2f} x one")


def make(device: Path, n_fields: int, n_simulated: int) -> int:
    """Simulate and copy fields, as many as the disk takes; return how many there are."""
    device.mkdir(parents=True, exist_ok=True)
    there = sorted(device.glob("*/experiment.toml"))
    room = int(0.8 * shutil.disk_usage(device).free / FIELD_BYTES)
    n_fields = min(n_fields, len(there) + room)
    if not there:
        experiment = {
            "width_px": 512,
            "height_px": 512,
            "n_frames": 50,
            "voltages_v": list(VOLTAGES),
            "n_fields": min(n_simulated, n_fields),
        }
        qdimage.simulate(device, options={"experiment": experiment}, seed=1)
    fields = sorted(path.parent for path in device.glob("*/experiment.toml"))
    for number in range(len(fields), n_fields):
        source = fields[number % n_simulated]
        copy = device / f"field-{number + 1:03d}"
        shutil.copytree(source, copy)
        file = copy / "experiment.toml"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace(f'"{source.name}"', f'"{copy.name}"'), encoding="utf-8")
    return n_fields


def reading(device: Path) -> float:
    """Seconds in which tifffile reads every page of all stacks."""
    stacks = sorted(device.rglob("*.tif"))
    for _ in range(2):
        begun = time.perf_counter()
        for path in stacks:
            with tifffile.TiffFile(path) as file:
                for page in file.pages:
                    page.asarray()
        taken_s = time.perf_counter() - begun
    return taken_s


def run(device: Path, out: Path, *, workers: int) -> float:
    """Seconds of a whole run."""
    command = [sys.executable, "-m", "qdimage", "run", str(device), "-o", str(out), "--quiet"]
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    begun = time.perf_counter()
    subprocess.run(
        [*command, "--workers", str(workers)], check=True, env={**os.environ, **one_thread}
    )
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
