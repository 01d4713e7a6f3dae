"""The output folder: filled beside the last run's files, which stay until all is there."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from qdimage.errors import ConfigurationError

RECORD = "run.json"
# What the steps of the last run found.
KEPT = "kept_steps"
_STAGING = "unfinished"
_LOCK = "qdimage.lock"
_TABLE_SUFFIXES = (".csv", ".parquet")


def check_output(out: Path) -> None:
    """Refuse a folder that holds anything but the output of an earlier run.

    Raises
    ------
    ConfigurationError
        If `out` is a file, or a folder with other things in it.
    """
    if out.is_file():
        raise ConfigurationError(f"{out}: found a file, expected a folder; name another with -o")
    if not out.is_dir() or _is_run(out):
        return
    if all(path.name in (_STAGING, KEPT, _LOCK) for path in out.iterdir()):
        return
    raise ConfigurationError(
        f"{out}: the folder is not empty and holds no earlier run of qdimage; "
        "empty it or name another with -o"
    )


def _is_run(out: Path) -> bool:
    try:
        record = json.loads((out / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(record, dict) and "qdimage" in record


@contextmanager
def owned(out: Path) -> Iterator[None]:
    """Hold a folder against other runs, and leave none that is empty.

    The system lets go of the lock when its owner ends, however that ends.

    Raises
    ------
    ConfigurationError
        If another run is writing into the folder.
    """
    made = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    cut_link(out / _LOCK)
    lock = FileLock(out / _LOCK, timeout=0)
    try:
        with lock:
            try:
                yield
            finally:
                # While it is held: a file that vanished later could be another run's lock.
                with suppress(OSError):
                    (out / _LOCK).unlink()
    except Timeout as error:
        raise ConfigurationError(
            f"{out}: another run is writing into this folder; wait for its end, or name another "
            "folder with -o"
        ) from error
    finally:
        if made:
            with suppress(OSError):
                out.rmdir()


@contextmanager
def staged(out: Path) -> Iterator[Path]:
    """Give a folder whose contents replace the earlier run's in `out` on success.

    Each file or folder of the new run takes the place of its namesake; on failure, or Ctrl-C,
    the earlier run is as it was. The record of the run comes last.
    """
    staging = out / _STAGING
    _remove(staging)
    staging.mkdir(parents=True)
    try:
        yield staging
        names = sorted((path.name for path in staging.iterdir()), key=lambda name: name == RECORD)
        for name in names:
            _replace(staging / name, out / name)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def forget_unfinished(out: Path) -> None:
    """Delete what a run that was killed had not finished, unless another one is at work."""
    if out.is_dir():
        with suppress(ConfigurationError, OSError), owned(out):
            _remove(out / _STAGING)


def _replace(source: Path, target: Path) -> None:
    """Move a file, or a folder file by file, since no folder can take another's place at once."""
    if source.is_dir():
        if target.is_file():
            target.unlink()
        own_folder(target)
        names = {path.name for path in source.iterdir()}
        for name in sorted(names):
            _replace(source / name, target / name)
        for path in target.iterdir():
            if path.name not in names:
                _remove(path)
        return
    if target.is_dir():
        _remove(target)
    source.replace(target)
    if target.suffix in _TABLE_SUFFIXES:
        # The same table in the other format is the earlier run's.
        for suffix in set(_TABLE_SUFFIXES) - {target.suffix}:
            target.with_suffix(suffix).unlink(missing_ok=True)


def own_folder(folder: Path) -> None:
    """Make a folder in the output where there is none but, maybe, a link to another's."""
    cut_link(folder)
    folder.mkdir(exist_ok=True)


def cut_link(path: Path) -> None:
    """Delete a link, which would lead what is written into it out of the output."""
    if path.is_symlink():
        path.unlink()


def _remove(path: Path) -> None:
    """Delete what is there; of a link only the link, for what it leads to may be another's."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
