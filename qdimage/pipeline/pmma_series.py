"""Areas under different thicknesses of PMMA: rows of their light and of background-free windows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qdimage.domain.pmma_tables import PMMA_SERIES, PMMA_WINDOWS
from qdimage.domain.table import Table
from qdimage.pipeline.spectrum_headlines import sub_bandgap
from qdimage.pipeline.spectrum_output import SEEN_P

Row = dict[str, Any]
# Its row of the series, and its row of the spectra.
Area = tuple[Row, Row]

POOLED = "all"
_FREE, _UNDECIDED, _DARK = "dots", "dots_undecided", "dark"
_WITH_DOTS = {_FREE, _UNDECIDED, "dots_and_background"}
# In one voltage's spectra the first of these that occurs decides.
_ORDER = ("dots_and_background", "background", _FREE, _UNDECIDED, _DARK)
_RATIO = tuple(f"background_ratio{end}" for end in ("", "_low", "_high", "_upper"))


@dataclass(frozen=True)
class Limits:
    """Up to what background an area is free of it, and from what share its dots are there."""

    most_background: float
    least_dots: float


def pmma_tables(spectra: Iterable[tuple[Row, Limits]]) -> Mapping[Table, list[Row]]:
    """Return the rows of both tables.

    Parameters
    ----------
    spectra : iterable of (dict, Limits)
        Rows of the table `spectra`, of which those of dots are left out.
    """
    areas = [(_series_row(row, limits), row) for row, limits in spectra if row["scope"] == "area"]
    groups: dict[tuple[float | None, str], list[Area]] = {}
    for area in areas:
        thickness = area[0]["pmma_nm"]
        # Of unknown thickness every device stands alone.
        key = thickness, "" if thickness is not None else area[0]["device"]
        groups.setdefault(key, []).append(area)
    windows = [_window_row(each) for each in groups.values()]
    return {PMMA_SERIES: [series for series, _ in areas], PMMA_WINDOWS: windows}


def _series_row(row: Row, limits: Limits) -> Row:
    same = ("device", "field", "pmma_nm", "kind", "voltage_v", "file", "area_mm2", "status")
    known: Row = {name: row.get(name) for name in same}
    known |= {"exposure_s": row.get("exposure_s"), "message": row["message"]}
    known |= {"most_background": limits.most_background, "least_dots": limits.least_dots}
    if row["status"] == "failed":
        return known
    # Without a line a spectrum has bands all the same.
    known["status"] = "ok"
    if row.get("background_band_counts") is None:
        return known | {"status": "refused"}
    known |= {name: row.get(name) for name in _RATIO}
    seen = row.get("model") is not None, row["background_band_p_value"] < SEEN_P
    known |= {"dots_seen": seen[0], "background_seen": seen[1]}
    known["light"] = _light(row, limits, dots=seen[0], background=seen[1])
    area, exposure = row.get("area_mm2"), row.get("exposure_s")
    if area is None or exposure is None:
        missing = "area_mm2" if area is None else "exposure_s"
        note = f"{missing} is not known, so that there is no light per area and exposure"
        return known | {"message": "; ".join(each for each in (row["message"], note) if each)}
    return known | _per_area(row, area * exposure)


def _light(row: Row, limits: Limits, *, dots: bool, background: bool) -> str:
    low, upper = row.get("background_ratio_low"), row.get("background_ratio_upper")
    if not dots or (low is not None and low > 1 / limits.least_dots):
        return "background" if background else _DARK
    if upper is not None and upper <= limits.most_background:
        return _FREE
    if low is not None and low > limits.most_background:
        return "dots_and_background"
    return _UNDECIDED


def _per_area(row: Row, seconds_mm2: float) -> Row:
    found = {}
    if row.get("model") is not None:
        found = {"line": row["counts"], "line_err": row["counts_err"]}
    for band in ("dot_band", "background_band"):
        found |= {
            band: row[f"{band}_counts"],
            f"{band}_err": row[f"{band}_counts_err"],
            f"{band}_upper": row[f"{band}_counts_upper"],
        }
    return {f"{name}_counts_s_mm2": counts / seconds_mm2 for name, counts in found.items()}


def _window_row(areas: Sequence[Area]) -> Row:
    """Return the row of one thickness."""
    rows = [series for series, _ in areas]
    devices = {row["device"] for row in rows}
    answered = [
        area
        for area in areas
        if area[0]["status"] == "ok"
        and area[0]["kind"] == "el"
        and area[0]["voltage_v"] is not None
    ]
    voltages = sorted({series["voltage_v"] for series, _ in answered})
    known = {
        "device": devices.pop() if len(devices) == 1 else POOLED,
        "field": POOLED,
        "pmma_nm": rows[0]["pmma_nm"],
        "n_spectra": len(answered),
        "n_voltages": len(voltages),
        "most_background": min(row["most_background"] for row in rows),
        "least_dots": min(row["least_dots"] for row in rows),
    }
    if not answered:
        reason = "found no EL spectrum of an area with an answer and a voltage_v"
        return known | {"status": "refused", "message": reason}
    at = {
        volts: {series["light"] for series, _ in answered if series["voltage_v"] == volts}
        for volts in voltages
    }
    light = {volts: next(each for each in _ORDER if each in found) for volts, found in at.items()}
    dots = [volts for volts, found in at.items() if found & _WITH_DOTS]
    known |= _between("dots_from", [each for each in voltages if each not in dots], dots)
    with_dots = [row for series, row in answered if series["light"] in _WITH_DOTS]
    known |= _energy([row for row in with_dots if row.get("peak_ev") is not None], known)
    return known | _finding(light, answered)


def _finding(light: Mapping[float, str], areas: Sequence[Area]) -> Row:
    free = [volts for volts, each in light.items() if each == _FREE]
    undecided = [volts for volts, each in light.items() if each == _UNDECIDED]
    outside = [volts for volts, each in light.items() if each not in (_FREE, _UNDECIDED)]
    if free:
        return _window(free, undecided, outside)
    if undecided:
        at = ", ".join(f"{volts:g}" for volts in undecided)
        reason = f"at {at} V the background may be above or below the limit; expose longer"
        return {"status": "refused", "message": reason}
    lights = set(light.values())
    if "dots_and_background" in lights:
        message = "wherever dots are seen, background is above the limit"
        return {"status": "ok", "finding": "always_background", "message": message}
    if "background" in lights:
        return {"status": "ok", "finding": "dots_vanished"} | _vanished(areas)
    message = "neither dots nor background are seen at any voltage"
    return {"status": "ok", "finding": "dark", "message": message}


def _window(free: list[float], undecided: list[float], outside: list[float]) -> Row:
    first, last = min(free), max(free)
    between = [volts for volts in outside if first < volts < last]
    if between:
        at = ", ".join(f"{volts:g}" for volts in between)
        reason = f"background-free from {first:g} to {last:g} V, but not at {at} V: no one window"
        return {"status": "refused", "message": reason}
    above = [volts for volts in outside if volts > last]
    notes = []
    if not above:
        notes.append("background-free up to the highest voltage that tells")
    return {
        "status": "ok",
        "finding": "window",
        **_between("free_from", outside, free),
        "free_to_low_v": last,
        "free_to_high_v": min(above) if above else None,
        "n_undecided": sum(first < volts < last for volts in undecided),
        "message": "; ".join(notes),
    }


def _energy(rows: Sequence[Row], known: Row) -> Row:
    """Return the photon energy of the dots, and how far below it they begin to emit."""
    if not rows:
        return {}
    best = min(rows, key=lambda row: float(row["peak_err_ev"]))
    energy = best["peak_ev"], best["peak_err_ev"]
    turn_on = known.get("dots_from_low_v"), known.get("dots_from_high_v")
    return {"peak_ev": energy[0], "peak_err_ev": energy[1], **sub_bandgap(*energy, *turn_on)}


def _between(name: str, outside: Sequence[float], inside: Sequence[float]) -> Row:
    """Return between which voltages something begins; empty where it is nowhere."""
    if not inside:
        return {}
    first = min(inside)
    below = [volts for volts in outside if volts < first]
    return {f"{name}_low_v": max(below) if below else None, f"{name}_high_v": first}


def _vanished(areas: Sequence[Area]) -> Row:
    """Return how little light of dots there can be, from the spectrum with most background.

    Which that is does not depend on the dot band, so that the limit holds.
    """
    seen = [area for area in areas if area[0]["light"] == "background"]
    volts = ", ".join(f"{each:g}" for each in sorted({series["voltage_v"] for series, _ in seen}))
    _, best = max(seen, key=lambda area: float(area[1]["background_band_counts"]))
    share = best["dot_band_counts_upper"] / best["background_band_counts"]
    return {
        "most_dots_share": share,
        "message": f"the dots vanished: at {volts} V light of the background, of which the dot "
        f"band has at most {100 * share:.2g} %",
    }
