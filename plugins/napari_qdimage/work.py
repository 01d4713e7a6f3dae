"""Long work beside the window: progress, cancel, and errors as messages.

`run` works in a thread of this process, which is right for reading files. `compute` works in a
child process, which is right for everything that computes: compiled kernels hold the interpreter
and would freeze the window, a child can be ended at any moment, and it sums with one thread, as
the command line does, so that its numbers are the same to the last digit.

All callbacks are called in the window's thread, and none after its owner is gone.
"""

import pickle
import threading
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QCoreApplication, QObject, Qt, Signal

from napari_qdimage import children, messages
from napari_qdimage.child import DONE, ERROR, PROGRESS, takes_progress

__all__ = [
    "CANCELLED",
    "DONE",
    "ERROR",
    "PROGRESS",
    "Callbacks",
    "Cancelled",
    "Job",
    "abandon_all",
    "compute",
    "run",
]

CANCELLED = "cancelled"
_WATCHED = "qdimage_ends_its_work"

OnDone = Callable[[Any], object]
OnError = Callable[[str], object]
OnProgress = Callable[[str, int, int], object]
OnCancelled = Callable[[], object]

_jobs: "set[Job]" = set()


class Cancelled(BaseException):
    """Raised by the progress callback of cancelled work in a thread."""


def run(
    function: Callable[..., Any],
    *args: Any,
    on_done: OnDone | None = None,
    on_error: OnError | None = None,
    on_progress: OnProgress | None = None,
    on_cancelled: OnCancelled | None = None,
    owner: QObject | None = None,
    **kwargs: Any,
) -> "Job":
    """Call a function in a thread.

    Parameters
    ----------
    function : callable
        Where it has a parameter ``progress``, it is given a callback ``(what, done, total)``.
    on_done : callable, optional
        Called with the result.
    on_error : callable, optional
        Called with one line that says what to do; shown in napari's corner where not given.
    on_progress : callable, optional
        Called as ``on_progress(what, done, total)``.
    on_cancelled : callable, optional
        Called after `Job.cancel`; then nothing else is called any more.
    owner : QObject, optional
        Its end cancels the job without a callback.

    Returns
    -------
    Job
        Cancelled at once as far as the window sees; the thread ends at its next report of progress.
    """
    callbacks = Callbacks(on_done, on_error, on_progress, on_cancelled)
    return Job(_InThread(function, args, kwargs), callbacks, owner)


def compute(
    function: Callable[..., Any],
    *args: Any,
    on_done: OnDone | None = None,
    on_error: OnError | None = None,
    on_progress: OnProgress | None = None,
    on_cancelled: OnCancelled | None = None,
    owner: QObject | None = None,
    **kwargs: Any,
) -> "Job":
    """Call a function in a child process; parameters are those of `run`.

    The function has to be importable by its name, and everything that it takes and returns
    picklable. Cancelling interrupts it, and ends the process if it does not stop within a second.
    """
    callbacks = Callbacks(on_done, on_error, on_progress, on_cancelled)
    return Job(_InChild(function, args, kwargs), callbacks, owner)


class Callbacks:
    """What to call when a message of a kind comes."""

    def __init__(
        self,
        on_done: OnDone | None,
        on_error: OnError | None,
        on_progress: OnProgress | None,
        on_cancelled: OnCancelled | None,
    ) -> None:
        self.by_kind: dict[str, Callable[..., object] | None] = {
            DONE: on_done,
            ERROR: on_error or messages.show,
            PROGRESS: on_progress,
            CANCELLED: on_cancelled,
        }

    def call(self, kind: str, value: Any) -> None:
        """Hand a message on; what goes wrong in the callback is shown."""
        function = self.by_kind[kind]
        if function is None:
            return
        arguments = {PROGRESS: value, CANCELLED: ()}.get(kind, (value,))
        with messages.shown():
            function(*arguments)


class _Mailbox(QObject):
    """Takes messages from any thread and hands them on in the window's."""

    posted = Signal(str, object)

    def __init__(self, deliver: Callable[[str, Any], None]) -> None:
        super().__init__()
        self._deliver = deliver
        self.posted.connect(self._hand_on, Qt.ConnectionType.QueuedConnection)

    def _hand_on(self, kind: str, value: Any) -> None:
        self._deliver(kind, value)


class Job:
    """One piece of work on its way."""

    def __init__(
        self, work: "_InThread | _InChild", callbacks: Callbacks, owner: QObject | None
    ) -> None:
        self._work = work
        self._callbacks: Callbacks | None = callbacks
        self._cancelled = False
        self._mailbox = _Mailbox(self._deliver)
        _jobs.add(self)
        _abandon_all_at_the_end()
        if owner is not None:
            owner.destroyed.connect(self.abandon)
        threading.Thread(target=self._work_through, daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether a callback may still come."""
        return self in _jobs

    def cancel(self) -> None:
        """Stop; `on_cancelled` is called within a second, when nothing works on any more."""
        if self.running and not self._cancelled:
            self._cancelled = True
            if self._work.stop():
                self._post(CANCELLED, None)

    def abandon(self, *_: object) -> None:
        """Stop without a callback."""
        self._callbacks = None
        self._work.stop()
        _jobs.discard(self)

    def _work_through(self) -> None:
        try:
            self._work.do(self._post)
        except Cancelled:
            self._post(CANCELLED, None)
        except Exception as error:  # noqa: BLE001
            self._post(ERROR, messages.explain(error))

    def _post(self, kind: str, value: Any) -> None:
        try:
            self._mailbox.posted.emit(kind, value)
        except RuntimeError:  # the window is gone, and the mailbox with it
            self._callbacks = None

    def _deliver(self, kind: str, value: Any) -> None:
        if not self.running or (self._cancelled and kind == PROGRESS):
            return
        if self._cancelled:
            kind = CANCELLED
        if kind != PROGRESS:
            _jobs.discard(self)
        if self._callbacks is not None:
            self._callbacks.call(kind, value)


def abandon_all() -> None:
    """Stop everything, without callbacks."""
    for job in list(_jobs):
        job.abandon()
    children.end_idle()


def _abandon_all_at_the_end() -> None:
    application = QCoreApplication.instance()
    if application is not None and not application.property(_WATCHED):
        application.setProperty(_WATCHED, True)
        application.aboutToQuit.connect(abandon_all)


class _InThread:
    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._function = function
        self._args = args
        self._kwargs = kwargs
        self._stopped = threading.Event()

    def do(self, post: Callable[[str, Any], None]) -> None:
        def progress(what: str, done: int, total: int) -> None:
            if self._stopped.is_set():
                raise Cancelled
            post(PROGRESS, (what, done, total))

        kwargs = self._kwargs
        if takes_progress(self._function) and "progress" not in kwargs:
            kwargs = {**kwargs, "progress": progress}
        post(DONE, self._function(*self._args, **kwargs))

    def stop(self) -> bool:
        self._stopped.set()
        return True


class _InChild:
    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._call = (function, args, kwargs)
        self._child: children.Child | None = None
        self._stopped = False
        self._lock = threading.Lock()

    def do(self, post: Callable[[str, Any], None]) -> None:
        with self._lock:
            if self._stopped:
                raise Cancelled
            child = self._child = children.take()
        kind = PROGRESS
        try:
            child.ask(self._call)
            while kind == PROGRESS:
                kind, value = child.answer()
                post(kind, pickle.loads(value) if kind == DONE else value)  # noqa: S301
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            child.end()
            if self._stopped:
                raise Cancelled from error
            text = "the process that computes has ended; close other programs and try again"
            post(ERROR, text)
            return
        with self._lock:
            self._child = None
            if not self._stopped:
                children.give_back(child)

    def stop(self) -> bool:
        with self._lock:
            self._stopped = True
            if self._child is not None:
                self._child.interrupt()
        return False
