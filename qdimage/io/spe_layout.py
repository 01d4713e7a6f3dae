"""Where the frames of Princeton Instruments' ``.spe`` files are.

A header of 4100 bytes, the frames, and since 3.0 XML behind, which then counts instead of the
header. Princeton Instruments, SPE 3.0 File Format Specification, 4411-0140 (2019); of 2.x the
header of WinSpec 2.6.
"""

import struct
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from qdimage.errors import FormatError
from qdimage.io.spectrum_parts import MOST_PIXELS

HEADER_BYTES = 4100
_EXPOSURE, _WIDTH, _KIND, _HEIGHT, _ACCUMULATIONS = 10, 42, 108, 656, 668
_FOOTER, _FRAMES, _VERSION = 678, 1446, 1992
_KINDS = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<u2", 5: "<f8", 6: "<u1", 8: "<u4"}
_PIXELS = {
    "MonochromeUnsigned16": "<u2",
    "MonochromeUnsigned32": "<u4",
    "MonochromeFloating32": "<f4",
}
_LONGEST_FOOTER = 1 << 25


@dataclass(frozen=True)
class SpeLayout:
    """Frames of a file, from byte 4100 on.

    Attributes
    ----------
    version : float
    kind : str
        Type of the numbers, as numpy calls it.
    frames, height, width : int
    stride : int
        Bytes from one frame to the next.
    exposure_s : float or None
        Of a frame.
    root : xml.etree.ElementTree.Element or None
        The XML of a file of version 3.
    """

    version: float
    kind: str
    frames: int
    height: int
    width: int
    stride: int
    exposure_s: float | None
    root: ElementTree.Element | None


def find_spe_layout(path: Path, data: bytes | mmap) -> SpeLayout:
    """Find the frames in a file of version 2.x or 3.0; no memory is taken for them.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    if len(data) < HEADER_BYTES:
        raise FormatError(
            f"{path}: found {len(data)} bytes, expected a header of {HEADER_BYTES}; copy it again"
        )
    (version,) = struct.unpack_from("<f", data, _VERSION)
    try:
        layout = _of_xml(data, version) if version >= 3 else _of_header(data, version)
        _check(data, layout)
    except (ValueError, ElementTree.ParseError, AttributeError) as error:
        raise damaged(path, version, error) from error
    return layout


def damaged(path: Path, version: float, error: Exception) -> FormatError:
    """Return the error of a file that makes no sense."""
    reason = " ".join(str(error).split())[:150]
    return FormatError(
        f"{path}: found a damaged SPE file of version {version:.1f} ({reason}), expected frames, "
        "and of a spectrum a calibration in nm; copy it again, or export it as CSV or TIFF"
    )


def _check(data: bytes | mmap, layout: SpeLayout) -> None:
    of_frame = layout.height * layout.width
    if not (0 < layout.width <= MOST_PIXELS and layout.height > 0 and layout.frames > 0):
        raise ValueError(f"{layout.frames} frames of {layout.width} x {layout.height}")
    if layout.stride < of_frame * np.dtype(layout.kind).itemsize:
        raise ValueError(f"frames every {layout.stride} bytes that have {of_frame} numbers")
    if HEADER_BYTES + layout.frames * layout.stride > len(data):
        raise ValueError(f"{layout.frames} frames do not fit into {len(data)} bytes")


def _of_header(data: bytes | mmap, version: float) -> SpeLayout:
    (width,), (height,) = (struct.unpack_from("<H", data, at) for at in (_WIDTH, _HEIGHT))
    (kind,) = struct.unpack_from("<h", data, _KIND)
    (frames,), (repeats,) = (struct.unpack_from("<i", data, at) for at in (_FRAMES, _ACCUMULATIONS))
    (exposure_s,) = struct.unpack_from("<f", data, _EXPOSURE)
    if kind not in _KINDS:
        raise ValueError(f"numbers of the unknown kind {kind}")
    stride = width * height * np.dtype(_KINDS[kind]).itemsize
    seconds = exposure_s * max(repeats, 1)
    return SpeLayout(version, _KINDS[kind], frames, height, width, stride, seconds, None)


def _of_xml(data: bytes | mmap, version: float) -> SpeLayout:
    (start,) = struct.unpack_from("<Q", data, _FOOTER)
    if not HEADER_BYTES <= start < len(data) or len(data) - start > _LONGEST_FOOTER:
        raise ValueError(f"XML at byte {start} of {len(data)}")
    text = data[start:]
    if b"<!" in text.replace(b"<!--", b""):
        raise ValueError("XML that declares entities")
    root = ElementTree.fromstring(text)  # noqa: S314  entities were refused
    block = found(root, "DataBlock")
    if block is None or block.get("type") != "Frame":
        raise ValueError("no frames")
    regions = [each for each in block.iter() if each.get("type") == "Region"]
    if len(regions) != 1:
        raise ValueError(f"{len(regions)} regions of the sensor in a frame")
    (region,) = regions
    kind = _PIXELS.get(block.get("pixelFormat", ""))
    if kind is None:
        raise ValueError(f"pixels as {block.get('pixelFormat')!r}")
    width, height = int(region.get("width", "0")), int(region.get("height", "0"))
    frames, stride = int(block.get("count", "0")), int(block.get("stride", "0"))
    return SpeLayout(version, kind, frames, height, width, stride, _exposure(root), root)


def _exposure(root: ElementTree.Element) -> float | None:
    exposure, exposures = found(root, "ExposureTime"), found(root, "ExposuresPerFrame")
    if exposure is None or not exposure.text:
        return None
    repeats = found(exposures, "Accumulations") if exposures is not None else None
    times = float(repeats.text) if repeats is not None and repeats.text else 1.0
    return float(exposure.text) * 1e-3 * times


def found(root: ElementTree.Element, name: str) -> ElementTree.Element | None:
    """The first element of a name, whatever its namespace."""
    return next((each for each in root.iter() if each.tag.rpartition("}")[2] == name), None)
