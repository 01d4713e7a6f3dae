"""Where things lie, and how the user is told."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]
HOME = CLONE / ".qd"
ENVIRONMENT = HOME / "env"
WINDOWS = sys.platform == "win32"
PYTHON = ENVIRONMENT / ("Scripts/python.exe" if WINDOWS else "bin/python")


class QdError(Exception):
    """Something that the user has to mend; the message is one line."""


def say(message: str) -> None:
    """Write one line to standard error."""
    print(f"qd: {message}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is being done, and afterwards how long it took."""
    start = time.monotonic()
    say(f"{what} ...")
    yield
    say(f"{what}: {time.monotonic() - start:.0f} s")
