"""The lines of a source-meter's text file as cells, whatever separates them."""

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qdimage.errors import FormatError

MOST_BYTES = 1 << 26
# What a source-meter writes where it overflowed or measured nothing: 9.9e37 and 9.91e37.
OVERFLOW = 9.8e37

_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z")
_DIGITS = re.compile(r"[+-]?\d*(?:[.,](\d*))?(?:[eE][+-]?(\d+))?\Z")
_NO_READING = frozenset({"", "-", "nan", "overflow", "overflw", "ovrflw", "inf"})
_DIALECT_LINES = 5000
# Lines at the end that are looked at for how numbers are written, and the fewest that tell it.
_ALIKE, _LEAST_ABOVE = 50, 2

End = Literal["whole", "cut", "open"]


@dataclass(frozen=True)
class Dialect:
    """What separates the columns, None for white space, and whether a comma is decimal."""

    separator: str | None
    decimal_comma: bool

    def cells(self, line: str) -> list[str]:
        """Return the cells of a line, without quotes and the spaces around them."""
        if self.separator is None:
            return [cell.strip('"') for cell in line.split()]
        try:
            cells = next(csv.reader([line], delimiter=self.separator, skipinitialspace=True), [])
        except csv.Error:
            cells = line.split(self.separator)
        cells = [cell.strip(' \t"') for cell in cells]
        while cells and not cells[-1]:
            cells.pop()
        return cells

    def number(self, cell: str) -> float | None:
        """Return a cell's number, NaN where the source-meter says that it has none, else None."""
        if cell.lower().lstrip("+-") in _NO_READING:
            return math.nan
        text = cell.replace(",", ".") if self.decimal_comma else cell
        if not _NUMBER.match(text):
            return None
        value = float(text)
        return value if abs(value) < OVERFLOW else math.nan


def read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that is not too large for an I-V curve.

    The last one is empty where the file ends with the end of a line.

    Raises
    ------
    FormatError
        If it is missing, a folder, empty, too large, no text, or cannot be read.
    """
    if not path.is_file():
        what = "found a folder" if path.is_dir() else "there is no such file"
        raise FormatError(f"{path}: {what}, expected an I-V curve; correct the path")
    try:
        size = path.stat().st_size
        if not 0 < size <= MOST_BYTES:
            raise FormatError(
                f"{path}: found {size} bytes, expected 1 to {MOST_BYTES} of an I-V curve; export "
                "it again"
            )
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); name a file") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _lines(data.decode("utf-16", errors="replace"))
    if b"\0" in data:
        raise FormatError(
            f"{path}: found a binary file, expected text with columns of voltage and current; "
            "export the curve as CSV"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # KickStart's ohm and micro signs, in the code page of Windows.
        text = data.decode("cp1252", errors="replace")
    return _lines(text)


def _lines(text: str) -> list[str]:
    return [*text.splitlines(), *([""] if text.endswith(("\n", "\r")) else [])]


def end_of(lines: Sequence[str], dialect: Dialect) -> End:
    """Tell a last line that the file breaks off in by its last number.

    Where all lines above write as many digits, one with fewer is cut off, and one with as many is
    not. Where they do not, nobody can tell.
    """
    some = [dialect.cells(line) for line in lines[-_ALIKE:]]
    *above, cells = [each for each in some if each and dialect.number(each[0]) is not None] or [[]]
    if not lines[-1] or cells != some[-1] or len(above) < _LEAST_ABOVE:
        return "whole"
    if any(len(each) > len(cells) for each in above):
        return "cut"
    forms = {_form(each[-1]) for each in above if len(each) == len(cells)}
    form = next(iter(forms)) if len(forms) == 1 else None
    if form is None or form == (0, 0):
        return "open"
    return "whole" if _form(cells[-1]) == form else "cut"


def _form(cell: str) -> tuple[int, int] | None:
    """Return how many digits stand behind the decimal sign and in the exponent."""
    found = _DIGITS.match(cell)
    return (len(found[1] or ""), len(found[2] or "")) if found else None


def dialect_of(lines: Sequence[str]) -> Dialect:
    """Return what makes columns of numbers of the most lines."""
    some = lines[:_DIALECT_LINES]
    scores: dict[Dialect, tuple[int, int]] = {}
    for separator in (";", "\t", ",", None):
        for decimal_comma in (False, True) if separator != "," else (False,):
            dialect = Dialect(separator, decimal_comma)
            rows = sum(_n_numbers(dialect, line) >= 2 for line in some)
            # Among equals, such as where a header stands alone, what separates anything.
            scores[dialect] = rows, sum(separator in line for line in some if separator)
    return max(scores, key=lambda each: scores[each])


def _n_numbers(dialect: Dialect, line: str) -> int:
    cells = dialect.cells(line)
    return sum(bool(cell) and dialect.number(cell) is not None for cell in cells)
