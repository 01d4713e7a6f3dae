"""The lifetime at each level of intensity, from delays after the pulse (T3)."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.domain.refusal import Refusal
from qdimage.domain.trace import LevelLifetimes, Levels
from qdimage.photons.arrival_kernels import compose
from qdimage.photons.arrivals import period_ticks

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_MOST_BINS = 4096
_SLACK = 1 << 15
_LEAST_PHOTONS = 200
# The share of a period before the peak that is left out, for the rise of the response.
_RISE_SHARE = 0.05
_LARGEST_REL_ERR = 0.5


def level_lifetimes(
    stream: PhotonStream, levels: Levels, *, detectors: tuple[int, ...]
) -> LevelLifetimes | Refusal:
    """Return the lifetime at each level: an exponential on a flat background, by likelihood.

    The delays count from the peak of each detector's histogram on. Where the decay has several
    components, the lifetime is that of the exponential nearest to it.

    Parameters
    ----------
    stream : PhotonStream
    levels : Levels
        Of the same stream and detectors.
    detectors : tuple of int
    """
    if stream.mode != "T3" or stream.period_s is None:
        return Refusal(
            "found times without delays after a pulse (T2), expected T3 for a lifetime at each "
            "level; measure in T3"
        )
    period, fraction = period_ticks(stream.period_s, stream.tick_s)
    width = -(-period // _MOST_BINS)
    n_bins = period // width
    counts = np.zeros((levels.counts_s.size, len(detectors), n_bins), np.int64)
    newest = 0
    for block in stream.reader():
        if block.delay is None or block.time.size == 0:
            continue
        time = np.empty(block.time.size, np.int64)
        compose(block.time, block.delay, period, fraction, time)
        latest = np.maximum(np.maximum.accumulate(time), newest)
        if np.any(latest - time > _SLACK):
            return Refusal(
                "found times that run backwards, expected them to rise for a lifetime at each "
                "level; the records are damaged"
            )
        newest = int(latest[-1])
        _add(counts, block, time, levels, detectors, width)
    return _fitted(counts, width * stream.tick_s * 1e9)


def _add(
    counts: Counts,
    block: PhotonBlock,
    time: Counts,
    levels: Levels,
    detectors: tuple[int, ...],
    width: int,
) -> None:
    assert block.delay is not None  # noqa: S101  checked where it is called
    place = block.delay // width
    stretch = np.searchsorted(levels.bounds_ticks, time, side="right") - 1
    inside = (place < counts.shape[2]) & (stretch >= 0) & (stretch < levels.level.size)
    for k, detector in enumerate(detectors):
        own = inside & (block.channel == detector)
        level = levels.level[stretch[own]]
        flat = np.bincount(level * counts.shape[2] + place[own], minlength=counts[:, k].size)
        counts[:, k] += flat.reshape(counts[:, k].shape)


def _fitted(counts: Counts, bin_ns: float) -> LevelLifetimes | Refusal:
    n_bins = counts.shape[2]
    n_rise = max(round(_RISE_SHARE * n_bins), 1)
    if n_bins < 2 * n_rise + 8:
        return Refusal(
            f"found {n_bins} ticks from pulse to pulse, expected more for a lifetime; measure "
            "with shorter ticks"
        )
    # From behind the peak to before the next rise, the detectors' delays taken out.
    moved = np.zeros((counts.shape[0], n_bins), np.int64)
    for k in range(counts.shape[1]):
        peak = int(np.argmax(counts[:, k].sum(axis=0)))
        moved += np.roll(counts[:, k], -(peak + 1), axis=1)
    decays = moved[:, : n_bins - n_rise]
    lifetime, err = np.full(decays.shape[0], np.nan), np.full(decays.shape[0], np.nan)
    for k, decay in enumerate(decays):
        if decay.sum() >= _LEAST_PHOTONS:
            found, found_err = _lifetime(decay.astype(np.float64))
            if found_err < _LARGEST_REL_ERR * found:
                lifetime[k], err[k] = found * bin_ns, found_err * bin_ns
    photons = decays.sum(axis=1)
    if np.all(np.isnan(lifetime)):
        return Refusal(
            f"found at most {photons.max()} photons that tell of a lifetime at a level, expected "
            f"a decay and at least {_LEAST_PHOTONS}; measure longer"
        )
    return LevelLifetimes(lifetime, err, photons)


def _lifetime(decay: Array) -> tuple[float, float]:
    """Return lifetime and standard deviation in bins; the error is infinite where it is open."""
    edges = np.arange(decay.size + 1.0)
    total = float(decay.sum())
    flat = 1.0 / decay.size

    def lost(p: Array) -> float:
        share = 1 / (1 + math.exp(-p[1]))
        survival = np.exp(-edges / math.exp(p[0]))
        shape = (survival[:-1] - survival[1:]) / (1 - survival[-1])
        return -float(np.sum(decay * np.log(share * shape + (1 - share) * flat)))

    mean = float(np.sum(decay * (edges[:-1] + 0.5)) / total)
    bounds = ((math.log(0.2), math.log(10.0 * decay.size)), (-7.0, 7.0))
    starts = [(max(math.log(mean * scale), bounds[0][0]), 1.0) for scale in (0.2, 0.7)]
    found = min(
        (minimize(lost, np.array(x), method="Nelder-Mead", bounds=bounds) for x in starts),
        key=lambda each: float(each.fun),
    )
    log_err = _log_err(found.x, edges, total)
    lifetime = math.exp(found.x[0])
    return lifetime, lifetime * log_err


def _log_err(p: Array, edges: Array, total: float) -> float:
    """Return the standard deviation of the lifetime's logarithm, from the Fisher information."""
    life, share = math.exp(p[0]), 1 / (1 + math.exp(-p[1]))
    flat = 1.0 / (edges.size - 1)

    def shape(log_life: float) -> Array:
        survival = np.exp(-edges / math.exp(log_life))
        return np.asarray((survival[:-1] - survival[1:]) / (1 - survival[-1]))

    step = 1e-4
    slope = share * (shape(p[0] + step) - shape(p[0] - step)) / (2 * step)
    excess = shape(math.log(life)) - flat
    level = share * excess + flat
    information = total * np.array(
        [
            [np.sum(slope**2 / level), np.sum(slope * excess / level)],
            [np.sum(slope * excess / level), np.sum(excess**2 / level)],
        ]
    )
    determinant = np.linalg.det(information)
    return math.sqrt(information[1, 1] / determinant) if determinant > 0 else math.inf
