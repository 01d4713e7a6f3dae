"""The saved session: what was opened and what was decided, in one file that is always whole."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path
from typing import Any, Literal

from qdimage.domain.curation import FieldKey, JudgedPlace, Judgement
from qdimage.errors import FormatError

SUFFIX = ".qdimage.json"
AUTOSAVE = f"session{SUFFIX}"
VERSION = 1

Answer = Literal["continue", "take_files", "cancel"]
JudgedFields = Mapping[FieldKey, Mapping[int, JudgedPlace]]


@dataclass(frozen=True)
class Conflict:
    """An input that is not as it was when the session was saved.

    Attributes
    ----------
    path : pathlib.Path
    kind : {"missing", "changed", "new"}
    """

    path: Path
    kind: Literal["missing", "changed", "new"]

    def __str__(self) -> str:
        said = {
            "missing": "is no longer there",
            "changed": "has changed since the session was saved",
            "new": "was not there when the session was saved",
        }
        return f"{self.path}: {said[self.kind]}"


Ask = Callable[[tuple[Conflict, ...]], Answer]


@dataclass(frozen=True)
class InputFile:
    """A file that the session rests on.

    Attributes
    ----------
    path : pathlib.Path
    size, mtime_ns : int
        Where both are as they were, the content is taken to be so too; -1 for no file.
    sha256 : str
        "" where it was not computed.
    """

    path: Path
    size: int
    mtime_ns: int
    sha256: str = ""

    @classmethod
    def of(cls, path: Path) -> "InputFile":
        """Look at a file as it is now."""
        try:
            found = path.stat()
        except OSError:
            return cls(path, -1, -1)
        return cls(path, found.st_size, found.st_mtime_ns)

    @property
    def is_there(self) -> bool:
        """Whether it was there."""
        return self.size >= 0

    def hashed(self) -> "InputFile":
        """Return the same with its hash; a large file takes a while."""
        if self.sha256 or not self.is_there:
            return self
        with self.path.open("rb") as file:
            return replace(self, sha256=file_digest(file, "sha256").hexdigest())

    def conflict(self) -> Conflict | None:
        """Return what has become of the file; None where it is as it was."""
        now = InputFile.of(self.path)
        if not now.is_there or not self.is_there:
            same = now.is_there == self.is_there
            return None if same else Conflict(self.path, "new" if now.is_there else "missing")
        if (now.size, now.mtime_ns) == (self.size, self.mtime_ns):
            return None
        if self.sha256 and now.size == self.size and now.hashed().sha256 == self.sha256:
            return None
        return Conflict(self.path, "changed")


@dataclass(frozen=True)
class SavedSession:
    """What a session file holds.

    Attributes
    ----------
    out, source : pathlib.Path or None
        The finished run, or the experiments, that were open.
    shown : FieldKey or None
        The field.
    channel : str
    selection : tuple of int
    options : mapping of FieldKey to mapping
        Nested as in TOML.
    view : mapping
        What the window wants to find again.
    judged : mapping
        Decisions by field and dot_id.
    lost : mapping
        Decisions about places where no dot was.
    inputs : tuple of InputFile
    """

    out: Path | None = None
    source: Path | None = None
    shown: FieldKey | None = None
    channel: str = ""
    selection: tuple[int, ...] = ()
    options: Mapping[FieldKey, Mapping[str, Any]] = field(default_factory=dict)
    view: Mapping[str, Any] = field(default_factory=dict)
    judged: JudgedFields = field(default_factory=dict)
    lost: Mapping[FieldKey, tuple[JudgedPlace, ...]] = field(default_factory=dict)
    inputs: tuple[InputFile, ...] = ()

    def conflicts(self) -> tuple[Conflict, ...]:
        """Return which inputs are not as they were."""
        found = (each.conflict() for each in self.inputs)
        return tuple(each for each in found if each is not None)


def write_session(path: Path, saved: SavedSession) -> None:
    """Write a session, whole or not at all; paths are relative to its folder."""
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_text(_text(saved, path.parent), encoding="utf-8", newline="\n")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _text(saved: SavedSession, folder: Path) -> str:
    inputs = [
        {
            "file": _relative(each.path, folder),
            "size": each.size,
            "mtime_ns": each.mtime_ns,
            "sha256": each.sha256,
        }
        for each in saved.inputs
    ]
    options = [{**key._asdict(), "options": each} for key, each in saved.options.items()]
    decisions = [
        _decision(key, dot, place)
        for key, places in saved.judged.items()
        for dot, place in places.items()
    ]
    decisions += [
        _decision(key, 0, place) for key, places in saved.lost.items() for place in places
    ]
    blocks = {
        "session": json.dumps(VERSION),
        "run": json.dumps(_relative(saved.out, folder)),
        "experiments": json.dumps(_relative(saved.source, folder)),
        "field": json.dumps(saved.shown),
        "channel": json.dumps(saved.channel, ensure_ascii=False),
        "selection": json.dumps(saved.selection),
        "view": json.dumps(saved.view),
        "inputs": _listed(json.dumps(each, ensure_ascii=False) for each in inputs),
        "options": _listed(json.dumps(each, ensure_ascii=False) for each in options),
        "decisions": _listed(decisions),
    }
    return "{\n" + ",\n".join(f'  "{name}": {text}' for name, text in blocks.items()) + "\n}\n"


def _listed(lines: Iterable[str]) -> str:
    inner = ",".join(f"\n    {line}" for line in lines)
    return f"[{inner}\n  ]" if inner else "[]"


def _relative(path: Path | None, folder: Path) -> str | None:
    if path is None:
        return None
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_posix()


# Of ten thousand decisions one changes at a time.
@lru_cache(maxsize=100_000)
def _decision(key: FieldKey, dot: int, place: JudgedPlace) -> str:
    judged = place.judgement
    line: dict[str, Any] = {**key._asdict(), "dot_id": dot, "x_px": place.x_px, "y_px": place.y_px}
    line |= {
        name: value for name, value in vars(judged).items() if value != getattr(Judgement(), name)
    }
    return json.dumps(line, ensure_ascii=False)


def read_session(path: Path) -> SavedSession:
    """Read a saved session.

    Raises
    ------
    FormatError
        If the file is missing, damaged, or of a newer version.
    """
    document = _document(path)
    version = document.get("session")
    if not isinstance(version, int) or version < 1:
        raise FormatError(
            f"{path}: found no key 'session', expected a session that the plugin saved; "
            "name another file"
        )
    if version > VERSION:
        raise FormatError(
            f"{path}: found version {version} of a session, expected at most {VERSION}; "
            "open it with a newer qdimage"
        )
    try:
        return _session(document, path.absolute().parent)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(
            f"{path}: this is no whole session ({type(error).__name__}: {error}); open the run or "
            "the experiment itself"
        ) from error


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FormatError(f"{path}: there is no such file; correct the path") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); name a file") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: this is no JSON ({error}); name another file") from error
    return document if isinstance(document, dict) else {}


def _session(document: Mapping[str, Any], folder: Path) -> SavedSession:
    judged: dict[FieldKey, dict[int, JudgedPlace]] = {}
    lost: dict[FieldKey, tuple[JudgedPlace, ...]] = {}
    for line in document["decisions"]:
        key, dot, place = FieldKey(line["device"], line["field"]), int(line["dot_id"]), _place(line)
        if dot > 0:
            judged.setdefault(key, {})[dot] = place
        else:
            lost[key] = (*lost.get(key, ()), place)
    return SavedSession(
        out=_resolved(document["run"], folder),
        source=_resolved(document["experiments"], folder),
        shown=FieldKey(*document["field"]) if document["field"] else None,
        channel=str(document["channel"]),
        selection=tuple(int(dot) for dot in document["selection"]),
        options={
            FieldKey(each["device"], each["field"]): dict(each["options"])
            for each in document["options"]
        },
        view=dict(document["view"]),
        judged=judged,
        lost=lost,
        inputs=tuple(
            InputFile(
                folder / each["file"], int(each["size"]), int(each["mtime_ns"]), each["sha256"]
            )
            for each in document["inputs"]
        ),
    )


def _place(line: Mapping[str, Any]) -> JudgedPlace:
    moved = line.get("moved_to_px")
    return JudgedPlace(
        float(line["x_px"]),
        float(line["y_px"]),
        Judgement(
            accepted=line.get("accepted"),
            flags=tuple(line.get("flags", ())),
            note=str(line.get("note", "")),
            moved_to_px=None if moved is None else (float(moved[0]), float(moved[1])),
            added=bool(line.get("added", False)),
            deleted=bool(line.get("deleted", False)),
        ),
    )


def _resolved(name: str | None, folder: Path) -> Path | None:
    return None if name is None else Path(os.path.normpath(folder / name))
