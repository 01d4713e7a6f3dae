"""Light beside current: electrons that pass an area, photons that it emits."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.constants import elementary_charge

from qdimage.domain.refusal import Refusal
from qdimage.electrical.current_at import Current, current_at
from qdimage.pipeline.el_series import POOLED
from qdimage.pipeline.iv import IvAnswer

Row = dict[str, Any]
Place = tuple[str, str]

_SIGMA_95 = 1.959964
_UM2_MM2, _CM2_MM2 = 1e6, 0.01
_NO_AREA = "area_mm2 is not declared in [[iv]], so that the current of the area is not known"


@dataclass(frozen=True)
class DeviceCurrent:
    """The current of a device at a voltage, and its area.

    Attributes
    ----------
    current : Current
    area_mm2 : float or None
    """

    current: Current
    area_mm2: float | None


def device_currents(
    answers: Mapping[Place, Sequence[IvAnswer]],
) -> Callable[[str, float], DeviceCurrent | Refusal | None]:
    """Return what gives the current of a device at a voltage; None without an I-V file.

    Parameters
    ----------
    answers : mapping
        By device and field; the files of a device serve all of its fields.
    """
    devices: dict[str, list[IvAnswer]] = {}
    for (device, _), files in sorted(answers.items()):
        if files:
            devices.setdefault(device, []).extend(files)

    def current_of(device: str, voltage_v: float) -> DeviceCurrent | Refusal | None:
        files = devices.get(device)
        if files is None:
            return None
        areas = {each.area_mm2 for each in files if each.area_mm2 is not None}
        if len(areas) > 1:
            listed = ", ".join(f"{area:g}" for area in sorted(areas))
            return Refusal(
                f"found areas of {listed} mm2 for one device, expected one; correct area_mm2"
            )
        found = current_at([sweep for each in files for sweep in each.sweeps], voltage_v)
        if isinstance(found, Refusal):
            return found
        return DeviceCurrent(found, areas.pop() if areas else None)

    return current_of


def efficiency_rows(
    el_series: Iterable[Row],
    photon_flux: Iterable[Row],
    *,
    camera_efficiency: Mapping[Place, float | None],
    current_of: Callable[[str, float], DeviceCurrent | Refusal | None],
) -> list[Row]:
    """Return a row for each EL channel, each voltage of a device, and each dot on the counters.

    Parameters
    ----------
    el_series, photon_flux : rows of the tables of these names
    camera_efficiency : mapping
        By device and field, pools included: ``camera_collection_efficiency``.
    current_of : callable
        As `device_currents` returns it.
    """
    channels, rows = list(el_series), []
    for channel in channels:
        if channel["status"] != "ok" or not channel.get("n_pixels"):
            continue
        found = current_of(channel["device"], channel["voltage_v"])
        if found is not None:
            share = camera_efficiency.get((channel["device"], channel["field"]))
            rows.append(_camera_row(channel, found, share))
    area_of_dot = _area_of_dot(channels)
    for flux in photon_flux:
        measured = flux["kind"] == "el" and flux["field"] != POOLED
        if not measured or flux.get("emitted_photons_s") is None or flux["voltage_v"] is None:
            continue
        found = current_of(flux["device"], flux["voltage_v"])
        if found is not None:
            rows.append(_counter_row(flux, found, area_of_dot.get((flux["device"], flux["field"]))))
    return rows


def _area_of_dot(channels: Iterable[Row]) -> dict[Place, float]:
    """Area for each PL dot of a field, where its channels show the most of them."""
    areas: dict[Place, tuple[int, float]] = {}
    for row in channels:
        n, area = row.get("n_dots"), row.get("area_um2")
        if n and area:
            place = row["device"], row["field"]
            areas[place] = max(areas.get(place, (0, 0.0)), (n, area / n))
    return {place: area for place, (_, area) in areas.items()}


def _camera_row(channel: Row, found: DeviceCurrent | Refusal, share: float | None) -> Row:
    row: Row = {
        "device": channel["device"],
        "field": channel["field"],
        "arm": "camera",
        "channel": channel["channel"],
        "voltage_v": channel["voltage_v"],
        "area_um2": channel.get("area_um2"),
    }
    if isinstance(found, Refusal):
        return row | {"status": "refused", "message": found.reason}
    row |= _current(found, row["area_um2"])
    missing = _missing_of_camera(channel, share)
    if missing or share is None:
        return row | {"status": "refused", "message": missing}
    light = _light(channel, "integrated", share)
    row |= {"emitted_photons_s": light[0], "emitted_photons_err_s": light[1]}
    if row.get("electrons_s") is None:
        return row | {"status": "refused", "message": _no_electrons(found)}
    notes = ["electrons: the device's by area"]
    row |= _efficiency("efficiency", light, row, found)
    if channel.get("dots_photons_s") is not None:
        dots = _light(channel, "dots", share * (channel.get("spot_share") or 1.0))
        row |= _efficiency("dots_efficiency", dots, row, found)
    if "0 V" not in channel["zero"]:
        notes.append("no light is what the camera's bias says, whose error is not in the interval")
    return row | {"status": "ok", "message": "; ".join(notes)}


def _missing_of_camera(channel: Row, share: float | None) -> str:
    if channel["signal_unit"] != "photons":
        return f"the light is in {channel['signal_unit']}; complete the camera's keys in [camera]"
    if share is None:
        return "camera_collection_efficiency is not known, or not the same in all fields"
    if channel.get("integrated_photons_s") is None:
        return channel.get("message") or "the integrated light is not known"
    return ""


def _light(channel: Row, name: str, share: float) -> tuple[float, float]:
    return channel[f"{name}_photons_s"] / share, channel[f"{name}_photons_err_s"] / share


def _counter_row(flux: Row, found: DeviceCurrent | Refusal, area_um2: float | None) -> Row:
    row: Row = {
        "device": flux["device"],
        "field": flux["field"],
        "arm": "counters",
        "dot_id": flux["dot_id"],
        "file": flux["file"],
        "voltage_v": flux["voltage_v"],
        "area_um2": area_um2,
        "emitted_photons_s": flux["emitted_photons_s"],
        "emitted_photons_err_s": flux["emitted_photons_err_s"],
    }
    if isinstance(found, Refusal):
        return row | {"status": "refused", "message": found.reason}
    row |= _current(found, area_um2)
    if row.get("electrons_s") is None:
        reason = "the area of a dot is not known without an EL channel" if not area_um2 else ""
        return row | {"status": "refused", "message": reason or _no_electrons(found)}
    light = flux["emitted_photons_s"], flux["emitted_photons_err_s"]
    note = "electrons: the device's by area, in that of one PL dot; chosen dots are brighter ones"
    return (
        row
        | _efficiency("dots_efficiency", light, row, found)
        | {
            "status": "ok",
            "message": note,
        }
    )


def _current(found: DeviceCurrent, area_um2: float | None) -> Row:
    current = found.current
    row: Row = {
        "current_a": current.mean_a,
        "current_low_a": current.low_a,
        "current_high_a": current.high_a,
        "n_sweeps": current.n_sweeps,
    }
    if found.area_mm2 is None:
        return row
    row["current_a_cm2"] = current.mean_a / (found.area_mm2 * _CM2_MM2)
    if area_um2:
        share = area_um2 / (found.area_mm2 * _UM2_MM2)
        row["electrons_s"] = current.mean_a * share / elementary_charge
    return row


def _no_electrons(found: DeviceCurrent) -> str:
    return _NO_AREA if found.area_mm2 is None else "pixel_size_um is not known"


def _efficiency(name: str, light: tuple[float, float], row: Row, found: DeviceCurrent) -> Row:
    """Photons for each electron, between the ends of the light and of the sweeps' currents."""
    photons, err = light
    current, electrons = found.current, row["electrons_s"]
    low, high = photons - _SIGMA_95 * err, photons + _SIGMA_95 * err
    more, less = current.high_a / current.mean_a, current.low_a / current.mean_a
    return {
        name: photons / electrons,
        # Of a negative light the smaller current is the further end.
        f"{name}_low": low / (electrons * (more if low > 0 else less)),
        f"{name}_high": high / (electrons * (less if high > 0 else more)),
    }
