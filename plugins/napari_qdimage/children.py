"""Starting, asking and ending the processes of `napari_qdimage.child`."""

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from napari_qdimage.messages import log_path

_WINDOWS = os.name == "nt"
# As the command line does it: more threads than one would change the last digits of sums.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
_SECONDS_TO_TIDY_UP = 0.6

_idle: "list[Child]" = []
_lock = threading.Lock()


def take() -> "Child":
    """Return a child that waits for work, a new one where there is none."""
    with _lock:
        while _idle:
            child = _idle.pop()
            if child.alive:
                return child
    return Child()


def give_back(child: "Child") -> None:
    """Keep a child for the next call, which then need not wait for its imports."""
    with _lock:
        if not _idle:
            _idle.append(child)
            return
    child.end()


@atexit.register
def end_idle() -> None:
    """End the child that waits."""
    with _lock:
        waiting = _idle.copy()
        _idle.clear()
    for child in waiting:
        child.end()


class Child:
    """A process that computes."""

    def __init__(self) -> None:
        with _log() as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "napari_qdimage.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**_ONE_THREAD, **os.environ},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        self._requests = cast(IO[bytes], self._process.stdin)
        self._answers = cast(IO[bytes], self._process.stdout)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def ask(self, call: tuple[Any, ...]) -> None:
        """Send ``(function, args, kwargs)``.

        Raises
        ------
        OSError
            If the process has ended.
        """
        request = pickle.dumps((sys.path, pickle.dumps(call, pickle.HIGHEST_PROTOCOL)))
        pickle.dump(request, self._requests, pickle.HIGHEST_PROTOCOL)
        self._requests.flush()

    def answer(self) -> tuple[str, Any]:
        """Wait for a message: its kind, and its value.

        Raises
        ------
        EOFError, OSError, pickle.UnpicklingError
            If the process has ended.
        """
        kind, value = pickle.load(self._answers)  # noqa: S301  this process started the sender
        return kind, value

    def interrupt(self) -> None:
        """Have it tidy up and end; end it where it has not done so within a second."""
        if _WINDOWS:
            self._process.kill()
            return
        self._process.send_signal(signal.SIGINT)
        killer = threading.Timer(_SECONDS_TO_TIDY_UP, self._process.kill)
        killer.daemon = True
        killer.start()

    def end(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._requests, self._answers):
            # What was still to be written has no reader any more.
            with contextlib.suppress(OSError):
                pipe.close()


@contextmanager
def _log() -> Iterator[IO[bytes] | int]:
    """The log file, for what libraries print; nothing where it cannot be written."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError:
        yield subprocess.DEVNULL
        return
    with file:
        yield file
