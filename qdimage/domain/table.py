"""The schema of a table: its columns, what a row is, how it is sorted."""

from dataclasses import dataclass
from typing import Literal

from qdimage.units import unit_of

Kind = Literal["text", "number", "integer", "boolean"]


@dataclass(frozen=True)
class Column:
    """One column: its name (which ends in its unit), the kind of its values, what it means."""

    name: str
    kind: Kind
    meaning: str

    @property
    def unit(self) -> str:
        """The unit, from the name; "" for text, counts and pure numbers."""
        return unit_of(self.name) if self.kind == "number" else ""


@dataclass(frozen=True)
class Table:
    """One table: file name without extension, what a row is, its columns, its own sort keys."""

    name: str
    row: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order in which they are written."""
        return tuple(column.name for column in self.columns)


def text(name: str, meaning: str) -> Column:
    """Return a column of kind `text`."""
    return Column(name, "text", meaning)


def number(name: str, meaning: str) -> Column:
    """Return a column of kind `number`."""
    return Column(name, "number", meaning)


def integer(name: str, meaning: str) -> Column:
    """Return a column of kind `integer`."""
    return Column(name, "integer", meaning)


def boolean(name: str, meaning: str) -> Column:
    """Return a column of kind `boolean`."""
    return Column(name, "boolean", meaning)


PLACE = (
    text("device", "device that the field belongs to; fractions are pooled by it"),
    text("field", "name of the field; `all` in pooled rows"),
)
VOLTAGE = number("voltage_v", "voltage applied to the device")
STATUS = text("status", "`ok`, `refused` (the data do not support an answer) or `failed`")
MESSAGE = text("message", "why it was refused, failed, or what to know about the row")
