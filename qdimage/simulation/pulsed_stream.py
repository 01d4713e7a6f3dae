"""A rate model's photons under pulses, recorded against the pulses' sync.

Nothing here solves the model: its decay can be tested with it.
"""

from collections.abc import Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.errors import ConfigurationError
from qdimage.rates.declaration import RateModel
from qdimage.simulation.detectors import clicks_ns
from qdimage.simulation.jumps import tabulate
from qdimage.simulation.photon_kernels import draw_pulsed_photons
from qdimage.simulation.photon_options import PhotonStreamOptions

Array = NDArray[np.float64]

_PIECE = 1 << 18
_BLOCK = 1 << 16


def simulate_pulses(
    model: RateModel,
    options: PhotonStreamOptions,
    rng: np.random.Generator,
    *,
    ladder: Sequence[Hashable],
    pairs_per_pulse: float,
    period_ns: float,
    pulse_delay_ns: float = 0.0,
    dark_ns: Array | None = None,
) -> PhotonStream:
    """Draw the time tags of an emitter that pulses excite.

    A pulse brings a Poisson distributed number of pairs at once; what has not decayed since the
    pulse before is still there. The warm-up is left out: the emitter begins without pairs.

    Parameters
    ----------
    model : RateModel
        As it is between pulses.
    options : PhotonStreamOptions
        `tick_ps` is the tick of the delays.
    rng : numpy.random.Generator
    ladder : sequence of hashable
        States with 0, 1, 2, ... pairs; a pair too many for the last is lost. States that are not
        among them absorb nothing.
    pairs_per_pulse : float
        Mean number.
    period_ns : float
        Between pulses; need not be a whole number of ticks.
    pulse_delay_ns : float
        From each sync to its pulse.
    dark_ns : ndarray, shape (2 n,), optional
        Beginnings and ends in turn of the intervals in which no light reaches the detectors.

    Returns
    -------
    PhotonStream
        T3, with detectors 0 and 1.

    Raises
    ------
    ConfigurationError
        If the ladder is not of the model's states, the period is no longer than a tick, or the
        pulses bring no pairs.
    """
    _check(model, options, ladder, pairs_per_pulse, period_ns)
    step = [model.states.index(state) for state in ladder]
    above = np.arange(len(model.states))
    above[step[:-1]] = step[1:]
    light = _light(model, options, rng, above, step[0], pairs_per_pulse, period_ns, pulse_delay_ns)
    seen = clicks_ns(light, options, rng, dark_ns)
    time = np.concatenate(seen)
    channel = np.repeat(np.arange(2, dtype=np.uint8), [each.size for each in seen])
    order = np.argsort(time, kind="stable")
    order = order[time[order] >= 0]
    time, channel = time[order], channel[order]
    sync = np.floor(time / period_ns).astype(np.int64)
    late_ns = np.maximum(time - sync * period_ns, 0.0)
    delay = np.floor(late_ns * (1e3 / options.tick_ps)).astype(np.int64)

    def reader() -> Iterator[PhotonBlock]:
        for start in range(0, time.size, _BLOCK):
            piece = slice(start, start + _BLOCK)
            yield PhotonBlock(sync[piece], channel[piece], delay[piece])

    said: dict[str, float | str] = {"duration_s": options.duration_s, "instrument": "simulated"}
    tick_s = options.tick_ps * 1e-12
    return PhotonStream("simulated", "T3", tick_s, period_ns * 1e-9, reader, said)


def _check(
    model: RateModel,
    options: PhotonStreamOptions,
    ladder: Sequence[Hashable],
    pairs_per_pulse: float,
    period_ns: float,
) -> None:
    unknown = [state for state in ladder if state not in model.states]
    if unknown or not ladder:
        raise ConfigurationError(
            f"found the ladder {list(ladder)}, expected some of the states {list(model.states)}; "
            "correct it"
        )
    if not options.tick_ps * 1e-3 < period_ns < np.inf:
        raise ConfigurationError(
            f"found pulses every {period_ns} ns, expected more than a tick of {options.tick_ps} "
            "ps; lower the repetition rate"
        )
    if not 0 < pairs_per_pulse < np.inf:
        raise ConfigurationError(
            f"found {pairs_per_pulse} pairs for each pulse, expected more than 0; correct it"
        )


def _light(
    model: RateModel,
    options: PhotonStreamOptions,
    rng: np.random.Generator,
    above: NDArray[np.int64],
    ground: int,
    pairs_per_pulse: float,
    period_ns: float,
    pulse_delay_ns: float,
) -> tuple[Array, Array]:
    """Times in ns at which light triggers each detector, were it never blind."""
    jumps = tabulate(model, options.detection_efficiency)
    n_pulses = int(np.ceil(options.duration_s * 1e9 / period_ns))
    time, detector = np.empty(_PIECE), np.empty(_PIECE, np.uint8)
    found: tuple[list[Array], list[Array]] = ([], [])
    state, now, pulse = ground, -np.inf, 0
    while pulse < n_pulses:
        state, now, pulse, n = draw_pulsed_photons(
            rng,
            state,
            now,
            pulse,
            n_pulses,
            period_ns,
            pulse_delay_ns,
            pairs_per_pulse,
            above,
            *jumps,
            options.first_share,
            time,
            detector,
        )
        for k in range(2):
            found[k].append(time[:n][detector[:n] == k])
    return np.concatenate(found[0]), np.concatenate(found[1])
