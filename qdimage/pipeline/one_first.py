"""Steps of a kind wait for the first of them, which compiles what they all need."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from qdimage.pipeline.places import Place

Found = TypeVar("Found")


class OneFirst:
    """A place where the first step of each kind ends before others of its kind begin.

    Kernels take a minute or two to compile, once on each machine. Processes that begin with steps
    of one kind would all compile the same; so each begins with another kind.

    Parameters
    ----------
    place : Place
        Where the steps are computed. Those of a kind call the same function.
    """

    def __init__(self, place: Place) -> None:
        self.at_once = place.at_once
        self.writes_here = place.writes_here
        self._place = place
        # By kind those that wait for the first; None where it has ended.
        self._waiting: dict[Any, list[tuple[Callable[[], Any], Future[Any]]] | None] = {}
        self._lock = threading.Lock()

    def start(self, call: Callable[[], Found]) -> Callable[[], Found]:
        """Begin a call, or let it wait for the first of its kind."""
        kind = getattr(call, "func", call)
        with self._lock:
            if kind not in self._waiting:
                self._waiting[kind] = []
                return self._start_first(kind, call)
            waiting = self._waiting[kind]
            if waiting is None:
                return self._place.start(call)
            begun: Future[Callable[[], Found]] = Future()
            waiting.append((call, begun))
            return lambda: begun.result()()

    def stop(self) -> None:
        """End what was begun."""
        self._place.stop()

    def _start_first(self, kind: Any, call: Callable[[], Found]) -> Callable[[], Found]:
        answer: Future[Found] = Future()
        begun = self._place.start(call)
        threading.Thread(target=self._follow, args=(kind, begun, answer), daemon=True).start()
        return answer.result

    def _follow(self, kind: Any, begun: Callable[[], Found], answer: "Future[Found]") -> None:
        """Wait for the first of a kind, and begin the others."""
        _fill(answer, begun)
        with self._lock:
            waiting, self._waiting[kind] = self._waiting[kind], None
        for call, start in waiting or ():
            _fill(start, partial(self._place.start, call))


def _fill(future: "Future[Found]", call: Callable[[], Found]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - who waits hears of it
        future.set_exception(error)


def is_compiled() -> bool:
    """Return whether an earlier run has left the largest kernel compiled, maybe of other code."""
    from qdimage.localize.fit import fit_all

    kernel: Any = fit_all
    return any(Path(kernel._cache.cache_path).glob("fit.fit_all*"))
