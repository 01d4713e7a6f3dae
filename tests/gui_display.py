"""A display of one's own to draw on, on Linux; elsewhere, the one that is there."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_START_S = 60.0
HAS_NONE = sys.platform in ("win32", "darwin")


def can_start() -> bool:
    """Whether a display can be started, or none is needed."""
    return HAS_NONE or shutil.which("Xvfb") is not None


@contextmanager
def own_display() -> Iterator[None]:
    """A display of this process's own for the block.

    One that is there already is not used: it may draw differently, and has a person at it.
    """
    if HAS_NONE:
        yield
        return
    read_end, write_end = os.pipe()
    # It ends with its last client: with this process, however that ends.
    options = ["-screen", "0", "1920x1200x24", "-nolisten", "tcp", "-terminate"]
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), *options],
        pass_fds=[write_end],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    os.environ.update(DISPLAY=f":{_read_number(read_end)}", QT_QPA_PLATFORM="xcb")
    yield
    server.terminate()
    server.wait()


def _read_number(descriptor: int) -> str:
    """The number of the display, which comes with a line's end, and may come in parts."""
    text = b""
    with os.fdopen(descriptor, "rb", buffering=0) as pipe:
        while not text.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], _START_S)
            part = pipe.read(16) if ready else b""
            assert part, f"Xvfb named no display within {_START_S:g} s"
            text += part
    return text.decode().strip()
