"""What the spectra of a dot say of it, and how far below its photons' energy it turns on."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

Row = dict[str, Any]

_TWO_SIDED = 1.959964
_DOUBTFUL = {"poor_fit", "peak_at_edge"}


def add_spectrum_headlines(dots: Iterable[Row], spectra: Sequence[Row]) -> None:
    """Add to each dot the peak and the width of its PL and its EL, and its sub-bandgap turn-on.

    Each is of the spectrum with the smallest error of the peak; one whose description does not hold
    counts only where there is no other.

    Parameters
    ----------
    dots, spectra : rows of the tables of these names
        Of one field.
    """
    for dot in dots:
        for kind in ("pl", "el"):
            best = _sharpest(row for row in _of_dot(spectra, dot) if row["kind"] == kind)
            if best is None:
                continue
            dot |= {f"{kind}_peak_nm": best["peak_nm"], f"{kind}_fwhm_nm": best["fwhm_nm"]}
            if kind == "el":
                dot |= sub_bandgap(best["peak_ev"], best["peak_err_ev"], *_turn_on(dot))


def add_sub_bandgap(spectra: Iterable[Row], dots: Iterable[Row]) -> None:
    """Set how far below the photon's energy the dot of each EL spectrum begins to emit."""
    turn_on = {dot["dot_id"]: dot for dot in dots}
    for row in spectra:
        dot = turn_on.get(row.get("dot_id"))
        if row["kind"] != "el" or row["scope"] != "dot" or dot is None:
            continue
        if row.get("peak_ev") is not None:
            row["turn_on_voltage_v"] = dot.get("turn_on_voltage_v")
            row |= sub_bandgap(row["peak_ev"], row["peak_err_ev"], *_turn_on(dot))


def sub_bandgap(
    peak_ev: float, peak_err_ev: float, low_v: float | None, high_v: float | None
) -> Row:
    """Return photon energy less turn-on voltage, and between what it lies.

    The turn-on voltage is only known to lie between two; the ends of the interval are those of the
    voltages and of 95 % of the energy. Empty where the voltage has no end on that side.

    Parameters
    ----------
    peak_ev, peak_err_ev : float
    low_v, high_v : float or None
        Highest voltage at which it is dark, lowest at which it is lit.
    """
    reach = _TWO_SIDED * peak_err_ev
    found: Row = {}
    if high_v is not None:
        found["sub_bandgap_low_v"] = peak_ev - reach - high_v
    if low_v is not None:
        found["sub_bandgap_high_v"] = peak_ev + reach - low_v
    if low_v is not None and high_v is not None:
        found["sub_bandgap_v"] = peak_ev - (low_v + high_v) / 2
    return found


def _turn_on(dot: Row) -> tuple[float | None, float | None]:
    low, high = (_known(dot.get(f"turn_on_voltage_{end}_v")) for end in ("low", "high"))
    return low, high


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _of_dot(spectra: Iterable[Row], dot: Row) -> Iterable[Row]:
    return (
        row
        for row in spectra
        if row["scope"] == "dot"
        and row.get("dot_id") == dot["dot_id"]
        and row["status"] == "ok"
        and row.get("peak_nm") is not None
    )


def _sharpest(rows: Iterable[Row]) -> Row | None:
    return min(
        rows,
        key=lambda row: (
            bool(_DOUBTFUL & set(str(row.get("flags") or "").split(";"))),
            row["peak_err_nm"],
        ),
        default=None,
    )
