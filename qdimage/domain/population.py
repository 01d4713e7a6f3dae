"""What a population of dots says of g2(0): below a limit, in the mean, in its spread."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.photon_flags import PhotonFlag, photon_flag_names

Array = NDArray[np.float64]

DOUBTFUL = tuple(
    photon_flag_names([flag])
    for flag in (PhotonFlag.POOR_FIT, PhotonFlag.PULSED_LIGHT, PhotonFlag.CLIPPED)
)


def is_doubtful(flags: str | None) -> bool:
    """Whether a g2(0), and with it its interval, rests on a description that does not hold."""
    return bool(set(DOUBTFUL) & set((flags or "").split(";")))


@dataclass(frozen=True)
class G2Values:
    """Measured g2(0) of several dots, each dot once.

    Attributes
    ----------
    value : ndarray, shape (n,)
    low_68, high_68, low_95, high_95 : ndarray, shape (n,)
        Ends of their intervals, at least 0; NaN in the 68 % ends where they are not known.
    """

    value: Array
    low_68: Array
    high_68: Array
    low_95: Array
    high_95: Array

    def __len__(self) -> int:
        return len(self.value)

    def __post_init__(self) -> None:
        shapes = {getattr(self, each.name).shape for each in fields(self)}
        if len(shapes) != 1 or self.value.ndim != 1:
            raise ValueError(f"found shapes {sorted(shapes)}, expected one number for each dot")
        ordered = (self.low_95 <= self.value) & (self.value <= self.high_95) & (self.low_95 >= 0)
        if not bool(np.all(ordered & np.isfinite(self.high_95))):
            raise ValueError(
                "found a g2(0) outside its 95 % interval, expected 0 <= low <= value <= high"
            )


@dataclass(frozen=True)
class Limit:
    """A g2(0) that dots are compared with.

    Attributes
    ----------
    value : float
    low, high : float
        Ends of its 95 % interval; both `value` where it is exact.
    source : str
        Where it is from.
    """

    value: float
    low: float
    high: float
    source: str


@dataclass(frozen=True)
class ShareBelow:
    """How many dots truly lie below a limit.

    Attributes
    ----------
    share, low, high : float
        Of the population that the dots were drawn from, with its 95 % interval.
    expected, expected_low, expected_high : float
        Number among the measured dots, with its 95 % interval.
    probability : ndarray, shape (n,)
        That each dot lies below the limit.
    shrunken, shrunken_low, shrunken_high : ndarray, shape (n,)
        Each dot's g2(0) given all the others, with its 95 % interval.
    """

    share: float
    low: float
    high: float
    expected: float
    expected_low: float
    expected_high: float
    probability: Array
    shrunken: Array
    shrunken_low: Array
    shrunken_high: Array


@dataclass(frozen=True)
class Spread:
    """Mean and spread of a population, errors of measurement taken out.

    Attributes
    ----------
    mean, mean_low, mean_high : float
        With its 95 % interval.
    spread, spread_low, spread_high : float
        Standard deviation from dot to dot, with its 95 % interval.
    """

    mean: float
    mean_low: float
    mean_high: float
    spread: float
    spread_low: float
    spread_high: float
