"""Opening TIFF files with tifffile, and turning its log into errors."""

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import tifffile

from qdimage.errors import FormatError

_LOGGER = logging.getLogger("tifffile")
_DAMAGE = (
    tifffile.TiffFileError,
    struct.error,
    ValueError,
    TypeError,
    OSError,
    LookupError,
    ArithmeticError,
)


class _Collector(logging.Handler):
    """Keeps what tifffile only logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextmanager
def collected_log() -> Iterator[list[str]]:
    """Collect tifffile's error messages instead of showing them; warnings are dropped."""
    collector = _Collector()
    propagate, _LOGGER.propagate = _LOGGER.propagate, False
    _LOGGER.addHandler(collector)
    try:
        yield collector.messages
    finally:
        _LOGGER.removeHandler(collector)
        _LOGGER.propagate = propagate


@dataclass
class TiffFiles:
    """The first file of a stack, and those that it refers to."""

    path: Path
    first: tifffile.TiffFile
    others: dict[Path, tifffile.TiffFile] = field(default_factory=dict)

    def beside(self, name: str) -> tifffile.TiffFile:
        """Open a file of the same set, in the same folder."""
        path = self.path.parent / Path(name).name
        if path == self.path:
            return self.first
        if path not in self.others:
            if not path.is_file():
                raise FormatError(
                    f"{self.path}: the file {path.name!r} of this set is missing; put it into the "
                    "same folder, or export the stack as one file"
                )
            self.others[path] = open_one(path)
        return self.others[path]

    def close(self) -> None:
        """Release all files."""
        for file in (self.first, *self.others.values()):
            file.close()


def open_files(path: Path) -> TiffFiles:
    """Open a stack by its first file."""
    return TiffFiles(path, open_one(path))


def open_one(path: Path) -> tifffile.TiffFile:
    """Open one TIFF file and walk to the end of its chain of pages.

    Raises
    ------
    FormatError
        If the file is no TIFF, has no page, or the chain is broken.
    """
    with collected_log() as messages:
        try:
            file = tifffile.TiffFile(path)
        except _DAMAGE as error:
            raise FormatError(
                f"{path}: found no readable TIFF ({one_line(error)}), expected one; "
                "copy or export it again"
            ) from error
        try:
            n_pages = len(file.pages)
            for index in range(n_pages):
                file.pages[index]
        except _DAMAGE as error:
            file.close()
            raise FormatError(
                f"{path}: a page is damaged ({one_line(error)}); copy or export the file again"
            ) from error
    if messages:
        file.close()
        raise FormatError(
            f"{path}: the file is damaged or cut short after {n_pages} readable pages "
            f"({one_line(messages[0])}); copy or export it again"
        )
    if n_pages == 0:
        file.close()
        raise FormatError(f"{path}: found no page, expected at least one; export it again")
    return file


def one_line(error: object) -> str:
    """A message without line breaks, cut to a readable length."""
    return " ".join(str(error).split())[:160]
