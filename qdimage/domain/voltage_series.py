"""The same dots at several voltages: what their fluxes say, and the share that is lit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DotSeries:
    """EL of dots at ascending voltages; arrays of shape (n dots, n voltages).

    Attributes
    ----------
    voltages_v : ndarray, shape (n voltages,)
    flux_s, err_s : ndarray
        Flux and its standard deviation; NaN where the dot is not counted at a voltage.
    odds : ndarray
        Likelihood of the flux if the dot is brighter than F_min, over that if it is not; 1 where
        the dot is not counted.
    chance : ndarray
        Share of dark places that other sources make brighter than F_min, at the dot's field.
    """

    voltages_v: Array
    flux_s: Array
    err_s: Array
    odds: Array
    chance: Array

    @property
    def known(self) -> NDArray[np.bool_]:
        """Whether a dot is counted at a voltage."""
        return np.isfinite(self.flux_s)

    def __len__(self) -> int:
        return len(self.flux_s)


@dataclass(frozen=True)
class MonotoneFraction:
    """Share of dots that are lit at each voltage, if each is lit from its own voltage on.

    Attributes
    ----------
    voltages_v : ndarray, shape (n voltages,)
    fraction, low, high : ndarray, shape (n voltages,)
        Never falling; with the interval of each.
    lapse : float
        Share of the voltages above its own at which a dot is nevertheless not brighter than F_min.
    log_likelihood : float
    """

    voltages_v: Array
    fraction: Array
    low: Array
    high: Array
    lapse: float
    log_likelihood: float


@dataclass(frozen=True)
class NotMonotone:
    """Dots that are surely dark at a voltage above one at which they are surely lit.

    Attributes
    ----------
    n : int
    by_noise : float
        As many are expected of the errors of the fluxes alone.
    """

    n: int
    by_noise: float
