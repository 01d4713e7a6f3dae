"""Which page is which frame: plain, ImageJ, OME and Micro-Manager files."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import tifffile

from qdimage.errors import FormatError
from qdimage.io.tiff_file import TiffFiles

_MOST_CHANNELS = 4


@dataclass(frozen=True)
class Plane:
    """One frame: a page, or a part of the contiguous data behind a file's only page.

    `index` counts frames from that page; it is 0 but for ImageJ files with one page.
    """

    page: tifffile.TiffPage
    index: int = 0


@dataclass(frozen=True)
class Layout:
    """The frames of each channel in order; the OME description where there is one."""

    kind: str
    channels: list[list[Plane]]
    ome: ElementTree.Element | None = None


def find_layout(files: TiffFiles) -> Layout:
    """Sort the pages of a stack into channels and frames.

    Raises
    ------
    FormatError
        If pages are missing, or both z and time vary.
    """
    first = files.first
    if first.is_ome:
        return _ome(files)
    if first.is_imagej:
        return _imagej(files)
    if first.is_micromanager:
        return _micromanager(files)
    pages = [page for page in _pages(first) if not page.is_reduced]
    if first.is_shaped:
        _check_shaped(files, pages)
    return Layout("TIFF", [[Plane(page) for page in pages]])


def _pages(file: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    return [page for page in file.pages if isinstance(page, tifffile.TiffPage)]


def _by_channel(
    files: TiffFiles,
    sizes: dict[str, int],
    plane_at: Callable[[int, int, int], Plane],
) -> list[list[Plane]]:
    """Planes of each channel; `plane_at` takes (c, z, t)."""
    n_c, n_z, n_t = (max(int(sizes.get(axis, 1)), 1) for axis in "czt")
    if n_z > 1 and n_t > 1:
        raise FormatError(
            f"{files.path}: found {n_z} z planes and {n_t} time points, expected one kind of "
            "frames; export one z plane or one time point"
        )
    order = [(z, t) for t in range(n_t) for z in range(n_z)]
    return [[plane_at(c, z, t) for z, t in order] for c in range(n_c)]


def _fewer(files: TiffFiles, n_found: int, n_promised: int, by: str) -> FormatError:
    return FormatError(
        f"{files.path}: found {n_found} frames, expected the {n_promised} that its {by} promises; "
        "the file is cut short, copy or export it again"
    )


def _check_shaped(files: TiffFiles, pages: list[tifffile.TiffPage]) -> None:
    """Compare with the shape that tifffile notes in the files that it writes."""
    shape = json.loads(files.first.pages.first.description).get("shape", [])
    n_promised = 1
    for size in shape[:-2]:
        n_promised *= int(size)
    if len(shape) > 2 and shape[-1] not in (3, 4) and len(pages) < n_promised:
        raise _fewer(files, len(pages), n_promised, "description")


def _imagej(files: TiffFiles) -> Layout:
    described: dict[str, Any] = files.first.imagej_metadata or {}
    pages = _pages(files.first)
    n_images = int(described.get("images", 1))
    sizes = {
        "c": int(described.get("channels", 1)),
        "z": int(described.get("slices", 1)),
        "t": int(described.get("frames", 1)),
    }
    if sizes["c"] * sizes["z"] * sizes["t"] != n_images:
        sizes = {"c": 1, "z": 1, "t": n_images}
    if sizes["c"] == n_images > _MOST_CHANNELS:
        # Programs that write ImageJ's format without naming the axes call frames channels.
        sizes = {"c": 1, "z": 1, "t": n_images}
    if len(pages) == 1 and n_images > 1:
        planes = _contiguous(files, pages[0], n_images)
    elif len(pages) < n_images:
        raise _fewer(files, len(pages), n_images, "ImageJ description")
    else:
        planes = [Plane(page) for page in pages[:n_images]]

    def plane_at(c: int, z: int, t: int) -> Plane:
        return planes[(t * sizes["z"] + z) * sizes["c"] + c]

    return Layout("ImageJ", _by_channel(files, sizes, plane_at))


def _contiguous(files: TiffFiles, page: tifffile.TiffPage, n_images: int) -> list[Plane]:
    """Frames behind one page: how ImageJ writes more than 4 GB into a classic TIFF."""
    size = files.first.filehandle.size
    n_there = (size - page.dataoffsets[0]) // page.nbytes if page.is_contiguous else 1
    if n_there < n_images:
        raise _fewer(files, int(n_there), n_images, "ImageJ description")
    return [Plane(page, index) for index in range(n_images)]


def _micromanager(files: TiffFiles) -> Layout:
    described = files.first.micromanager_metadata or {}
    summary = described.get("Summary", {})
    pages = _pages(files.first)
    sizes = {
        "c": int(summary.get("Channels", 1)),
        "z": int(summary.get("Slices", 1)),
        "t": int(summary.get("Frames", len(pages))),
    }
    where = described.get("IndexMap", {})
    keys = zip(
        where.get("Channel", []), where.get("Slice", []), where.get("Frame", []), strict=True
    )
    place = {tuple(int(part) for part in key): index for index, key in enumerate(keys)}
    n_promised = sizes["c"] * sizes["z"] * sizes["t"]
    if len(pages) < n_promised:
        raise _fewer(files, len(pages), n_promised, "Micro-Manager summary")

    def plane_at(c: int, z: int, t: int) -> Plane:
        in_order = (t * sizes["z"] + z) * sizes["c"] + c
        index = place.get((c, z, t), in_order) if place else in_order
        return Plane(pages[index])

    return Layout("Micro-Manager", _by_channel(files, sizes, plane_at))


def _ome(files: TiffFiles) -> Layout:
    root = _ome_root(files)
    elsewhere = _child(root, "BinaryOnly")
    if elsewhere is not None:
        name = elsewhere.get("MetadataFile", "")
        raise FormatError(
            f"{files.path}: this file is a part of a set that {name!r} describes; open that file"
        )
    images = [each for each in root if _tag(each) == "Image"]
    if len(images) != 1:
        raise FormatError(
            f"{files.path}: found {len(images)} OME images, expected one; export each on its own"
        )
    pixels = _child(images[0], "Pixels")
    if pixels is None:
        raise FormatError(f"{files.path}: the OME description has no Pixels; export it again")
    sizes = {axis: int(pixels.get(f"Size{axis.upper()}", "1")) for axis in "czt"}
    planes = _ome_planes(files, pixels, sizes)

    def plane_at(c: int, z: int, t: int) -> Plane:
        if (c, z, t) not in planes:
            n_promised = sizes["c"] * sizes["z"] * sizes["t"]
            raise FormatError(
                f"{files.path}: the frame c={c} z={z} t={t} is missing ({len(planes)} of the "
                f"{n_promised} that the OME description promises); copy or export it again"
            )
        return planes[c, z, t]

    return Layout("OME-TIFF", _by_channel(files, sizes, plane_at), root)


def _ome_root(files: TiffFiles) -> ElementTree.Element:
    text = files.first.ome_metadata or ""
    if "<!ENTITY" in text:
        raise FormatError(f"{files.path}: the OME description defines entities; export it again")
    try:
        return ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError as error:
        raise FormatError(
            f"{files.path}: the OME description is no XML ({error}); export it again"
        ) from error


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _child(element: ElementTree.Element, tag: str) -> ElementTree.Element | None:
    return next((each for each in element if _tag(each) == tag), None)


def _ome_planes(
    files: TiffFiles, pixels: ElementTree.Element, sizes: dict[str, int]
) -> dict[tuple[int, int, int], Plane]:
    """Follow the TiffData elements to the page of each (c, z, t)."""
    order = pixels.get("DimensionOrder", "XYCZT")[2:].lower()
    n_planes = sizes["c"] * sizes["z"] * sizes["t"]
    planes: dict[tuple[int, int, int], Plane] = {}
    for data in (each for each in pixels if _tag(each) == "TiffData"):
        uuid = _child(data, "UUID")
        name = uuid.get("FileName") if uuid is not None else None
        pages = _pages(files.beside(name) if name else files.first)
        first = {axis: int(data.get(f"First{axis.upper()}", "0")) for axis in "czt"}
        page = int(data.get("IFD", "0"))
        default = len(pages) if data.get("IFD") is None else 1
        count = int(data.get("PlaneCount", str(default)))
        start = _linear(first, order, sizes)
        for step in range(min(count, n_planes - start, len(pages) - page)):
            planes[_unravel(start + step, order, sizes)] = Plane(pages[page + step])
    return planes


def _linear(at: dict[str, int], order: str, sizes: dict[str, int]) -> int:
    index = 0
    for axis in reversed(order):
        index = index * sizes[axis] + at[axis]
    return index


def _unravel(index: int, order: str, sizes: dict[str, int]) -> tuple[int, int, int]:
    at = {}
    for axis in order:
        index, at[axis] = divmod(index, sizes[axis])
    return at["c"], at["z"], at["t"]
