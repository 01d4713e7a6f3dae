"""TOML and JSON as text that a person can read."""

import json
import re
from collections.abc import Mapping
from typing import Any


def format_toml(document: Mapping[str, Any]) -> str:
    """Format keys, tables, and lists of tables; None is left out.

    Values are strings, finite numbers, booleans and lists of them; a table inside a table is
    written inline.
    """
    tables = {key: value for key, value in document.items() if isinstance(value, Mapping)}
    rows = {key: value for key, value in document.items() if _is_rows(value)}
    keys = {key: value for key, value in document.items() if key not in tables | rows}
    blocks = [_lines(keys)] if keys else []
    blocks += [f"[{_key(name)}]\n{_lines(table)}" for name, table in tables.items()]
    blocks += [f"[[{_key(name)}]]\n{_lines(row)}" for name, group in rows.items() for row in group]
    return "\n".join(blocks)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _lines(table: Mapping[str, Any]) -> str:
    pairs = ((key, value) for key, value in table.items() if value is not None)
    return "".join(f"{_key(key)} = {_value(value)}\n" for key, value in pairs)


def _key(name: str) -> str:
    return name if re.fullmatch("[A-Za-z0-9_-]+", name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_key(key)} = {_value(each)}" for key, each in value.items() if each is not None)
        return f"{{ {', '.join(pairs)} }}"
    # JSON's strings, numbers, booleans and lists are TOML's as well, but for a raw DEL.
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text.replace("\x7f", "\\u007f")


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
