"""What the tables say of turn-on curves and of how much fields differ, in words."""

from typing import TYPE_CHECKING

from qdimage.domain.tables import TURN_ON_CURVES, TURN_ON_VARIANCE
from qdimage.reporting.content import POOLED, Content, Row, rows_of
from qdimage.reporting.words import NOTHING, number

if TYPE_CHECKING:
    import pandas as pd

_DIGITS = 3
_SMALL = 0.095
_MINUS = "\N{MINUS SIGN}"


def device_curve(content: Content, device: str) -> Row | None:
    """Return the row of the curve through all fields of a device; None without a curve."""
    found = _curve_rows(content, device)
    return next((row for row in found if row["field"] == POOLED and _is_curve(row)), None)


def device_curves(content: Content, device: str) -> list[Row]:
    """Return the rows of a device, its fields first; of a single field, the device's alone."""
    found = _curve_rows(content, device)
    fields = [row for row in found if row["field"] != POOLED]
    together = [row for row in found if row["field"] == POOLED]
    return together if len(fields) == 1 else fields + together


def spread_rows(content: Content) -> list[Row]:
    """Return how much fields, devices and batches differ, where it was found."""
    rows = rows_of(content.tables[TURN_ON_VARIANCE.name])
    return [row for row in rows if row["status"] == "ok"]


def _curve_rows(content: Content, device: str) -> list[Row]:
    frame: pd.DataFrame = content.tables[TURN_ON_CURVES.name]
    return rows_of(frame[frame["device"] == device])


def _is_curve(row: Row) -> bool:
    names = ("median_v", "median_low_v", "median_high_v", "width_v", "plateau", "below_range")
    return all(row[name] is not None for name in names)


def with_interval(row: Row, name: str, unit: str = "") -> str:
    """Return a value with its interval; an end that is not known is left open."""
    value = row[f"{name}{unit}"]
    if value is None:
        return NOTHING
    low, high = row[f"{name}_low{unit}"], row[f"{name}_high{unit}"]
    if low is None and high is None:
        return two_decimals(value)
    if low is None:
        return f"{two_decimals(value)} (at most {two_decimals(high)})"
    if high is None:
        return f"{two_decimals(value)} (at least {two_decimals(low)})"
    return f"{two_decimals(value)} ({two_decimals(low)} to {two_decimals(high)})"


def electronvolts(energy_ev: float) -> str:
    """Return a photon energy with its unit."""
    return f"{number(energy_ev, _DIGITS)} eV"


def two_decimals(value: float | None) -> str:
    """Return a voltage or a share as text."""
    if value is None:
        return NOTHING
    # Voltages and shares alike are known to some hundredths at best, narrow widths to less.
    decimals = 3 if 0 < abs(value) < _SMALL else 2
    return f"{value:.{decimals}f}".replace("-", _MINUS)
