"""Whether coincidences repeat, and with which period."""

import math

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve

Array = NDArray[np.float64]

# Power of a frequency over that of counting noise, which is exponential: one of thousands of
# frequencies exceeds this with odds of less than 0.1 %.
_LEAST_POWER = 22.0
# And over the power on either side of it: that of a dip falls from low frequencies on. A line
# itself is some bins wide, and the next one eight or more away.
_LEAST_CONTRAST, _BESIDE = 8.0, (3, 6)
# Periods that must fit into the curve.
_LEAST_PERIODS = 4.0
# Bins that a period must hold: finer ones mix with the steps of a clock.
_LEAST_BINS = 4
_HARMONICS, _STEPS = 5, 401


def period_of(curve: G2Curve) -> float | None:
    """Return the period in ns with which the coincidences repeat, None where they do not.

    Parameters
    ----------
    curve : G2Curve
        In equal bins.
    """
    counts = curve.counts.astype(np.float64)
    n = len(counts)
    if n < 8 * _LEAST_PERIODS or counts.sum() == 0:
        return None
    # A window without steps at its ends: their spectrum would hide lines.
    window = np.hanning(n)
    wave = window * (counts - counts.mean())
    power = np.abs(np.fft.rfft(wave)) ** 2
    noise = float(window**2 @ counts)
    stands_out = (power > _LEAST_POWER * noise) & (power > _LEAST_CONTRAST * _around(power))
    stands_out[: math.ceil(2 * _LEAST_PERIODS)] = False
    stands_out[n // _LEAST_BINS + 1 :] = False
    lines = np.flatnonzero(stands_out)
    if len(lines) == 0:
        return None
    # The lowest line with at least a hundredth of the strongest one's power is the fundamental.
    strong = lines[power[lines] > 0.01 * power[lines].max()]
    first = int(strong[0])
    first += int(np.argmax(power[first : first + 3]))
    span = float(curve.edges_ns[-1] - curve.edges_ns[0])
    return _refined(curve.lag_ns, wave, first / span, 1.0 / span)


def _around(power: Array) -> Array:
    """The larger of the medians below and above each frequency."""
    near, far = _BESIDE
    padded = np.pad(power, far, mode="edge")
    beside = np.lib.stride_tricks.sliding_window_view(padded, far - near + 1)
    medians = np.median(beside, axis=1)
    return np.asarray(np.maximum(medians[: len(power)], medians[far + near :][: len(power)]))


def _refined(lags: Array, wave: Array, frequency: float, half_width: float) -> float:
    """Period at which the harmonics together are strongest, near a frequency."""
    nyquist = 0.5 / float(lags[1] - lags[0])
    for _ in range(3):
        tried = frequency + half_width * np.linspace(-1.0, 1.0, _STEPS)
        total = np.zeros(_STEPS)
        for harmonic in range(1, _HARMONICS + 1):
            if harmonic * frequency > nyquist:
                break
            phases = np.exp(-2j * np.pi * harmonic * tried[:, None] * lags[None, :])
            total += np.abs(phases @ wave) ** 2
        frequency = float(tried[int(np.argmax(total))])
        half_width *= 0.05
    return 1.0 / frequency
