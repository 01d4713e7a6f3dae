"""Where the steps of an analysis are computed: here, in processes of this machine, on a cluster."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, TypeVar

Found = TypeVar("Found")

# More threads than one would change the last digits of sums, and slow the other workers down.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_ATTEMPTS_ALONE = 2
# Between looks whether the processes are alive, s.
_LOOK_S = 2.0


class Stopped(BaseException):
    """The run ends early; not an error of the step that hears of it."""


class Place(Protocol):
    """Where steps are computed."""

    at_once: int
    """Fields that are worth going through side by side."""

    writes_here: bool
    """Whether a step may write files for this process."""

    def start(self, call: Callable[[], Found]) -> Callable[[], Found]:
        """Begin a call, and return what waits for its answer or raises what it raised."""

    def stop(self) -> None:
        """End what was begun; who waits for it hears `Stopped`."""


class Here:
    """This process, one step after the other."""

    at_once = 1
    writes_here = True

    def start(self, call: Callable[[], Found]) -> Callable[[], Found]:
        """Leave the call for when its answer is asked for."""
        return call

    def stop(self) -> None:
        """Do nothing: who could be waiting is doing the step."""


class Processes:
    """A pool of processes of this machine.

    A process that dies takes its pool along. The steps that were in it are tried again, each in a
    process of its own, so that only the one that is to blame fails.

    Parameters
    ----------
    workers : int
    """

    writes_here = True

    def __init__(self, workers: int) -> None:
        self.at_once = workers
        self._pool = _pool(workers)
        # Of the step that is tried again.
        self._pool_of_one: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()
        self._alone = threading.Lock()
        self._stopped = False

    def start(self, call: Callable[[], Found]) -> Callable[[], Found]:
        """Begin a call, which has to survive pickling, as its answer has."""
        return partial(self._answer, call, *self._begun(call))

    def stop(self) -> None:
        """Kill the processes."""
        with self._lock:
            self._stopped = True
            for pool in (self._pool, self._pool_of_one):
                if pool is not None:
                    _kill(pool, cancel=True)

    def close(self) -> None:
        """Let the processes end."""
        self._pool.shutdown()

    def _begun(self, call: Callable[[], Found]) -> tuple[ProcessPoolExecutor, Future[Found]]:
        with self._lock:
            if self._stopped:
                raise Stopped
            try:
                return self._pool, self._pool.submit(call)
            except RuntimeError:  # it is broken
                self._pool = _pool(self.at_once)
                return self._pool, self._pool.submit(call)

    def _answer(
        self, call: Callable[[], Found], pool: ProcessPoolExecutor, future: Future[Found]
    ) -> Found:
        try:
            return _result(pool, future)
        except BrokenProcessPool:
            return self._again(call)
        except CancelledError as error:
            raise Stopped from error

    def _again(self, call: Callable[[], Found]) -> Found:
        with self._alone:
            for _ in range(_ATTEMPTS_ALONE):
                with self._lock:
                    if self._stopped:
                        raise Stopped
                    pool = self._pool_of_one = _pool(1)
                    future = pool.submit(call)
                with pool, suppress(BrokenProcessPool):
                    return _result(pool, future)
        if self._stopped:
            raise Stopped
        raise ChildProcessError(
            f"the worker process died, and {_ATTEMPTS_ALONE} times more when it had no other "
            "beside it; free memory, or leave the file out"
        )


@contextmanager
def processes(workers: int) -> Iterator[Place]:
    """Give the place for a number of workers: this process for one, else a pool."""
    if workers <= 1:
        yield Here()
        return
    with _one_thread_each():
        place = Processes(workers)
        try:
            yield place
        except BaseException:
            place.stop()
            raise
        finally:
            place.close()


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_follow_parent)


def _result(pool: ProcessPoolExecutor, future: Future[Found]) -> Found:
    """Wait for an answer, and end the pool if it waits for ever.

    That happens where a process dies in the middle of an answer: the pool notices no death while
    it reads, and the other processes cannot answer.
    """
    has_lost_one = False
    while not wait([future], timeout=_LOOK_S).done:
        if has_lost_one:
            _kill(pool)
        has_lost_one = any(not each.is_alive() for each in _children(pool))
    return future.result()


def _kill(pool: ProcessPoolExecutor, *, cancel: bool = False) -> None:
    """End a pool's processes at once, also while it reads an answer that was cut off.

    Its steps are broken off, or with `cancel` as if they had never been begun.
    """
    children, answers = _children(pool), pool._result_queue
    if cancel:
        pool.shutdown(wait=False, cancel_futures=True)
    for child in children:
        child.terminate()
    # While this process could write into the pipe itself, its reader would wait for the rest.
    pipe: Any = getattr(answers, "_writer", None)
    if pipe is not None:
        pipe.close()


def _children(pool: ProcessPoolExecutor) -> list[BaseProcess]:
    return list((pool._processes or {}).values())


def _follow_parent() -> None:
    """Leave Ctrl-C to the process that started this one, and end when that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that are started meanwhile compute with one thread each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
