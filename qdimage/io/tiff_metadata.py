"""What a TIFF file says of its exposure, pixel size and camera."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

import tifffile

from qdimage.io.tiff_layout import Layout

_UM_PER = {"m": 1e6, "cm": 1e4, "mm": 1e3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0}
_UM_PER |= {"microns": 1.0, "\\u00b5m": 1.0, "nm": 1e-3, "å": 1e-4}
_SECONDS_PER = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "min": 60.0}

# Micro-Manager prefixes a camera's own properties with its label.
_CAMERA_PROPERTIES = {
    "em_gain": r"(MultiplierGain|EMGain|EM Gain|Gain \(EM\))$",
    "electrons_per_adu": r"(Sensitivity|ElectronsPerADU)$",
}


def read_metadata(file: tifffile.TiffFile, layout: Layout) -> dict[str, float]:
    """Return what is known of exposure_s, pixel_size_um and the camera keys."""
    found: dict[str, float | None] = {}
    if file.is_micromanager:
        found |= _micromanager(file)
    if layout.ome is not None:
        found |= {key: value for key, value in _ome(layout.ome).items() if value is not None}
    elif file.is_imagej:
        found |= _imagej(file)
    return {
        key: value for key, value in found.items() if value is not None and 0 < value < float("inf")
    }


def _number(value: object) -> float | None:
    match = re.match(r"\s*([-+0-9.eE]+)", str(value))
    try:
        return float(match.group(1)) if match else None
    except ValueError:
        return None


def _scaled(value: object, unit: object, factors: Mapping[str, float]) -> float | None:
    number, factor = _number(value), factors.get(str(unit).strip().lower())
    return number * factor if number is not None and factor is not None else None


def _ome(root: ElementTree.Element) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "Pixels" and element.get("PhysicalSizeX"):
            unit = element.get("PhysicalSizeXUnit", "µm")
            found["pixel_size_um"] = _scaled(element.get("PhysicalSizeX"), unit, _UM_PER)
        elif tag == "Plane" and element.get("ExposureTime") and "exposure_s" not in found:
            unit = element.get("ExposureTimeUnit", "s")
            found["exposure_s"] = _scaled(element.get("ExposureTime"), unit, _SECONDS_PER)
    return found


def _imagej(file: tifffile.TiffFile) -> dict[str, float | None]:
    described = file.imagej_metadata or {}
    tag = file.pages.first.tags.get("XResolution")
    if tag is None or not tag.value[0]:
        return {}
    size = tag.value[1] / tag.value[0]
    return {"pixel_size_um": _scaled(size, described.get("unit", ""), _UM_PER)}


def _micromanager(file: tifffile.TiffFile) -> dict[str, float | None]:
    described = file.micromanager_metadata or {}
    tag = file.pages.first.tags.get("MicroManagerMetadata")
    frame = tag.value if tag is not None and isinstance(tag.value, Mapping) else {}
    values = {**described.get("Summary", {}), **dict(_flat(frame))}
    found: dict[str, float | None] = {}
    exposure_ms = _number(values.get("Exposure-ms"))
    if exposure_ms is not None:
        found["exposure_s"] = exposure_ms / 1e3
    for key in ("PixelSizeUm", "PixelSize_um"):
        if key in values:
            found["pixel_size_um"] = _number(values[key])
    for key, pattern in _CAMERA_PROPERTIES.items():
        names = sorted(name for name in values if re.search(pattern, name))
        if names:
            found[key] = _number(values[names[0]])
    return found


def _flat(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Properties with their values, which newer versions wrap as {"PropVal": value}."""
    for name, value in properties.items():
        yield name, value.get("PropVal", value) if isinstance(value, Mapping) else value
