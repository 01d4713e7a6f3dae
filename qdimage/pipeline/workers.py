"""All fields of a run, one after the other or side by side; one that fails stops nothing else."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment
from qdimage.domain.refusal import Failure
from qdimage.pipeline.attempt import attempt
from qdimage.pipeline.field import FieldResult, analyse_field, failed_field
from qdimage.pipeline.kept_steps import KeptSteps
from qdimage.pipeline.places import Place

Progress = Callable[[str, int, int], None]
Field = tuple[Experiment, AnalysisOptions]


def analyse_fields(
    fields: Sequence[Field],
    *,
    out: Path,
    place: Place,
    progress: Progress | None,
    kept: Path | None = None,
) -> list[FieldResult]:
    """Analyse fields and return their results in order; one that fails stops nothing else.

    Parameters
    ----------
    fields : sequence of (Experiment, AnalysisOptions)
    out : pathlib.Path
        Folder that receives ``images/`` and ``curves/``.
    place : Place
        Where steps are computed. As many fields as it takes at once are gone through side by side,
        each by a thread of this process that waits for the steps and writes the files.
    progress : callable, optional
        Called as ``progress(what, done, total)`` with counts of channels and files, by one thread
        at a time.
    kept : pathlib.Path, optional
        Folder in which each step is kept, and found where an earlier run has done it.
    """
    count = _Counter(sum(_n_steps(each) for each, _ in fields), progress)

    def analyse(number: int) -> FieldResult:
        return _analyse(number, fields[number - 1], out, KeptSteps(kept, place), count.one)

    numbers = range(1, len(fields) + 1)
    if place.at_once == 1:
        return [analyse(number) for number in numbers]
    with ThreadPoolExecutor(min(place.at_once, len(fields))) as threads:
        futures = [threads.submit(analyse, number) for number in numbers]
        return _collected(futures, place)


def _collected(futures: Sequence[Future[FieldResult]], place: Place) -> list[FieldResult]:
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        # Whatever ended a field first is raised, before a field that comes earlier is waited for.
        for future in done:
            future.result()
        return [future.result() for future in futures]
    except BaseException:
        for future in futures:
            future.cancel()
        place.stop()
        raise


def _n_steps(experiment: Experiment) -> int:
    return len(experiment.declared.channels) + len(experiment.declared.photons)


class _Counter:
    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done = 0
        self.total = total
        self.progress = progress
        self.lock = threading.Lock()

    def one(self, what: str) -> None:
        with self.lock:
            self.done += 1
            if self.progress is not None:
                self.progress(what, self.done, self.total)


def _analyse(
    number: int, field: Field, out: Path, steps: KeptSteps, progress: Callable[[str], None]
) -> FieldResult:
    experiment, options = field
    begun = 0

    def step(what: str) -> None:
        nonlocal begun
        begun += 1
        progress(what)

    result = attempt(
        lambda: analyse_field(
            experiment, number=number, options=options, out=out, steps=steps, progress=step
        ),
        experiment.name,
    )
    for _ in range(begun, _n_steps(experiment)):
        progress(experiment.name)
    if isinstance(result, Failure):
        return failed_field(experiment, options, result.reason)
    return result
