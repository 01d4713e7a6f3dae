"""Spectra as text: Andor Solis ``.asc``, Ocean Optics ``.txt``, CSV.

All are columns of numbers, wavelength first, with lines ``key: value`` above or below them.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.spectrum import Spectrum
from qdimage.errors import FormatError
from qdimage.io.spectrum_parts import Rows, made_spectrum, read_bytes

Array = NDArray[np.float64]

_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?\d+)?\Z")
_WAVELENGTH_NAMES = ("wavelength_nm", "wavelength", "lambda", "nm")
_COUNTS_NAMES = ("counts", "intensity", "signal")
# Keys of exposure by what one unit of theirs is in s. Solis; SpectraSuite; OceanView; our own.
_EXPOSURES = {
    "exposure time (secs)": 1.0,
    "integration time (usec)": 1e-6,
    "integration time (sec)": 1.0,
    "integration time (msec)": 1e-3,
    "integration time (ms)": 1e-3,
    "exposure_s": 1.0,
    "exposure time (s)": 1.0,
}
# Summed by Solis, averaged by Ocean Optics' programs.
_SUMMED = ("number of accumulations",)
_AVERAGED = ("spectra averaged", "scans to average")
_LONGEST_META = 2000


def open_text_spectrum(path: Path, *, rows: Rows | None = None) -> Spectrum:
    """Read a spectrum from a text file.

    Raises
    ------
    FormatError
        In one line, what is wrong with the file, and what to do.
    """
    lines = _text(path).splitlines()
    begin = next((i for i, each in enumerate(lines) if each.startswith(">>>>>Begin")), None)
    separator, decimal_comma = _dialect(lines if begin is None else lines[begin:])
    table: list[tuple[float, ...]] = []
    header: list[str] = []
    meta: dict[str, str] = {}
    for line in lines:
        cells = _cells(line, separator)
        numbers = _numbers(cells, decimal_comma)
        if numbers is not None and (begin is None or "=" not in line):
            table.append(numbers)
        elif not table and len(cells) > 1 and _place(cells, _WAVELENGTH_NAMES) is not None:
            header = cells
        elif ":" in line or "," in line:
            key, value = re.split(r"[:,]", line, maxsplit=1)
            meta[key.strip(' "#')[:200].lower()] = value.strip(' ",\t')[:_LONGEST_META]
    wavelength, images = _columns(path, table, header)
    exposure_s, repeats, averaged = _exposure(meta)
    warnings: tuple[str, ...] = ()
    if averaged:
        warnings = (f"the counts are means of {repeats} spectra; they were multiplied by it",)
        images = images * repeats
    return made_spectrum(
        path,
        wavelength,
        images,
        rows=rows,
        exposure_s=None if exposure_s is None else exposure_s * repeats,
        meta=meta,
        warnings=warnings,
    )


def _text(path: Path) -> str:
    data = read_bytes(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
        if b"\0" in data:
            raise FormatError(
                f"{path}: found a binary file, expected text with columns of numbers; export the "
                "spectrum as text"
            )
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        # Older programs write a degree or a micro sign in the code page of Windows.
        return data.decode("cp1252", errors="replace")


def _dialect(lines: Sequence[str]) -> tuple[str | None, bool]:
    """Return the separator of columns, None for white space, and whether commas are decimal."""
    scores: dict[tuple[str | None, bool], int] = {}
    for separator in (";", "\t", ",", None):
        for decimal_comma in (False, True) if separator != "," else (False,):
            found = (_numbers(_cells(each, separator), decimal_comma) for each in lines)
            scores[separator, decimal_comma] = sum(each is not None for each in found)
    return max(scores, key=lambda each: scores[each])


def _cells(line: str, separator: str | None) -> list[str]:
    cells = [cell.strip(' "') for cell in line.split(separator)]
    # Solis ends its lines with the separator.
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _numbers(cells: Sequence[str], decimal_comma: bool) -> tuple[float, ...] | None:
    """Return the numbers of a line that has at least two and nothing else."""
    if len(cells) < 2:
        return None
    if decimal_comma:
        cells = [cell.replace(",", ".") for cell in cells]
    if not all(_NUMBER.match(cell) for cell in cells):
        return None
    return tuple(float(cell) for cell in cells)


def _place(names: Sequence[str], wanted: Sequence[str]) -> int | None:
    lower = [name.lower().replace(" (nm)", "") for name in names]
    return next((lower.index(each) for each in wanted if each in lower), None)


def _columns(
    path: Path, table: Sequence[tuple[float, ...]], header: Sequence[str]
) -> tuple[Array, Array]:
    """Return wavelengths, shape (n,), and counts of each track, shape (1, tracks, n)."""
    width = len(table[0]) if table else 0
    if width < 2 or any(len(each) != width for each in table):
        raise FormatError(
            f"{path}: found {len(table)} lines of numbers in columns that do not fit together, "
            "expected two columns, wavelength in nm and counts; export the spectrum so"
        )
    numbers = np.array(table, np.float64).T
    at, of = _place(header, _WAVELENGTH_NAMES), _place(header, _COUNTS_NAMES)
    if at is not None and of is not None and max(at, of) < width:
        return numbers[at], numbers[np.newaxis, of : of + 1]
    return numbers[0], numbers[np.newaxis, 1:]


def _exposure(meta: Mapping[str, str]) -> tuple[float | None, int, bool]:
    """Return the exposure of one accumulation, how many there are, whether they were averaged."""
    found = [(_first_number(meta[name]), unit) for name, unit in _EXPOSURES.items() if name in meta]
    exposures = [value * unit for value, unit in found if value is not None]
    for names, averaged in ((_SUMMED, False), (_AVERAGED, True)):
        for name in names:
            repeats = _first_number(meta.get(name, ""))
            if repeats is not None and 1 < repeats < 1e6 and repeats == int(repeats):
                return (exposures[0] if exposures else None), int(repeats), averaged
    return (exposures[0] if exposures else None), 1, False


def _first_number(text: str) -> float | None:
    """The number at the beginning of a value, such as ``100000 (USB4F06998)``."""
    word = text.split()[0].rstrip(",;") if text.split() else ""
    word = word.replace(",", ".") if "." not in word else word
    return float(word) if _NUMBER.match(word) else None
