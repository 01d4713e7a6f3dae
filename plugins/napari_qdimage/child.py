"""The process that computes for the window; started as ``python -m napari_qdimage.child``.

It holds neither Qt nor napari. Requests come pickled through standard input and answers leave
through standard output, so that it can be ended at any time, and ends with the window.
"""

import _thread
import contextlib
import inspect
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from napari_qdimage.messages import explain

PROGRESS, DONE, ERROR = "progress", "done", "error"
_SECONDS_TO_TIDY_UP = 2.0

Answer = Callable[[str, Any], None]


def main() -> None:
    """Answer requests until the input ends."""
    # Ignored where a script started the window in the background, and cancelling rests on it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    output = _take_output()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    # An interrupted call has tidied up behind it when the interrupt arrives here.
    with contextlib.suppress(KeyboardInterrupt):
        while (request := requests.get()) is not None:
            _answer(request, output)


def takes_progress(function: Callable[..., Any]) -> bool:
    """Whether a call has a parameter named ``progress``."""
    try:
        return "progress" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False


def _take_output() -> BinaryIO:
    """Keep standard output for answers; what a library prints goes to standard error."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return output


def _listen(source: BinaryIO, requests: "queue.SimpleQueue[bytes | None]") -> None:
    while True:
        try:
            requests.put(pickle.load(source))  # noqa: S301  from the window that started this
        except (EOFError, OSError, pickle.UnpicklingError):
            break
    # The window is gone: end what is being computed, and let it tidy up.
    requests.put(None)
    _interrupt_main_thread()
    time.sleep(_SECONDS_TO_TIDY_UP)
    os._exit(1)


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        # Wakes it where it waits, which interrupt_main does not.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _answer(request: bytes, output: BinaryIO) -> None:
    def say(kind: str, value: Any) -> None:
        pickle.dump((kind, value), output, protocol=pickle.HIGHEST_PROTOCOL)
        output.flush()

    try:
        say(DONE, _compute(request, say))
    except BrokenPipeError:
        raise KeyboardInterrupt from None
    except Exception as error:  # noqa: BLE001
        say(ERROR, explain(error))


def _compute(request: bytes, say: Answer) -> bytes:
    # The function may live in a module that only the window's path leads to.
    path, call = pickle.loads(request)  # noqa: S301
    sys.path[:] = path
    function, args, kwargs = pickle.loads(call)  # noqa: S301
    if takes_progress(function) and "progress" not in kwargs:
        kwargs["progress"] = lambda what, done, total: say(PROGRESS, (what, done, total))
    # Pickled here, so that a result that cannot be sent is an error and not half a message.
    return pickle.dumps(function(*args, **kwargs), protocol=pickle.HIGHEST_PROTOCOL)


if __name__ == "__main__":
    main()
