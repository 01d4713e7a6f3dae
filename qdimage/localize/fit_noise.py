"""The noise of a pixel as the kernels of the fit take it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Noise(NamedTuple):
    """One-frame variance of a pixel = slope * max(level, least) + read.

    Attributes
    ----------
    slope, read, least : float
    per_electron : float
        Signal units for each photoelectron.
    register : ndarray
        From `information_table` for the exact distribution of an EM register's output; empty for
        the Poisson form that is scaled to the variance.
    """

    slope: float
    read: float
    least: float
    per_electron: float = 1.0
    register: NDArray[np.float64] = np.empty(0)
