"""``g2 --follow``: one line for each answer so far, and Ctrl-C as a wish for the last one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdimage.cli.terminal import say, show

if TYPE_CHECKING:
    from qdimage.pipeline.g2 import G2Answer


def followed(
    file: Path,
    *,
    until_width: float | None,
    idle_s: float,
    every_s: float,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> "G2Answer":
    """Follow a growing file, printing, and return the last answer."""
    from qdimage import api

    def tell(found: "G2Answer") -> None:
        if as_json:
            say(_line(found), quiet=quiet)
        elif not quiet:
            show(_line(found))

    with asked_to_stop() as stopped:
        return api.follow_g2(
            file,
            show=tell,
            stopped=stopped,
            until_width=until_width,
            idle_s=idle_s,
            every_s=every_s,
            **settings,
        )


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Take the first Ctrl-C as a wish to end in order, and a second one as ever."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(*_: object) -> None:
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _line(found: "G2Answer") -> str:
    from qdimage.domain.refusal import Refusal

    curve, answer = found.curve, found.answer
    so_far = f"{curve.duration_s:9.1f} s  {int(curve.counts.sum()):9d} coincidences  "
    if isinstance(answer, Refusal):
        return f"{so_far}no g2(0) yet: {answer.reason}"
    return (
        f"{so_far}g2(0) = {answer.value:.4f}  (95%: {answer.low_95:.4f} ... {answer.high_95:.4f})"
    )
