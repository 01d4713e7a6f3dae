"""What the steps of earlier runs found, so that the next one need not do them again."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import qdimage
from qdimage.errors import FormatError
from qdimage.io.object_file import read_object, write_object
from qdimage.pipeline.places import Here, Place

Found = TypeVar("Found")

_LOG = logging.getLogger(__name__)
_SUFFIX = ".zip"


@dataclass(frozen=True)
class StepDone:
    """A line of the log of steps.

    Attributes
    ----------
    step, what : str
        What was done, and for what.
    kept : bool
        True where an earlier run had done it.
    file : str
        What holds the result in the folder of kept steps; empty where none are kept.
    """

    step: str
    what: str
    kept: bool
    file: str


class KeptSteps:
    """The steps of one field, each kept in a file named by a hash of all that it rests on.

    Parameters
    ----------
    folder : pathlib.Path, optional
        Where steps are kept and found; None to do each of them.
    place : Place, optional
        Where they are computed; this process where not given.

    Attributes
    ----------
    log : list of StepDone
    """

    def __init__(self, folder: Path | None = None, place: Place | None = None) -> None:
        self.folder = folder
        self.place = place or Here()
        self.log: list[StepDone] = []

    def start(
        self, step: str, what: str, rests_on: object, work: Callable[[], Found]
    ) -> Callable[[], Found]:
        """Begin a step, and return what gives its result: kept from an earlier run, or found now.

        Parameters
        ----------
        step, what : str
            What is done, and for what; for the log.
        rests_on : object
            Of lists, mappings, texts and numbers: all that decides the result but qdimage itself.
        work : callable
            Does the step, maybe in another process. What it raises is passed on by what is
            returned, and nothing is kept.
        """
        path = self._path(step, rests_on)
        if path is not None and path.is_file():
            # Damaged, or another version's: done again.
            with suppress(FormatError):
                found: Found = read_object(path)
                return partial(self._logged, StepDone(step, what, True, path.name), found)
        return partial(self._finish, step, what, path, self.place.start(work))

    def do(self, step: str, what: str, rests_on: object, work: Callable[[], Found]) -> Found:
        """Begin a step and wait for it; parameters as `start`."""
        return self.start(step, what, rests_on, work)()

    def _path(self, step: str, rests_on: object) -> Path | None:
        if self.folder is None:
            return None
        text = json.dumps([package_sources(), step, rests_on])
        return self.folder / (hashlib.sha256(text.encode()).hexdigest()[:32] + _SUFFIX)

    def _finish(
        self, step: str, what: str, path: Path | None, answer: Callable[[], Found]
    ) -> Found:
        found = answer()
        if path is None:
            return self._logged(StepDone(step, what, False, ""), found)
        # A full disk must not end a run that could do without keeping.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_object(path, found)
        return self._logged(StepDone(step, what, False, path.name), found)

    def _logged(self, done: StepDone, found: Found) -> Found:
        _LOG.info("%s: %s, %s", "kept" if done.kept else "done", done.step, done.what)
        self.log.append(done)
        return found


def forget_steps(folder: Path, *, but: Iterable[str] = ()) -> None:
    """Delete the kept steps, but those in the named files."""
    stay = set(but)
    if folder.is_symlink():
        # What lies behind a link may be another's.
        folder.unlink()
    elif not stay:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        for path in folder.glob("*"):
            if path.name not in stay and not path.is_dir():
                path.unlink(missing_ok=True)


def file_marks(folder: Path, names: Iterable[str | None]) -> list[tuple[str, int, int]]:
    """Return path, size and time of change of the files that are there."""
    paths = [folder / name for name in names if name]
    marks = [(path, path.stat()) for path in paths if path.is_file()]
    return [(str(path), mark.st_size, mark.st_mtime_ns) for path, mark in marks]


@cache
def package_sources() -> str:
    """Hash of the package's own sources."""
    folder, found = Path(qdimage.__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
