"""A photon correlation: coincidences in bins of the delay between two detectors."""

from dataclasses import dataclass
from typing import Literal

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
    method : {"all pairs", "start-stop"}
        Start-stop counts for each start the next stop alone, so that it falls off at long
        delays however uncorrelated the light.
    """

    edges_ns: NDArray[np.float64]
    counts: NDArray[np.int64]
    accidentals: NDArray[np.float64]
    duration_s: float
    counts_1: int
    counts_2: int
    method: Literal["all pairs", "start-stop"] = "all pairs"

    @property
    def lag_ns(self) -> NDArray[np.float64]:
        """Centres of the bins."""
        return np.asarray((self.edges_ns[:-1] + self.edges_ns[1:]) / 2)

    @property
    def g2(self) -> NDArray[np.float64]:
        """Coincidences relative to rates times time; 1 for uncorrelated light, NaN without any."""
        unknown = np.full(self.counts.shape, np.nan)
        known = self.accidentals > 0
        return np.asarray(np.divide(self.counts, self.accidentals, out=unknown, where=known))


def accidentals(
    edges_ns: NDArray[np.float64], *, counts_1: int, counts_2: int, duration_s: float
) -> NDArray[np.float64]:
    """Return the coincidences that uncorrelated light of the same rates gives in each bin.

    Parameters
    ----------
    edges_ns : ndarray, shape (n + 1,)
    counts_1, counts_2 : int
        Photons of the two detectors.
    duration_s : float
        0 where it is not known, as of a single photon; the result is then 0.
    """
    duration_ns = duration_s * 1e9
    if duration_ns <= 0:
        return np.zeros(edges_ns.size - 1)
    # The integral of T - |delay| over each bin, also where one reaches over zero.
    reach = np.clip(edges_ns, -duration_ns, duration_ns)
    area = np.diff(reach * (duration_ns - np.abs(reach) / 2))
    return np.asarray(counts_1 * counts_2 * area / duration_ns**2)
