"""Mean images of a run's channels, and what lies around a dot in each of them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_qdimage.session import Session
from qdimage.domain.transform import Transform
from qdimage.errors import FormatError
from qdimage.io.image_file import read_image
from qdimage.reporting.content import Array, rows_of

_SAMPLES_PER_PX = 3


@lru_cache(maxsize=64)
def _image(path: Path, _changed_ns: int) -> NDArray[np.float32]:
    return read_image(path).astype(np.float32)


def mean_image(session: Session, channel: str) -> NDArray[np.float32] | None:
    """Return a channel's mean image, in its `signal_unit` per pixel and second.

    None where the run has none, or it cannot be read.
    """
    table = session.of_field("channels")
    names = table.loc[table["channel"] == channel, "image"]
    if session.out is None or not len(names) or not isinstance(names.iloc[0], str):
        return None
    path = session.out / names.iloc[0]
    if not names.iloc[0] or not path.is_file():
        return None
    try:
        return _image(path, path.stat().st_mtime_ns)
    except FormatError:
        return None


def to_channel(session: Session, channel: str) -> Transform | None:
    """Return the map of a channel's pixels to the field; None where it is not registered.

    It is the affine map of the table, which a lens's distortion leaves by a fraction of a pixel.
    """
    table = session.of_field("registration")
    own = rows_of(table[table["channel"] == channel])
    if not own:
        return Transform.from_matrix(np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    values = [own[0][f"m{i}{j}"] for i in range(2) for j in range(3)]
    if any(value is None for value in values):
        return None
    return Transform.from_matrix(np.array(values, float).reshape(2, 3))


def around(
    image: NDArray[np.float32], to_field: Transform, at_px: tuple[float, float], half_px: float
) -> Array:
    """Return the pixels around a place of the field, as the field's axes would show them.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    to_field : Transform
        From the image's pixels to the field's.
    at_px : (float, float)
        (x, y) in the field; the middle of the answer.
    half_px : float
        Half of its side, in pixels of the field.

    Returns
    -------
    ndarray, shape (n, n)
        The pixel that lies at each place, not interpolated; NaN outside the image.
    """
    n = round(2 * half_px * _SAMPLES_PER_PX) | 1
    steps = np.linspace(-half_px, half_px, n)
    x, y = np.meshgrid(at_px[0] + steps, at_px[1] + steps)
    places = to_field.inverse(np.column_stack([x.ravel(), y.ravel()]))
    column, row = np.rint(places).astype(int).T
    height, width = image.shape
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    found = np.full(n * n, np.nan)
    found[inside] = image[row[inside], column[inside]]
    return found.reshape(n, n)
