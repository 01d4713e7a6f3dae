"""Files that are either whole or absent."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes ``path`` on success and vanishes on failure."""
    partial = path.with_name(path.name + ".partial")
    # What a killed run left, or a link that would lead the writing elsewhere.
    partial.unlink(missing_ok=True)
    try:
        yield partial
        _reach_the_disk(partial)
        partial.replace(path)
    except OSError as error:
        # A full disk does not say what it had no space for. With no number, a name would take the
        # place of the words.
        if error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def _reach_the_disk(path: Path) -> None:
    """Wait until a file's content is on the disk, lest a power cut leaves the new name without."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
