"""Spectra of Princeton Instruments' ``.spe`` files."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.io.spe_layout import HEADER_BYTES, SpeLayout, damaged, find_spe_layout, found
from qdimage.io.spectrum_parts import Rows, made_spectrum, read_bytes

Array = NDArray[np.float64]

_AXIS_UNIT, _ORDER, _POLYNOMIAL = 3100, 3101, 3263
_NM = 3


def open_spe(path: Path, *, rows: Rows | None = None) -> Spectrum:
    """Read a spectrum, or a series of them, from a ``.spe`` file of version 2.x or 3.0.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    data = read_bytes(path)
    layout = find_spe_layout(path, data)
    try:
        if layout.root is None:
            wavelength = _polynomial(data, layout.width)
        else:
            wavelength = _wavelengths(layout.root, layout.width)
    except (ValueError, AttributeError) as error:
        raise damaged(path, layout.version, error) from error
    exposure = layout.exposure_s
    return made_spectrum(
        path,
        wavelength,
        _images(data, layout),
        rows=rows,
        exposure_s=None if exposure is None else exposure * layout.frames,
        meta={"version": f"{layout.version:.1f}"},
    )


def _images(data: bytes, layout: SpeLayout) -> Array:
    size = layout.height * layout.width
    starts = range(HEADER_BYTES, HEADER_BYTES + layout.frames * layout.stride, layout.stride)
    frames = [np.frombuffer(data, layout.kind, count=size, offset=start) for start in starts]
    return np.array(frames, np.float64).reshape(layout.frames, layout.height, layout.width)


def _polynomial(data: bytes, width: int) -> Array:
    """Wavelengths that a header of version 2.x gives."""
    unit, order = data[_AXIS_UNIT], data[_ORDER]
    if unit != _NM or not 1 <= order <= 5:
        raise ValueError(f"an axis of unit {unit} and order {order}, not nm")
    polynomial = np.frombuffer(data, "<f8", count=order + 1, offset=_POLYNOMIAL)
    pixel = np.arange(1, width + 1, dtype=np.float64)
    return np.asarray(pixel[:, np.newaxis] ** np.arange(order + 1) @ polynomial)


def _wavelengths(root: ElementTree.Element, width: int) -> Array:
    """Wavelengths of the region's columns, from those of all columns of the sensor."""
    plain, paired = found(root, "Wavelength"), found(root, "WavelengthError")
    if plain is not None and plain.text:
        values = [float(each) for each in plain.text.split(",")]
    elif paired is not None and paired.text:
        values = [float(each.split(",")[0]) for each in paired.text.split()]
    else:
        raise ValueError("no wavelengths")
    if len(values) == width:
        return np.array(values)
    mapping = found(root, "SensorMapping")
    first = int(mapping.get("x", "0")) if mapping is not None else 0
    binning = int(mapping.get("xBinning", "1")) if mapping is not None else 1
    part = np.array(values[first : first + width * binning])
    if binning < 1 or part.size != width * binning:
        raise ValueError(f"{len(values)} wavelengths of {width} columns")
    return np.asarray(part.reshape(width, binning).mean(axis=1))
