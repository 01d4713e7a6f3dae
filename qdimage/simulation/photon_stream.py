"""A rate model's photons on two detectors, by drawing its jumps one after the other.

Nothing here solves the model: what `qdimage.rates.solution` computes can be tested with it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.rates.declaration import RateModel
from qdimage.simulation.photon_kernels import count_clicks, draw_photons
from qdimage.simulation.photon_options import PhotonStreamOptions

Array = NDArray[np.float64]

_PIECE = 1 << 18
_BLOCK = 1 << 16
_FWHM_PER_SIGMA = math.sqrt(8 * math.log(2))


class _Jumps(NamedTuple):
    """The transitions of a model, sorted by their source; see `draw_photons`."""

    rate: Array
    first_jump: NDArray[np.int64]
    reached: Array
    target: NDArray[np.int64]
    chance: Array


def simulate_photons(
    model: RateModel,
    options: PhotonStreamOptions,
    rng: np.random.Generator,
    *,
    lines: Sequence[str] | None = None,
) -> PhotonStream:
    """Draw the time tags of an emitter in front of two detectors.

    Every count of the measurement is held in memory: 9 bytes for each.

    Parameters
    ----------
    model : RateModel
        The emitter; it begins in its first state, before the warm-up.
    options : PhotonStreamOptions
    rng : numpy.random.Generator
    lines : sequence of str, optional
        Only photons of these lines reach the detectors.

    Returns
    -------
    PhotonStream
        T2, with detectors 0 and 1.
    """
    light = _light(model, options, rng, lines)
    ticks = [_clicks(light[k], k, options, rng) for k in range(2)]
    time = np.concatenate(ticks)
    channel = np.repeat(np.arange(2, dtype=np.uint8), [each.size for each in ticks])
    order = np.argsort(time, kind="stable")
    time, channel = time[order], channel[order]

    def reader() -> Iterator[PhotonBlock]:
        for start in range(0, time.size, _BLOCK):
            piece = slice(start, start + _BLOCK)
            yield PhotonBlock(time[piece], channel[piece])

    said: dict[str, float | str] = {"duration_s": options.duration_s, "instrument": "simulated"}
    return PhotonStream("simulated", "T2", options.tick_ps * 1e-12, None, reader, said)


def _light(
    model: RateModel,
    options: PhotonStreamOptions,
    rng: np.random.Generator,
    lines: Sequence[str] | None,
) -> tuple[Array, Array]:
    """Times in ns at which light triggers each detector, were it never blind."""
    jumps = _jumps(model, options.detection_efficiency, lines)
    end = options.duration_s * 1e9
    time, detector = np.empty(_PIECE), np.empty(_PIECE, np.uint8)
    found: tuple[list[Array], list[Array]] = ([], [])
    state, now = 0, -options.warm_up_us * 1e3
    while now < end:
        state, now, n = draw_photons(
            rng, state, now, end, *jumps, options.first_share, time, detector
        )
        for k in range(2):
            found[k].append(time[:n][(detector[:n] == k) & (time[:n] >= 0)])
    return np.concatenate(found[0]), np.concatenate(found[1])


def _jumps(model: RateModel, efficiency: float, lines: Sequence[str] | None) -> _Jumps:
    """Tabulate the transitions that happen at all; rates in 1/ns."""
    index = {state: k for k, state in enumerate(model.states)}
    ordered = sorted(
        (each for each in model.transitions if each.rate_per_us > 0),
        key=lambda each: index[each.source],
    )
    source = np.array([index[each.source] for each in ordered], np.int64)
    rates = np.array([each.rate_per_us for each in ordered], np.float64) / 1e3
    chance = [
        each.photon_yield * efficiency if lines is None or each.line in lines else 0.0
        for each in ordered
    ]
    total = np.zeros(len(model.states))
    np.add.at(total, source, rates)
    first_jump = np.searchsorted(source, np.arange(len(model.states) + 1))
    sums = np.concatenate([[0.0], np.cumsum(rates)])
    reached = (sums[1:] - sums[first_jump[source]]) / total[source]
    target = np.array([index[each.target] for each in ordered], np.int64)
    return _Jumps(total, first_jump, reached, target, np.array(chance, np.float64))


def _clicks(
    light: Array, detector: int, options: PhotonStreamOptions, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Ticks of a detector's counts, not in order where the response is wide."""
    end = options.duration_s * 1e9
    n_dark = rng.poisson(options.dark_counts_s[detector] * options.duration_s)
    triggers = np.sort(np.concatenate([light, rng.uniform(0, end, n_dark)]))
    # With chances of at most a half, each trigger gives fewer than two clicks on average.
    clicks = np.empty(3 * triggers.size + 1000)
    n = count_clicks(
        rng,
        triggers,
        options.dead_time_ns,
        options.afterpulse_probability,
        options.afterpulse_delay_ns,
        end,
        clicks,
    )
    seen = clicks[:n] + detector * options.cable_delay_ns
    if options.jitter_fwhm_ns > 0:
        seen += rng.normal(0.0, options.jitter_fwhm_ns / _FWHM_PER_SIGMA, n)
    ticks = np.floor(seen * (1e3 / options.tick_ps)).astype(np.int64)
    return ticks[ticks >= 0]
