"""CSV files of places on the stage that a person or a program measured."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from qdimage.errors import FormatError


def read_places(
    path: Path, *, numbers: Sequence[str], texts: Sequence[str] = ()
) -> list[dict[str, str | float]]:
    """Read rows of a CSV file with a line of column names; other columns are passed over.

    Parameters
    ----------
    path : pathlib.Path
    numbers : sequence of str
        Columns that must be there, with a finite number in each row.
    texts : sequence of str
        Columns that may be there; "" where they are not.

    Raises
    ------
    FormatError
        Names the line, what it holds and what was expected.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = [[cell.strip() for cell in row] for row in csv.reader(file, strict=True)]
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); correct the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{path}: this is no CSV in UTF-8 ({error}); save it as such") from error
    lines = [(number, row) for number, row in enumerate(rows, start=1) if any(row)]
    head = lines[0][1] if lines else []
    missing = [name for name in numbers if name not in head]
    if missing:
        raise FormatError(
            f"{path}: found the columns {','.join(head) or 'of an empty file'}, expected "
            f"{','.join(numbers)}; name them in the first line"
        )
    return [_row(path, number, head, row, numbers, texts) for number, row in lines[1:]]


def _row(
    path: Path,
    number: int,
    head: list[str],
    row: list[str],
    numbers: Sequence[str],
    texts: Sequence[str],
) -> dict[str, str | float]:
    if len(row) != len(head):
        raise FormatError(f"{path}: line {number} has {len(row)} of {len(head)} cells; correct it")
    cells = dict(zip(head, row, strict=True))
    values: dict[str, str | float] = {name: cells.get(name, "") for name in texts}
    for name in numbers:
        try:
            values[name] = float(cells[name])
        except ValueError:
            values[name] = math.nan
        if not math.isfinite(float(values[name])):
            raise FormatError(
                f"{path}: {name} in line {number} is {cells[name]!r}, expected a number; correct it"
            )
    return values
