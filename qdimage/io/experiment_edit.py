"""Changing an ``experiment.toml`` that a person wrote: keys of a channel, more measured files."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from qdimage.errors import ConfigurationError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_toml
from qdimage.io.experiment_file import read_experiment, read_toml

_HEADER = re.compile(r"\s*\[")
_CHANNEL = re.compile(r"\s*\[\[\s*channels\s*\]\]\s*(#.*)?$")


def set_channel_keys(path: Path, channel: str, keys: Mapping[str, Any]) -> None:
    """Write keys of one channel into an ``experiment.toml``; comments and order stay.

    Parameters
    ----------
    path : pathlib.Path
        The ``experiment.toml``.
    channel : str
        Name of the channel.
    keys : mapping
        Key to value; None takes the key away.

    Raises
    ------
    ConfigurationError
        If there is no such channel, a value is not allowed, or the file is written in a way that
        cannot be changed line by line; the file is then as it was.
    FormatError
        If the file cannot be read.
    """
    keys = {key: _plain(value) for key, value in keys.items()}
    before = read_toml(path)
    number = _number_of(path, before, channel)
    text = path.read_text(encoding="utf-8-sig")
    wanted = _with_keys(before, number, keys)
    for key, value in keys.items():
        text = _with_line(text, _CHANNEL, number, key, value)
    try:
        changed = tomllib.loads(text)
    except ValueError:
        changed = {}
    if changed != wanted:
        raise ConfigurationError(
            f"{path}: {', '.join(keys)} of channel {channel!r} cannot be changed in the way this "
            "file is written; write it by hand"
        )
    _write_checked(path, text)


def set_table_keys(path: Path, table: str, keys: Mapping[str, Any]) -> None:
    """Write keys of a table such as ``[optics]`` into an ``experiment.toml``; all else stays.

    Parameters
    ----------
    path : pathlib.Path
        The ``experiment.toml``.
    table : str
        Its name; it is added at the end where the file has none.
    keys : mapping
        Key to value; None takes the key away.

    Raises
    ------
    ConfigurationError, FormatError
        As in `set_channel_keys`.
    """
    keys = {key: _plain(value) for key, value in keys.items()}
    before = read_toml(path)
    text = path.read_text(encoding="utf-8-sig")
    if table not in before:
        text = text.rstrip("\n") + f"\n\n[{table}]\n"
    kept = {key: value for key, value in before.get(table, {}).items() if key not in keys}
    given = {key: value for key, value in keys.items() if value is not None}
    wanted = before | {table: kept | given}
    header = re.compile(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?$")
    for key, value in keys.items():
        text = _with_line(text, header, 0, key, value)
    try:
        changed = tomllib.loads(text)
    except ValueError:
        changed = {}
    if changed != wanted:
        raise ConfigurationError(
            f"{path}: {', '.join(keys)} of [{table}] cannot be changed in the way this file is "
            "written; write it by hand"
        )
    _write_checked(path, text)


def append_rows(path: Path, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Add rows such as ``[[photons]]`` at the end of an ``experiment.toml``; all else stays.

    Parameters
    ----------
    path : pathlib.Path
        The ``experiment.toml``.
    rows : mapping of str to sequence of mapping
        By the name of the list: keys and values of each row to add.

    Raises
    ------
    ConfigurationError
        If a key or value is not allowed, or the file is written in a way that nothing can be added
        to; the file is then as it was.
    FormatError
        If the file cannot be read.
    """
    added = {name: [dict(row) for row in each] for name, each in rows.items() if each}
    if not added:
        return
    before = read_toml(path)
    wanted = before | {name: [*before.get(name, []), *each] for name, each in added.items()}
    text = path.read_text(encoding="utf-8-sig").rstrip("\n")
    text = "\n\n".join(part for part in (text, format_toml(added).rstrip("\n")) if part) + "\n"
    try:
        changed = tomllib.loads(text)
    except ValueError:
        changed = {}
    if changed != wanted:
        raise ConfigurationError(
            f"{path}: nothing can be added to {', '.join(added)} in the way this file is written; "
            "write each as a table in double brackets"
        )
    _write_checked(path, text)


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, list | tuple) else value


def _number_of(path: Path, document: dict[str, Any], channel: str) -> int:
    channels = document.get("channels", [])
    names = [each.get("name") for each in channels] if isinstance(channels, list) else []
    if channel not in names:
        raise ConfigurationError(
            f"{path}: found no channel named {channel!r}, only {', '.join(map(repr, names))}"
        )
    return names.index(channel)


def _with_keys(document: dict[str, Any], number: int, keys: Mapping[str, Any]) -> dict[str, Any]:
    channels = [dict(each) for each in document["channels"]]
    for key, value in keys.items():
        channels[number].pop(key, None)
        if value is not None:
            channels[number][key] = value
    return document | {"channels": channels}


def _with_line(text: str, header: re.Pattern[str], number: int, key: str, value: Any) -> str:
    """The text with one key of the table of a header and number changed, added or taken away."""
    lines = text.splitlines()
    start, stop = _block(lines, header, number)
    own = [index for index in range(start, stop) if re.match(rf"\s*{key}\s*=", lines[index])]
    new = [] if value is None else [format_toml({key: value}).strip()]
    if own:
        last = own[0] + 1
        while last < stop and not _ends(lines[own[0] : last]):
            last += 1
        lines[own[0] : last] = new
    else:
        while stop > start and not lines[stop - 1].strip():
            stop -= 1
        lines[stop:stop] = new
    return "\n".join(lines) + "\n"


def _block(lines: list[str], header: re.Pattern[str], number: int) -> tuple[int, int]:
    """First line after the header of a table, which is one of several, and that after its last."""
    headers = [index for index, line in enumerate(lines) if header.match(line)]
    if number >= len(headers):
        return 0, 0
    start = stop = headers[number] + 1
    depth = 0
    while stop < len(lines) and (depth > 0 or not _HEADER.match(lines[stop])):
        depth += lines[stop].count("[") - lines[stop].count("]")
        stop += 1
    return start, stop


def _ends(lines: list[str]) -> bool:
    """Whether a value over some lines is complete."""
    try:
        tomllib.loads("\n".join(lines))
    except ValueError:
        return False
    return True


def _write_checked(path: Path, text: str) -> None:
    """Write a declaration unless it is refused; then leave the old one."""
    trial = path.with_name(f".{path.name}.new")
    try:
        write_text(trial, text)
        read_experiment(trial, allow_outside=True)
    except ConfigurationError as error:
        raise ConfigurationError(str(error).replace(str(trial), str(path))) from error
    finally:
        trial.unlink(missing_ok=True)
    write_text(path, text)
