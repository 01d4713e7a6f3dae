"""Files that are either whole or absent: TOML, JSON, and stacks."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path that becomes ``path`` on success and vanishes on failure."""
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds, whole or not at all."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def write_stack(
    path: Path, frames: Iterator[NDArray[np.uint16]], *, shape: tuple[int, int, int]
) -> None:
    """Write 16-bit frames as a TIFF, one page each, deflated with a horizontal predictor."""
    with replacing(path) as partial:
        tifffile.imwrite(
            partial,
            frames,
            shape=shape,
            dtype=np.uint16,
            photometric="minisblack",
            compression="zlib",
            predictor=True,
            metadata=None,
            software=False,
        )


def sha256(path: Path) -> str:
    """Return the file's SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def format_toml(document: Mapping[str, Any]) -> str:
    """Format keys, tables, and lists of tables; None is left out.

    Values are strings, numbers, booleans and lists of them; a table holds no tables.
    """
    tables = {key: value for key, value in document.items() if isinstance(value, Mapping)}
    rows = {key: value for key, value in document.items() if _is_rows(value)}
    keys = {key: value for key, value in document.items() if key not in tables | rows}
    blocks = [_lines(keys)] if keys else []
    blocks += [f"[{name}]\n{_lines(table)}" for name, table in tables.items()]
    blocks += [f"[[{name}]]\n{_lines(row)}" for name, group in rows.items() for row in group]
    return "\n".join(blocks)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _lines(table: Mapping[str, Any]) -> str:
    pairs = ((key, value) for key, value in table.items() if value is not None)
    # JSON's strings, numbers, booleans and lists are TOML's as well.
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in pairs)


def format_json(value: Any, indent: str = "") -> str:
    """Format as JSON with one line for each list of numbers and for each record of a list."""
    deeper = indent + "  "
    if isinstance(value, Mapping) and value:
        inner = (f"{deeper}{json.dumps(key)}: {format_json(value[key], deeper)}" for key in value)
        return "{\n" + ",\n".join(inner) + f"\n{indent}}}"
    if _is_rows(value):
        records = (deeper + json.dumps(record, allow_nan=False) for record in value)
        return "[\n" + ",\n".join(records) + f"\n{indent}]"
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
