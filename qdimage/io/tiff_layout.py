"""Which page is which frame: plain, ImageJ, OME and Micro-Manager files."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np

from qdimage.errors import FormatError
from qdimage.io.tiff_directories import Page
from qdimage.io.tiff_file import OpenFile, TiffFiles

_MOST_CHANNELS = 4

Pages = list[Page]
Place = tuple[int, int, int]


@dataclass(frozen=True)
class Plane:
    """One frame: a page, or a part of the contiguous data behind a file's only page.

    `index` counts frames from that page; it is 0 but for files with one page.
    """

    page: Page
    index: int = 0

    @property
    def number(self) -> int:
        """Position in its file, from 0: what messages call the frame."""
        return self.page.number + self.index


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
        If pages are missing or left over, or both z and time vary.
    """
    first = files.first.tiff
    if first.is_ome:
        return _ome(files)
    # Micro-Manager adds an ImageJ description, which does not know the order of its pages.
    if first.is_micromanager:
        return _micromanager(files)
    if first.is_imagej:
        return _imagej(files)
    if first.is_shaped:
        return Layout("TIFF", [_shaped(files)])
    return Layout("TIFF", [[Plane(page) for page in _frames(files.first)]])


def _frames(file: OpenFile) -> Pages:
    """Pages that are no thumbnails, which are marked as reduced and are smaller."""
    whole = next((page for page in file.pages if not page.tags.is_reduced), file.pages[0])
    shape = whole.tags.shape
    return [page for page in file.pages if not page.tags.is_reduced or page.tags.shape == shape]


def _by_channel(
    files: TiffFiles, sizes: dict[str, int], plane_at: Callable[[Place], Plane]
) -> list[list[Plane]]:
    """Planes of each channel; `plane_at` takes (c, z, t)."""
    if sizes["z"] > 1 and sizes["t"] > 1:
        raise FormatError(
            f"{files.path}: found {sizes['z']} z planes and {sizes['t']} time points, expected one "
            "kind of frames; export one z plane or one time point"
        )
    order = [(z, t) for t in range(sizes["t"]) for z in range(sizes["z"])]
    return [[plane_at((c, z, t)) for z, t in order] for c in range(sizes["c"])]


def _promised(files: TiffFiles, sizes: dict[str, int], by: str) -> int:
    if min(sizes.values()) < 1:
        found = ", ".join(f"{axis} = {size}" for axis, size in sizes.items())
        raise FormatError(
            f"{files.path}: its {by} counts {found}, expected at least 1 of each; export it again"
        )
    return math.prod(sizes.values())


def _require_count(files: TiffFiles, n_found: int, n_promised: int, by: str) -> None:
    if n_found == n_promised:
        return
    cause = "is cut short" if n_found < n_promised else "holds more than it describes"
    raise FormatError(
        f"{files.path}: found {n_found} frames, expected the {n_promised} that its {by} promises; "
        f"the file {cause}, copy or export it again"
    )


def _shaped(files: TiffFiles) -> list[Plane]:
    """Compare with the shapes that tifffile notes in the first page of each array it writes."""
    pages = _frames(files.first)
    described = [page.tags.shaped_description for page in pages if page.tags.is_shaped]
    n_pixels = sum(_n_described_pixels(each) for each in described if each)
    if len(pages) == 1 and '"truncated": true' in (described[0] or ""):
        n_promised = math.ceil(n_pixels / max(pages[0].tags.size, 1))
        return _contiguous(files, pages[0], n_promised, "description")
    n_found = sum(page.tags.size for page in pages)
    if n_found < n_pixels:
        _require_count(
            files, len(pages), math.ceil(n_pixels * len(pages) / max(n_found, 1)), "description"
        )
    return [Plane(page) for page in pages]


def _n_described_pixels(description: str) -> int:
    if description.startswith("{"):
        return math.prod(int(size) for size in json.loads(description)["shape"])
    return math.prod(int(size) for size in re.findall(r"\d+", description.partition(")")[0]))


def _imagej(files: TiffFiles) -> Layout:
    described: dict[str, Any] = files.first.tiff.imagej_metadata or {}
    pages = _frames(files.first)
    n_images = int(described.get("images", len(pages)))
    sizes = {
        "c": int(described.get("channels", 1)),
        "z": int(described.get("slices", 1)),
        "t": int(described.get("frames", 1)),
    }
    # Programs that write ImageJ's format without naming the axes call frames channels.
    unnamed = sizes["c"] == n_images > _MOST_CHANNELS
    if math.prod(sizes.values()) != n_images or unnamed:
        sizes = {"c": 1, "z": 1, "t": n_images}
    n_promised = _promised(files, sizes, "ImageJ description")
    if len(pages) == 1:
        planes = _contiguous(files, pages[0], n_promised, "ImageJ description")
    else:
        _require_count(files, len(pages), n_promised, "ImageJ description")
        planes = [Plane(page) for page in pages]

    def plane_at(place: Place) -> Plane:
        c, z, t = place
        return planes[(t * sizes["z"] + z) * sizes["c"] + c]

    return Layout("ImageJ", _by_channel(files, sizes, plane_at))


def _contiguous(files: TiffFiles, page: Page, n_promised: int, by: str) -> list[Plane]:
    """Frames behind one page: how ImageJ writes more than 4 GB into a classic TIFF."""
    if n_promised > 1:
        behind = files.first.tiff.filehandle.size - page.offsets[0]
        n_there = behind // max(page.tags.nbytes, 1) if page.tags.is_final else 1
        _require_count(files, min(n_there, n_promised), n_promised, by)
    return [Plane(page, index) for index in range(n_promised)]


def _micromanager(files: TiffFiles) -> Layout:
    described: dict[str, Any] = files.first.tiff.micromanager_metadata or {}
    summary = described.get("Summary", {})
    pages = _frames(files.first)
    sizes = {"c": int(summary.get("Channels", 1)), "z": int(summary.get("Slices", 1))}
    n_each = max(math.prod(sizes.values()), 1)
    sizes["t"] = int(summary.get("Frames", max(len(pages) // n_each, 1)))
    if int(summary.get("Positions", 1)) > 1:
        raise FormatError(
            f"{files.path}: found {summary['Positions']} stage positions in one file, expected "
            "one; export each position as a file"
        )
    n_promised = _promised(files, sizes, "Micro-Manager summary")
    _require_count(files, len(pages), n_promised, "Micro-Manager summary")
    if n_promised == sizes["t"]:
        return Layout("Micro-Manager", [[Plane(page) for page in pages]])
    at = _micromanager_index(described, pages)

    def plane_at(place: Place) -> Plane:
        if place not in at:
            raise FormatError(
                f"{files.path}: its Micro-Manager index does not list c={place[0]} z={place[1]} "
                f"t={place[2]}; export the stack as OME-TIFF or ImageJ TIFF"
            )
        return at[place]

    return Layout("Micro-Manager", _by_channel(files, sizes, plane_at))


def _micromanager_index(described: dict[str, Any], pages: Pages) -> dict[Place, Plane]:
    """The page of each (c, z, t), by the position in the file that the index map notes."""
    page_at = {page.position: page for page in pages}
    rows = np.reshape(described.get("IndexMap", ()), (-1, 5)).tolist()
    return {(c, z, t): Plane(page_at[offset]) for c, z, t, _, offset in rows if offset in page_at}


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
    n_promised = _promised(files, sizes, "OME description")
    planes = _ome_planes(files, pixels, sizes, root.get("UUID"))
    _require_all(files, planes, sizes, n_promised)
    return Layout("OME-TIFF", _by_channel(files, sizes, planes.__getitem__), root)


def _require_all(
    files: TiffFiles, planes: dict[Place, Plane], sizes: dict[str, int], n_promised: int
) -> None:
    """Refuse frames without a page, pages without a frame, and pages of two frames."""
    if len(planes) < n_promised:
        n_c, n_z, n_t = (sizes[axis] for axis in "czt")
        every = ((c, z, t) for c in range(n_c) for z in range(n_z) for t in range(n_t))
        c, z, t = next(place for place in every if place not in planes)
        raise FormatError(
            f"{files.path}: the frame c={c} z={z} t={t} is missing ({len(planes)} of the "
            f"{n_promised} that the OME description promises); copy or export it again"
        )
    used = {id(plane.page) for plane in planes.values()}
    if len(used) < n_promised:
        raise FormatError(
            f"{files.path}: the OME description gives one page to several frames; export it again"
        )
    n_pages = sum(len(_frames(file)) for file in (files.first, *files.others.values()))
    _require_count(files, n_pages, n_promised, "OME description")


def _ome_root(files: TiffFiles) -> ElementTree.Element:
    text = files.first.tiff.ome_metadata or ""
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
    files: TiffFiles, pixels: ElementTree.Element, sizes: dict[str, int], uuid: str | None
) -> dict[Place, Plane]:
    """Follow the TiffData elements to the page of each (c, z, t)."""
    order = pixels.get("DimensionOrder", "XYCZT")[2:].lower()
    n_planes = math.prod(sizes.values())
    planes: dict[Place, Plane] = {}
    for data in (each for each in pixels if _tag(each) == "TiffData"):
        pages = _ome_file(files, data, uuid).pages
        first = {axis: int(data.get(f"First{axis.upper()}", "0")) for axis in "czt"}
        page = int(data.get("IFD", "0"))
        if page < 0 or any(not 0 <= first[axis] < sizes[axis] for axis in "czt"):
            raise FormatError(
                f"{files.path}: the OME description places a page outside its own sizes; "
                "export it again"
            )
        default = len(pages) if data.get("IFD") is None else 1
        count = int(data.get("PlaneCount", str(default)))
        start = _linear(first, order, sizes)
        for step in range(min(count, n_planes - start, len(pages) - page)):
            planes[_unravel(start + step, order, sizes)] = Plane(pages[page + step])
    return planes


def _ome_file(files: TiffFiles, data: ElementTree.Element, own_uuid: str | None) -> OpenFile:
    """The file that a TiffData element refers to; a renamed file is known by its UUID."""
    uuid = _child(data, "UUID")
    name = uuid.get("FileName") if uuid is not None else None
    if uuid is None or not name or (own_uuid and (uuid.text or "").strip() == own_uuid.strip()):
        return files.first
    return files.beside(name)


def _linear(at: dict[str, int], order: str, sizes: dict[str, int]) -> int:
    index = 0
    for axis in reversed(order):
        index = index * sizes[axis] + at[axis]
    return index


def _unravel(index: int, order: str, sizes: dict[str, int]) -> Place:
    at = {}
    for axis in order:
        index, at[axis] = divmod(index, sizes[axis])
    return at["c"], at["z"], at["t"]
