"""Where fields are analysed: in this process, or in a pool of processes."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment
from qdimage.domain.refusal import Failure
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.field import FieldResult, analyse_field, failed_field

Progress = Callable[[str, int, int], None]
Field = tuple[Experiment, AnalysisOptions]

# More threads than one would change the last digits of sums, and slow the other workers down.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def analyse_fields(
    fields: Sequence[Field],
    *,
    out: Path,
    workers: int,
    progress: Progress | None,
    kept: Path | None = None,
) -> list[FieldResult]:
    """Analyse fields and return their results in order; one that fails stops nothing else.

    Parameters
    ----------
    fields : sequence of (Experiment, AnalysisOptions)
    out : pathlib.Path
        Folder that receives ``images/`` and ``curves/``.
    workers : int
        Processes.
    progress : callable, optional
        Called as ``progress(what, done, total)`` with counts of channels and files.
    kept : pathlib.Path, optional
        Folder in which each step is kept, and found where an earlier run has done it.
    """
    count = _Counter(sum(_n_steps(each) for each, _ in fields), progress)
    if min(workers, len(fields)) <= 1:
        return [
            _analyse(number, field, out, kept, count.one)
            for number, field in enumerate(fields, start=1)
        ]
    return _in_pool(fields, out, min(workers, len(fields)), kept, count)


def _n_steps(experiment: Experiment) -> int:
    return len(experiment.declared.channels) + len(experiment.declared.photons)


class _Counter:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done = 0
        self.total = total
        self.progress = progress

    def one(self, what: str) -> None:
        self.several(what, 1)

    def several(self, what: str, n: int) -> None:
        self.done += n
        if self.progress is not None:
            self.progress(what, self.done, self.total)


def _analyse(
    number: int,
    field: Field,
    out: Path,
    kept: Path | None,
    progress: Callable[[str], None] = lambda _: None,
) -> FieldResult:
    experiment, options = field
    begun = 0

    def step(what: str) -> None:
        nonlocal begun
        begun += 1
        progress(what)

    result = attempt(
        lambda: analyse_field(
            experiment, number=number, options=options, out=out, kept=kept, progress=step
        ),
        experiment.name,
    )
    for _ in range(begun, _n_steps(experiment)):
        progress(experiment.name)
    if isinstance(result, Failure):
        return failed_field(experiment, options, result.reason)
    return result


def _in_pool(
    fields: Sequence[Field], out: Path, workers: int, kept: Path | None, count: _Counter
) -> list[FieldResult]:
    results: dict[int, FieldResult] = {}
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_follow_parent) as pool,
    ):
        futures: dict[Future[FieldResult], int] = {
            pool.submit(_analyse, number, field, out, kept): number
            for number, field in enumerate(fields, start=1)
        }
        try:
            for future in as_completed(futures):
                number = futures[future]
                experiment, options = fields[number - 1]
                try:
                    results[number] = future.result()
                except BrokenProcessPool:
                    reason = "the worker process died; run again with fewer --workers"
                    results[number] = failed_field(experiment, options, reason)
                count.several(experiment.name, _n_steps(experiment))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in multiprocessing.active_children():
                child.terminate()
            raise
    return [results[number] for number in sorted(results)]


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
