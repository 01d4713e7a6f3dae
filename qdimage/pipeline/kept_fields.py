"""Fields that an interrupted run has finished, so that the next one need not analyse them again."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import qdimage
from qdimage.config import AnalysisOptions
from qdimage.domain.experiment import Experiment
from qdimage.domain.photon_tables import PHOTON_TABLES
from qdimage.errors import FormatError
from qdimage.io.object_file import read_object, write_object
from qdimage.pipeline.field import FieldResult

_RESULT, _PARTIAL = "field.zip", ".partial"


@dataclass(frozen=True)
class KeptFields:
    """A folder of finished fields, each under a hash of all that it rests on.

    That is its number in the run, its declaration and options, decisions about its dots, size and
    time of its files, and qdimage's own sources.
    """

    folder: Path

    def analyse(
        self,
        number: int,
        experiment: Experiment,
        options: AnalysisOptions,
        out: Path,
        analyse: Callable[[Path], FieldResult],
    ) -> FieldResult:
        """Return a field's result, with its files in `out`: kept, or analysed and then kept.

        Parameters
        ----------
        analyse : callable
            Analyses the field with its files in the folder that it is given. A result with
            failures is not kept, since they may have passed.
        """
        place = self.folder / _key(number, experiment, options)
        kept = self._read(place, experiment, options)
        if kept is not None:
            _copy(place, out)
            return kept
        with self._partial(place) as partial:
            result = analyse(partial)
            _copy(partial, out)
            if not _has_failed(result):
                _keep(result, partial, place)
        return result

    @contextmanager
    def _partial(self, place: Path) -> Iterator[Path]:
        """Give a folder to fill, which is gone afterwards unless it was renamed."""
        partial = place.with_suffix(_PARTIAL)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            yield partial
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def clear(self) -> None:
        """Forget all fields."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def tidied(self) -> Iterator[None]:
        """Leave nothing but finished fields, and no folder without any, however the block ends.

        Not done where a field ends: another process may be about to begin one in the folder.
        """
        try:
            yield
        finally:
            for partial in self.folder.glob(f"*{_PARTIAL}"):
                shutil.rmtree(partial, ignore_errors=True)
            with suppress(OSError):
                self.folder.rmdir()

    def _read(
        self, place: Path, experiment: Experiment, options: AnalysisOptions
    ) -> FieldResult | None:
        if not (place / _RESULT).is_file():
            return None
        try:
            bare = read_object(place / _RESULT)
        except FormatError:
            return None
        if not isinstance(bare, FieldResult):
            return None
        return replace(bare, experiment=experiment, options=options)


def _keep(result: FieldResult, partial: Path, place: Path) -> None:
    # The declaration and the options are the next run's own, equal to these.
    bare = replace(result, experiment=None, options=None)  # type: ignore[arg-type]
    write_object(partial / _RESULT, bare)
    shutil.rmtree(place, ignore_errors=True)
    partial.replace(place)


def _copy(place: Path, out: Path) -> None:
    shutil.copytree(place, out, dirs_exist_ok=True, ignore=shutil.ignore_patterns(_RESULT))


def _has_failed(result: FieldResult) -> bool:
    rows = [channel.row for channel in result.channels]
    rows += [row for table in PHOTON_TABLES for row in result.photons.get(table.name, [])]
    return not result.channels or any(row.get("status") == "failed" for row in rows)


def _key(number: int, experiment: Experiment, options: AnalysisOptions) -> str:
    declared = experiment.declared.model_dump(mode="json")
    rests_on = [
        _sources(),
        number,
        str(experiment.path),
        declared,
        options.model_dump(mode="json"),
        repr(experiment.curation),
        sorted(_files(experiment.folder, declared)),
    ]
    return hashlib.sha256(json.dumps(rests_on).encode()).hexdigest()[:32]


def _files(folder: Path, declared: Any) -> Iterator[tuple[str, int, int]]:
    """Name, size and time of every file that some text of a declaration names."""
    if isinstance(declared, dict):
        declared = list(declared.values())
    if isinstance(declared, list):
        for each in declared:
            yield from _files(folder, each)
    elif isinstance(declared, str) and declared:
        path = folder / declared
        inside = path.rglob("*") if path.is_dir() else [path]
        for each in inside:
            if each.is_file():
                stat = each.stat()
                yield str(each), stat.st_size, stat.st_mtime_ns


@cache
def _sources() -> str:
    """Hash of the package's own sources."""
    folder, found = Path(qdimage.__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
