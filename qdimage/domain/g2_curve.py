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
        ``N_1 N_2 w (T - |delay|) / T^2``; of windows, the sum of theirs for ``T - |delay|``.
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
    edges_ns: NDArray[np.float64],
    *,
    counts_1: int,
    counts_2: int,
    duration_s: float,
    lengths_s: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the coincidences that uncorrelated light of the same rates gives in each bin.

    Parameters
    ----------
    edges_ns : ndarray, shape (n + 1,)
    counts_1, counts_2 : int
        Photons of the two detectors.
    duration_s : float
        0 where it is not known, as of a single photon; the result is then 0.
    lengths_s : ndarray, shape (m,), optional
        Of windows that no pair spans, which last for `duration_s` together; one where not given.
    """
    duration_ns = duration_s * 1e9
    if duration_ns <= 0:
        return np.zeros(edges_ns.size - 1)
    lengths_ns = np.array([duration_ns]) if lengths_s is None else np.sort(lengths_s) * 1e9
    area = np.diff(np.sign(edges_ns) * _overlap(np.abs(edges_ns), lengths_ns))
    return np.asarray(counts_1 * counts_2 * area / duration_ns**2)


def _overlap(delay_ns: NDArray[np.float64], lengths_ns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Integrate what windows share with themselves, moved, from no delay to each one.

    A window of length T adds T - delay up to delays of T, and nothing beyond; lengths rise.
    """
    n_shorter = np.searchsorted(lengths_ns, delay_ns)
    whole = np.concatenate([[0.0], np.cumsum(lengths_ns**2 / 2)])[n_shorter]
    length = np.concatenate([np.cumsum(lengths_ns[::-1])[::-1], [0.0]])[n_shorter]
    n_longer = lengths_ns.size - n_shorter
    return np.asarray(whole + delay_ns * (length - n_longer * delay_ns / 2))
