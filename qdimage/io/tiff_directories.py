"""The pages of a TIFF file, none left out, each described by itself or by one that is like it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import tifffile

_MOST_TAGS = 4096
_DESCRIPTION, _STRIP_OFFSETS, _TILE_OFFSETS = 270, 273, 324
# What the values of these say, where they lie elsewhere, is no matter of the pixels: resolution,
# program, date, author, computer; and the private ones but for depths.
_UNRELATED = {282, 283, 305, 306, 315, 316}
_FIRST_PRIVATE = 32768
_DEPTHS = {32997, 32998}


@dataclass(frozen=True, slots=True)
class Page:
    """One page.

    Attributes
    ----------
    number : int
        From 0.
    position : int
        Of its directory in the file.
    offsets : tuple of int
        Of the parts of its data.
    tags : tifffile.TiffPage
        This page, or one before it that has all in common with it but where its data lie: to read
        every tag of thousands of pages takes longer than to read their pixels.
    """

    number: int
    position: int
    offsets: tuple[int, ...]
    tags: tifffile.TiffPage


def read_pages(tiff: tifffile.TiffFile) -> list[Page]:
    """Follow the chain of pages to its end.

    tifffile takes a chain that breaks for one that ends, and follows some circles for ever.

    Raises
    ------
    tifffile.TiffFileError
        If the chain or a page is damaged.
    """
    pages: list[Page] = []
    model: _Model | None = None
    for number, (position, directory) in enumerate(_directories(tiff)):
        offset = model.offset_in(directory) if model is not None else None
        if model is not None and offset is not None:
            pages.append(Page(number, position, (offset,), model.page))
            continue
        page = _full_page(tiff, number, position, len(directory) // tiff.tiff.tagsize)
        pages.append(Page(number, position, tuple(page.dataoffsets), page))
        model = _model(page, directory)
    return pages


def _directories(tiff: tifffile.TiffFile) -> Iterator[tuple[int, bytes]]:
    """Yield position and tags, as stored, of each page."""
    form, handle = tiff.tiff, tiff.filehandle
    found: set[int] = set()

    def read(position: int, size: int) -> bytes:
        if position + size > handle.size:
            raise tifffile.TiffFileError(
                f"the list of pages goes on at byte {position}, the file has {handle.size}"
            )
        handle.seek(position)
        return bytes(handle.read(size))

    begin = 8 if form.is_bigtiff else 4
    (position,) = struct.unpack(form.offsetformat, read(begin, form.offsetsize))
    while position:
        if position in found:
            raise tifffile.TiffFileError(f"the list of pages returns to byte {position}")
        found.add(position)
        (n_tags,) = struct.unpack(form.tagnoformat, read(position, form.tagnosize))
        if n_tags > _MOST_TAGS:
            raise tifffile.TiffFileError(f"page {len(found) - 1} lists {n_tags} tags")
        size = n_tags * form.tagsize
        content = read(position + form.tagnosize, size + form.offsetsize)
        yield position, content[:size]
        (position,) = struct.unpack(form.offsetformat, content[size:])


def _full_page(
    tiff: tifffile.TiffFile, number: int, position: int, n_tags: int
) -> tifffile.TiffPage:
    tiff.filehandle.seek(position)
    page = tiff.pages.first if number == 0 else tifffile.TiffPage(tiff, number)
    if len(page.tags) != n_tags:
        raise tifffile.TiffFileError(f"page {number} has unreadable tags")
    return page


@dataclass(frozen=True)
class _Model:
    """A page whose data are one piece, and the parts of its directory that pages like it share."""

    page: tifffile.TiffPage
    directory: bytes
    shared: tuple[slice, ...]
    offset: slice
    form: str
    description: tuple[slice, bytes] | None

    def offset_in(self, directory: bytes) -> int | None:
        """Where the data lie of the page that has a directory; None if it is not like this one."""
        if len(directory) != len(self.directory):
            return None
        if any(directory[part] != self.directory[part] for part in self.shared):
            return None
        if self.description is not None:
            value, text = self.description
            if _text(self.page.parent, directory[value], len(text)) != text:
                return None
        return int(struct.unpack(self.form, directory[self.offset])[0])


def _model(page: tifffile.TiffPage, directory: bytes) -> _Model | None:
    """Return what pages like this one are told by; None where each has to be read."""
    if not page.is_contiguous or len(page.dataoffsets) != 1 or page.parent.tiff.is_ndpi:
        return None
    form = page.parent.tiff
    inline = form.tagoffsetthreshold
    shared, begun, found, description = [], 0, None, None
    for end in range(form.tagsize, len(directory) + 1, form.tagsize):
        start, value = end - form.tagsize, end - inline
        code, kind, count, _ = struct.unpack(form.tagheaderformat, directory[start:end])
        each = tifffile.TIFF.DATA_FORMATS[kind]
        size = count * struct.calcsize(each)
        if code in (_STRIP_OFFSETS, _TILE_OFFSETS):
            found = slice(value, value + size), form.byteorder + each
        elif code == _DESCRIPTION and size > inline:
            part = slice(value, end)
            description = part, _text(page.parent, directory[part], size)
        elif size <= inline or not _is_unrelated(code):
            continue
        shared.append(slice(begun, value))
        begun = end
    if found is None:
        return None
    shared.append(slice(begun, len(directory)))
    return _Model(page, directory, tuple(shared), *found, description)


def _text(tiff: tifffile.TiffFile, value: bytes, size: int) -> bytes:
    """Return what a tag refers to."""
    tiff.filehandle.seek(*struct.unpack(tiff.tiff.offsetformat, value))
    return bytes(tiff.filehandle.read(size))


def _is_unrelated(code: int) -> bool:
    return code in _UNRELATED or (code >= _FIRST_PRIVATE and code not in _DEPTHS)
