"""The same job in many ways: workers, threads, sizes of blocks, killed and resumed. The same bytes?

Corners of the demo device's fields, some with time tags, are analysed once as a yardstick, and then
in every way by processes of its own, all of whose tables, curves and images are compared. What
differs is named. The sizes of blocks are no options; they are changed inside.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from kills import Job, files_of, kill_after, make_device, write_tables

# Frames in a block by their bytes, and records or lines of time tags.
BLOCKS = {
    "qdimage.image.statistics:_CHUNK_BYTES": (1, 2**20, 2**30),
    "qdimage.io.record_file:BLOCK_RECORDS": (1000, 30_000, 2**22),
}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass(frozen=True)
class Way:
    """How the job is done.

    Attributes
    ----------
    name : str
    workers : int
    threads : int
        What the environment asks of every library.
    block : int or None
        Which of `BLOCKS`.
    killed_after : float or None
        Share of the usual time after which it is killed; it is resumed then.
    """

    name: str
    workers: int = 1
    threads: int = 1
    block: int | None = None
    killed_after: float | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


WAYS = (
    Way("once more"),
    Way("2 workers", workers=2),
    Way("8 workers", workers=8),
    Way("2 threads", threads=2),
    Way("2 threads, 8 workers", workers=8, threads=2),
    Way("smallest blocks", block=0),
    Way("small blocks", block=1),
    Way("one block", block=2),
    Way("killed and resumed", killed_after=0.6),
    Way("killed and resumed by 8 workers", workers=8, killed_after=0.8),
    Way("another order of hashes", environment={"PYTHONHASHSEED": "7"}),
)


def main() -> None:
    """Print a line for each way, with what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=3)
    parser.add_argument("--run", nargs=4, metavar=("DEVICE", "OUT", "WORKERS", "BLOCK"), help="own")
    asked = parser.parse_args()
    if asked.run:
        device, out, workers, block = asked.run
        run_in_blocks(Path(device), Path(out), int(workers), int(block))
        return
    n_differ = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        device = make_device(folder / "device", asked.fields)
        run_in(Way("warm"), device, folder / "warm", 0.0)
        begun = time.perf_counter()
        run_in(Way("yardstick"), device, folder / "yardstick", 0.0)
        usual_s = time.perf_counter() - begun
        wanted = files_of(folder / "yardstick")
        print(f"{asked.fields} fields, {len(wanted)} files; one run takes {usual_s:.1f} s")
        for number, way in enumerate(WAYS):
            out = folder / f"{number}"
            run_in(way, device, out, usual_s)
            found = files_of(out)
            names = sorted(set(wanted) | set(found))
            differ = [each for each in names if found.get(each) != wanted.get(each)]
            n_differ += bool(differ)
            print(f"{way.name}: {', '.join(differ) or 'the same bytes'}", flush=True)
    print(f"{n_differ} of {len(WAYS)} ways differ")


def run_in(way: Way, device: Path, out: Path, usual_s: float) -> None:
    """Do the job in a process of its own, or in two if the first is killed."""
    if way.killed_after is not None:
        kill_after(way.killed_after * usual_s, Job(device, way.workers, whole=False), out)
    environment = os.environ | dict.fromkeys(THREADS, str(way.threads)) | way.environment
    block = "-1" if way.block is None else str(way.block)
    asked = [str(device), str(out), str(way.workers), block]
    subprocess.run([sys.executable, __file__, "--run", *asked], check=True, env=environment)


def run_in_blocks(device: Path, out: Path, workers: int, block: int) -> None:
    """Run with other sizes of blocks than usual; -1 for the usual ones."""
    for place, sizes in BLOCKS.items() if block >= 0 else ():
        module, name = place.split(":")
        found = import_module(module)
        if not hasattr(found, name):
            raise AttributeError(f"{place} has another name now")
        setattr(found, name, sizes[block])
    write_tables(device, out, workers)


if __name__ == "__main__":
    main()
