"""What the series over voltages say, as tables of the report."""

from collections.abc import Iterator, Sequence

from qdimage.domain.iv_tables import EFFICIENCY, IV
from qdimage.domain.light_tables import LIGHT_TURN_ON, PHOTON_FLUX
from qdimage.reporting.blocks import Block, Cell, Grid, Heading, Words
from qdimage.reporting.content import POOLED, Content, Row, rows_of
from qdimage.reporting.words import NOTHING, count, number, volts

MOST_ROWS = 300
_SHORT = (1e-3, 1e6)
_LIGHTS = {
    "dots": "PL dots on the camera",
    "background": "light between the dots",
    "integrated": "all light of the field",
    "dot_band": "dot band of spectra",
    "background_band": "background band of spectra",
    "counts": "photon counters",
}


def turn_on_grid(content: Content, device: str) -> Grid | None:
    """Return where each light of a device sets in; None without a series."""
    rows = rows_of(content.of_device(LIGHT_TURN_ON.name, device))
    if not rows:
        return None
    headings = (
        Heading("Field"),
        Heading("Light"),
        Heading("Of"),
        Heading("Voltages", "at which it was measured", numeric=True),
        Heading("Sets in", "between the highest voltage without and the lowest with light seen"),
        Heading("Status"),
        Heading("Message"),
    )
    cells = tuple(
        (
            Cell(row["field"]),
            Cell(_LIGHTS.get(str(row["light"]), str(row["light"]))),
            Cell(_whose(row)),
            Cell(str(row["n_voltages"]), row["n_voltages"]),
            Cell(_between(row), row["turn_on_high_v"]),
            Cell(row["status"]),
            Cell(row["message"], look="message"),
        )
        for row in rows[:MOST_ROWS]
    )
    return Grid("Voltage at which light sets in, by the significance of the light", headings, cells)


def _whose(row: Row) -> str:
    return f"dot {row['dot_id']}" if row["dot_id"] is not None else row["scope"]


def _between(row: Row) -> str:
    low, high = row["turn_on_low_v"], row["turn_on_high_v"]
    if high is None:
        return NOTHING
    return f"at or below {volts(high)}" if low is None else f"{low:g} to {volts(high)}"


def flux_blocks(content: Content, device: str) -> Iterator[Block]:
    """Yield what the counters and the camera say of the same dots."""
    table = content.tables[PHOTON_FLUX.name]
    own = [row for row in rows_of(table[table["device"] == device]) if row["kind"] == "el"]
    for row in own:
        if row["field"] == POOLED and row["ratio"] is not None:
            text = (
                f"Photons emitted, counters over camera: {_interval(row, 'ratio')}, geometric mean "
                f"of {count(row['n_dots'], 'dot')}. "
            )
            yield Words(text + (row["message"][:1].upper() + row["message"][1:] or "Both agree."))
    files = [row for row in own if row["field"] != POOLED and row["counts_s"] is not None]
    if files:
        yield _flux_grid(files)


def _flux_grid(rows: Sequence[Row]) -> Grid:
    headings = (
        Heading("Field"),
        Heading("Dot", numeric=True),
        Heading("Voltage", numeric=True),
        Heading("Counts/s", "without dead time and dark counts", numeric=True),
        Heading("Emitted (1/s)", "over the collection efficiency", numeric=True),
        Heading("By the camera (1/s)", numeric=True),
        Heading("Ratio", "counters over camera, 95 % interval", numeric=True),
        Heading("Message"),
    )
    cells = tuple(
        (
            Cell(row["field"]),
            Cell(NOTHING if row["dot_id"] is None else str(row["dot_id"]), row["dot_id"]),
            Cell(volts(row["voltage_v"]), row["voltage_v"]),
            Cell(_with_error(row, "counts_s", "counts_err_s"), row["counts_s"]),
            Cell(
                _with_error(row, "emitted_photons_s", "emitted_photons_err_s"),
                row["emitted_photons_s"],
            ),
            Cell(
                _with_error(row, "camera_emitted_photons_s", "camera_emitted_photons_err_s"),
                row["camera_emitted_photons_s"],
            ),
            Cell(_interval(row, "ratio"), row["ratio"]),
            Cell(row["message"], look="message"),
        )
        for row in rows[:MOST_ROWS]
    )
    caption = "Photons that single dots emit, on the photon counters and beside them on the camera"
    return Grid(caption, headings, cells, sortable=True)


def iv_grid(content: Content, device: str) -> Grid | None:
    """Return the sweeps of a device; None without an I-V file."""
    rows = rows_of(content.of_device(IV.name, device))
    if not rows:
        return None
    headings = (
        Heading("File"),
        Heading("Sweep"),
        Heading("Readings", numeric=True),
        Heading("Left out", "overflow and compliance", numeric=True),
        Heading("To", numeric=True),
        Heading("Current there", numeric=True),
        Heading("Leak", "ohmic part at low voltage, 95 % interval", numeric=True),
        Heading("Leak's share", "of the current at the highest voltage", numeric=True),
        Heading(
            "Hysteresis", "current over that of the sweep before, geometric mean", numeric=True
        ),
        Heading("Status"),
        Heading("Message"),
    )
    cells = tuple(
        (
            Cell(row["file"], look="files"),
            Cell(row["direction"] or NOTHING),
            Cell(_whole(row["n_readings"]), row["n_readings"]),
            Cell(_whole(_left_out(row)), _left_out(row)),
            Cell(_unit(row["highest_v"], "V"), row["highest_v"]),
            Cell(_unit(row["current_a"], "A"), row["current_a"]),
            Cell(_leak(row), row["leak_ohm"]),
            Cell(number(row["leak_share"], 2), row["leak_share"]),
            Cell(number(row["hysteresis_ratio"]), row["hysteresis_ratio"]),
            Cell(row["status"]),
            Cell(row["message"], look="message"),
        )
        for row in rows[:MOST_ROWS]
    )
    return Grid("Sweeps of the source-meter", headings, cells)


def _left_out(row: Row) -> int | None:
    parts = [row["n_overflow"], row["n_compliance"]]
    return None if None in parts else sum(parts)


def _leak(row: Row) -> str:
    if row["leak_ohm"] is not None:
        ends = f"{_end(row['leak_low_ohm'])} to {_end(row['leak_high_ohm'])}"
        return f"{number(row['leak_ohm'], 4)} ohm ({ends})"
    if row["leak_low_ohm"] is not None:
        return f"above {_end(row['leak_low_ohm'])} ohm"
    return NOTHING


def efficiency_grid(content: Content, device: str) -> Grid | None:
    """Return light beside current of a device; None where there is no current."""
    table = content.tables[EFFICIENCY.name]
    own = rows_of(table[table["device"] == device])
    pooled = any(row["field"] == POOLED for row in own)
    rows = [row for row in own if row["arm"] == "counters" or not pooled or row["field"] == POOLED]
    if not rows:
        return None
    headings = (
        Heading("Light"),
        Heading("Voltage", numeric=True),
        Heading("Current (A)", "of the whole device, mean of the sweeps", numeric=True),
        Heading("Electrons/s", "through the area that the light is of", numeric=True),
        Heading("Photons emitted (1/s)", numeric=True),
        Heading("Photons per electron", "all light, 95 % interval", numeric=True),
        Heading("Of dots alone", numeric=True),
        Heading("Status"),
        Heading("Message"),
    )
    cells = tuple(
        (
            Cell(_light(row)),
            Cell(volts(row["voltage_v"]), row["voltage_v"]),
            Cell(number(row["current_a"]), row["current_a"]),
            Cell(number(row["electrons_s"]), row["electrons_s"]),
            Cell(number(row["emitted_photons_s"]), row["emitted_photons_s"]),
            Cell(_interval(row, "efficiency"), row["efficiency"]),
            Cell(_interval(row, "dots_efficiency"), row["dots_efficiency"]),
            Cell(row["status"]),
            # What an answer assumes is in the caption and in the table.
            Cell("" if row["status"] == "ok" else row["message"], look="message"),
        )
        for row in rows[:MOST_ROWS]
    )
    caption = "Photons for each electron, the current taken as spread evenly over the device"
    return Grid(caption, headings, cells, sortable=True)


def _light(row: Row) -> str:
    if row["arm"] == "camera":
        return "camera, all fields" if row["field"] == POOLED else f"camera, {row['field']}"
    who = row["file"] if row["dot_id"] is None else f"dot {row['dot_id']}"
    return f"counters, {row['field']}, {who}"


def _interval(row: Row, name: str) -> str:
    value = row[name]
    if value is None:
        return NOTHING
    return f"{number(value)} ({_end(row[f'{name}_low'])} to {_end(row[f'{name}_high'])})"


def _end(value: float) -> str:
    """Return the end of an interval, in three digits where it has an exponent."""
    return number(value, 2 if _SHORT[0] <= abs(value) < _SHORT[1] else 4)


def _with_error(row: Row, name: str, err: str) -> str:
    if row[name] is None:
        return NOTHING
    return f"{number(row[name])} ± {number(row[err], 2)}"


def _unit(value: float | None, unit: str) -> str:
    return NOTHING if value is None else f"{number(value)} {unit}"


def _whole(value: int | None) -> str:
    return NOTHING if value is None else str(value)
