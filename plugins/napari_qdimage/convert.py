"""Tables and declarations as what napari's layers take, without a window.

Layers hold (row, column); tables hold x, the column, and y, the row. A layer's data are in its own
channel's pixels, and its scale and affine map take them to the world, in um where the pixel's size
is known and in field pixels elsewhere.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain import colours

if TYPE_CHECKING:
    import pandas as pd

    from qdimage.domain.experiment import Experiment

Array = NDArray[np.float64]

# The states of a dot in an EL channel, as the report draws them.
STATE_COLOURS: Mapping[str, str] = {
    "lit": colours.LIT,
    "dark": colours.DARK,
    "not counted": colours.NOT_COUNTED,
    "rejected": colours.REJECTED,
    "EL only": colours.EL_ONLY,
    "unreviewed": colours.NO_ANSWER,
}

_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.7
_AFFINE_COLUMNS = ("m00", "m01", "m02", "m10", "m11", "m12")
_IDENTITY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def rgba(states: Sequence[str]) -> NDArray[np.float32]:
    """Return the colours (n, 4) of states."""
    known = {state: _rgba(colour) for state, colour in STATE_COLOURS.items()}
    own = np.asarray(states, object)
    colours_of = np.zeros((len(own), 4), np.float32)
    for state, colour in known.items():
        colours_of[own == state] = colour
    return colours_of


def _rgba(colour: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue, 1.0


def colormap(kind: str) -> dict[str, Any]:
    """Return the colours of an image of a kind, "pl" or "el", as napari's `Colormap` takes them."""
    stops = colours.PL_STOPS if kind == "pl" else colours.EL_STOPS
    return {"name": f"qdimage {kind}", "colors": [_rgba(each) for each in stops]}


def contrast_limits(image: NDArray[Any]) -> tuple[float, float]:
    """Return the limits between which an image is shown, as in the report."""
    usable = image[np.isfinite(image)] if image.dtype.kind == "f" else image.ravel()
    if not usable.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(usable, [_LOW_PERCENT, _HIGH_PERCENT]))
    return low, high if high > low else low + 1.0


def pixel_um(experiment: "Experiment | None", dots: "pd.DataFrame") -> float | None:
    """Return the size of a field pixel, from the declaration or from the dots; None if unknown."""
    if experiment is not None and experiment.declared.channels:
        declared = experiment.declared.experiment.pixel_size_um
        if declared is not None:
            return declared * experiment.declared.reference.binning
    known = dots[(dots["x_px"] != 0) & dots["x_um"].notna()]
    if not len(known):
        return None
    return float(np.median(known["x_um"].astype(float) / known["x_px"].astype(float)))


def placement(
    pixel: float | None, affine_px: Array | None = None, *, n_frames_axes: int = 0
) -> dict[str, Any]:
    """Return scale, units and affine map of a layer.

    Parameters
    ----------
    pixel : float or None
        Size of a field pixel in um.
    affine_px : ndarray, shape (2, 3), optional
        From the layer's pixels (x, y) to the field's.
    n_frames_axes : int
        Axes before (y, x), which are counted in frames.
    """
    size, unit = (1.0, "pixel") if pixel is None else (pixel, "um")
    n = n_frames_axes
    return {
        "scale": (*[1.0] * n, size, size),
        "units": (*["pixel"] * n, unit, unit),
        "affine": world_affine(_IDENTITY if affine_px is None else affine_px, size, n),
        "axis_labels": (*["frame"] * n, "y", "x"),
    }


def world_affine(affine_px: Array, pixel: float = 1.0, n_frames_axes: int = 0) -> Array:
    """Return a map (x, y) px to px as napari's matrix in world units, rows first.

    napari applies it after the scale S, so that it has to be S A S^-1: the shift alone is scaled.
    """
    n = n_frames_axes
    matrix = np.eye(n + 3)
    matrix[n : n + 2, n : n + 2] = affine_px[::-1, 1::-1]
    matrix[n : n + 2, n + 2] = affine_px[::-1, 2] * pixel
    return matrix


def affine_of(row: Mapping[str, Any]) -> Array | None:
    """Return the (2, 3) map of a row of `registration`, channel px to field px; None if refused."""
    values = [row[name] for name in _AFFINE_COLUMNS]
    return None if None in values else np.array(values, float).reshape(2, 3)


def positions(rows: "pd.DataFrame") -> Array:
    """Return the places (n, 2) of rows with x_px and y_px as (row, column)."""
    return np.column_stack([rows["y_px"].to_numpy(float), rows["x_px"].to_numpy(float)])


def apply_affine(affine_px: Array, places: Array) -> Array:
    """Map places (row, column) by a (2, 3) map of (x, y)."""
    return np.asarray((places[:, ::-1] @ affine_px[:, :2].T + affine_px[:, 2])[:, ::-1])


def residual_vectors(mapped_px: Array, residuals_px: Array, magnification: float) -> Array:
    """Return residuals as napari's vectors (n, 2, 2): place, arrow, as (row, column).

    Parameters
    ----------
    mapped_px : ndarray, shape (n, 2)
        Where the EL dots (x, y) come to lie in the field.
    residuals_px : ndarray, shape (n, 2)
        These minus the PL dots that they are paired with.
    magnification : float
        The arrow leads from the PL dot towards the EL dot, that many times as long as it is.
    """
    start = (mapped_px - residuals_px)[:, ::-1]
    return np.stack([start, magnification * residuals_px[:, ::-1]], axis=1)


def matched_residuals(matches: "pd.DataFrame", channel: str) -> tuple[Array, Array]:
    """Return mapped places and residuals (n, 2) of a channel's matched dots, as (x, y) px."""
    own = matches[(matches["channel"] == channel) & matches["dot_id"].notna()]
    mapped = own[["x_px", "y_px"]].to_numpy(float)
    return mapped, own[["residual_x_px", "residual_y_px"]].to_numpy(float)


def el_only(
    matches: "pd.DataFrame", channel: str, shape: tuple[int, int] | None = None
) -> "pd.DataFrame":
    """Return a channel's localizations without a PL dot, in the field frame.

    Parameters
    ----------
    shape : (height, width), optional
        Of the PL frame, outside which no PL dot could have been seen.
    """
    own = matches[(matches["channel"] == channel) & matches["dot_id"].isna()]
    if shape is not None:
        places = positions(own)
        inside = np.all((places >= -0.5) & (places < np.array(shape) - 0.5), axis=1)
        own = own[inside]
    return own.reset_index(drop=True)
