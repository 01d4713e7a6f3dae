"""Which column of a source-meter's file is what, by the name and the unit in its header."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qdimage.errors import FormatError

VOLTAGE, CURRENT, TIME, STATUS, COMPLIANCE = "voltage", "current", "time", "status", "compliance"
REQUIRED = (VOLTAGE, CURRENT)

_WORDS: Mapping[str, frozenset[str]] = {
    VOLTAGE: frozenset({"voltage", "volt", "volts", "v", "bias", "u", "spannung"}),
    CURRENT: frozenset({"current", "curr", "amps", "i", "strom"}),
    TIME: frozenset({"time", "timestamp", "t", "elapsed"}),
    STATUS: frozenset({"status", "stat"}),
    COMPLIANCE: frozenset({"compliance", "limited"}),
}
# What is measured in other units, set rather than measured, or computed.
_OTHER = frozenset({"density", "limit", "range", "abs", "log", "ln", "power", "resistance", "nplc"})
_PREFIX = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}
_BASE = {VOLTAGE: ("v", "volt", "volts"), CURRENT: ("a", "amp", "amps", "ampere"), TIME: ("s",)}
_MINUTES = {"min": 60.0, "minutes": 60.0, "h": 3600.0, "seconds": 1.0, "sec": 1.0, "secs": 1.0}
_IN_BRACKETS = re.compile(r"[(\[]([^()\[\]]*)[)\]]")
_AFTER_SIGN = re.compile(r"[/_]\s*([a-zA-Z\u00b5\u03bc]+)\s*\Z")
_WORD = re.compile(r"[a-z]+")


@dataclass(frozen=True)
class Found:
    """A column: its place in a row, and what one unit of it is in V, A or s."""

    index: int
    scale: float = 1.0


def columns_of_header(
    path: Path, cells: Sequence[str], named: Mapping[str, str]
) -> dict[str, Found] | None:
    """Return the columns that a line names, or None if it is no header.

    Parameters
    ----------
    path : pathlib.Path
    cells : sequence of str
    named : mapping of str to str
        Names that were given for some of the roles.

    Raises
    ------
    FormatError
        If several columns could be the same thing, or a unit is not known.
    """
    if not all(_places(cells, role, name) for role, name in named.items()):
        return None
    found: dict[str, Found] = {}
    for role in _WORDS:
        places = _places(cells, role, named.get(role))
        if len(places) > 1 and role in REQUIRED:
            names = ", ".join(repr(cells[place]) for place in places)
            raise FormatError(
                f"{path}: found the columns {names}, expected one {role}; name it in [[iv]] with "
                f"{role}_column"
            )
        if places:
            found[role] = Found(places[0], _scale(path, cells[places[0]], role))
    _add_by_unit(cells, found)
    return found if all(role in found for role in REQUIRED) else None


def _add_by_unit(cells: Sequence[str], found: dict[str, Found]) -> None:
    """Take the only column in V or A where no name says what it is, such as `Reading (A)`."""
    for role in REQUIRED:
        if role in found:
            continue
        in_unit = [
            Found(at, scale)
            for at, cell in enumerate(cells)
            if (match := _IN_BRACKETS.search(cell))
            and (scale := unit_scale(match.group(1), role)) is not None
            and not _OTHER & set(_WORD.findall(cell.lower()))
        ]
        if len(in_unit) == 1:
            found[role] = in_unit[0]


def in_units_of(columns: Mapping[str, Found], cells: Sequence[str]) -> dict[str, Found] | None:
    """Return columns in the units that a line below the header holds; None if it holds none."""
    found = dict(columns)
    for role in REQUIRED:
        column = columns[role]
        cell = cells[column.index].strip("()[] ") if column.index < len(cells) else ""
        scale = unit_scale(cell, role) if cell else None
        if scale is None:
            return None
        found[role] = Found(column.index, scale)
    return found


def columns_of_buffer(header: Sequence[str], cells: Sequence[str]) -> dict[str, Found] | None:
    """Return the columns of a 2450's buffer, whose units stand in a cell beside each value.

    Parameters
    ----------
    header : sequence of str
        With `Reading` and `Value`, each followed by `Unit`.
    cells : sequence of str
        Of the first line below it.
    """
    found: dict[str, Found] = {}
    for at, name in enumerate(header[:-1]):
        if name not in ("Reading", "Value", "Source Value"):
            continue
        unit = cells[at + 1] if header[at + 1].endswith("Unit") and at + 1 < len(cells) else ""
        words = unit.split()
        for role in REQUIRED:
            scale = unit_scale(words[0], role) if words else None
            if scale is not None:
                found.setdefault(role, Found(at, scale))
    if not all(role in found for role in REQUIRED):
        return None
    if "Source Limit" in header:
        found[COMPLIANCE] = Found(header.index("Source Limit"))
    return found


def _places(cells: Sequence[str], role: str, given: str | None) -> list[int]:
    if given is not None:
        wanted = given.strip().lower()
        return [at for at, cell in enumerate(cells) if cell.strip().lower() == wanted]
    places = [at for at, cell in enumerate(cells) if _is(cell, role)]
    measured = [at for at in places if "meas" in cells[at].lower()]
    return measured if len(measured) == 1 else places


def _is(cell: str, role: str) -> bool:
    bare = _IN_BRACKETS.sub(" ", cell)
    words = _WORD.findall(bare.lower())
    if role == COMPLIANCE:
        # The 2450 means by it whether the limit is reached; a "Current Limit" is a setting.
        return bool(_WORDS[role] & set(words)) or words == ["source", "limit"]
    roles = {name for name, known in _WORDS.items() if known & set(words)}
    return roles == {role} and not _OTHER & set(words)


def _scale(path: Path, cell: str, role: str) -> float:
    if role not in _BASE:
        return 1.0
    match = _IN_BRACKETS.search(cell) or _AFTER_SIGN.search(cell)
    if match is None:
        return 1.0
    scale = unit_scale(match.group(1), role)
    if scale is None and cell[match.start()] in "([":
        raise FormatError(
            f"{path}: found the column {cell!r}, expected a unit of {role} such as "
            f"{'mV' if role == VOLTAGE else 'uA' if role == CURRENT else 's'}; correct its header"
        )
    return 1.0 if scale is None else scale


def unit_scale(unit: str, role: str) -> float | None:
    """Return what one of a unit is in V, A or s; None if it is no such unit."""
    plain = unit.strip().replace("\u00b5", "u").replace("\u03bc", "u")
    if role == TIME and plain.lower() in _MINUTES:
        return _MINUTES[plain.lower()]
    for base in _BASE[role]:
        if plain.lower().endswith(base):
            prefix = plain[: len(plain) - len(base)]
            # M is mega where a source-meter writes it at all, and no device takes megavolts.
            return _PREFIX.get(prefix)
    return None
