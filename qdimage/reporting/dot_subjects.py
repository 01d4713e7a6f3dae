"""Whom the report has a section for: every dot, and every file that was taken at no dot's place."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qdimage.domain.light_tables import BAND_SERIES, PHOTON_FLUX
from qdimage.domain.photon_tables import LIFETIMES, PHOTONS, RATE_FITS, TRACES
from qdimage.domain.spectrum_tables import SPECTRA
from qdimage.reporting.content import POOLED, Content, Row, rows_of

FILE_TABLES = (PHOTONS.name, TRACES.name, LIFETIMES.name, SPECTRA.name, RATE_FITS.name)
# Made of the same files.
SERIES_TABLES = (PHOTON_FLUX.name, BAND_SERIES.name)
_AREA = "area"

# Device, field, and the dot's number or the file's name.
Key = tuple[str, str, int | str]


@dataclass(frozen=True)
class Subject:
    """A dot, or a file without one.

    Attributes
    ----------
    device, field : str
    name : str
        "dot 12", or the file.
    dot : dict or None
        Its row of `dots`.
    rows : mapping of str to list of dict
        Its rows of `dot_channels` and of the tables of files, by the table's name: EL first, in
        order of voltage.
    """

    device: str
    field: str
    name: str
    dot: Row | None
    rows: Mapping[str, list[Row]] = dataclasses.field(default_factory=dict)

    def of(self, table: str) -> list[Row]:
        """Return its rows of a table."""
        return self.rows.get(table, [])

    @property
    def n_files(self) -> int:
        """How many files were taken of it."""
        return len({row["file"] for table in FILE_TABLES for row in self.of(table)})


def subjects(content: Content) -> list[Subject]:
    """Return all dots in the order of the table `dots`, then the files without one."""
    found = _grouped(content)
    dots = [
        Subject(
            row["device"],
            row["field"],
            f"dot {row['dot_id']}",
            row,
            found.pop((row["device"], row["field"], row["dot_id"]), {}),
        )
        for row in rows_of(content.tables["dots"])
    ]
    files = [
        Subject(device, place, who, None, rows)
        for (device, place, who), rows in found.items()
        if isinstance(who, str)
    ]
    return dots + files


def _grouped(content: Content) -> dict[Key, dict[str, list[Row]]]:
    found: dict[Key, dict[str, list[Row]]] = {}
    for table, row in _all_rows(content):
        who = row["dot_id"] if row["dot_id"] is not None else str(row["file"])
        key = row["device"], row["field"], who
        found.setdefault(key, {}).setdefault(table, []).append(row)
    for tables in found.values():
        for rows in tables.values():
            rows.sort(key=lambda row: (row.get("kind") == "pl", row["voltage_v"] or 0.0))
    return found


def _all_rows(content: Content) -> Iterator[tuple[str, Row]]:
    for row in rows_of(content.tables["dot_channels"]):
        yield "dot_channels", row
    for table in (*FILE_TABLES, *SERIES_TABLES):
        for row in rows_of(content.tables[table]):
            if row.get("scope") != _AREA and row["field"] != POOLED:
                yield table, row
