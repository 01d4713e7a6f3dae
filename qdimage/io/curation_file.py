"""``curation.json``: a person's decisions about the dots of a field."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qdimage.domain.curation import Action, Curation, CurationEntry, check_flag
from qdimage.errors import FormatError
from qdimage.io.atomic import write_text
from qdimage.io.explain import explain

FILE_NAME = "curation.json"
VERSION = 1


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class _Entry(_Strict):
    device: str = ""
    field: str = ""
    x_px: float
    y_px: float
    action: Action
    to_x_px: float | None = None
    to_y_px: float | None = None
    flag: str = ""
    note: str = ""

    @model_validator(mode="after")
    def _says_enough(self) -> Self:
        if self.action == "moved" and (self.to_x_px is None or self.to_y_px is None):
            raise ValueError("a moved dot needs to_x_px and to_y_px")
        if self.action == "flagged":
            check_flag(self.flag)
        return self


class _File(_Strict):
    curation: int = Field(ge=1)
    entries: tuple[_Entry, ...]


def read_curation(path: Path) -> Curation:
    """Read decisions.

    Raises
    ------
    FormatError
        If the file is missing, damaged, of a newer version, or says what it cannot.
    """
    document = _document(path)
    version = document.get("curation")
    if isinstance(version, int) and version > VERSION:
        raise FormatError(
            f"{path}: found version {version} of this file, expected at most {VERSION}; "
            "read it with a newer qdimage"
        )
    try:
        found = _File.model_validate(document)
    except ValidationError as error:
        raise FormatError(f"{path}: {explain(error, _File)}") from error
    return Curation(tuple(CurationEntry(**entry.model_dump()) for entry in found.entries))


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise FormatError(f"{path}: there is no such file; correct the path") from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); name a file") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(
            f"{path}: this is no JSON ({error}); correct that place, or delete the file"
        ) from error
    if not isinstance(document, dict) or "curation" not in document:
        raise FormatError(
            f"{path}: found no key 'curation', expected the decisions about dots that qdimage "
            "writes; name another file"
        )
    return document


def write_curation(path: Path, curation: Curation) -> None:
    """Write decisions, an entry a line, whole or not at all."""
    write_text(path, curation_text(curation))


def curation_text(curation: Curation) -> str:
    """Return decisions as a file holds them; what an entry does not need is left out."""
    rows = ",".join(f"\n    {_line(entry)}" for entry in curation.entries)
    return f'{{\n  "curation": {VERSION},\n  "entries": [{rows}\n  ]\n}}\n'


def _line(entry: CurationEntry) -> str:
    values = asdict(entry)
    kept = {name: values[name] for name in _Entry.model_fields if values[name] not in ("", None)}
    return json.dumps(kept, ensure_ascii=False, allow_nan=False)


def curation_sha256(curation: Curation) -> str:
    """Return the hash of decisions as they are written."""
    return hashlib.sha256(curation_text(curation).encode()).hexdigest()
