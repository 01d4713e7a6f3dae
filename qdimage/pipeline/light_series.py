"""Light over voltages: the bands of spectra, and between which voltages each light sets in."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from qdimage.domain.refusal import Refusal
from qdimage.electrical.onset import Onset, onset
from qdimage.pipeline.el_series import POOLED

Row = dict[str, Any]
Place = tuple[str, str]

BANDS = ("dot_band", "background_band")
FIELD_LIGHTS = ("dots", "background", "integrated")
_SIGMA_95 = 1.959964
_NO_ZERO = (
    "an error of the camera's bias would pass for light; declare a channel at 0 V of the same "
    "exposure"
)


def band_series_rows(spectra: Iterable[Row]) -> list[Row]:
    """Return a row for each EL spectrum that belongs to a dot or an area."""
    return [_band_row(row) for row in spectra if row["kind"] == "el" and _has_target(row)]


def _has_target(row: Row) -> bool:
    return row["scope"] == "area" or row.get("dot_id") is not None


def _band_row(row: Row) -> Row:
    same = ("device", "field", "scope", "dot_id", "voltage_v", "file", "exposure_s")
    found: Row = {name: row.get(name) for name in same}
    found |= {"status": row["status"], "message": row["message"]}
    exposure = row.get("exposure_s")
    if row["status"] == "failed":
        return found
    missing = [name for name in ("voltage_v", "exposure_s") if row.get(name) is None]
    if missing or not exposure:
        note = f"{' and '.join(missing) or 'exposure_s'} is not known; declare it in [[spectra]]"
        return found | {"status": "refused", "message": note}
    if row.get("dot_band_counts") is None or row.get("dot_band_p_value") is None:
        return found | {"status": "refused"}
    for band in BANDS:
        counts, err = row[f"{band}_counts"], row[f"{band}_counts_err"]
        found |= {
            f"{band}_counts_s": counts / exposure,
            f"{band}_low_counts_s": (counts - _SIGMA_95 * err) / exposure,
            f"{band}_high_counts_s": (counts + _SIGMA_95 * err) / exposure,
            f"{band}_p": row[f"{band}_p_value"],
        }
    for end in ("", "_low", "_high"):
        found[f"background_ratio{end}"] = row.get(f"background_ratio{end}")
    # Where no line stands out, that both bands are dark is what the series needs to know.
    return found | {"status": "ok"}


@dataclass(frozen=True)
class _Series:
    """Probabilities of light by chance, and what was measured, at voltages."""

    place: Place
    source: str
    light: str
    scope: str
    dot_id: int | None
    points: tuple[tuple[float, float], ...]
    unknown: str = ""


def light_turn_on_rows(
    el_series: Sequence[Row],
    band_series: Sequence[Row],
    photon_flux: Sequence[Row],
    false_alarm: Mapping[Place, float],
) -> list[Row]:
    """Return a row for each series of light over voltages.

    Dots and areas that were measured at one voltage alone have none.

    Parameters
    ----------
    el_series, band_series, photon_flux : rows of the tables of these names
    false_alarm : mapping
        By device and field: probability that a dark series is given a turn-on.
    """
    series = [*_of_fields(el_series), *_of_spectra(band_series), *_of_counters(photon_flux)]
    return [_turn_on_row(each, false_alarm[each.place]) for each in series]


def _grouped(rows: Iterable[Row], *names: str) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in names), []).append(row)
    return groups


def _of_fields(rows: Sequence[Row]) -> Iterable[_Series]:
    own = [row for row in rows if row["field"] != POOLED and row["status"] == "ok"]
    for (device, field), channels in _grouped(own, "device", "field").items():
        for light in FIELD_LIGHTS:
            measured = [row for row in channels if row.get(f"{light}_photons_s") is not None]
            no_zero = light != "dots" and not any(f"{light}_p" in row for row in measured)
            yield _Series(
                (device, field),
                "camera",
                light,
                "field",
                None,
                _points(measured, f"{light}_p"),
                _NO_ZERO if no_zero and measured else "",
            )


def _of_spectra(rows: Sequence[Row]) -> Iterable[_Series]:
    own = [row for row in rows if row["status"] == "ok"]
    groups = _grouped(own, "device", "field", "scope", "dot_id")
    for (device, field, scope, dot_id), spectra in groups.items():
        for band in BANDS if _is_series(spectra) else ():
            points = _points(spectra, f"{band}_p")
            yield _Series((device, field), "spectra", band, scope, dot_id, points)


def _of_counters(rows: Sequence[Row]) -> Iterable[_Series]:
    own = [
        row
        for row in rows
        if row["kind"] == "el" and row["field"] != POOLED and row.get("counts_s") is not None
    ]
    for (device, field, dot_id), files in _grouped(own, "device", "field", "dot_id").items():
        if dot_id is not None and _is_series(files):
            points = _points(files, "counts_p")
            note = "" if points else "dark counts are not known; declare dark_counts_s"
            yield _Series((device, field), "counters", "counts", "dot", dot_id, points, note)


def _is_series(rows: Iterable[Row]) -> bool:
    return len({row["voltage_v"] for row in rows if row.get("voltage_v") is not None}) > 1


def _points(rows: Iterable[Row], name: str) -> tuple[tuple[float, float], ...]:
    found = [(row.get("voltage_v"), row.get(name)) for row in rows]
    return tuple(
        (volts, p)
        for volts, p in found
        if volts is not None and p is not None and not math.isnan(p)
    )


def _turn_on_row(series: _Series, false_alarm: float) -> Row:
    row: Row = {
        "device": series.place[0],
        "field": series.place[1],
        "source": series.source,
        "light": series.light,
        "scope": series.scope,
        "dot_id": series.dot_id,
        "n_voltages": len({volts for volts, _ in series.points}),
    }
    if series.unknown:
        return row | {"status": "refused", "message": series.unknown}
    volts, p_values = (np.array([point[k] for point in series.points]) for k in (0, 1))
    found = onset(volts, p_values, false_alarm_probability=false_alarm)
    if isinstance(found, Refusal):
        return row | {"status": "refused", "message": found.reason}
    return row | {
        "status": "ok",
        "turn_on_low_v": found.low_v,
        "turn_on_high_v": found.high_v,
        "threshold_p": found.threshold_p,
        "message": _notes(found),
    }


def _notes(found: Onset) -> str:
    notes = []
    if found.low_v is None:
        notes.append("it is seen at the lowest voltage already, so that it sets in at or below it")
    if found.not_seen_above_v:
        above = ", ".join(f"{volts:g}" for volts in found.not_seen_above_v)
        notes.append(f"not seen at {above} V, which is above")
    return "; ".join(notes)
