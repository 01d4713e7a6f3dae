"""Steps computed on a Dask cluster that is there already."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from qdimage.errors import ConfigurationError
from qdimage.pipeline.kept_steps import package_sources
from qdimage.pipeline.places import Place, Stopped

Found = TypeVar("Found")

_CONNECT_S, _MOST_FIELDS = 15, 32


class Cluster:
    """The workers of a scheduler.

    They read the experiments' files under the same paths as this process: the file system has to
    be shared. What they find comes back here, where all files are written.

    Parameters
    ----------
    client : distributed.Client
    """

    writes_here = False

    def __init__(self, client: Any) -> None:
        self._client = client
        self._stopped = threading.Event()
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        n_threads = sum(each["nthreads"] for each in workers)
        self.at_once = min(max(n_threads, 2), _MOST_FIELDS)

    def start(self, call: Callable[[], Found]) -> Callable[[], Found]:
        """Begin a call, which has to survive pickling, as its answer has."""
        if self._stopped.is_set():
            raise Stopped
        # Where a worker dies, the scheduler begins its steps anew elsewhere, a few times at most.
        future = self._client.submit(_with_same_code, package_sources(), call, pure=False)
        return partial(self._answer, future)

    def stop(self) -> None:
        """Take back what was begun; a step that a worker is at goes on to its end there."""
        self._stopped.set()
        self._client.close(timeout=1)

    def _answer(self, future: Any) -> Any:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            found = future.result()
        except KilledWorker as error:
            raise ChildProcessError(
                f"several workers of the cluster died at this step ({error.last_worker}); see "
                "their memory limits and logs"
            ) from error
        except (FutureCancelledError, RuntimeError):
            if self._stopped.is_set():
                raise Stopped from None
            raise
        future.release()
        return found


@contextmanager
def cluster(address: str) -> Iterator[Place]:
    """Give the place for the address of a running scheduler, such as ``tcp://host:8786``.

    Raises
    ------
    ConfigurationError
        If `distributed` is not installed, or nothing answers there.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ConfigurationError(
            "--scheduler needs Dask; install it with: pip install 'qdimage[cluster]'"
        ) from error
    try:
        client: Any = Client(address, timeout=_CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"--scheduler {address}: no scheduler answers there ({error}); start one with "
            "`dask scheduler`, or correct the address"
        ) from error
    with client:
        yield Cluster(client)


def _with_same_code(sources: str, call: Callable[[], Found]) -> Found:
    if package_sources() != sources:
        raise ConfigurationError(
            f"the worker in process {os.getpid()} has another version of qdimage, and would "
            "compute other numbers; install the same one"
        )
    return call()
