"""What a TIFF file says of its exposure, pixel size and camera."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
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
    "temperature_c": r"(CCDTemperature|CCD Temperature|Camera-Temperature)$",
    "preamplifier_gain": r"Pre-?Amp-?Gain$",
}
_MAY_BE_NEGATIVE = ("temperature_c",)
# What Andor's cameras report where the sensor's temperature is not known.
_COLDEST_C = -200.0
# Tags of Solis's TIFF files. The EM gain is not among them, only the number for its converter.
_ANDOR_EXPOSURE, _ANDOR_ACCUMULATIONS, _ANDOR_CONVERTER = 4876, 4879, 4885
_ANDOR_TEMPERATURES = (4911, 4869)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_metadata(file: tifffile.TiffFile, layout: Layout) -> dict[str, float]:
    """Return what is known of exposure_s, pixel_size_um, the camera keys, binning, temperature_c.

    ``acquired_at_s`` are seconds since 1970, by a clock whose zone the file may not state.
    """
    found: dict[str, float | None] = {"acquired_at_s": _date(file)}
    if file.is_andor:
        found |= _andor(file)
    if file.is_micromanager:
        found |= _micromanager(file)
    if layout.ome is not None:
        found |= {key: value for key, value in _ome(layout.ome).items() if value is not None}
    elif file.is_imagej:
        found |= _imagej(file)
    return {
        key: value for key, value in found.items() if value is not None and _is_sane(key, value)
    }


def _is_sane(key: str, value: float) -> bool:
    if key in _MAY_BE_NEGATIVE:
        return _COLDEST_C < value < -_COLDEST_C
    return 0 < value < float("inf")


def _date(file: tifffile.TiffFile) -> float | None:
    tag = file.pages.first.tags.get(306)
    return None if tag is None else _seconds(str(tag.value))


def _seconds(text: str) -> float | None:
    """Seconds since 1970 of a date as TIFF, OME or Micro-Manager write it."""
    words = re.match(r"\s*(\d{4})[:-](\d\d)[:-](\d\d)[ T](\d\d:\d\d:\d\d)", text)
    if words is None:
        return None
    try:
        date = datetime.fromisoformat(f"{words[1]}-{words[2]}-{words[3]}T{words[4]}+00:00")
    except ValueError:
        return None
    return (date - _EPOCH).total_seconds()


def _andor(file: tifffile.TiffFile) -> dict[str, float | None]:
    tags = file.pages.first.tags

    def value(code: int) -> float | None:
        tag = tags.get(code)
        return None if tag is None else _number(tag.value)

    exposure = value(_ANDOR_EXPOSURE)
    temperatures = [value(code) for code in _ANDOR_TEMPERATURES]
    settled = [each for each in temperatures if each is not None and each > _COLDEST_C]
    return {
        "exposure_s": None
        if exposure is None
        else exposure * max(value(_ANDOR_ACCUMULATIONS) or 1, 1),
        "em_gain": 1.0 if value(_ANDOR_CONVERTER) == 0 else None,
        "temperature_c": settled[0] if settled else None,
    }


def _binning(text: object) -> float | None:
    """Sensor pixels on each side of a square pixel, from "2", "2x2"; None for others."""
    sides = re.fullmatch(r"\s*(\d+)(?:\s*[xX]\s*(\d+))?\s*", str(text))
    if sides is None or sides[2] not in (None, sides[1]):
        return None
    return float(sides[1])


def _number(value: object) -> float | None:
    match = re.match(r"\s*(?:Gain\s*)?([-+0-9.eE]+)", str(value))
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
        elif tag == "AcquisitionDate" and element.text:
            found["acquired_at_s"] = _seconds(element.text)
    return found | _ome_detector(root)


def _ome_detector(root: ElementTree.Element) -> dict[str, float | None]:
    """Binning, and the gain of a detector that is said to be an EMCCD."""
    found: dict[str, float | None] = {}
    kinds: dict[str | None, str | None] = {}
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "Detector":
            kinds[element.get("ID")] = element.get("Type")
        elif tag == "DetectorSettings":
            found["binning"] = _binning(element.get("Binning"))
            if kinds.get(element.get("ID")) == "EMCCD":
                found["em_gain"] = _number(element.get("Gain"))
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
    binnings = sorted(name for name in values if re.search(r"(^|-)Binning$", name))
    if binnings:
        found["binning"] = _binning(values[binnings[0]])
    return found | _switched_gain(values) | _micromanager_date(values)


def _switched_gain(values: Mapping[str, Any]) -> dict[str, float | None]:
    """EM gain of a camera that has a switch for it; `Gain` alone may be that of the amplifier."""
    for name in sorted(values):
        if not name.endswith("EMSwitch"):
            continue
        gain = values.get(name.removesuffix("EMSwitch") + "Gain")
        if str(values[name]).strip().lower() == "off":
            return {"em_gain": 1.0}
        return {"em_gain": _number(gain)} if gain is not None else {}
    return {}


def _micromanager_date(values: Mapping[str, Any]) -> dict[str, float | None]:
    dates = [_seconds(str(values[name])) for name in ("Time", "StartTime") if name in values]
    known = [each for each in dates if each is not None]
    return {"acquired_at_s": known[0]} if known else {}


def _flat(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Properties with their values, which newer versions wrap as {"PropVal": value}."""
    for name, value in properties.items():
        yield name, value.get("PropVal", value) if isinstance(value, Mapping) else value
