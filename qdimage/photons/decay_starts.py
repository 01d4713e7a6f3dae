"""Where fits of a decay start: place of the pulse and lifetime, from likelihoods on a grid."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.decay import Decay
from qdimage.photons.decay_likelihood import MAX_COMPONENTS, PHOTONS, TIMES, DecayData

Array = NDArray[np.float64]

_MOST_BINS = 4096
_LIFETIMES = 12
_FLAT_SHARES = (0.02, 0.2, 0.7)
_NEW_SHARE = 0.1
_MOST_PERIODS = 8
_NEW_LIFETIMES = 8
_SPLIT = 1.8


def rough_places(decay: Decay, *, shortest_ns: float, longest_ns: float, n: int) -> Array:
    """Return the likeliest places of the pulse and lifetimes, without a response.

    The likelihood of a sharp exponential on a flat background, at all places at once, is a
    correlation of the photons with the logarithm of its shape.

    Parameters
    ----------
    decay : Decay
        In bins of equal width.
    shortest_ns, longest_ns : float
        Lifetimes between which a grid is laid.
    n : int

    Returns
    -------
    ndarray, shape (n, 3)
        Place, lifetime, and flat share; the likeliest first, each of another lifetime.
    """
    width, counts, seen, whole = _circle(decay)
    size = len(counts)
    delay = (np.arange(size) + 0.5) * width
    spectrum, mask = np.fft.rfft(counts), np.fft.rfft(seen)
    found = []
    for tau in np.geomspace(max(shortest_ns, width / 2), longest_ns, _LIFETIMES):
        start = np.exp(-(delay - width / 2) / tau)
        shape = start * -math.expm1(-width / tau)
        if whole:
            shape /= -math.expm1(-size * width / tau)
        best = (-math.inf, 0.0, 0.0, 0.0)
        for flat in _FLAT_SHARES:
            level = (1 - flat) * shape + flat / size
            inside = np.fft.irfft(mask * np.conj(np.fft.rfft(level)), size)
            match = np.fft.irfft(spectrum * np.conj(np.fft.rfft(np.log(level))), size)
            match -= counts.sum() * np.log(np.maximum(inside, 1e-12))
            at = int(np.argmax(match))
            if match[at] > best[0]:
                best = (float(match[at]), at * width, float(tau), flat)
        found.append(best)
    found.sort(reverse=True)
    return np.array([[place + decay.edges_ns[0], tau, flat] for _, place, tau, flat in found[:n]])


def _circle(decay: Decay) -> tuple[float, Array, Array, bool]:
    """Bin width, photons and seen bins around one period, and whether it closes."""
    counts = decay.counts.astype(np.float64)
    width = float(decay.edges_ns[-1] - decay.edges_ns[0]) / len(counts)
    merged = -(-len(counts) // _MOST_BINS)
    padded = np.append(counts, np.zeros(-len(counts) % merged))
    counts, width = padded.reshape(-1, merged).sum(axis=1), width * merged
    seen = np.ones(len(counts))
    # A period far longer than what is seen of it is as good as none.
    period_bins = (decay.period_ns or math.inf) / width
    whole = period_bins < _MOST_PERIODS * len(counts)
    size = max(round(period_bins), 2) if whole else 2 * len(counts)
    around = np.arange(len(counts)) % size
    return (
        width,
        np.bincount(around, counts, minlength=size).astype(np.float64),
        np.bincount(around, seen, minlength=size).astype(np.float64),
        whole,
    )


def more_components(data: DecayData, theta: Array, components: int) -> list[Array]:
    """Return starts with one more exponential than a fit has."""
    starts = []
    new = components
    for log_time in np.linspace(data.low[TIMES], data.high[TIMES], _NEW_LIFETIMES + 2)[1:-1]:
        start = theta.copy()
        total = start[PHOTONS : PHOTONS + components].sum()
        start[PHOTONS : PHOTONS + components] *= 1 - _NEW_SHARE
        start[PHOTONS + new], start[TIMES + new] = _NEW_SHARE * total, log_time
        starts.append(start)
    for k in range(components):
        start = theta.copy()
        start[PHOTONS + k] /= 2
        start[PHOTONS + new] = start[PHOTONS + k]
        start[TIMES + new] = min(start[TIMES + k] + math.log(_SPLIT), data.high[TIMES])
        start[TIMES + k] = max(start[TIMES + k] - math.log(_SPLIT), data.low[TIMES])
        starts.append(start)
    return starts


def in_order(theta: Array, components: int) -> Array:
    """Return the parameters with the exponentials from the fastest to the slowest."""
    order = np.arange(MAX_COMPONENTS)
    order[:components] = np.argsort(theta[TIMES : TIMES + components])
    sorted_theta = theta.copy()
    sorted_theta[TIMES:PHOTONS] = theta[TIMES + order]
    sorted_theta[PHOTONS : PHOTONS + MAX_COMPONENTS] = theta[PHOTONS + order]
    return sorted_theta
