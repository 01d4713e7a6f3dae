"""What napari's "Save" can write: the dots as a table, and the session."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_qdimage import dock
from napari_qdimage.layer_data import DOTS, OWN
from qdimage.domain import tables
from qdimage.errors import ConfigurationError
from qdimage.io.atomic import replacing
from qdimage.io.table_file import typed, write_csv

if TYPE_CHECKING:
    from napari_qdimage.session import Session


def write_dots(path: str, data: Any, attributes: dict[str, Any]) -> list[str]:
    """Write a layer of points as a table.

    The dots of the dock are written as ``dots.csv`` is, with a person's decisions; any other points
    as their places, in pixels of their layer.

    Parameters
    ----------
    path : str
    data : ndarray, shape (n, d)
        Row and column are the last two.
    attributes : dict
        State of the layer.
    """
    session = _session()
    is_dots = attributes.get("metadata", {}).get(OWN) == DOTS
    with replacing(Path(path)) as partial:
        if is_dots and session is not None:
            write_csv(typed(session.dots, tables.DOTS), tables.DOTS, partial)
        else:
            places = np.asarray(data, float)[:, [-1, -2]]
            lines = ["x_px,y_px", *(f"{x!r},{y!r}" for x, y in places.tolist())]
            partial.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return [path]


def write_session(path: str, _layers: list[Any]) -> list[str]:
    """Save the session of the dock, so that it can be opened again.

    Raises
    ------
    ConfigurationError
        If no dock is open.
    """
    session = _session()
    if session is None:
        raise ConfigurationError("found no open dock of qdimage whose session could be saved")
    session.save(Path(path))
    return [path]


def _session() -> "Session | None":
    widget = dock.find()
    return None if widget is None else widget.session
