"""``curation.json``: a person's decisions about the dots of a field."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from qdimage.domain.curation import Action, Curation, CurationEntry, check_flag
from qdimage.errors import FormatError
from qdimage.io.atomic import write_text
from qdimage.io.documents import format_json
from qdimage.io.experiment_file import explain

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
    write_text(path, format_json(as_document(curation)) + "\n")


def as_document(curation: Curation) -> dict[str, Any]:
    """Return decisions as the file's keys and values; what an entry does not need is left out."""
    return {"curation": VERSION, "entries": _rows(curation.entries)}


def _rows(entries: Sequence[CurationEntry]) -> list[dict[str, Any]]:
    order = tuple(_Entry.model_fields)
    rows = []
    for entry in entries:
        values = asdict(entry)
        rows.append({name: values[name] for name in order if values[name] not in ("", None)})
    return rows
