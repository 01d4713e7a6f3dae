"""Opening TIFF files with tifffile, and turning its log into errors."""

import logging
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

import tifffile

from qdimage.errors import FormatError

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
    """One file and all its pages, none of which tifffile would keep by itself."""

    tiff: tifffile.TiffFile
    pages: list[tifffile.TiffPage]


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
            pages = _read_pages(tiff)
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


def _read_pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    tag_counts = _tag_counts(tiff)
    if len(tiff.pages) != len(tag_counts):
        raise tifffile.TiffFileError(
            f"{len(tiff.pages)} of {len(tag_counts)} listed pages can be read"
        )
    pages = []
    for index, n_tags in enumerate(tag_counts):
        page = tiff.pages.get(index)
        if not isinstance(page, tifffile.TiffPage) or len(page.tags) != n_tags:
            raise tifffile.TiffFileError(f"page {index} has unreadable tags")
        pages.append(page)
    return pages


def _tag_counts(tiff: tifffile.TiffFile) -> list[int]:
    """Follow the chain of pages to its end, and return each page's number of tags.

    tifffile takes a chain that breaks for one that ends, and follows some circles for ever.
    """
    form = tiff.tiff
    position = 8 if tiff.is_bigtiff else 4
    found: dict[int, int] = {}
    while offset := _unsigned(tiff, position, form.offsetformat, form.offsetsize):
        if offset in found:
            raise tifffile.TiffFileError(f"the list of pages returns to byte {offset}")
        found[offset] = _unsigned(tiff, offset, form.tagnoformat, form.tagnosize)
        position = offset + form.tagnosize + found[offset] * form.tagsize
    return list(found.values())


def _unsigned(tiff: tifffile.TiffFile, position: int, form: str, size: int) -> int:
    handle = tiff.filehandle
    if position + size > handle.size:
        raise tifffile.TiffFileError(
            f"the list of pages goes on at byte {position}, the file has {handle.size}"
        )
    handle.seek(position)
    (value,) = struct.unpack(form, handle.read(size))
    return int(value)


def one_line(error: object) -> str:
    """A message without line breaks, cut to a readable length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160]
