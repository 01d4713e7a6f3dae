"""Damaged files of every kind that is read: none may crash, hang, fill the memory or raise what
is no answer.

Each parser gets its share of inputs, in processes of its own that may not take more than 1 GB
beyond what they begin with. An input is fine if it is read, or refused by an error of qdimage.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fuzzed.damage import damaged
from fuzzed.subjects import SUBJECTS

from qdimage.errors import QdimageError

LONGEST_S, MOST_BYTES, BATCH = 10, 10**9, 2000


class TooSlowError(Exception):
    """An input that takes too long."""


def main() -> None:
    """Print a line for each parser, and each fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="over all parsers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one parser")
    parser.add_argument("--batch", nargs=2, type=int, metavar=("FIRST", "N"), help="for itself")
    asked = parser.parse_args()
    if asked.batch:
        print(json.dumps(read_batch(asked.only, asked.seed, *asked.batch)))
        return
    names = [asked.only] if asked.only else list(SUBJECTS)
    n_each = -(-asked.inputs // len(names))
    total: Counter[str] = Counter()
    for name in names:
        begun, counts, faults = time.perf_counter(), Counter[str](), []
        for first in range(0, n_each, BATCH):
            found = in_process(name, asked.seed, first, min(BATCH, n_each - first))
            counts.update(found["counts"])
            faults += found["faults"]
        total.update(counts)
        took = time.perf_counter() - begun
        print(f"{name:20} {dict(counts)}, {took:.0f} s", flush=True)
        for fault in faults[:5]:
            print(f"    {fault}", flush=True)
    print(f"{sum(total.values())} inputs: {dict(total)}")


def in_process(name: str, seed: int, first: int, n: int) -> dict[str, Any]:
    """Read a batch in a process of its own; if that dies, say where it was."""
    command = [sys.executable, __file__, "--only", name, "--seed", str(seed)]
    done = subprocess.run(
        [*command, "--batch", str(first), str(n)], capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return dict(json.loads(done.stdout.splitlines()[-1]))
    last = done.stderr.strip().splitlines()[-1:] or [""]
    return {"counts": {"crash": 1}, "faults": [f"{first}...: exit {done.returncode}, {last[0]}"]}


def read_batch(name: str, seed: int, first: int, n: int) -> dict[str, Any]:
    """Damage and read files one after the other."""
    signal.signal(signal.SIGALRM, _hang)
    subject, counts, faults = SUBJECTS[name], Counter[str](), []
    with tempfile.TemporaryDirectory() as folder:
        path = subject.make(Path(folder))
        valid = path.read_bytes()
        subject.read(path)
        header = 0 if subject.text else subject.header(valid)
        _limit_memory()
        for number in range(first, first + n):
            rng = np.random.default_rng([seed, number])
            path.write_bytes(damaged(valid, header, text=subject.text, rng=rng))
            outcome = _read(subject.read, path)
            kind = outcome.split(":")[0]
            counts[kind] += 1
            if kind not in ("read", "refused"):
                faults.append(f"input {number}: {outcome}")
    return {"counts": counts, "faults": faults}


def _read(read: Any, path: Path) -> str:
    signal.alarm(LONGEST_S)
    try:
        read(path)
    except QdimageError as error:
        return "refused" if "\n" not in str(error) else f"several lines: {error!r}"
    except TooSlowError:
        return "hang"
    except MemoryError:
        return "memory"
    except Exception as error:  # noqa: BLE001  what is looked for
        return f"traceback: {type(error).__name__}: {str(error)[:120]!r}"
    finally:
        signal.alarm(0)
    return "read"


def _hang(*_: object) -> None:
    raise TooSlowError


def _limit_memory() -> None:
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
