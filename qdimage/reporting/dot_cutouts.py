"""What lies around each dot in the mean image of each channel, as small pictures."""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import FormatError
from qdimage.io.image_file import read_image
from qdimage.reporting.content import Array, Content, FieldContent, Row, numbers, rows_of
from qdimage.reporting.micrograph_panels import inverse
from qdimage.reporting.states import reference_channel

HALF_PX = 8
SIDE_PX = 2 * HALF_PX + 1
_LOWEST, _HIGHEST = 5.0, 99.8
_IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Cutouts:
    """Small pictures of a field's dots.

    Attributes
    ----------
    channels : tuple of dict
        Rows of the table `channels`: PL, then EL by voltage.
    pixels : ndarray of uint8, shape (n, c, side, side)
        Of each dot in each channel, 1 to 255 from its `low` to its `high`; 0 outside the image.
    low, high : ndarray, shape (n, c)
        In the channel's unit for each pixel and second; the same for all EL channels of a dot.
    row_of : dict of int to int
        Index into `pixels` by dot_id.
    """

    channels: tuple[Row, ...]
    pixels: NDArray[np.uint8]
    low: Array
    high: Array
    row_of: dict[int, int]

    def of(self, dot_id: int) -> list[str]:
        """Return the pictures of a dot in base64, one for each channel."""
        return [
            base64.b64encode(picture.tobytes()).decode("ascii")
            for picture in self.pixels[self.row_of[dot_id]]
        ]

    def scale_of(self, dot_id: int) -> list[tuple[float, float]]:
        """Return the values of the darkest and the brightest colour in each channel."""
        at = self.row_of[dot_id]
        return list(zip(self.low[at].tolist(), self.high[at].tolist(), strict=True))


def field_cutouts(content: Content, field: FieldContent) -> Cutouts | None:
    """Return the pictures of all dots of a field; None where no channel has an image."""
    dots = field.tables["dots"]
    places = np.column_stack([numbers(dots, "x_px"), numbers(dots, "y_px")])
    found = [
        (row, _around(image, inverse(to_field), places))
        for row in _ordered(field)
        if (to_field := _to_field(field, row)) is not None
        and (image := _image(content, row)) is not None
    ]
    if not found or not len(dots):
        return None
    stack = np.stack([pixels for _, pixels in found], axis=1)
    is_el = np.array([row["kind"] == "el" for row, _ in found])
    low, high = np.empty(stack.shape[:2]), np.empty(stack.shape[:2])
    for kind in (is_el, ~is_el):
        if kind.any():
            low[:, kind], high[:, kind] = _limits(stack[:, kind])
    shades = 1 + np.round(254 * (stack - low[..., None, None]) / (high - low)[..., None, None])
    pixels = np.where(np.isfinite(stack), np.clip(np.nan_to_num(shades), 1, 255), 0)
    ids = {int(dot): at for at, dot in enumerate(numbers(dots, "dot_id"))}
    return Cutouts(tuple(row for row, _ in found), pixels.astype(np.uint8), low, high, ids)


def channel_heads(cutouts: Cutouts, pixel_um: float | None) -> dict[str, Any]:
    """Return what the pictures of a field's dots have in common."""
    return {
        "side": SIDE_PX,
        "pixel_um": pixel_um,
        "channels": [
            {
                "name": row["channel"],
                "kind": row["kind"],
                "voltage": row["voltage_v"],
                "unit": row["signal_unit"],
            }
            for row in cutouts.channels
        ],
    }


def _ordered(field: FieldContent) -> list[Row]:
    rows = rows_of(field.tables["channels"])
    return sorted(rows, key=lambda r: (r["kind"] == "el", r["voltage_v"] or 0.0, r["channel"]))


def _to_field(field: FieldContent, row: Row) -> Array | None:
    """The affine map of a channel's pixels; a lens's distortion leaves it by parts of a pixel."""
    if row["kind"] == "pl":
        return _IDENTITY if row["channel"] == reference_channel(field) else None
    table = field.tables["registration"]
    for found in rows_of(table[table["channel"] == row["channel"]]):
        values = [found[f"m{i}{j}"] for i in range(2) for j in range(3)]
        if found["status"] == "ok" and all(value is not None for value in values):
            affine = np.array(values, float).reshape(2, 3)
            return affine if abs(np.linalg.det(affine[:, :2])) > 0 else None
    return None


def _image(content: Content, row: Row) -> Array | None:
    if not row["image"]:
        return None
    try:
        image = read_image(content.out / row["image"])
    except FormatError:
        return None
    return image if image.ndim == 2 and image.size else None


def _around(image: Array, to_image: Array, places: Array) -> Array:
    """Return (n, side, side): the pixel at each place of the field's grid, not interpolated."""
    step = np.arange(-HALF_PX, HALF_PX + 1.0)
    grid = np.stack(np.meshgrid(step, step), axis=-1)
    field = np.round(places)[:, None, None, :] + grid
    with np.errstate(invalid="ignore"):
        column, row = np.moveaxis(field @ to_image[:, :2].T + to_image[:, 2], -1, 0)
        inside = (
            (column >= -0.5)
            & (column < image.shape[1] - 0.5)
            & (row >= -0.5)
            & (row < image.shape[0] - 0.5)
        )
    found = np.full(inside.shape, np.nan)
    found[inside] = image[np.rint(row[inside]).astype(int), np.rint(column[inside]).astype(int)]
    return found


def _limits(stack: Array) -> tuple[Array, Array]:
    """Return ends of the colours for each dot, shape (n, 1); 0 and 1 where no pixel is known."""
    flat = stack.reshape(len(stack), -1)
    known = np.isfinite(flat).any(axis=1)
    low, high = np.zeros(len(stack)), np.ones(len(stack))
    if known.any():
        low[known], high[known] = np.nanpercentile(flat[known], [_LOWEST, _HIGHEST], axis=1)
    high = np.where(high > low, high, low + 1.0)
    return low[:, None], high[:, None]
