"""Whether the count rate drifts along a measurement."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as students_t

from qdimage.domain.photons import PhotonStream
from qdimage.photons.arrivals import arrivals

DRIFT_CHANCE, LEAST_CHANGE = 1e-3, 0.2
SLICES = 20


def counts_in_slices(
    stream: PhotonStream, duration_s: float, detectors: tuple[int, int]
) -> NDArray[np.int64]:
    """Return the photons of two detectors in equal parts of a measurement.

    Parameters
    ----------
    stream : PhotonStream
    duration_s : float
        From the first photon to the last.
    detectors : (int, int)
    """
    counts = np.zeros(SLICES, np.int64)
    width, first = duration_s / stream.tick_s / SLICES, None
    if width <= 0:
        return counts
    for block in arrivals(stream, gap=1):
        if first is None:
            first = int(block.time[0])
        ours = np.isin(block.channel, detectors)
        part = ((block.time[ours] - first) / width).astype(np.int64)
        counts += np.bincount(np.minimum(part, SLICES - 1), minlength=SLICES)
    return counts


def drifts(counts: NDArray[np.int64]) -> bool:
    """Return whether a straight line through the parts' counts rises or falls beyond their scatter.

    The scatter is that of the parts themselves, so that blinking is not taken for a drift.
    """
    values = counts.astype(np.float64)
    n, mean = len(values), float(values.mean())
    if mean < 1:
        return False
    place = np.arange(n) - (n - 1) / 2
    slope = float(place @ values / (place @ place))
    left = values - mean - slope * place
    # Never less than what counting alone gives.
    variance = max(float(left @ left) / (n - 2), mean)
    sigmas = abs(slope) * math.sqrt(float(place @ place) / variance)
    chance = 2.0 * float(students_t.sf(sigmas, n - 2))
    return chance < DRIFT_CHANCE and abs(slope) * (n - 1) > LEAST_CHANGE * mean
