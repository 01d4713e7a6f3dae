"""Where the EL frames lie, and how each stack drifts."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.errors import ConfigurationError
from qdimage.simulation.options import ExperimentOptions, GeometryOptions

Floats = NDArray[np.float64]

_STEEPEST = 0.5


def frame_centre(size: ExperimentOptions) -> tuple[float, float]:
    """(x, y) of the frame's centre."""
    return (size.width_px - 1) / 2, (size.height_px - 1) / 2


def corner_radius(size: ExperimentOptions) -> float:
    """Distance from the frame's centre to the centre of a corner pixel."""
    return math.hypot(*frame_centre(size))


def draw_transform(
    size: ExperimentOptions, options: GeometryOptions, rng: np.random.Generator
) -> Transform:
    """Draw the map from EL pixels to the field: shift, rotation, scale and radial term."""
    angle = math.radians(rng.uniform(-1, 1) * options.rotation_max_deg)
    scale = 1 + rng.uniform(-1, 1) * options.scale_max
    shift = rng.uniform(options.shift_min_px, options.shift_max_px) * _direction(rng)
    radial_px = rng.uniform(-1, 1) * options.radial_max_px
    centre = np.array(frame_centre(size))
    turn = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    matrix = np.column_stack([turn, centre + shift - turn @ centre])
    return Transform(matrix, radial_px, frame_centre(size), corner_radius(size), np.zeros((7, 7)))


def shifted(transform: Transform, options: GeometryOptions, rng: np.random.Generator) -> Transform:
    """Draw one channel's own map: the field's, displaced a little further."""
    further = options.voltage_shift_max_px * math.sqrt(rng.random()) * _direction(rng)
    matrix = transform.matrix + np.column_stack([np.zeros((2, 2)), further])
    return Transform(
        matrix,
        transform.radial_px,
        transform.centre_px,
        transform.radius_px,
        transform.covariance,
    )


def draw_drift(n_frames: int, drift_px: float, rng: np.random.Generator) -> Floats:
    """Draw a smooth path whose ends lie ``drift_px`` apart.

    Returns
    -------
    ndarray, shape (n_frames, 2)
        (x, y) displacement of everything in each frame from the first frame, in px.
    """
    time = np.linspace(0, 1, n_frames)[:, np.newaxis]
    along = _direction(rng)
    across = np.array([-along[1], along[0]])
    bow = 0.3 * rng.standard_normal() * np.sin(math.pi * time)
    return np.asarray(drift_px * (time * along + bow * across))


def margin(size: ExperimentOptions, options: GeometryOptions, spot_radius_px: float) -> float:
    """Distance beyond the field's border within which an emitter may reach some EL frame."""
    turn = math.radians(options.rotation_max_deg) + options.scale_max
    return (
        options.shift_max_px
        + turn * corner_radius(size)
        + options.radial_max_px
        + options.voltage_shift_max_px
        + 2 * options.drift_px
        + spot_radius_px
    )


def refuse_folding(size: ExperimentOptions, options: GeometryOptions, reach_px: float) -> None:
    """Refuse a radial term that has no inverse within ``reach_px`` beyond the field's border.

    The term grows with the cube of the distance from the centre: what is slight at a small
    frame's corner folds the plane where emitters lie beside the frame.

    Raises
    ------
    ConfigurationError
    """
    radius_px = corner_radius(size)
    farthest = 1 + math.sqrt(2) * reach_px / radius_px
    greatest_px = _STEEPEST * radius_px / (3 * farthest**2)
    if options.radial_max_px > greatest_px:
        raise ConfigurationError(
            f"geometry.radial_max_px: found {options.radial_max_px}, expected at most "
            f"{greatest_px:.2g} for frames of {size.width_px} x {size.height_px} px displaced "
            "this far; lower it, or enlarge the frames"
        )


def _direction(rng: np.random.Generator) -> Floats:
    angle = rng.uniform(0, 2 * math.pi)
    return np.array([math.cos(angle), math.sin(angle)])
