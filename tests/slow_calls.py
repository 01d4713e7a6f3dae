"""Calls that take long, fail or report progress, importable by the plugin's child process."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qdimage.errors import FormatError


def add(a: int, b: int) -> int:
    return a + b


def process_id() -> int:
    return os.getpid()


def threads() -> str | None:
    return os.environ.get("OMP_NUM_THREADS")


def count(total: int, progress: Callable[[str, int, int], None]) -> int:
    for done in range(1, total + 1):
        progress(f"step {done}", done, total)
    return total


def count_slowly(total: int, progress: Callable[[str, int, int], None]) -> int:
    for done in range(1, total + 1):
        time.sleep(0.05)
        progress(f"step {done}", done, total)
    return total


def sleep_and_tidy_up(folder: Path) -> None:
    (folder / "begun").touch()
    try:
        time.sleep(60)
    finally:
        (folder / "begun").unlink()


def never_listen(folder: Path) -> None:
    """Hold on to the interpreter through every interrupt."""
    (folder / "begun").touch()
    while True:
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            continue


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def print_and_sum(n: int) -> int:
    print("a library prints")  # noqa: T201
    return int(np.arange(n).sum())


def refuse() -> None:
    raise FormatError("pl.tif: found no pages, expected a stack; write it again")


def fail() -> None:
    raise ZeroDivisionError("division by zero")


def die() -> None:
    os._exit(3)
