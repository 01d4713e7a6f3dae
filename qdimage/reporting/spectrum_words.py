"""The spectra of a device as a table."""

import math

from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.reporting.blocks import Cell, Grid, Heading
from qdimage.reporting.content import Content, Row, rows_of
from qdimage.reporting.words import NOTHING, number

MINUS = "\N{MINUS SIGN}"

_HEADINGS = (
    Heading("Dot", "or the file, where no dot is known"),
    Heading("Kind"),
    Heading("Voltage (V)", numeric=True),
    Heading("Peak (nm)", "of the light per nm", True),
    Heading("Width (nm)", "full width at half maximum", True),
    Heading("Peak (eV)", "of the light per eV", True),
    Heading("Line", "chosen by BIC"),
    Heading("Background / dot", "in brackets the 95 % interval; < is a 95 % limit", True),
    Heading("Below photon energy (V)", "photon energy less the turn-on voltage", True),
    Heading("Shift (nm)", "EL less PL of the same dot", True),
    Heading("Width ratio", "EL over PL", True),
    Heading("Contour p", "of contours as different by chance where both are the same", True),
    Heading("Similarity", "cosine of the contours, noise taken off; 1 for the same", True),
    Heading("Status"),
)


def spectra_grid(content: Content, device: str) -> Grid | None:
    """Return a device's spectra with what was found of each; None where there are none."""
    rows = rows_of(content.of_device(SPECTRA.name, device))
    if not rows:
        return None
    caption = "Lines, backgrounds and comparisons of EL with PL; errors are standard deviations."
    return Grid(caption, _HEADINGS, tuple(_row(row) for row in rows), sortable=True)


def _row(row: Row) -> tuple[Cell, ...]:
    who = f"{row['field']}, {row['dot_id']}" if row["dot_id"] is not None else str(row["file"])
    remark = str(row["status"])
    if row["status"] != "ok" or row["flags"]:
        remark = f"{remark}: {row['flags'] or row['message']}"
    return (
        Cell(who if row["scope"] == "dot" else f"area, {row['file']}"),
        Cell(str(row["kind"]).upper()),
        Cell(number(row["voltage_v"]), row["voltage_v"], "num"),
        _measured(row, "peak", "nm"),
        _measured(row, "fwhm", "nm"),
        _measured(row, "peak", "ev"),
        Cell(str(row["model"])),
        Cell(ratio_words(row), row["background_ratio"], "num"),
        Cell(_below(row), row["sub_bandgap_low_v"], "num"),
        _compared(row, "shift_nm", "shift_err_nm"),
        _compared(row, "width_ratio", "width_ratio_err"),
        Cell(number(row["contour_p_value"], 2), row["contour_p_value"], "num"),
        Cell(number(row["contour_similarity"], 4), row["contour_similarity"], "num"),
        Cell(remark, look="" if row["status"] == "ok" else "message"),
    )


def _measured(row: Row, name: str, unit: str) -> Cell:
    value = row[f"{name}_{unit}"]
    if value is None:
        return Cell(NOTHING, look="num")
    return Cell(with_error(value, row[f"{name}_err_{unit}"]), value, "num")


def _compared(row: Row, name: str, err: str) -> Cell:
    if row[name] is None:
        return Cell(NOTHING, look="num")
    return Cell(with_error(row[name], row[err]), row[name], "num")


def with_error(value: float, err: float) -> str:
    """Return a value and its standard deviation with the digits that two of the latter leave."""
    decimals = max(1 - math.floor(math.log10(err)), 0) if 0 < err < math.inf else 3
    return f"{value:.{decimals}f} ± {err:.{decimals}f}".replace("-", MINUS)


def ratio_words(row: Row) -> str:
    """Return the ratio of the bands with its interval, or its limit where nothing is seen."""
    if row["background_ratio"] is None:
        return NOTHING
    if row["background_ratio_low"] <= 0:
        return f"< {number(row['background_ratio_upper'], 2)}"
    ends = f"{number(row['background_ratio_low'])} to {number(row['background_ratio_high'])}"
    return f"{number(row['background_ratio'])} ({ends})"


def _below(row: Row) -> str:
    low, high = row["sub_bandgap_low_v"], row["sub_bandgap_high_v"]
    if low is None and high is None:
        return NOTHING
    if high is None:
        return f"≥ {number(low)}"
    if low is None:
        return f"≤ {number(high)}"
    return f"{number(low)} to {number(high)}"
