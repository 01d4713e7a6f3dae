"""Ctrl-C ends a run of several processes quickly, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from small_device import copy_field, make_field

from qdimage.pipeline.output import KEPT

PATIENCE_S = 300.0
QUICKLY_S = 10.0


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to a console, not to a process")
def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    first, out = make_field(tmp_path / "device" / "field-a"), tmp_path / "out"
    for letter in "bcdef":
        copy_field(first, tmp_path / "device" / f"field-{letter}")
    command = [sys.executable, "-m", "qdimage", "run", str(tmp_path / "device"), "-o", str(out)]
    run = subprocess.Popen(
        [*command, "--resume", "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert within(PATIENCE_S, lambda: any((out / KEPT).glob("*.zip")))
        # As a terminal does: to all processes of the group.
        os.killpg(run.pid, signal.SIGINT)
        _, said = run.communicate(timeout=QUICKLY_S)
    except BaseException:
        os.killpg(run.pid, signal.SIGKILL)
        raise
    assert run.returncode == 130
    assert said == "qdimage: interrupted; nothing was left half-written\n"
    assert [path.name for path in out.iterdir()] == [KEPT]
    assert within(QUICKLY_S, lambda: not group_lives(run.pid))


def group_lives(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except ProcessLookupError:
        return False
    return True


def within(seconds: float, is_so: Callable[[], bool]) -> bool:
    """Wait until something is so, and say whether it is in time."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.05)
    return is_so()
