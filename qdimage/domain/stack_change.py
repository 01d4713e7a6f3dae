"""What changed between the two halves of a stack."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class StackChange:
    """How the frames of a stack's second half differ from those of its first, on average.

    Attributes
    ----------
    difference : ndarray of float32, shape (y, x)
        Mean of the second half minus that of the first, in signal units per frame.
    samples : ndarray of float32, shape (y, x)
        Frames whose mean would be as noisy; 0 where the difference is not known.
    off_place : ndarray of float32, shape (4, y, x)
        Frames times how far, in px along x and along y, the drift has put each off the mean place:
        their difference between the halves, along x and y, and their mean over all frames. What
        light that drifts adds to its own derivative. Without elements where no drift was seen.
    """

    difference: NDArray[np.float32]
    samples: NDArray[np.float32]
    off_place: NDArray[np.float32]
