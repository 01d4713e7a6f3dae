"""A stack reduced to one image of known noise."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.camera import Camera, NoiseModel
from qdimage.domain.stack_change import StackChange

_FLOOR = 1e-30  # far below any variance, whatever the unit


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
    noise_message : str
        How the stack's noise contradicts the camera's keys; empty where it does not.
    change : StackChange or None
        From the first half of the frames to the second; None where there are too few.
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
    noise_message: str = ""
    change: StackChange | None = None

    @cached_property
    def n_usable(self) -> int:
        """Number of pixels that are usable."""
        return int(np.count_nonzero(self.usable))

    @property
    def least_level(self) -> float:
        """Smallest mean signal to assume in a pixel when its variance is predicted."""
        unit = self.noise.unit_per_electron if self.noise.unit_per_electron > 0 else 1.0
        return max(self.noise.clock_induced, 0.01 * unit)

    @property
    def variance_slope(self) -> float:
        """The noise's variance slope, kept above 0."""
        return max(self.noise.variance_slope, 1e-3 * math.sqrt(self.noise.read_variance), _FLOOR)

    @property
    def read_variance(self) -> float:
        """The noise's read variance, kept above 0."""
        return max(self.noise.read_variance, _FLOOR)

    def weight(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """Inverse variance of each pixel of `mean` at a mean signal `level`; 0 if not usable."""
        expected = np.maximum(level, self.least_level)
        return np.asarray(self.n_samples / (self.variance_slope * expected + self.read_variance))
