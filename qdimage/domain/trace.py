"""How bright an emitter was over time: binned counts, levels, times on and off."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal

Ticks = NDArray[np.int64]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Trace:
    """Photons in bins of time.

    Attributes
    ----------
    start_s : float
        When the first bin begins: at the first photon.
    bin_s : float
    detectors : tuple of int
    counts : ndarray of int64, shape (d, n)
        Of each detector. The last bin ends after the last photon.
    """

    start_s: float
    bin_s: float
    detectors: tuple[int, ...]
    counts: NDArray[np.int64]

    @property
    def time_s(self) -> Array:
        """Centres of the bins."""
        return np.asarray(self.start_s + self.bin_s * (np.arange(self.counts.shape[1]) + 0.5))

    @property
    def total(self) -> NDArray[np.int64]:
        """Counts of all detectors together."""
        return np.asarray(self.counts.sum(axis=0))


@dataclass(frozen=True)
class Levels:
    """Stretches of steady intensity, each of one of a few levels.

    Attributes
    ----------
    bounds_ticks : ndarray of int64, shape (n + 1,)
        Stretch k holds the photons from bound k on, and before bound k + 1. A photon at a step
        belongs to the brighter side.
    photons : ndarray of int64, shape (n,)
    level : ndarray of int64, shape (n,)
        Of each stretch, from 0, the darkest.
    counts_s : ndarray, shape (m,)
        Intensity of each level, all detectors together; rising.
    tick_s : float
    dispersion, dispersion_err : float
        Variance of the time that eight photons take within a stretch, relative to that of steady
        light: 1 where all changes were found; NaN with too few photons.
    every : int
        Only every so many-th photon was a place where a step could be.
    """

    bounds_ticks: Ticks
    photons: NDArray[np.int64]
    level: NDArray[np.int64]
    counts_s: Array
    tick_s: float
    dispersion: float
    dispersion_err: float
    every: int = 1

    @property
    def lasted_s(self) -> Array:
        """Duration of each stretch."""
        return np.asarray(np.diff(self.bounds_ticks) * self.tick_s)

    @property
    def shares(self) -> Array:
        """Share of the time at each level."""
        lasted = self.lasted_s
        time = np.bincount(self.level, weights=lasted, minlength=self.counts_s.size)
        return np.asarray(time / lasted.sum())

    def windows_ticks(self, chosen: NDArray[np.bool_]) -> Ticks:
        """Return when the emitter was at one of the chosen levels.

        Parameters
        ----------
        chosen : ndarray of bool, shape (m,)

        Returns
        -------
        ndarray of int64, shape (k, 2)
            Half-open windows that rise and do not touch.
        """
        inside = np.concatenate([[False], np.asarray(chosen, bool)[self.level], [False]])
        turns = np.flatnonzero(np.diff(inside))
        return self.bounds_ticks[turns].reshape(-1, 2)

    def windows_s(self, chosen: NDArray[np.bool_]) -> Array:
        """Return `windows_ticks` in seconds, as the correlations take them."""
        return np.asarray(self.windows_ticks(chosen) * self.tick_s)

    def intensity_at(self, time_s: Array) -> Array:
        """Return the intensity of the level at each time; NaN outside the measurement."""
        bounds = self.bounds_ticks * self.tick_s
        which = np.searchsorted(bounds, time_s, side="right") - 1
        inside = (which >= 0) & (which < self.level.size)
        found = self.counts_s[self.level[np.clip(which, 0, self.level.size - 1)]]
        return np.where(inside, found, np.nan)


DwellLaw = Literal["exponential", "power law", "truncated power law"]


@dataclass(frozen=True)
class DwellFit:
    """The distribution of the dwells in one state, above the shortest one that is seen.

    Attributes
    ----------
    law : {"exponential", "power law", "truncated power law"}
        The likeliest by BIC; the truncated one is t^-exponent exp(-t / cutoff).
    exponent, exponent_err : float
        NaN for an exponential.
    cutoff_s, cutoff_err_s : float
        Of the exponential its mean; NaN for a power law.
    above_s : float
        The fit holds for dwells from here on.
    gain_over_exponential : float
        Twice the log-likelihood ratio of the truncated power law and the exponential.
    distance : float
        Largest distance of the cumulative distributions, times the root of the number of dwells;
        above 1.2 the law does not fit.
    n_dwells : int
        Complete ones that were fitted.
    """

    law: DwellLaw
    exponent: float
    exponent_err: float
    cutoff_s: float
    cutoff_err_s: float
    above_s: float
    gain_over_exponential: float
    distance: float
    n_dwells: int


@dataclass(frozen=True)
class Dwells:
    """Times that the emitter stayed in one state.

    Attributes
    ----------
    complete_s : ndarray
        Of dwells whose beginning and end were seen.
    last_s : float or None
        Of the dwell that the measurement's end cut short, if it was in this state.
    shortest_s : float
        Shorter dwells are not seen for sure, and count to the state around them.
    mean_s : float
        All time in this state over the dwells that ended; NaN if none did.
    fit : DwellFit or Refusal
    """

    complete_s: Array
    last_s: float | None
    shortest_s: float
    mean_s: float
    fit: DwellFit | Refusal


@dataclass(frozen=True)
class Blinking:
    """On and off.

    Attributes
    ----------
    threshold_counts_s : float
        Levels above are on.
    on_levels : ndarray of bool, shape (m,)
    on_counts_s, off_counts_s : float
        Mean intensities.
    on_fraction, on_fraction_err : float
        Share of the time; its error from the scatter of the cycles, NaN with fewer than three.
    on, off : Dwells
    on_time_s, off_time_s : float
        Time constants where both states' dwells are exponential, corrected for dwells too short
        to be seen; else NaN.
    """

    threshold_counts_s: float
    on_levels: NDArray[np.bool_]
    on_counts_s: float
    off_counts_s: float
    on_fraction: float
    on_fraction_err: float
    on: Dwells
    off: Dwells
    on_time_s: float
    off_time_s: float


@dataclass(frozen=True)
class LevelLifetimes:
    """Lifetime at each level.

    Attributes
    ----------
    lifetime_ns, lifetime_err_ns : ndarray, shape (m,)
        NaN where a level has too few photons.
    photons : ndarray of int64, shape (m,)
        That the lifetime rests on.
    """

    lifetime_ns: Array
    lifetime_err_ns: Array
    photons: NDArray[np.int64]
