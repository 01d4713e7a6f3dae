"""A photon correlation: coincidences in bins of the delay between two detectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class G2Curve:
    """All pairs of photons of two detectors by their delay, second minus first.

    Attributes
    ----------
    edges_ns : ndarray, shape (n + 1,)
        Half-open bins ``edges[k] <= delay < edges[k + 1]``; of equal width, or growing.
    counts : ndarray of int64, shape (n,)
        Coincidences.
    accidentals : ndarray, shape (n,)
        Coincidences expected of the same rates without correlation,
        N_1 N_2 w (T - |delay|) / T^2.
    duration_s : float
    counts_1, counts_2 : int
        Photons of the two detectors.
    """

    edges_ns: NDArray[np.float64]
    counts: NDArray[np.int64]
    accidentals: NDArray[np.float64]
    duration_s: float
    counts_1: int
    counts_2: int

    @property
    def lag_ns(self) -> NDArray[np.float64]:
        """Centres of the bins."""
        return np.asarray((self.edges_ns[:-1] + self.edges_ns[1:]) / 2)

    @property
    def g2(self) -> NDArray[np.float64]:
        """Coincidences relative to rates times time; 1 for uncorrelated light."""
        return np.asarray(self.counts / self.accidentals)
