"""Taking the bias of each pixel from a stack."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack import Stack
from qdimage.errors import CalibrationError

Floats = NDArray[np.float64]


def without_pattern(stack: Stack, pattern_adu: Floats, *, ceiling_adu: float) -> Stack:
    """Return the stack with the same bias in every pixel; read lazily as before.

    Parameters
    ----------
    stack : Stack
    pattern_adu : ndarray, shape (y, x)
        How each pixel's bias differs from the level.
    ceiling_adu : float
        Values at or above stay what they are, so that saturation is seen.
    """
    pattern = pattern_adu.astype(np.float32)

    def read(start: int, stop: int) -> NDArray[Any]:
        frames = stack.reader(start, stop).astype(np.float32)
        return np.where(frames >= ceiling_adu, frames, frames - pattern)

    return replace(stack, dtype=np.dtype(np.float32), reader=read, filler=None)


def cut_pattern(
    pattern: Floats,
    *,
    map_origin_px: tuple[float, float],
    map_binning: int,
    shape: tuple[int, int],
    origin_px: tuple[float, float],
    binning: int,
    source: str,
) -> Floats:
    """Return the part of a map that a region of interest shows.

    Parameters
    ----------
    pattern : ndarray, shape (y, x)
    map_origin_px, origin_px : (float, float)
        (x, y) of the first pixel of the map and of the region on the sensor.
    map_binning, binning : int
        Sensor pixels for each pixel, along each side.
    shape : (int, int)
        Of the region, (y, x).
    source : str
        The map's name, for messages.

    Raises
    ------
    CalibrationError
        If the map does not cover the region, or is binned otherwise.
    """
    if map_binning != binning:
        raise CalibrationError(
            f"{source}: the bias map was taken at binning {map_binning}, the stack at {binning}; "
            "calibrate at the binning of the stack, or leave bias_map out"
        )
    steps = [(origin_px[axis] - map_origin_px[axis]) / binning for axis in (0, 1)]
    left, top = (round(step) for step in steps)
    height, width = shape
    inside = (
        max(abs(steps[0] - left), abs(steps[1] - top)) < 1e-6
        and 0 <= top <= pattern.shape[0] - height
        and 0 <= left <= pattern.shape[1] - width
    )
    if not inside:
        raise CalibrationError(
            f"{source}: the bias map of {pattern.shape[1]} x {pattern.shape[0]} pixels from "
            f"{map_origin_px} does not cover the stack's {width} x {height} from {origin_px}; "
            "correct roi_offset_px, or leave bias_map out"
        )
    return pattern[top : top + height, left : left + width]
