"""What the steps of earlier runs found, so that the next one need not do them again."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

import qdimage
from qdimage.errors import FormatError
from qdimage.io.object_file import read_object, write_object

Found = TypeVar("Found")

_LOG = logging.getLogger(__name__)
_SUFFIX = ".zip"


@dataclass(frozen=True)
class StepDone:
    """A line of the log of steps.

    Attributes
    ----------
    step, place : str
        What was done, and for what.
    kept : bool
        True where an earlier run had done it.
    file : str
        What holds the result in the folder of kept steps; empty where none are kept.
    """

    step: str
    place: str
    kept: bool
    file: str


class KeptSteps:
    """The steps of one field, each kept in a file named by a hash of all that it rests on.

    Parameters
    ----------
    folder : pathlib.Path or None
        Where steps are kept and found; None to do each of them.

    Attributes
    ----------
    log : list of StepDone
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder
        self.log: list[StepDone] = []

    def do(self, step: str, place: str, rests_on: object, work: Callable[[], Found]) -> Found:
        """Return what a step finds: kept from an earlier run, or found now and then kept.

        Parameters
        ----------
        step, place : str
            What is done, and for what; for the log.
        rests_on : object
            Of lists, mappings, texts and numbers: all that decides the result but qdimage itself.
        work : callable
            Does the step. What it raises is passed on, and nothing is kept.
        """
        if self.folder is None:
            return self._logged(StepDone(step, place, False, ""), work())
        text = json.dumps([_sources(), step, rests_on])
        path = self.folder / (hashlib.sha256(text.encode()).hexdigest()[:32] + _SUFFIX)
        # Damaged, or another version's: done again.
        with suppress(FormatError):
            if path.is_file():
                found: Found = read_object(path)
                return self._logged(StepDone(step, place, True, path.name), found)
        found = work()
        # A full disk must not end a run that could do without keeping.
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            write_object(path, found)
        return self._logged(StepDone(step, place, False, path.name), found)

    def _logged(self, done: StepDone, found: Found) -> Found:
        _LOG.info("%s: %s, %s", "kept" if done.kept else "done", done.step, done.place)
        self.log.append(done)
        return found


def forget_steps(folder: Path, *, but: Iterable[str] = ()) -> None:
    """Delete the kept steps, but those in the named files."""
    stay = set(but)
    if not stay:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.glob("*"):
        if path.name not in stay:
            path.unlink(missing_ok=True)


def file_marks(folder: Path, names: Iterable[str | None]) -> list[tuple[str, int, int]]:
    """Return path, size and time of change of the files that are there."""
    paths = [folder / name for name in names if name]
    marks = [(path, path.stat()) for path in paths if path.is_file()]
    return [(str(path), mark.st_size, mark.st_mtime_ns) for path, mark in marks]


@cache
def _sources() -> str:
    """Hash of the package's own sources."""
    folder, found = Path(qdimage.__file__).parent, hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
