"""What a reader has to know before believing a number."""

from dataclasses import dataclass

from qdimage.domain.flags import DotFlag, flag_names
from qdimage.reporting.content import Content, FieldContent, Row, flag_mask, rows_of, signal_units
from qdimage.reporting.words import count, volts

_STEPS = {"channels": "stack", "registration": "registration", "turn_on": "EL fluxes"}
_FILE_STEPS = {
    "photons": "g2(0)",
    "traces": "trace",
    "lifetimes": "lifetime",
    "rate_fits": "rate model",
}
# What nobody asks for is no refusal to speak of: the trace or decay of a histogram of pairs, the
# decay of steady light, rates from pulsed light.
_NOT_ASKED = {
    "traces": {("record", "histogram")},
    "lifetimes": {("record", "histogram"), ("excitation", "cw")},
    "rate_fits": {("excitation", "pulsed")},
}


@dataclass(frozen=True)
class Trouble:
    """A channel or a time-tag file without an answer.

    Attributes
    ----------
    device, field, channel, status, message : str
        `channel` is the file where it is one.
    voltage_v : float or None
    step : str
        What was refused or failed.
    """

    device: str
    field: str
    channel: str
    voltage_v: float | None
    status: str
    step: str
    message: str


@dataclass(frozen=True)
class Warnings:
    """Everything that belongs on top of the report.

    Attributes
    ----------
    notes : tuple of str
        About the run.
    troubles : tuple of Trouble
    """

    notes: tuple[str, ...]
    troubles: tuple[Trouble, ...]


def find_warnings(content: Content) -> Warnings:
    """Collect warnings of the run, refused and failed channels and files, and doubtful dots."""
    troubles = [trouble for field in content.fields for trouble in field_troubles(field)]
    troubles += [trouble for field in content.fields for trouble in _file_troubles(field)]
    listed = {f"{t.device}, {t.field}, {t.channel}: {t.message}" for t in troubles}
    notes = [str(text) for text in content.record["warnings"] if text not in listed]
    return Warnings((*_unit_notes(content), *notes, *_doubts(content)), tuple(troubles))


def field_troubles(field: FieldContent) -> list[Trouble]:
    """Return the refused and failed channels of a field, the first step that stopped each."""
    found: dict[str, Trouble] = {}
    for table, step in _STEPS.items():
        for row in rows_of(field.tables[table]):
            if row["status"] in ("refused", "failed"):
                found.setdefault(row["channel"], _trouble(row, step))
    return sorted(found.values(), key=lambda trouble: trouble.voltage_v or 0.0)


def _file_troubles(field: FieldContent) -> list[Trouble]:
    """Return what of a field's time-tag files was refused or failed; a file fails only once."""
    found: dict[tuple[str, str], Trouble] = {}
    files = {row["file"]: set(row.items()) for row in rows_of(field.tables["photons"])}
    for table, step in _FILE_STEPS.items():
        for row in rows_of(field.tables[table]):
            if row["status"] == "refused" and files[row["file"]] & _NOT_ASKED.get(table, set()):
                continue
            key = row["file"], row["message"] if row["status"] == "failed" else step
            if row["status"] in ("refused", "failed"):
                found.setdefault(key, _trouble(row | {"channel": row["file"]}, step))
    return list(found.values())


def _trouble(row: Row, step: str) -> Trouble:
    return Trouble(
        row["device"],
        row["field"],
        row["channel"],
        row["voltage_v"],
        row["status"],
        step,
        row["message"],
    )


def needs_a_look(field: FieldContent) -> bool:
    """Whether a field carries a refusal, a failure or a message."""
    messages = (field.tables[name]["message"] for name in _STEPS)
    return bool(field_troubles(field)) or any((text != "").any() for text in messages)


def _unit_notes(content: Content) -> list[str]:
    units = signal_units(content.tables["channels"])
    if len(units) > 1:
        return [
            f"Channels count in different units ({', '.join(units)}): their fluxes, F_min and "
            "fractions cannot be compared. Declare the same [camera] keys for all."
        ]
    if units and units[0] != "photons":
        return [
            f"Fluxes are in {units[0]}/s, not in photons/s, whatever the names of the columns say: "
            "the camera's calibration is not complete."
        ]
    return []


def _doubts(content: Content) -> list[str]:
    notes = []
    dots = content.tables["dots"]
    n = int(flag_mask(dots, (flag_names(DotFlag.NON_MONOTONE),)).sum())
    if n:
        notes.append(
            f"{count(n, 'dot')} of {len(dots)} lit at one voltage and dark at a higher one: look "
            "for blinking, bleaching or a wrong order of the channels (filter the table of dots "
            "by non_monotone)."
        )
    for row in rows_of(content.tables["registration"]):
        if row["status"] == "ok" and row["message"]:
            notes.append(f"{row['device']}, {row['field']}, {row['channel']}: {row['message']}")
    for row in rows_of(content.tables["turn_on"]):
        if row["status"] == "ok" and row["message"]:
            notes.append(f"{row['device']}, {volts(row['voltage_v'])}: {row['message']}")
    return notes
