"""The ratio of the light in the background's band to that in the dot's, with its limits."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

from qdimage.domain.refusal import Refusal
from qdimage.domain.spectrum_fit import Bands, Measured, Noise
from qdimage.spectra.band_sums import BandSums

Array = NDArray[np.float64]

# Falls of the log-likelihood's double: 95 % two-sided, 95 % one-sided.
_TWO_SIDED, _ONE_SIDED = 3.841459, 2.705543
_LEAST = 1e-9
_MOST_RATIO = 1e6
_ROUNDS = 100


def ratio_of(counted: BandSums, noise: Noise) -> Bands | Refusal:
    """Return both bands and their ratio; refused where the dot band has too little light."""
    scale, floor = noise.counts_per_electron, counted.floor
    net = counted.sums[:2] - floor * counted.pixels[:2]
    of_floor = 0.0
    if counted.fixed is None:
        of_floor = max(counted.sums[2], 1.0) / counted.pixels[2] ** 2
    err = np.sqrt(np.maximum(counted.sums[:2], 1.0) + of_floor * counted.pixels[:2] ** 2)
    dot, back = (
        Measured(float(scale * v), float(scale * e)) for v, e in zip(net, err, strict=True)
    )
    if net[0] < 3 * err[0]:
        return Refusal(
            f"found {dot.value:.0f} +- {dot.err:.0f} counts in the dot band, too few for a ratio; "
            "expose longer"
        )
    ratio = float(max(net[1] / net[0], 0.0))
    best = _profile(counted, ratio)
    fall = 2 * (best - _profile(counted, 0.0))
    return Bands(
        dot=dot,
        background=back,
        floor_counts=float(scale * floor + noise.offset_counts),
        ratio=float(net[1] / net[0]),
        low=_end(counted, ratio, best, _TWO_SIDED, -1),
        high=_end(counted, ratio, best, _TWO_SIDED, 1),
        upper=_end(counted, ratio, best, _ONE_SIDED, 1),
        p_value=float(norm.sf(np.sign(net[1]) * np.sqrt(max(fall, 0.0)))),
    )


def _end(counted: BandSums, ratio: float, best: float, fall: float, sign: int) -> float:
    """Where the profile has fallen so far, to one side of the ratio."""

    def above(value: float) -> float:
        return fall - 2 * (best - _profile(counted, value))

    if sign < 0:
        return 0.0 if ratio <= 0 or above(0.0) >= 0 else float(brentq(above, 0.0, ratio, xtol=1e-9))
    far = max(2 * ratio, 1e-4)
    while above(far) > 0 and far < _MOST_RATIO:
        far *= 2
    return float(brentq(above, ratio, far, xtol=1e-9)) if above(far) < 0 else np.inf


def _profile(counted: BandSums, ratio: float) -> float:
    """Largest log-likelihood for a ratio of background to dot, over dot and floor."""
    floor = max(counted.floor, _LEAST)
    net = counted.sums[:2].sum() - floor * counted.pixels[:2].sum()
    state = np.array([max(net / (1 + ratio), 1.0), floor])
    # Levels are linear in (dot, floor).
    slopes = np.array(
        [[1.0, counted.pixels[0]], [ratio, counted.pixels[1]], [0.0, counted.pixels[2]]]
    )
    used = slice(0, 3 if counted.fixed is None else 2)
    free = slice(0, 2 if counted.fixed is None else 1)
    value = _value(counted, slopes, state, used)
    for _ in range(_ROUNDS):
        levels = np.maximum(slopes @ state, _LEAST)[used]
        part = slopes[used, free]
        score = part.T @ (counted.sums[used] / levels - 1)
        information = (part.T / levels) @ part
        step = np.linalg.lstsq(information, score, rcond=None)[0]
        length = 1.0
        while length > 1e-6:
            trial = state.copy()
            trial[free] = np.maximum(state[free] + length * step, _LEAST)
            new = _value(counted, slopes, trial, used)
            if new >= value:
                break
            length /= 3
        else:
            break
        gain, state, value = new - value, trial, new
        if gain < 1e-10 * max(abs(value), 1.0):
            break
    return value


def _value(counted: BandSums, slopes: Array, state: Array, used: slice) -> float:
    levels = np.maximum(slopes @ state, _LEAST)[used]
    return float(np.sum(counted.sums[used] * np.log(levels) - levels))
