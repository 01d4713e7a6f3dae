"""The period of pulses, refined from the photons that follow them."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal
from qdimage.photons.decay_kernels import best_frequency, harmonic_power, phasor

Ticks = NDArray[np.int64]
Array = NDArray[np.float64]

# How far the stated period may be off, relative to itself.
_TOLERANCE = 1e-3
_LEAST_PHOTONS = 200
_FIRST, _MOST_WORK = 4096, 2e8
_GROWTH, _PER_LOBE = 4, 4
# Photons times the squared length of their mean phasor: exp(-25) by chance, for each trial.
_SURE = 25.0
# The rise of the decay is sharper than its period: harmonics place it better.
_HARMONICS = (1, 4, 16, 64)
_MOST_POLISHED = 1 << 17


@dataclass(frozen=True)
class Refined:
    """A period as photons say it.

    Attributes
    ----------
    period_ticks : fractions.Fraction
        Exact, so that times of any length can be folded without rounding.
    drift : float
        Standard deviation of the pulses' places from an even beat, in periods.
    """

    period_ticks: Fraction
    drift: float


def refine_period(time: Ticks, period_ticks: float) -> Fraction | Refusal:
    """Return the period at which photons line up best, near a stated one.

    The frequency is searched over a few photons first, then over ever longer stretches.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Ticks, growing; of one stretch of a measurement.
    period_ticks : float
        As stated.
    """
    if time.size < _LEAST_PHOTONS:
        return Refusal(
            f"found {time.size} photons, expected at least {_LEAST_PHOTONS} to find the pulses; "
            "measure longer (too_few_counts)"
        )
    since = (time - time[0]).astype(np.float64)
    stated = 1.0 / period_ticks
    n = _first_stretch(since, stated)
    span = max(float(since[n - 1]), 1.0)
    half = max(_TOLERANCE * stated, 1.0 / span)
    frequency, power = _searched(since[:n], stated, half, span)
    while n < time.size:
        half = 1.0 / span
        n = min(_GROWTH * n, time.size)
        span = max(float(since[n - 1]), 1.0)
        frequency, power = _searched(since[:n], frequency, half, span)
    if n * power < _SURE:
        return Refusal(
            "found no sign of pulses at the stated period, expected photons that follow them; is "
            "the light pulsed? state its period to three digits"
        )
    return Fraction(1.0 / frequency)


def _first_stretch(since: Array, stated: float) -> int:
    """How many photons the first search may take."""
    n = min(_FIRST, since.size)
    while n > _LEAST_PHOTONS:
        trials = 2 * _TOLERANCE * stated * since[n - 1] * _PER_LOBE
        if trials * n < _MOST_WORK:
            break
        n = max(n // 2, _LEAST_PHOTONS)
    return n


def _searched(since: Array, middle: float, half: float, span: float) -> tuple[float, float]:
    step = 1.0 / (_PER_LOBE * span)
    n = 2 * math.ceil(half / step) + 1
    frequency, _ = best_frequency(since, middle - (n // 2) * step, step, n, 1)
    for finer in (0.25, 0.0625):
        frequency, power = best_frequency(since, frequency - 4 * finer * step, finer * step, 9, 1)
    return frequency, power


def polish_period(time: Ticks, period: Fraction) -> Fraction:
    """Return the period at which the rise of the decay is sharpest, near one that is nearly right.

    Parameters
    ----------
    time : ndarray of int64, shape (n,)
        Ticks, growing; over the whole measurement, any share of its photons.
    period : fractions.Fraction
        Off by less than a turn over all of it.
    """
    since = (time - time[0]).astype(np.float64)
    span = max(float(since[-1]), 1.0)
    frequency, before = 1.0 / float(period), 0
    for harmonics in _HARMONICS:
        new = float(harmonic_power(since, frequency, harmonics)[before:].sum()) * since.size
        if new < (harmonics - before) + 6 * math.sqrt(harmonics - before):
            break
        step = 1.0 / (8 * harmonics * span)
        frequency, _ = best_frequency(since, frequency - 8 * step, step, 17, harmonics)
        before = harmonics
    return Fraction(1.0 / frequency)


class Sample:
    """Photons spread over a measurement: every so many, so that there are never too many."""

    def __init__(self) -> None:
        self._held: list[Ticks] = []
        self._every, self._n, self._next = 1, 0, 0

    def add(self, time: Ticks) -> None:
        """Add growing times, in ticks."""
        picked = time[self._next :: self._every]
        self._next = (self._next - time.size) % self._every
        self._held.append(picked)
        self._n += picked.size
        while self._n > _MOST_POLISHED:
            self._held = [np.concatenate(self._held)[::2]]
            self._n = self._held[0].size
            self._every *= 2

    def times(self) -> Ticks:
        """Return the times of the photons that are held."""
        return np.concatenate(self._held) if self._held else np.zeros(0, np.int64)


class PhaseTrack:
    """Where the pulses are, chunk by chunk, for a period that is nearly right."""

    def __init__(self, period: Fraction) -> None:
        self._period = period
        self._middles: list[float] = []
        self._turns: list[float] = []
        self._weights: list[float] = []

    def add(self, time: Ticks) -> None:
        """Add a chunk of growing times, in ticks."""
        begins = place_in(int(time[0]), self._period) / float(self._period)
        since = (time - time[0]).astype(np.float64)
        cosine, sine = phasor(since, 1.0 / float(self._period))
        self._turns.append(begins + math.atan2(sine, cosine) / (2 * math.pi))
        self._middles.append(float(time[0]) + float(since.mean()))
        self._weights.append(math.sqrt(time.size))

    def refined(self) -> Refined:
        """Return the period that makes the pulses' places even."""
        if len(self._turns) < 2:
            return Refined(self._period, 0.0)
        turns = np.unwrap(np.array(self._turns), period=1.0)
        middles, weights = np.array(self._middles), np.array(self._weights)
        scale = max(float(np.ptp(middles)), 1.0)
        slope, level = np.polyfit((middles - middles[0]) / scale, turns, 1, w=weights)
        rest = turns - level - slope * (middles - middles[0]) / scale
        drift = float(np.sqrt(np.average(rest**2, weights=weights**2)))
        # A photon's place moves by slope/scale turns a tick.
        return Refined(self._period / (1 - self._period * Fraction(slope / scale)), drift)


def place_in(time: int, period: Fraction) -> float:
    """Return the time modulo the period, without rounding before."""
    return float(Fraction(time) % period)
