"""The table of all dots, as cells with a text and a value to sort by."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qdimage.domain.tables import DOTS
from qdimage.reporting.content import Content, Row, rows_of, signal_units
from qdimage.reporting.words import NOTHING, flux_unit, number

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 2000
_MOST_VOLTAGES = 8
# Positions keep two decimals; everything else keeps significant digits.
_FIXED = {"x_px", "y_px", "x_um", "y_um"}
# Kept for programs: the CSV file has them.
_LEFT_OUT = {
    "signal_unit",
    "turn_on_voltage_v",
    "x_err_px",
    "y_err_px",
    "pl_photons_err_s",
    "stage_x_um",
    "stage_y_um",
}
_ALWAYS = {"field", "dot_id", "x_px", "y_px", "pl_photons_s", "flags"}
_TITLES = {
    "dot_id": "dot",
    "x_px": "x (px)",
    "y_px": "y (px)",
    "x_um": "x (\N{MICRO SIGN}m)",
    "y_um": "y (\N{MICRO SIGN}m)",
    "g2_floor": "g2 floor",
    "pl_photons_s": "PL flux ({unit})",
    "turn_on_voltage_low_v": "dark up to (V)",
    "turn_on_voltage_high_v": "lit from (V)",
}


@dataclass(frozen=True)
class Cell:
    """A cell: its text, its value to sort by ("" to sort by the text), and its CSS class."""

    text: str
    value: str = ""
    look: str = ""


@dataclass(frozen=True)
class Heading:
    """A column's title, what it means, and whether it holds numbers."""

    title: str
    meaning: str
    numeric: bool


@dataclass(frozen=True)
class DotTable:
    """Headings and rows; `n_dots` counts also those not shown."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    n_dots: int


def dot_table(content: Content) -> DotTable:
    """Return the table of dots; columns in which nothing was measured are left out."""
    dots = content.tables["dots"]
    shown = dots.iloc[:MOST_ROWS]
    unit = flux_unit(signal_units(dots))
    columns = [column for column in DOTS.columns if _is_shown(column.name, shown)]
    headings = [
        Heading(
            _TITLES.get(column.name, column.name).format(unit=unit),
            column.meaning,
            column.kind in ("number", "integer"),
        )
        for column in columns
    ]
    voltages, fluxes = _el_fluxes(content, set(shown["field"]))
    at = next((k for k, each in enumerate(columns) if each.name == "flags"), len(columns))
    headings[at:at] = [
        Heading(
            f"EL {voltage:g} V ({unit})",
            "EL flux at the dot's mapped position; < is a 95 % upper limit",
            True,
        )
        for voltage in voltages
    ]
    rows = []
    for row in rows_of(shown):
        cells = [_cell(row, column.name) for column in columns]
        own = fluxes.get((row["device"], row["field"], row["dot_id"]), {})
        cells[at:at] = [own.get(voltage, Cell(NOTHING)) for voltage in voltages]
        rows.append(tuple(cells))
    return DotTable(tuple(headings), tuple(rows), len(dots))


def _is_shown(name: str, dots: "pd.DataFrame") -> bool:
    if name in _ALWAYS:
        return True
    if name in _LEFT_OUT:
        return False
    values = dots[name]
    if name == "device":
        return values.nunique() != 1
    if name == "accepted":
        return bool((values == False).any())  # noqa: E712  a nullable boolean column
    return bool((values.notna() & (values.astype("string") != "")).any())


def _cell(row: Row, name: str) -> Cell:
    value = row[name]
    if value is None:
        return Cell(NOTHING)
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, float):
        text = f"{value:.2f}" if name in _FIXED else _short(name, value)
        return Cell(text, f"{value:.8g}")
    return Cell(str(value), str(value) if isinstance(value, int) else "")


def _short(name: str, value: float) -> str:
    return f"{value:g}" if name.endswith("_v") else number(value)


def _el_fluxes(
    content: Content, fields: set[str]
) -> tuple[list[float], dict[Any, dict[float, Cell]]]:
    table = content.tables["dot_channels"]
    voltages = sorted({float(v) for v in table["voltage_v"].dropna()})
    if len(voltages) > _MOST_VOLTAGES:
        return [], {}
    cells: dict[Any, dict[float, Cell]] = {}
    columns = ["device", "field", "dot_id", "voltage_v", "photons_s", "photons_upper_s", "lit"]
    for row in rows_of(table.loc[table["field"].isin(fields), columns]):
        if row["voltage_v"] is None or row["photons_s"] is None:
            continue
        key = row["device"], row["field"], row["dot_id"]
        own = cells.setdefault(key, {})
        # Two channels at one voltage: the first, as the table of channels has them.
        own.setdefault(row["voltage_v"], _flux_cell(row))
    return voltages, cells


def _flux_cell(row: Row) -> Cell:
    value = f"{row['photons_s']:.6g}"
    if row["lit"]:
        return Cell(number(row["photons_s"]), value, "lit")
    return Cell(f"< {number(row['photons_upper_s'])}", value, "dark")
