"""The table of all dots, as cells with a text and a value to sort by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qdimage.domain.photon_tables import LIFETIMES, PHOTONS, RATE_FITS
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.domain.table import Column
from qdimage.domain.tables import DOTS
from qdimage.reporting.blocks import Cell, Heading
from qdimage.reporting.content import Content, Row, signal_units
from qdimage.reporting.dot_curves import with_ends
from qdimage.reporting.dot_subjects import Subject
from qdimage.reporting.words import NOTHING, flux_unit, number

MOST_ROWS = 10_000
_MOST_VOLTAGES = 8
# Positions keep two decimals; everything else keeps significant digits.
_FIXED = {"x_px", "y_px"}
# Before the EL fluxes; what is not named here comes after them, in the order of `dots`.
_FIRST = ("device", "field", "dot_id", "pl_photons_s", "turn_on_voltage_high_v")
_LAST = (
    *("flags", "turn_on_voltage_low_v", "accepted", "note", "isolated", "g2_floor"),
    *("x_px", "y_px"),
)
_SHOWN_WITH_INTERVAL = ("pl_g2_0", "el_g2_0")
# Kept for programs, or shown with another column.
_LEFT_OUT = {
    "signal_unit",
    "turn_on_voltage_v",
    "x_err_px",
    "y_err_px",
    "x_um",
    "y_um",
    "pl_photons_err_s",
    "stage_x_um",
    "stage_y_um",
    *(f"{name}_{end}" for name in _SHOWN_WITH_INTERVAL for end in ("low", "high", "file")),
}
_ALWAYS = {"field", "dot_id", "flags"}
_TITLES = {
    "dot_id": "dot",
    "x_px": "x (px)",
    "y_px": "y (px)",
    "g2_floor": "g2 floor",
    "pl_photons_s": "PL flux ({unit})",
    "turn_on_voltage_low_v": "dark up to (V)",
    "turn_on_voltage_high_v": "lit from (V)",
    "pl_g2_0": "PL g2(0)",
    "el_g2_0": "EL g2(0)",
    "el_g2_0_voltage_v": "at (V)",
    "pl_peak_nm": "PL peak (nm)",
    "el_peak_nm": "EL peak (nm)",
    "pl_fwhm_nm": "PL FWHM (nm)",
    "el_fwhm_nm": "EL FWHM (nm)",
    "injection_rate_per_us": "injection (1/\N{MICRO SIGN}s)",
    "lifetime_ns": "lifetime (ns)",
}
# Columns of `dots` for a file without a dot, from its own table.
_OF_FILES = (
    (PHOTONS.name, "g2_0", "{kind}_g2_0"),
    (PHOTONS.name, "g2_0_low", "{kind}_g2_0_low"),
    (PHOTONS.name, "g2_0_high", "{kind}_g2_0_high"),
    (SPECTRA.name, "peak_nm", "{kind}_peak_nm"),
    (SPECTRA.name, "fwhm_nm", "{kind}_fwhm_nm"),
    (LIFETIMES.name, "main_lifetime_ns", "lifetime_ns"),
    (RATE_FITS.name, "injection_rate_per_us", "injection_rate_per_us"),
)


@dataclass(frozen=True)
class DotTable:
    """The table of dots.

    Attributes
    ----------
    keys : tuple of str
        Names of the columns that a filter may use.
    headings : tuple of Heading
    rows : tuple of tuple of Cell
    words : tuple of tuple of str
        What each row may be called in a filter: flags, `lit`, `isolated` ...
    n_dots : int
        Counts also those not shown.
    """

    keys: tuple[str, ...]
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: tuple[tuple[str, ...], ...]
    n_dots: int


def dot_table(content: Content, found: Sequence[Subject]) -> DotTable:
    """Return the table of dots; columns in which nothing was measured are left out."""
    shown = found[:MOST_ROWS]
    unit = flux_unit(signal_units(content.tables["dots"]))
    rows = [_row(subject) for subject in shown]
    columns = [column for column in _ordered() if _is_shown(column.name, rows)]
    voltages = _voltages(shown)
    at = sum(column.name in _FIRST for column in columns)
    keys = [column.name for column in columns]
    headings = [
        Heading(
            _TITLES.get(column.name, column.name).format(unit=unit),
            column.meaning,
            column.kind in ("number", "integer"),
        )
        for column in columns
    ]
    keys[at:at] = [f"el_{voltage:g}v" for voltage in voltages]
    headings[at:at] = [
        Heading(
            f"EL {voltage:g} V ({unit})",
            "EL flux at the dot's mapped position; < is a 95 % upper limit",
            True,
        )
        for voltage in voltages
    ]
    cells = []
    for subject, row in zip(shown, rows, strict=True):
        own = [_cell(row, column.name) for column in columns]
        fluxes = _fluxes(subject)
        own[at:at] = [fluxes.get(voltage, Cell(NOTHING)) for voltage in voltages]
        cells.append(tuple(own))
    words = tuple(_words(subject) for subject in shown)
    return DotTable(tuple(keys), tuple(headings), tuple(cells), words, len(found))


def table_json(table: DotTable) -> dict[str, Any]:
    """Return a table as plain values: a cell is null, a text, or [value, text, look]."""
    return {
        "columns": [
            [key, each.title, each.meaning, each.numeric]
            for key, each in zip(table.keys, table.headings, strict=True)
        ],
        "rows": [[_plain(cell) for cell in row] for row in table.rows],
        "words": [" ".join(words) for words in table.words],
    }


def _plain(cell: Cell) -> Any:
    if cell.text == NOTHING:
        return None
    if cell.value is None:
        return cell.text
    return [cell.value, cell.text, cell.look] if cell.look else [cell.value, cell.text]


def _ordered() -> list[Column]:
    by_name = {column.name: column for column in DOTS.columns}
    between = [name for name in by_name if name not in (*_FIRST, *_LAST)]
    return [by_name[name] for name in (*_FIRST, *between, *_LAST)]


def _row(subject: Subject) -> Row:
    """The row of `dots`; of a file without a dot, as much of one as it measured."""
    if subject.dot is not None:
        return subject.dot
    row: Row = dict.fromkeys(column.name for column in DOTS.columns)
    row |= {"device": subject.device, "field": subject.field, "dot_id": subject.name, "flags": ""}
    for table, name, target in _OF_FILES:
        for each in subject.of(table):
            row[target.format(kind=each["kind"])] = each[name]
            if each["kind"] == "el" and name == "g2_0":
                row["el_g2_0_voltage_v"] = each["voltage_v"]
            if name == "g2_0" and each["flags"]:
                row["flags"] = each["flags"]
    return row


def _is_shown(name: str, rows: Sequence[Row]) -> bool:
    if name in _ALWAYS:
        return True
    if name in _LEFT_OUT:
        return False
    values = {row[name] for row in rows}
    if name == "device":
        return len(values) != 1
    if name == "accepted":
        return False in values
    return bool(values - {None, ""})


def _cell(row: Row, name: str) -> Cell:
    value = row[name]
    if value is None or value == "":
        return Cell(NOTHING)
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, int):
        return Cell(str(value), value)
    if not isinstance(value, float):
        return Cell(str(value).replace(";", ", ") if name == "flags" else str(value))
    if name in _SHOWN_WITH_INTERVAL:
        return Cell(with_ends(row, name), _short(value))
    if name in _FIXED:
        return Cell(f"{value:.2f}", _short(value))
    return Cell(f"{value:g}" if name.endswith("_v") else number(value), _short(value))


def _short(value: float) -> float:
    return float(f"{value:.6g}")


def _voltages(shown: Sequence[Subject]) -> list[float]:
    found = {row["voltage_v"] for subject in shown for row in subject.of("dot_channels")}
    voltages = sorted(float(v) for v in found - {None})
    return voltages if len(voltages) <= _MOST_VOLTAGES else []


def _fluxes(subject: Subject) -> dict[float, Cell]:
    cells: dict[float, Cell] = {}
    for row in subject.of("dot_channels"):
        if row["voltage_v"] is not None and row["photons_s"] is not None:
            # Two channels at one voltage: the first, as the table of channels has them.
            cells.setdefault(row["voltage_v"], _flux_cell(row))
    return cells


def _flux_cell(row: Row) -> Cell:
    value = _short(row["photons_s"])
    if row["lit"]:
        return Cell(number(row["photons_s"]), value, "lit")
    return Cell(f"< {number(row['photons_upper_s'])}", value, "dark")


def _words(subject: Subject) -> tuple[str, ...]:
    words = []
    measured = [row for row in subject.of("dot_channels") if row["photons_s"] is not None]
    if measured:
        words.append("lit" if any(row["lit"] for row in measured) else "dark")
    if subject.dot is not None:
        words += [flag for flag in str(subject.dot["flags"]).split(";") if flag]
        words += ["flagged"] if subject.dot["flags"] else []
        words += ["isolated"] if subject.dot["isolated"] else []
        words += ["noted"] if subject.dot["note"] else []
        words += ["rejected"] if subject.dot["accepted"] is False else ["accepted"]
    if subject.n_files:
        words.append("measured")
    return tuple(words)
