"""Damaged files of every kind that is read: none may crash, hang, fill the memory or raise what
is no answer.

Each parser gets its share of inputs, in processes of its own that may not take more than 1 GB
beyond what they begin with. An input is fine if it is read, or refused by an error of qdimage in
one line. How many reach the payload is counted too: those whose header was accepted; and of files
that are read in one go, those whose payload alone is damaged or that were read to their end.
"""

import argparse
import multiprocessing
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fuzzed.damage import damaged
from fuzzed.subjects import SUBJECTS, Subject, read_through

from qdimage.errors import QdimageError

LONGEST_S, MOST_BYTES, BATCH = 10, 10**9, 2000
PAYLOAD = "reached the payload"


class TooSlowError(BaseException):
    """An input that takes too long."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line for each parser, and each fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000, help="over all parsers")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one parser")
    asked = parser.parse_args(arguments)
    names = [asked.only] if asked.only else list(SUBJECTS)
    n_each = -(-asked.inputs // len(names))
    total: Counter[str] = Counter()
    print("parser,inputs,read,refused,faults,reached_payload,longest_ms,seconds", flush=True)
    for name in names:
        begun, counts, faults, longest_s = time.perf_counter(), Counter[str](), [], 0.0
        for first in range(0, n_each, BATCH):
            found = in_process(name, asked.seed, first, min(BATCH, n_each - first))
            counts.update(found["counts"])
            faults += found["faults"]
            longest_s = max(longest_s, found["longest_s"])
        total.update(counts)
        line = summary(name, counts, longest_s)
        print(f"{line},{time.perf_counter() - begun:.0f}", flush=True)
        for fault in faults[:8]:
            print(f"#   {fault}", flush=True)
    print(summary("all", total, float("nan")))


def summary(name: str, counts: "Counter[str]", longest_s: float) -> str:
    """Return a line of the table."""
    n = counts.total() - counts[PAYLOAD]
    faults = n - counts["read"] - counts["refused"]
    share = f"{counts[PAYLOAD] / max(n, 1):.3f}"
    values = (n, counts["read"], counts["refused"], faults, share, f"{1e3 * longest_s:.0f}")
    return ",".join(map(str, (name.replace(",", ""), *values)))


def in_process(name: str, seed: int, first: int, n: int) -> dict[str, Any]:
    """Read a batch in processes of its own; where one dies, say at what, and go on around it."""
    counts, faults, longest_s = Counter[str](), [], 0.0
    parts = [(first, n)]
    while parts:
        first, n = parts.pop()
        found, last, code = _in_one_process(name, seed, first, n)
        if found is None:
            counts["crash"] += 1
            faults.append(f"input {last}: died with {code}")
            around = [(first, last - first), (last + 1, first + n - last - 1)]
            parts += [part for part in around if part[1] > 0]
        else:
            counts.update(found["counts"])
            faults += found["faults"]
            longest_s = max(longest_s, found["longest_s"])
    return {"counts": counts, "faults": faults, "longest_s": longest_s}


def _in_one_process(
    name: str, seed: int, first: int, n: int
) -> tuple[dict[str, Any] | None, int, int | None]:
    """Return what was found, None if the process died; at which input; and its exit code."""
    context = multiprocessing.get_context("fork")
    at = context.Value("q", first, lock=False)
    answer, tell = context.Pipe(duplex=False)
    child = context.Process(target=_read_for, args=(tell, name, seed, first, n, at))
    child.start()
    tell.close()
    found: dict[str, Any] | None = None
    with suppress(EOFError):
        found = answer.recv()
    child.join()
    return found, int(at.value), child.exitcode


def _read_for(tell: Any, name: str, seed: int, first: int, n: int, at: Any) -> None:
    _limit_memory()
    tell.send(read_batch(name, seed, first, n, at=at))


def read_batch(name: str, seed: int, first: int, n: int, *, at: Any = None) -> dict[str, Any]:
    """Damage and read files one after the other.

    Parameters
    ----------
    name : str
        Of the parser.
    seed, first, n : int
        Which inputs.
    at : multiprocessing.Value, optional
        Is set to the input that is being read, for whoever finds this process dead.
    """
    subject, counts, faults, longest_s = SUBJECTS[name], Counter[str](), [], 0.0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = subject.make(Path(folder))
        valid = path.read_bytes()
        read_through(subject, path, lambda: None)
        anatomy = subject.anatomy(valid)
        for number in range(first, first + n):
            if at is not None:
                at.value = number
            data, in_payload = damaged(
                valid, anatomy, np.random.default_rng([seed, crc32(name.encode()), number])
            )
            path.write_bytes(data)
            begun = time.perf_counter()
            outcome, opened = _read(subject, path)
            counts[PAYLOAD] += opened or (in_payload and subject.rest is None)
            longest_s = max(longest_s, time.perf_counter() - begun)
            kind = outcome.split(":")[0]
            counts[kind] += 1
            if kind not in ("read", "refused"):
                faults.append(f"input {number}: {outcome}")
    return {"counts": counts, "faults": faults, "longest_s": longest_s}


def _read(subject: Subject, path: Path) -> tuple[str, bool]:
    """Return what became of a file, and whether it was opened."""
    opened: list[bool] = []
    outcome = "read"
    signal.signal(signal.SIGALRM, _hang)
    signal.alarm(LONGEST_S)
    try:
        read_through(subject, path, lambda: opened.append(True))
    except QdimageError as error:
        outcome = "refused" if "\n" not in str(error) else f"several lines: {error!r}"
    except TooSlowError:
        outcome = "hang"
    except MemoryError:
        outcome = "memory"
    except Exception as error:  # noqa: BLE001  what is looked for
        outcome = f"traceback: {type(error).__name__}: {str(error)[:120]!r}"
    finally:
        signal.alarm(0)
    return outcome, bool(opened)


def _hang(*_: object) -> None:
    raise TooSlowError


def _limit_memory() -> None:
    import resource

    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MOST_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main()
