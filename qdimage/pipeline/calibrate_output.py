"""A calibration as a camera file, and as a flat record."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qdimage.domain.calibration import Measured, with_part
from qdimage.domain.refusal import Refusal
from qdimage.io.bias_map_file import write_bias_map
from qdimage.io.camera_file import write_camera_file
from qdimage.pipeline.calibrate import Calibration
from qdimage.pipeline.provenance import package_version

_CAMERA = (
    "bias_adu",
    "electrons_per_adu",
    "em_gain",
    "read_noise_e",
    "clock_induced_charge_e",
)
# Where nobody states gain or sensitivity: only their ratio enters any result.
_CONVENTIONAL_GAIN = 100.0
_DIGITS = 6


def record(found: Calibration) -> dict[str, Any]:
    """Return the numbers with errors and intervals, flat; None where there is none."""
    row: dict[str, Any] = {"status": found.status, "message": found.message}
    for name, each in found.quantities.items():
        measured = each if isinstance(each, Measured) else None
        row[name] = measured.value if measured else None
        row[with_part(name, "err")] = measured.err if measured else None
        row[with_part(name, "low")] = measured.low if measured else None
        row[with_part(name, "high")] = measured.high if measured else None
    row["saturation_adu"] = found.ceiling_adu if np.isfinite(found.ceiling_adu) else None
    row["methods"] = _methods(found)
    row["refused"] = reasons(found)
    row["warnings"] = list(found.warnings)
    row["stacks"] = [dict(each) for each in found.stacks]
    return row


def _methods(found: Calibration) -> dict[str, str]:
    return {
        name: each.method for name, each in found.quantities.items() if isinstance(each, Measured)
    }


def reasons(found: Calibration) -> dict[str, str]:
    """Return why numbers are missing, by their names."""
    return {
        name: each.reason for name, each in found.quantities.items() if isinstance(each, Refusal)
    }


def write_calibration(
    found: Calibration,
    path: Path,
    *,
    bias_map_offset_px: tuple[float, float] = (0.0, 0.0),
    binning: int = 1,
) -> Path | None:
    """Write the camera file, and the bias map beside it where there is one.

    Returns
    -------
    path or None
        Of the map.
    """
    values = {name: each for name, each in found.quantities.items() if isinstance(each, Measured)}
    notes = list(found.warnings)
    values = _with_convention(values, notes)
    keys: dict[str, Any] = {name: _short(values[name].value) for name in _CAMERA if name in values}
    keys["quantum_efficiency"] = found.quantum_efficiency
    if np.isfinite(found.ceiling_adu):
        keys["saturation_adu"] = found.ceiling_adu
    map_path = None
    if found.bias is not None and "bias_adu" in values:
        map_path = path.with_name(f"{path.stem}_bias.tif")
        keys["bias_map"] = map_path.name
        keys["bias_map_binning"] = binning
        keys["bias_map_offset_px"] = list(bias_map_offset_px)
        write_bias_map(map_path, found.bias.pattern_adu + keys["bias_adu"])
    records = {
        "errors": {with_part(name, "err"): _short(each.err) for name, each in values.items()},
        "intervals": {
            name: [_short(each.low), _short(each.high)]
            for name, each in values.items()
            if np.isfinite(each.high)
        },
        "calibration": {
            "program": f"qdimage {package_version('qdimage')}",
            **{f"{name}_from": each.method for name, each in values.items()},
            **{f"{name}_refused": reason for name, reason in reasons(found).items()},
            "warnings": notes,
        },
        "stacks": [_stack(each) for each in found.stacks],
    }
    head = "Written by qdimage calibrate; an experiment refers to it as file in its [camera]."
    write_camera_file(path, keys, records, head=head)
    return map_path


def _with_convention(values: dict[str, Measured], notes: list[str]) -> dict[str, Measured]:
    """Share the measured ratio out where neither gain nor electrons for each ADU are known."""
    ratio = values.get("adu_per_photoelectron")
    if ratio is None or "electrons_per_adu" in values:
        return values
    notes.append(
        f"em_gain = {_CONVENTIONAL_GAIN:g} is a convention: only its ratio to electrons_per_adu is "
        "measured, which is all that photon numbers need"
    )
    scale = _CONVENTIONAL_GAIN / ratio.value
    found = dict(values)
    found["em_gain"] = Measured.normal(_CONVENTIONAL_GAIN, 0.0, "convention")
    relative = ratio.err / ratio.value
    found["electrons_per_adu"] = Measured(
        scale,
        scale * relative,
        _CONVENTIONAL_GAIN / ratio.high,
        _CONVENTIONAL_GAIN / ratio.low,
        ratio.method,
    )
    if "read_noise_adu" in values:
        found["read_noise_e"] = values["read_noise_adu"].times(scale)
    return found


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _stack(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _short(value) if isinstance(value, float) else value
        for key, value in row.items()
        if value is not None
    }
