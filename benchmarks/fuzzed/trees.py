"""Damage to documents that leaves them documents: other values, names and places."""

import io
import json
import re
import zipfile
from copy import deepcopy
from typing import Any

import numpy as np

_MOST_EDITS = 4
_TOML_VALUES = (
    "0",
    "-1",
    "1e308",
    "-0.0",
    "nan",
    "inf",
    "9223372036854775807",
    "true",
    '""',
    '"all"',
    '"../../etc/passwd"',
    '"/dev/zero"',
    '"C:\\\\x"',
    '"<script>\\u0000"',
    "[]",
    "[1, 2, 3]",
    "[[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]",
    "{}",
    "{ a = 1 }",
    "1979-05-27",
)
_JSON_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1e308,
    float("nan"),
    "",
    "all",
    "../x",
    "<b>\0",
    [],
    {},
    [[1]],
    {"a": 1},
)
_KEY = re.compile(r"^(\s*)([\w-]+)(\s*=\s*)(.+)$")


def other_toml(data: bytes, rng: np.random.Generator) -> bytes:
    """Change values, keys and tables of a TOML text, line by line."""
    lines = data.decode("utf-8").split("\n")
    for _ in range(int(rng.integers(1, _MOST_EDITS))):
        places = [k for k, line in enumerate(lines) if _KEY.match(line)]
        if not places:
            break
        at = places[int(rng.integers(len(places)))]
        _other_line(lines, at, rng)
    return "\n".join(lines).encode("utf-8")


def _other_line(lines: list[str], at: int, rng: np.random.Generator) -> None:
    match = _KEY.match(lines[at])
    if match is None:
        return
    indent, key, equals, value = match.groups()
    kind = rng.random()
    if kind < 0.6:
        value = _TOML_VALUES[int(rng.integers(len(_TOML_VALUES)))]
    elif kind < 0.7:
        key = key[:-1] or "x"
    elif kind < 0.9:
        del lines[at]
        return
    else:
        tables = [line for line in lines if line.startswith("[")]
        lines.append(tables[int(rng.integers(len(tables)))] if tables else "[a]")
        return
    lines[at] = f"{indent}{key}{equals}{value}"


def other_json(data: bytes, rng: np.random.Generator) -> bytes:
    """Change values and names somewhere in the tree of a JSON text."""
    tree = json.loads(data)
    for _ in range(int(rng.integers(1, _MOST_EDITS))):
        tree = _other_tree(tree, rng)
    return json.dumps(tree).encode("utf-8")


def _other_tree(tree: Any, rng: np.random.Generator) -> Any:
    if not isinstance(tree, list | dict) or not tree or rng.random() < 0.1:
        return deepcopy(_JSON_VALUES[int(rng.integers(len(_JSON_VALUES)))])
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    key = keys[int(rng.integers(len(keys)))]
    kind = rng.random()
    if kind < 0.8:
        tree[key] = _other_tree(tree[key], rng)
    elif kind < 0.9 and isinstance(tree, dict):
        tree[f"{key}_"] = tree.pop(key)
    else:
        del tree[key]
    return tree


def other_archive(data: bytes, rng: np.random.Generator) -> bytes:
    """Change one member of an archive of JSON and arrays."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(packed, "w") as other:
        names = archive.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            member = archive.read(name)
            if name == chosen and name.endswith(".json"):
                member = other_json(member, rng)
            elif name == chosen:
                changed = bytearray(member)
                for at in rng.integers(len(changed), size=3).tolist():
                    changed[at] = int(rng.integers(0, 256))
                member = bytes(changed)
            other.writestr(name, member)
    return packed.getvalue()
