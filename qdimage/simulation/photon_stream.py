"""A rate model's photons on two detectors, by drawing its jumps one after the other.

Nothing here solves the model: what `qdimage.rates.solution` computes can be tested with it.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photons import PhotonBlock, PhotonStream
from qdimage.rates.declaration import RateModel
from qdimage.simulation.detectors import clicks_ns
from qdimage.simulation.jumps import tabulate
from qdimage.simulation.photon_kernels import draw_photons
from qdimage.simulation.photon_options import PhotonStreamOptions

Array = NDArray[np.float64]

_PIECE = 1 << 18
_BLOCK = 1 << 16


def simulate_photons(
    model: RateModel,
    options: PhotonStreamOptions,
    rng: np.random.Generator,
    *,
    lines: Sequence[str] | None = None,
    dark_ns: Array | None = None,
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
    dark_ns : ndarray, shape (2 n,), optional
        Beginnings and ends in turn of the intervals in which no light reaches the detectors.

    Returns
    -------
    PhotonStream
        T2, with detectors 0 and 1.
    """
    light = _light(model, options, rng, lines)
    seen = clicks_ns(light, options, rng, dark_ns)
    ticks = [np.floor(each * (1e3 / options.tick_ps)).astype(np.int64) for each in seen]
    ticks = [each[each >= 0] for each in ticks]
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
    jumps = tabulate(model, options.detection_efficiency, lines)
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
