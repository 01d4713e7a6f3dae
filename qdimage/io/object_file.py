"""Results of the analysis in a file, and back: qdimage's own nouns and nothing that could run code.

A tree of JSON beside arrays. Objects are named by their class, which has to be a dataclass, an
enumeration, a named tuple or a declaration of this package; no other is made when a file is read.
"""

import dataclasses
import io
import json
import math
import zipfile
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel

from qdimage.errors import FormatError
from qdimage.io.atomic import replacing

_TREE, _PACKAGE = "tree.json", "qdimage."
# Of numpy's format.
_VERSION = (1, 0)
_PLAIN = (str, int, float, bool, type(None))


def write_object(path: Path, value: object) -> None:
    """Write a value; the file is whole or not there.

    Raises
    ------
    TypeError
        If some part of it is of a kind that such a file cannot hold.
    """
    arrays: list[NDArray[Any]] = []
    tree = json.dumps(_encoded(value, arrays))
    with replacing(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(_TREE, tree)
        for number, array in enumerate(arrays):
            with archive.open(f"{number}.npy", "w") as file:
                np.lib.format.write_array(file, array, version=_VERSION, allow_pickle=False)


def read_object(path: Path) -> Any:
    """Read what `write_object` wrote.

    Raises
    ------
    FormatError
        If the file is damaged, or another version's.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            tree = json.loads(_member(archive, _TREE))
            return _decoded(tree, lambda number: _array(_member(archive, f"{number}.npy")))
    except Exception as error:  # damage reaches every corner of the parsers, and of the nouns
        raise FormatError(
            f"{path}: found no results of this version ({error}), expected a file that it wrote; "
            "delete it and run again"
        ) from error


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read a part, which is never packed: so no small file grows in memory."""
    if archive.getinfo(name).compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"a packed {name}")
    return archive.read(name)


def _array(data: bytes) -> NDArray[Any]:
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != _VERSION:
        raise ValueError("an array of another version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(data) - file.tell():
        raise ValueError(f"an array of shape {shape} in {len(data)} bytes")
    file.seek(0)
    return np.asarray(np.lib.format.read_array(file, allow_pickle=False))


def _encoded(value: Any, arrays: list[NDArray[Any]]) -> Any:
    def inner(each: Any) -> Any:
        return _encoded(each, arrays)

    if isinstance(value, Enum):
        return ["enum", _name(type(value)), value.value]
    if type(value) in _PLAIN:
        return value
    if isinstance(value, np.generic):
        value = np.asarray(value)
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return ["array" if value.ndim else "number", len(arrays) - 1]
    if isinstance(value, Path):
        return ["path", str(value)]
    if isinstance(value, BaseModel):
        return ["model", _name(type(value)), value.model_dump(mode="json")]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: inner(getattr(value, each.name)) for each in dataclasses.fields(value)}
        return ["object", _name(type(value)), parts]
    if isinstance(value, dict):
        return ["dict", [[inner(key), inner(each)] for key, each in value.items()]]
    if isinstance(value, tuple):
        kind = _name(type(value)) if hasattr(value, "_fields") else ""
        return ["tuple", kind, [inner(each) for each in value]]
    if isinstance(value, list):
        return ["list", [inner(each) for each in value]]
    if isinstance(value, frozenset):
        # In an order of its own, so that the same set gives the same bytes.
        return ["set", sorted((inner(each) for each in value), key=json.dumps)]
    if isinstance(value, pd.DataFrame):
        return ["frame", [[inner(name), inner(_column(value[name]))] for name in value]]
    raise TypeError(f"a {type(value).__name__} cannot be kept in a file")


def _column(values: "pd.Series[Any]") -> Any:
    column = values.to_numpy()
    return column.tolist() if column.dtype == object else column


def _name(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _decoded(tree: Any, array: Callable[[int], NDArray[Any]]) -> Any:
    def inner(each: Any) -> Any:
        return _decoded(each, array)

    if not isinstance(tree, list):
        return tree
    kind, *parts = tree
    if kind == "array":
        return array(parts[0])
    if kind == "number":
        return array(parts[0])[()]
    if kind == "path":
        return Path(parts[0])
    if kind == "dict":
        return {inner(key): inner(each) for key, each in parts[0]}
    if kind in ("list", "set"):
        values = [inner(each) for each in parts[0]]
        return values if kind == "list" else frozenset(values)
    if kind == "tuple":
        values = [inner(each) for each in parts[1]]
        return _class(parts[0])(*values) if parts[0] else tuple(values)
    if kind == "frame":
        return pd.DataFrame({inner(name): inner(each) for name, each in parts[0]})
    if kind == "object":
        return _made(_class(parts[0]), {name: inner(each) for name, each in parts[1].items()})
    if kind == "enum":
        return _class(parts[0])(parts[1])
    if kind == "model":
        return _class(parts[0]).model_validate(parts[1])
    raise ValueError(f"a part of the kind {kind!r}")


def _class(name: str) -> Any:
    module, _, qualified = name.partition(":")
    if not module.startswith(_PACKAGE) or "__" in module:
        raise ValueError(f"a part of {module}")
    found: Any = import_module(module)
    for part in qualified.split("."):
        found = getattr(found, part)
    known = isinstance(found, type) and (
        dataclasses.is_dataclass(found)
        or issubclass(found, (Enum, BaseModel))
        or (issubclass(found, tuple) and hasattr(found, "_fields"))
    )
    if not known:
        raise ValueError(f"{name}, which is no noun")
    return found


def _made(kind: Any, parts: dict[str, Any]) -> Any:
    """Return an instance of a dataclass, frozen or not, as it was."""
    if {each.name for each in dataclasses.fields(kind)} != set(parts):
        raise ValueError(f"other parts of {kind.__qualname__}")
    made = object.__new__(kind)
    for name, value in parts.items():
        object.__setattr__(made, name, value)
    return made
