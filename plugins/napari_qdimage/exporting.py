"""Files to export: made in one folder, compared with what is there, then moved one by one."""

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import qdimage
from qdimage.domain.curation import Curation

if TYPE_CHECKING:
    import pandas as pd

OPTIONS, CURATION, REPORT, FIGURES = "options.toml", "curation.json", "report.html", "figures"
_PARTIAL = "export.partial"
_NEEDED_BY_THE_REPORT = ("run.json", "images", "curves")


TableFormat = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Wanted:
    """What to export.

    Attributes
    ----------
    tables : {"csv", "parquet"} or None
    options, curation, figures : bool
        `figures` are the pictures and the report.
    """

    tables: TableFormat | None = "csv"
    options: bool = True
    curation: bool = True
    figures: bool = False


@dataclass(frozen=True)
class Content:
    """What a session has to export.

    Attributes
    ----------
    tables : mapping of str to pandas.DataFrame
    options_toml : str
    curation : Curation
    out : pathlib.Path or None
        The finished run, whose images the figures show.
    """

    tables: Mapping[str, "pd.DataFrame"]
    options_toml: str
    curation: Curation
    out: Path | None


def stage(content: Content, wanted: Wanted, folder: Path) -> tuple[str, ...]:
    """Make everything in a folder of its own inside the target, and return the files' names.

    Parameters
    ----------
    content : Content
    wanted : Wanted
    folder : pathlib.Path
        The target; made if it is not there.
    """
    staging = folder / _PARTIAL
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    if wanted.tables is not None:
        qdimage.write_tables(content.tables, staging, table_format=wanted.tables)
    if wanted.options:
        text = content.options_toml
        (staging / OPTIONS).write_text(text, encoding="utf-8", newline="\n")
    if wanted.curation:
        qdimage.write_curation(content.curation, staging / CURATION)
    if wanted.figures and content.out is not None:
        _draw(content.tables, content.out, staging)
    return tuple(
        path.relative_to(staging).as_posix()
        for path in sorted(staging.rglob("*"))
        if path.is_file()
    )


def _draw(tables: Mapping[str, "pd.DataFrame"], out: Path, staging: Path) -> None:
    """Draw figures and report of a run as the decisions leave its tables."""
    run = staging / "run"
    run.mkdir()
    for name in _NEEDED_BY_THE_REPORT:
        if (out / name).is_dir():
            shutil.copytree(out / name, run / name)
        elif (out / name).is_file():
            shutil.copyfile(out / name, run / name)
    qdimage.write_tables(tables, run)
    qdimage.report(run).replace(staging / REPORT)
    if (run / FIGURES).is_dir():
        (run / FIGURES).replace(staging / FIGURES)
    shutil.rmtree(run)


def differing(folder: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Return the files that are in the target already and say something else."""
    return tuple(
        name
        for name in names
        if (folder / name).exists() and digest(folder / name) != digest(folder / _PARTIAL / name)
    )


def place(folder: Path, names: Iterable[str]) -> dict[Path, str]:
    """Move files from the staging folder to their places; return their digests."""
    placed: dict[Path, str] = {}
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        placed[target] = digest(folder / _PARTIAL / name)
        (folder / _PARTIAL / name).replace(target)
    return placed


def discard(folder: Path) -> None:
    """Remove the staging folder, and the target where it holds nothing else."""
    shutil.rmtree(folder / _PARTIAL, ignore_errors=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def digest(path: Path) -> str:
    """Return a hash of a file; "" for what is no readable file."""
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
