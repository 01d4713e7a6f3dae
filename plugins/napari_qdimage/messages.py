"""What goes wrong, in words that say what to do; the details of a bug go to a log file."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from qdimage.errors import QdimageError

_LOG = logging.getLogger(__name__)


def log_path() -> Path:
    """Return the file that keeps the details of unexpected errors."""
    from platformdirs import user_log_path

    return user_log_path("qdimage", appauthor=False) / "napari.log"


def explain(error: BaseException) -> str:
    """Say in one line what happened and what to do.

    An error that qdimage raises on purpose, or a file that cannot be opened, says so itself.
    Anything else is a bug: its traceback is added to the log file, which the line names.
    """
    if isinstance(error, QdimageError):
        return " ".join(str(error).split())
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}; check the path and the free space"
    if isinstance(error, MemoryError):
        return "not enough memory; close other programs, or analyse fewer fields at once"
    found = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return f"internal error ({found}); report it, with the end of {_kept(error)}"


def _kept(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    _LOG.debug("%s", text)
    try:
        path = log_path()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC).isoformat(timespec='seconds')}\n{text}\n")
    except OSError as failure:
        return f"the log, had it been possible to write it ({failure.strerror})"
    return str(path)


def show(text: str) -> None:
    """Show a message in napari's corner."""
    from napari.utils.notifications import show_error

    show_error(text)


@contextmanager
def shown() -> Iterator[None]:
    """Turn an error of the block into a message on the screen: for the bodies of slots."""
    try:
        yield
    except Exception as error:  # noqa: BLE001
        show(explain(error))
