"""The EL flux of every PL dot, seen or not."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BlankPlaces:
    """The same photometry where there is no dot: what a dark dot looks like.

    Attributes
    ----------
    flux_s, err_s : ndarray, shape (n,)
        Flux and nominal standard deviation at each place.
    occupied : ndarray of bool, shape (n,)
        A localization of the channel lies within the matching distance.
    positions : ndarray, shape (n, 2)
        (x, y) in field px; empty where they do not matter.
    """

    flux_s: Floats
    err_s: Floats
    occupied: NDArray[np.bool_]
    positions: Floats = field(default_factory=lambda: np.empty((0, 2)))


@dataclass(frozen=True)
class ForcedPhotometry:
    """Fluxes at the PL dots' places in one channel, in signal per second.

    Attributes
    ----------
    flux_s, err_s : ndarray, shape (n,)
        Flux and nominal standard deviation; NaN where the place cannot be measured.
    flags : ndarray of int, shape (n,)
        `DotFlag.EDGE`, `OUTSIDE`, `UNRESOLVED`, `HOT`, `SATURATED`.
    blanks : BlankPlaces
    """

    flux_s: Floats
    err_s: Floats
    flags: NDArray[np.int64]
    blanks: BlankPlaces
