"""What a path is that a person opens."""

from enum import Enum
from pathlib import Path

from napari_qdimage.session_file import SUFFIX
from qdimage.errors import FormatError

RECORD, DECLARATION = "run.json", "experiment.toml"


class What(Enum):
    """What can be opened."""

    SESSION = "a saved session"
    RUN = "a finished run"
    EXPERIMENT = "declared experiments"
    STACKS = "a folder that declares nothing"


def what_is(path: Path) -> What:
    """Look at a path without reading any data.

    Raises
    ------
    FormatError
        If there is nothing, or a file of another kind.
    """
    if not path.exists():
        raise FormatError(f"{path}: there is no such file or folder; correct the path")
    if path.name.endswith(SUFFIX):
        return What.SESSION
    if path.name == RECORD or (path / RECORD).is_file():
        return What.RUN
    if path.suffix.lower() == ".toml":
        return What.EXPERIMENT
    if not path.is_dir():
        raise FormatError(
            f"{path}: found a file of another kind, expected a folder with stacks, an "
            f"{DECLARATION}, the results of a run or a saved session; open its folder"
        )
    return What.EXPERIMENT if holds_experiments(path) else What.STACKS


def holds_experiments(folder: Path) -> bool:
    """Whether an ``experiment.toml`` lies in or below a folder."""
    return next(folder.rglob(DECLARATION), None) is not None
