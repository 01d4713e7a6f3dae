"""A stack reduced to one image of known noise."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.model.camera import Camera, NoiseModel


@dataclass(frozen=True)
class PhotonImage:
    """Mean of a stack's frames, in signal units per frame, drift corrected.

    Attributes
    ----------
    mean : ndarray, shape (y, x)
        Signal per frame, clock-induced charge included; 0 where not usable.
    n_samples : ndarray, shape (y, x)
        Frames that entered each pixel; 0 where the pixel is not usable.
    usable : ndarray of bool, shape (y, x)
        False for hot, saturated and never-covered pixels.
    hot, saturated, cosmic : ndarray of bool, shape (y, x)
        Pixels where the defect was found; cosmic hits are removed, their pixels stay usable.
    drift_px : ndarray, shape (t, 2)
        (x, y) drift of each frame from the first.
    offset_px : ndarray, shape (2,)
        (x, y) to subtract from a position in `mean` to have it in the first frame.
    noise : NoiseModel
        Of one pixel in one frame.
    camera : Camera
        What the conversion used, with the origin of each key.
    n_frames : int
        Frames in the stack.
    exposure_s : float
        Of one frame.
    """

    mean: NDArray[np.float64]
    n_samples: NDArray[np.int32]
    usable: NDArray[np.bool_]
    hot: NDArray[np.bool_]
    saturated: NDArray[np.bool_]
    cosmic: NDArray[np.bool_]
    drift_px: NDArray[np.float64]
    offset_px: NDArray[np.float64]
    noise: NoiseModel
    camera: Camera
    n_frames: int
    exposure_s: float
