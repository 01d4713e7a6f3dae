"""What the time tags say, in words: the headline, the files, the populations."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qdimage.domain.photon_tables import PHOTONS, POPULATION, RATE_FITS
from qdimage.domain.population import is_doubtful
from qdimage.reporting.content import POOLED, Content, Row, rows_of
from qdimage.reporting.words import count, number, volts

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("el", "pl")
MOST_FILES = 500
# Titles, their columns in the table `photons`, and whether they hold numbers.
_HEADINGS = (
    ("field", "field", False),
    ("dot", "dot_id", True),
    ("file", "file", False),
    ("kind", "kind", False),
    ("voltage", "voltage_v", True),
    ("status", "status", False),
    ("g2(0)", "g2_0", True),
    ("flags", "flags", False),
    ("centre bin", "g2_0_uncorrected", True),
    ("background-corrected", "g2_0_background_corrected", True),
    ("counts/s", "counts_s", True),
    ("duration (s)", "duration_s", True),
    ("pairs", "coincidences", True),
    ("rise (ns)", "rise_time_ns", True),
    ("blinking", "blinking_factor", True),
    ("p", "p_value", True),
    ("message", "message", False),
)


@dataclass(frozen=True)
class PhotonHeadline:
    """What the time tags of a device say together.

    Attributes
    ----------
    device : str
    sentence : str
        The g2(0) that is known best, never the smallest one.
    below : str
        How many dots truly lie below the limit; "" where that is not known.
    facts : tuple of str
    """

    device: str
    sentence: str
    below: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class PhotonPart:
    """The report's section on time tags.

    Attributes
    ----------
    headlines : tuple of PhotonHeadline
    headings : tuple of (str, str, bool)
        Title, meaning, and whether it is a number, of each column of the files.
    files : tuple of dict
        Rows of the table `photons`.
    n_files : int
    populations : tuple of dict
        Rows of the table `population`.
    limit : str
    rates : tuple of dict
        Rows of the table `rate_fits`.
    """

    headlines: tuple[PhotonHeadline, ...]
    headings: tuple[tuple[str, str, bool], ...]
    files: tuple[Row, ...]
    n_files: int
    populations: tuple[Row, ...]
    limit: str
    rates: tuple[Row, ...]

    @property
    def has_batches(self) -> bool:
        """Whether batches are declared."""
        return any(row["batch"] for row in self.populations)


def photon_part(content: Content, device: str | None = None) -> PhotonPart | None:
    """Return what the time tags of the run, or of one device, say; None without any."""
    photons = _rows(content, PHOTONS.name, device)
    if not len(photons):
        return None
    headlines = [
        photon_headline(content, device)
        for device in (content.devices if device is None else (device,))
        if len(content.of_device(PHOTONS.name, device))
    ]
    meanings = {column.name: column.meaning for column in PHOTONS.columns}
    return PhotonPart(
        tuple(headlines),
        tuple((title, meanings[name], numeric) for title, name, numeric in _HEADINGS),
        tuple(rows_of(photons.iloc[:MOST_FILES])),
        len(photons),
        tuple(rows_of(content.tables[POPULATION.name])),
        _limit(content),
        tuple(rows_of(_rows(content, RATE_FITS.name, device))),
    )


def _rows(content: Content, table: str, device: str | None) -> "pd.DataFrame":
    return content.tables[table] if device is None else content.of_device(table, device)


def _limit(content: Content) -> str:
    """Return the limit, one for the run, with its interval and source; "" where there is none."""
    for row in rows_of(content.tables[POPULATION.name]):
        if row["limit"] is not None:
            ends = f"{number(row['limit_low'], 2)} to {number(row['limit_high'], 2)}"
            return f"{number(row['limit'], 2)} ({ends}), {row['limit_source']}"
    return ""


def photon_headline(content: Content, device: str) -> PhotonHeadline:
    """Return what a device's time tags say."""
    rows = rows_of(content.of_device(PHOTONS.name, device))
    known = [row for row in rows if has_value(row)]
    parts = []
    for kind in KINDS:
        best = best_known([row for row in known if row["kind"] == kind])
        if best is not None:
            parts.append(f"of {named(best)} in {kind.upper()} it is {value(best)}")
    if not parts and known:
        sentence = "Every g2(0) is doubtful; see the flags."
    elif parts:
        sentence = f"The g2(0) known best: {'; '.join(parts)}."
    else:
        sentence = f"None of {count(len(rows), 'time-tag file')} gave a g2(0)."
    return PhotonHeadline(device, sentence, _below(content, device), _facts(rows))


def has_value(row: Row) -> bool:
    """Whether a file gave a g2(0)."""
    return row["status"] == "ok" and row["g2_0"] is not None


def best_known(rows: Sequence[Row]) -> Row | None:
    """Return the row with the narrowest interval of g2(0) that is not doubtful."""
    closed = [
        row
        for row in rows
        if row["g2_0_low"] is not None
        and row["g2_0_high"] is not None
        and not is_doubtful(row["flags"])
    ]
    if not closed:
        return None
    return min(closed, key=lambda row: float(row["g2_0_high"] - row["g2_0_low"]))


def named(row: Row) -> str:
    """Return the dot of a row, or its file where it has none, with the voltage."""
    who = f"dot {row['dot_id']}" if row["dot_id"] is not None else str(row["file"])
    return who if row["voltage_v"] is None else f"{who} at {volts(row['voltage_v'])}"


def value(row: Row) -> str:
    """Return a g2(0) with its 95 % interval."""
    low, high = number(row["g2_0_low"], 2), number(row["g2_0_high"], 2)
    return f"{number(row['g2_0'], 2)} (95 % interval {low} to {high})"


def _below(content: Content, device: str) -> str:
    """How many EL dots truly lie below the limit: of the device, at any voltage."""
    populations = rows_of(content.tables[POPULATION.name])
    own = [
        row
        for row in populations
        if row["device"] == device and row["kind"] == "el" and row["voltage_v"] is None
    ]
    return " ".join(below_sentence(row) for row in own if row["share_below"] is not None)


def below_sentence(row: Row) -> str:
    """Return how many dots truly lie below the limit, beside the plain count."""
    sample = "" if row["sample"] in ("", "device") else f" ({row['sample']})"
    return (
        f"Of {count(row['n_dots'], row['kind'].upper() + ' dot')}{sample}, {row['n_below']} have a "
        f"measured g2(0) below the limit {number(row['limit'], 2)}; "
        f"{number(row['n_below_expected'], 2)} "
        f"({row['n_below_expected_low']:g} to {row['n_below_expected_high']:g}) are expected "
        f"to lie truly below it, {share_text(row)} of the population."
    )


def share_text(row: Row) -> str:
    """Return the share below the limit in percent, with its interval."""
    share, low, high = (
        f"{100 * row[name]:.0f}" for name in ("share_below", "share_below_low", "share_below_high")
    )
    return f"{share} % ({low} to {high} %)"


def _facts(rows: Iterable[Row]) -> tuple[str, ...]:
    rows = list(rows)
    facts = []
    for kind in KINDS:
        own = [row for row in rows if row["kind"] == kind]
        dots = {
            (row["field"], row["dot_id"] if row["dot_id"] is not None else row["file"])
            for row in own
            if has_value(row)
        }
        if own:
            facts.append(
                f"g2(0) of {count(len(dots), kind.upper() + ' dot')} from {count(len(own), 'file')}"
            )
    for status in ("refused", "failed"):
        n = sum(row["status"] == status for row in rows)
        if n:
            facts.append(f"{count(n, 'file')} {status}")
    return tuple(facts)


def run_population(content: Content, kind: str) -> list[Row]:
    """Return the populations of one kind at any voltage: of each sample, pooled where it can be."""
    rows = [
        row
        for row in rows_of(content.tables[POPULATION.name])
        if row["kind"] == kind and row["voltage_v"] is None
    ]
    chosen = []
    for sample in dict.fromkeys(row["sample"] for row in rows):
        own = [row for row in rows if row["sample"] == sample]
        pooled = [row for row in own if row["device"] == POOLED]
        # The most dots: those of all batches together.
        chosen += [max(pooled, key=lambda row: row["n_dots"])] if pooled else own
    return chosen
