"""Princeton Instruments' ``.spe``: a header of 4100 bytes, the frames, and since 3.0 XML behind.

Princeton Instruments, SPE 3.0 File Format Specification, 4411-0140 (2019); of 2.x the header of
WinSpec 2.6. Of 3.0 the XML counts, not the header.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.errors import FormatError
from qdimage.io.spectrum_parts import MOST_PIXELS, Rows, made_spectrum, read_bytes

Array = NDArray[np.float64]

_HEADER_BYTES = 4100
_EXPOSURE, _WIDTH, _KIND, _HEIGHT, _ACCUMULATIONS = 10, 42, 108, 656, 668
_FOOTER, _FRAMES, _VERSION = 678, 1446, 1992
_AXIS_UNIT, _ORDER, _POLYNOMIAL = 3100, 3101, 3263
_NM = 3
_KINDS = {0: "<f4", 1: "<i4", 2: "<i2", 3: "<u2", 5: "<f8", 6: "<u1", 8: "<u4"}
_PIXELS = {
    "MonochromeUnsigned16": "<u2",
    "MonochromeUnsigned32": "<u4",
    "MonochromeFloating32": "<f4",
}
_LONGEST_FOOTER = 1 << 25


@dataclass(frozen=True)
class _Layout:
    kind: str
    frames: int
    height: int
    width: int
    stride: int
    wavelength_nm: Array
    exposure_s: float | None


def open_spe(path: Path, *, rows: Rows | None = None) -> Spectrum:
    """Read a spectrum, or a series of them, from a ``.spe`` file of version 2.x or 3.0.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    data = read_bytes(path)
    if len(data) < _HEADER_BYTES:
        raise FormatError(
            f"{path}: found {len(data)} bytes, expected a header of {_HEADER_BYTES}; copy it again"
        )
    (version,) = struct.unpack_from("<f", data, _VERSION)
    try:
        layout = _of_xml(data) if version >= 3 else _of_header(data)
        images = _images(data, layout)
    except (ValueError, ElementTree.ParseError, AttributeError) as error:
        reason = " ".join(str(error).split())[:150]
        raise FormatError(
            f"{path}: found a damaged SPE file of version {version:.1f} ({reason}), expected "
            "frames and a calibration in nm; copy it again, or export it as CSV"
        ) from error
    return made_spectrum(
        path,
        layout.wavelength_nm,
        images,
        rows=rows,
        exposure_s=layout.exposure_s,
        meta={"version": f"{version:.1f}"},
    )


def _images(data: bytes, layout: _Layout) -> Array:
    of_frame = layout.height * layout.width
    kind = np.dtype(layout.kind)
    if not (0 < layout.width <= MOST_PIXELS and layout.height > 0 and layout.frames > 0):
        raise ValueError(f"{layout.frames} frames of {layout.width} x {layout.height}")
    if layout.stride < of_frame * kind.itemsize:
        raise ValueError(f"frames every {layout.stride} bytes that have {of_frame} numbers")
    if _HEADER_BYTES + layout.frames * layout.stride > len(data):
        raise ValueError(f"{layout.frames} frames do not fit into {len(data)} bytes")
    starts = range(_HEADER_BYTES, _HEADER_BYTES + layout.frames * layout.stride, layout.stride)
    frames = [np.frombuffer(data, kind, count=of_frame, offset=start) for start in starts]
    return np.array(frames, np.float64).reshape(layout.frames, layout.height, layout.width)


def _of_header(data: bytes) -> _Layout:
    (width,), (height,) = (struct.unpack_from("<H", data, at) for at in (_WIDTH, _HEIGHT))
    (kind,) = struct.unpack_from("<h", data, _KIND)
    (frames,), (repeats,) = (struct.unpack_from("<i", data, at) for at in (_FRAMES, _ACCUMULATIONS))
    (exposure_s,) = struct.unpack_from("<f", data, _EXPOSURE)
    if kind not in _KINDS:
        raise ValueError(f"numbers of the unknown kind {kind}")
    unit, order = data[_AXIS_UNIT], data[_ORDER]
    if unit != _NM or not 1 <= order <= 5:
        raise ValueError(f"an axis of unit {unit} and order {order}, not nm")
    polynomial = struct.unpack_from("<6d", data, _POLYNOMIAL)[: order + 1]
    pixel = np.arange(1, width + 1, dtype=np.float64)
    wavelength = pixel[:, np.newaxis] ** np.arange(order + 1) @ np.array(polynomial)
    stride = width * height * np.dtype(_KINDS[kind]).itemsize
    seconds = exposure_s * max(repeats, 1) * frames
    return _Layout(_KINDS[kind], frames, height, width, stride, wavelength, seconds)


def _of_xml(data: bytes) -> _Layout:
    (start,) = struct.unpack_from("<Q", data, _FOOTER)
    if not _HEADER_BYTES <= start < len(data) or len(data) - start > _LONGEST_FOOTER:
        raise ValueError(f"XML at byte {start} of {len(data)}")
    text = data[start:]
    if b"<!" in text.replace(b"<!--", b""):
        raise ValueError("XML that declares entities")
    root = ElementTree.fromstring(text)  # noqa: S314  entities were refused
    block = _found(root, "DataBlock")
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
    wavelength = _wavelengths(root, width)
    exposure = _found(root, "ExposureTime")
    exposures = _found(root, "ExposuresPerFrame")
    exposure_s = None
    if exposure is not None and exposure.text:
        repeats = _found(exposures, "Accumulations") if exposures is not None else None
        times = float(repeats.text) if repeats is not None and repeats.text else 1.0
        exposure_s = float(exposure.text) * 1e-3 * times * frames
    return _Layout(kind, frames, height, width, stride, wavelength, exposure_s)


def _wavelengths(root: ElementTree.Element, width: int) -> Array:
    """Wavelengths of the region's columns, from those of all columns of the sensor."""
    plain, paired = _found(root, "Wavelength"), _found(root, "WavelengthError")
    if plain is not None and plain.text:
        values = [float(each) for each in plain.text.split(",")]
    elif paired is not None and paired.text:
        values = [float(each.split(",")[0]) for each in paired.text.split()]
    else:
        raise ValueError("no wavelengths")
    if len(values) == width:
        return np.array(values)
    mapping = _found(root, "SensorMapping")
    first = int(mapping.get("x", "0")) if mapping is not None else 0
    binning = int(mapping.get("xBinning", "1")) if mapping is not None else 1
    part = np.array(values[first : first + width * binning])
    if binning < 1 or part.size != width * binning:
        raise ValueError(f"{len(values)} wavelengths of {width} columns")
    return np.asarray(part.reshape(width, binning).mean(axis=1))


def _found(root: ElementTree.Element, name: str) -> ElementTree.Element | None:
    """The first element of a name, whatever its namespace."""
    return next((each for each in root.iter() if each.tag.rpartition("}")[2] == name), None)
