"""Starting programs: quietly while installing, and in qd's own place when running."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from qd_tool.places import CLONE, WINDOWS, QdError


def run_quietly(
    what: str, command: Sequence[str], *, lock: int, environ: Mapping[str, str]
) -> None:
    """Run an installing command; its output is shown only if it fails.

    The child inherits the lock, so that it also holds it if qd is killed while the child
    goes on writing.
    """
    try:
        done = subprocess.run(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=() if WINDOWS else (lock,),
            check=False,
        )
    except OSError as error:
        raise QdError(f"{what} could not be started: {error}") from error
    if done.returncode:
        sys.stderr.write(done.stdout.decode("utf-8", "replace"))
        raise QdError(f"{what} failed with exit code {done.returncode} and said what stands above")


def call(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run a command in the clone and return its exit code."""
    return _wait(subprocess.Popen(command, env=environ, cwd=CLONE))


def become(command: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    """Give this process over to a command; Windows cannot, and passes on its exit code."""
    if not WINDOWS:
        os.execve(command[0], list(command), environ)  # noqa: S606
    sys.exit(_wait(subprocess.Popen(command, env=environ)))


def _wait(process: "subprocess.Popen[bytes]") -> int:
    # Ctrl-C reaches the child too, and is the child's to answer.
    while True:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            continue
        return code if code >= 0 else 128 - code
