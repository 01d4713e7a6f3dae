"""Where the structure of a valid file stands, and where its payload, by format."""

import io
import re
from pathlib import Path

import tifffile

from fuzzed.damage import Anatomy
from fuzzed.trees import other_archive, other_json, other_toml

_TAG_BYTES = 48
_FITS_BYTES = 2880
_SPE_BYTES = 4100
# Exposure, width, kind, height, accumulations, XML, frames, version, units, coefficients.
_SPE_FIELDS = [(10, 4), (42, 2), (108, 2), (656, 2), (668, 4), (678, 8), (1446, 4), (1992, 4)]
_SPE_FIELDS += [(3098, 4), *((3263 + 8 * k, 8) for k in range(6))]


def of_table(data: bytes) -> Anatomy:
    """A text whose first line names columns."""
    return Anatomy(data.find(b"\n") + 1, text_header=True, text_payload=True)


def of_numbers(data: bytes) -> Anatomy:
    """A text of numbers alone."""
    del data
    return Anatomy(text_header=True, text_payload=True)


def of_toml(data: bytes) -> Anatomy:
    """A document; what is in its values is its payload."""
    del data
    return Anatomy(text_header=True, in_payload=other_toml)


def of_json(data: bytes) -> Anatomy:
    """A document; what is in its values is its payload."""
    del data
    return Anatomy(text_header=True, in_payload=other_json)


def of_archive(data: bytes) -> Anatomy:
    """An archive of a document and arrays."""
    del data
    return Anatomy(in_payload=other_archive)


def of_bytes(header: int) -> Anatomy:
    """Words behind a header of a known size."""
    return Anatomy(header, [(at, 4) for at in range(0, header - 3, 4)])


def of_tiff(data: bytes) -> Anatomy:
    """Strips or tiles are the payload; the entries of each page's list are the structure."""
    spans, fields = [], []
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for page in file.pages:
            if not isinstance(page, tifffile.TiffPage):
                continue
            places = zip(page.dataoffsets, page.databytecounts, strict=True)
            spans += [(at, at + size) for at, size in places]
            for tag in page.tags:
                word = 8 if file.is_bigtiff else 4
                fields += [(tag.offset, 2), (tag.offset + 2, 2)]
                fields += [(tag.offset + 4, word), (tag.offset + 4 + word, word)]
    return Anatomy(fields=fields, spans=spans)


def of_hdf5(path: Path) -> Anatomy:
    """The numbers of the columns are the payload."""
    import h5py

    spans: list[tuple[int, int]] = []

    def take(_: str, found: object) -> None:
        if isinstance(found, h5py.Dataset) and found.id.get_offset() is not None:
            at = found.id.get_offset()
            spans.append((at, at + found.nbytes))

    with h5py.File(path) as file:
        file.visititems(take)
    return Anatomy(spans=spans)


def of_picoquant(data: bytes) -> Anatomy:
    """Tags, of which index, kind and value are the structure."""
    header = data.index(b"Header_End") + _TAG_BYTES
    places = [each.start() for each in re.finditer(rb"[A-Z][A-Za-z]+_[A-Za-z]+\0", data[:header])]
    fields = [(at + more, n) for at in places for more, n in ((32, 4), (36, 4), (40, 8))]
    return Anatomy(header, [(at, n) for at, n in fields if at + n <= header])


def of_sif(data: bytes, n_values: int) -> Anatomy:
    """Lines of text, and numbers of four bytes behind."""
    end = data.rindex(b"0\n0\n" if data.endswith(b"0\n0\n") else b"0\n")
    header = end - 4 * n_values
    return Anatomy(header, spans=[(header, end)], text_header=True)


def of_spe(data: bytes) -> Anatomy:
    """A header in which a few numbers say where the frames are."""
    return Anatomy(_SPE_BYTES, _SPE_FIELDS, [(_SPE_BYTES, len(data))])


def of_fits(data: bytes) -> Anatomy:
    """Cards of 80 letters, with numbers that end in the 30th, and behind the last ones the data."""
    header = data.rindex(b"END" + b" " * 77) + 80
    header += -header % _FITS_BYTES
    return Anatomy(header, spans=[(header, len(data))], cards=True)
