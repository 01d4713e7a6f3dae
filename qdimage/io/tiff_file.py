"""Opening TIFF files with tifffile, and turning its log into errors."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

import tifffile

from qdimage.errors import FormatError
from qdimage.io.inside import COPY_IT, is_link_out
from qdimage.io.tiff_directories import Page, read_pages

_LOGGER = logging.getLogger("tifffile")


class _Collector(logging.Filter):
    """Takes what tifffile logs in this thread; keeps the errors, drops the warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.thread = threading.get_ident()
        self.messages: list[str] = []

    def filter(self, record: logging.LogRecord) -> bool:
        if threading.get_ident() != self.thread:
            return True
        if record.levelno >= logging.ERROR:
            self.messages.append(record.getMessage())
        return False


@contextmanager
def collected_log() -> Iterator[list[str]]:
    """Collect tifffile's error messages instead of showing them; warnings are dropped.

    Nothing may depend on them alone: a program can have silenced tifffile's logger.
    """
    collector = _Collector()
    # The innermost collector comes first.
    _LOGGER.filters.insert(0, collector)
    try:
        yield collector.messages
    finally:
        _LOGGER.removeFilter(collector)


@dataclass(frozen=True)
class OpenFile:
    """One file and all its pages."""

    tiff: tifffile.TiffFile
    pages: list[Page]


@dataclass
class TiffFiles:
    """The first file of a stack, and those that it refers to."""

    path: Path
    first: OpenFile
    others: dict[Path, OpenFile] = field(default_factory=dict)

    def beside(self, name: str) -> OpenFile:
        """Open a file of the same set, in the same folder."""
        path = self.path.parent / PureWindowsPath(name).name
        if path == self.path:
            return self.first
        if path not in self.others:
            if not path.is_file():
                raise FormatError(
                    f"{self.path}: the file {path.name!r} of this set is missing; put it into the "
                    "same folder, or export the stack as one file"
                )
            if is_link_out(path):
                raise FormatError(
                    f"{self.path}: the file {path.name!r} of this set is a link out of the folder; "
                    f"{COPY_IT}"
                )
            self.others[path] = open_one(path)
        return self.others[path]

    def close(self) -> None:
        """Release all files."""
        for file in (self.first, *self.others.values()):
            file.tiff.close()


def open_files(path: Path) -> TiffFiles:
    """Open a stack by its first file."""
    return TiffFiles(path, open_one(path))


def open_one(path: Path) -> OpenFile:
    """Open one TIFF file and read all its pages.

    Raises
    ------
    FormatError
        If the file is no TIFF, has no page, or the chain of pages is broken.
    """
    with collected_log() as messages:
        try:
            tiff = tifffile.TiffFile(path)
        except Exception as error:  # damaged headers reach every corner of the parser
            raise FormatError(
                f"{path}: found no readable TIFF ({one_line(error)}), expected one; "
                "copy or export it again"
            ) from error
        try:
            pages = read_pages(tiff)
            if messages:
                raise tifffile.TiffFileError(messages[0])
        except Exception as error:
            tiff.close()
            raise FormatError(
                f"{path}: the file is damaged or cut short ({one_line(error)}); "
                "copy or export it again"
            ) from error
    if not pages:
        tiff.close()
        raise FormatError(f"{path}: found no page, expected at least one; export it again")
    # Viewers read frames in several threads, which share the position in the file.
    tiff.filehandle.set_lock(True)
    return OpenFile(tiff, pages)


def one_line(error: object) -> str:
    """A message without line breaks, cut to a readable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160]
