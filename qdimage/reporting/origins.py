"""Where every number came from: files, hashes, camera keys, options."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qdimage.config import AnalysisOptions, option_rows
from qdimage.domain.camera import CAMERA_KEYS
from qdimage.reporting.content import Content, FieldContent, Row, rows_of
from qdimage.reporting.words import NOTHING


@dataclass(frozen=True)
class CameraKey:
    """A camera key of a channel: value as written in the table, and its source."""

    name: str
    value: str
    source: str


@dataclass(frozen=True)
class OptionRow:
    """An analysis option, and its values in the run.

    Attributes
    ----------
    name, unit, meaning, default : str
    values : tuple of (str, str)
        Value, and the fields that have it ("" for all).
    changed : bool
        Whether any field differs from the default.
    """

    name: str
    unit: str
    meaning: str
    default: str
    values: tuple[tuple[str, str], ...]
    changed: bool


def camera_keys(row: Row) -> list[CameraKey]:
    """Return the camera keys of a row of `channels`."""
    pairs = (part.partition(": ") for part in row["camera_sources"].split(";"))
    sources = {name.strip(): source for name, _, source in pairs}
    return [
        CameraKey(
            key, NOTHING if row.get(key) is None else f"{row[key]:.6g}", sources.get(key, "unknown")
        )
        for key in CAMERA_KEYS
        if key in row
    ]


def channel_rows(field: FieldContent) -> list[Row]:
    """Return the rows of `channels` in the order PL, EL by voltage, each with its camera keys."""
    rows = rows_of(field.tables["channels"])
    rows.sort(key=lambda row: (row["kind"] != "pl", row["voltage_v"] or 0.0, row["channel"]))
    return [row | {"camera": camera_keys(row)} for row in rows]


def options_of_run(content: Content) -> list[OptionRow]:
    """Return every option with its values, those that this version does not know included."""
    known = {row["name"]: row for row in option_rows(AnalysisOptions)}
    flat = [(field, _flat(field.record.get("options", {}))) for field in content.fields]
    names = list(known) + sorted({name for _, values in flat for name in values} - set(known))
    return [_option(name, known.get(name), flat) for name in names]


def _flat(options: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _option(
    name: str, known: Mapping[str, Any] | None, flat: list[tuple[FieldContent, dict[str, Any]]]
) -> OptionRow:
    by_value: dict[str, list[str]] = {}
    for field, values in flat:
        text = _text(values[name]) if name in values else "not recorded"
        by_value.setdefault(text, []).append(f"{field.device}, {field.name}")
    one = len(by_value) == 1
    shown = tuple((text, "" if one else "; ".join(who)) for text, who in by_value.items())
    if known is None:
        return OptionRow(name, "", "not an option of this version", NOTHING, shown, True)
    default = _text(known["default"])
    changed = any(text != default for text in by_value)
    return OptionRow(name, known["unit"], known["meaning"], default, shown, changed)


def _text(value: Any) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)
