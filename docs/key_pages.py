"""The page of every key that a file of the user may hold, from the schemas themselves."""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import key_meanings as meanings
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from qdimage.domain import experiment
from qdimage.io import curation_file

_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_KINDS = {bool: "true or false", int: "integer", float: "number", str: "text"}

_ABOUT = {
    "camera": "Each key may be left out: it is then taken from the file's metadata, else estimated "
    "from the data, and `channels.csv` records which.",
    "channels": "One for each stack. A key of `[camera]` but `file` may stand here too, where it "
    "differs.",
    "photons": "One for each time-tag file or histogram.",
    "spectra": "One for each spectrum.",
    "iv": "One for each file of current against voltage.",
    "dot_parameters": "The same table stands alone in a `dot.toml`, for `--dot` of `fit-rates` and "
    "`model`.",
}


def keys_page(note: str, grid: Any) -> str:
    """Return the page's text."""
    parts = [
        "# Keys of the files",
        note,
        "What `experiment.toml`, a camera file and `curation.json` may hold. An unknown key is an "
        "error that names the nearest known one; so is a value of another kind or out of bounds. "
        "[The experiment folder](experiment.md) explains how they are used.",
        "## experiment.toml",
        "`contract = 1` at the top says which version of these keys the file follows. "
        "`[analysis.STAGE]` tables hold [options](options.md).",
    ]
    for name, schema, several in declared_tables():
        about = [_ABOUT[name]] if name in _ABOUT else []
        heading = f"[[{name}]]" if several else f"[{name}]"
        keys = _keys(schema, meanings.TABLES.get(name, {}), grid)
        parts += [f"### `{heading}`", *about, keys]
    parts += [
        "## Camera file",
        "TOML with the keys of `[camera]`, at the top or in a table `[camera]`. `locate` and "
        "`register` take it as `--camera`, an experiment as `file` under `[camera]`.",
        _keys(experiment.CameraFileKeys, meanings.CAMERA, grid),
        "## curation.json",
        f"`curation` is {curation_file.VERSION}, the version; `entries` is a list of decisions, in "
        "the order in which they were taken. [More](curation.md)",
        _keys(curation_file._Entry, meanings.CURATION, grid),
        "## Recipe of the simulator",
        "TOML with `seed` and a table for each group of the "
        "[simulator's options](options.md#simulator). `qdimage simulate OUT` writes the one that "
        "it followed into OUT.",
    ]
    return "\n\n".join(parts) + "\n"


def declared_tables() -> Iterator[tuple[str, type[BaseModel], bool]]:
    """Yield the tables of ``experiment.toml``: name, schema, whether there may be several."""
    for name, field in experiment.ExperimentFile.model_fields.items():
        kind = field.annotation
        several = get_origin(kind) is tuple
        schema = get_args(kind)[0] if several else kind
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            yield name, schema, several


def keys_without_meaning() -> list[str]:
    """Name the keys that key_meanings.py does not explain."""
    return [
        f"{table}.{key}"
        for table, schema, _ in declared_tables()
        for key in _own_keys(schema)
        if key not in meanings.TABLES.get(table, {})
    ]


def _own_keys(schema: type[BaseModel]) -> list[str]:
    # A channel's camera keys are explained once, in [camera].
    left_out = experiment.CameraKeys.model_fields if schema is experiment.ChannelTable else {}
    return [name for name in schema.model_fields if name not in left_out]


def _keys(schema: type[BaseModel], known: Mapping[str, str], grid: Any) -> str:
    rows = [
        (f"`{name}`", _kind(field), _default(field), known.get(name, ""))
        for name, field in schema.model_fields.items()
        if name in _own_keys(schema)
    ]
    return grid(("key", "kind", "default", "meaning"), rows)


def _kind(field: FieldInfo) -> str:
    bounds = [
        f"{sign} {getattr(each, name):g}"
        for each in field.metadata
        for name, sign in _SIGNS.items()
        if getattr(each, name, None) is not None
    ]
    return " ".join([_word(field.annotation), ", ".join(bounds)]).strip()


def _word(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    inner = get_args(kind)
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_word(each) for each in inner if each is not NoneType)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if get_origin(kind) is tuple:
        if len(inner) == 2 and inner[1] is Ellipsis:
            return f"list of {_plural(inner[0])}"
        return f"{len(inner)} {_plural(inner[0])}"
    return _KINDS.get(kind, "value")


def _plural(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"lists of {_word(kind)}"
    return f"{_word(kind)}s"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.default
    if value is None or value == () or value == "":
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value) if isinstance(value, tuple) else value}`"
