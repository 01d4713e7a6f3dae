"""A thickness of PMMA and its window in words and as a table."""

from qdimage.domain.pmma_tables import PMMA_SERIES, PMMA_WINDOWS
from qdimage.reporting.blocks import Cell, Grid, Heading
from qdimage.reporting.content import Content, Row, rows_of
from qdimage.reporting.spectrum_words import MINUS, ratio_words
from qdimage.reporting.words import NOTHING, number, percent, volts

_FINDINGS = {
    "always_background": "background wherever dots are seen",
    "dots_vanished": "dots vanished",
    "dark": "dark",
}
_LIGHTS = {
    "dots": "dots",
    "dots_and_background": "dots and background",
    "dots_undecided": "dots, background undecided",
    "background": "background alone",
    "dark": "none seen",
}


def thickness(row: Row) -> str:
    """Return a thickness, or the device where it is not declared."""
    return f"{row['pmma_nm']:g} nm" if row["pmma_nm"] is not None else str(row["device"])


def window_words(row: Row) -> str:
    """Return what is known of a window of background-free operation."""
    if row["status"] != "ok":
        return "no window: see the table"
    if row["finding"] != "window":
        return _FINDINGS.get(str(row["finding"]), str(row["finding"]))
    begin = f"{volts(row['free_from_high_v'])} or less"
    if row["free_from_low_v"] is not None:
        begin = f"between {row['free_from_low_v']:g} and {volts(row['free_from_high_v'])}"
    end = f"{volts(row['free_to_low_v'])} or more"
    if row["free_to_high_v"] is not None:
        end = f"between {row['free_to_low_v']:g} and {volts(row['free_to_high_v'])}"
    return f"background-free from {begin} to {end}"


def window_grid(content: Content) -> Grid | None:
    """Return the windows of all thicknesses as a table; None where there are none."""
    rows = rows_of(content.tables[PMMA_WINDOWS.name])
    if not rows:
        return None
    limit = percent(rows[0]["most_background"])
    headings = (
        Heading("PMMA", "thickness", True),
        Heading("Device"),
        Heading("Finding"),
        Heading("Dots from", "between these voltages dots begin to be seen", True),
        Heading("Below photon energy (V)", "photon energy less that voltage", True),
        Heading("Spectra", "of EL, with an answer", True),
        Heading("Remarks"),
    )
    cells = tuple(
        (
            Cell(thickness(row), row["pmma_nm"], "num strong"),
            Cell(str(row["device"])),
            Cell(window_words(row) if row["status"] == "ok" else "refused"),
            Cell(_between(row["dots_from_low_v"], row["dots_from_high_v"]), look="num"),
            Cell(_between(row["sub_bandgap_low_v"], row["sub_bandgap_high_v"], 3), look="num"),
            Cell(str(row["n_spectra"]), look="num"),
            Cell(str(row["message"]), look="" if row["status"] == "ok" else "message"),
        )
        for row in rows
    )
    caption = (
        f"Background-free: dots are seen, and the background band has surely less than {limit} % "
        "of the dot band's light."
    )
    return Grid(caption, headings, cells)


def series_grid(content: Content) -> Grid | None:
    """Return the light of all areas as a table; None where there are none."""
    rows = [row for row in rows_of(content.tables[PMMA_SERIES.name]) if row["status"] == "ok"]
    if not rows:
        return None
    headings = (
        Heading("PMMA", "thickness", True),
        Heading("Device"),
        Heading("Kind"),
        Heading("Voltage", numeric=True),
        Heading("Dot band (counts/s/mm²)", "the detector's floor taken off", True),
        Heading("Background band (counts/s/mm²)", "the detector's floor taken off", True),
        Heading("Background / dots", "in brackets the 95 % interval", True),
        Heading("Light"),
    )
    cells = tuple(
        (
            Cell(thickness(row), row["pmma_nm"], "num strong"),
            Cell(str(row["device"])),
            Cell(str(row["kind"]).upper()),
            Cell(
                NOTHING if row["voltage_v"] is None else volts(row["voltage_v"]), row["voltage_v"]
            ),
            _light(row, "dot_band", bool(row["dots_seen"])),
            _light(row, "background_band", bool(row["background_seen"])),
            Cell(ratio_words(row), row["background_ratio"], "num"),
            Cell(_LIGHTS.get(str(row["light"]), str(row["light"]))),
        )
        for row in rows
    )
    return Grid("Light of areas; < is a 95 % limit.", headings, cells, sortable=True)


def _light(row: Row, band: str, seen: bool) -> Cell:
    value = row[f"{band}_counts_s_mm2"]
    if value is None:
        return Cell(NOTHING, look="num")
    if not seen:
        return Cell(f"< {number(row[f'{band}_upper_counts_s_mm2'])}", value, "num")
    return Cell(f"{number(value)} ± {number(row[f'{band}_err_counts_s_mm2'], 2)}", value, "num")


def _between(low: float | None, high: float | None, decimals: int = 0) -> str:
    if low is None and high is None:
        return NOTHING
    ends = [
        f"{end:.{decimals}f}" if decimals else f"{end:g}" for end in (low, high) if end is not None
    ]
    if low is None or high is None:
        return f"{'up to' if low is None else 'from'} {ends[0]}".replace("-", MINUS)
    return " to ".join(ends).replace("-", MINUS)
