"""Between which two voltages light sets in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.refusal import Refusal

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Onset:
    """Where light is seen for the first time; it set in somewhere between the two voltages.

    Attributes
    ----------
    low_v : float or None
        Highest voltage below at which none is seen; None where it is seen at the lowest already.
    high_v : float
        Lowest voltage at which light is seen.
    threshold_p : float
        Probability of as much light by chance up to which light counts as seen.
    n_voltages : int
    not_seen_above_v : tuple of float
        Voltages above at which it is nevertheless not seen.
    """

    low_v: float | None
    high_v: float
    threshold_p: float
    n_voltages: int
    not_seen_above_v: tuple[float, ...] = ()


def onset(voltages_v: Array, p_values: Array, *, false_alarm_probability: float) -> Onset | Refusal:
    """Return between which voltages light sets in.

    Light counts as seen where it is less probable by chance than the false alarm's probability over
    the number of voltages, so that a dark series has a turn-on with that probability at most
    (Bonferroni). That light is not seen does not say that there is none: the lower voltage rests
    on how long was exposed there.

    Parameters
    ----------
    voltages_v, p_values : ndarray, shape (n,)
        Probability of as much light, or more, by chance; NaN where not known. Several of one
        voltage count together.
    false_alarm_probability : float
    """
    known = np.isfinite(voltages_v) & np.isfinite(p_values)
    voltages = np.unique(voltages_v[known])
    if len(voltages) < 2:
        return Refusal(
            f"found light measured at {len(voltages)} voltages, expected at least 2; measure more"
        )
    smallest = np.array([_together(p_values[known & (voltages_v == volts)]) for volts in voltages])
    threshold = false_alarm_probability / len(voltages)
    seen = smallest <= threshold
    if not seen.any():
        return Refusal(
            f"no light is seen up to {voltages[-1]:g} V (smallest p {smallest.min():.2g}, "
            f"threshold {threshold:.2g}); go higher, or expose longer"
        )
    first = int(np.argmax(seen))
    return Onset(
        float(voltages[first - 1]) if first else None,
        float(voltages[first]),
        threshold,
        len(voltages),
        tuple(float(volts) for volts in voltages[first:][~seen[first:]]),
    )


def _together(p_values: Array) -> float:
    """Probability that the smallest of several is as small by chance."""
    return float(-np.expm1(len(p_values) * np.log1p(-min(p_values.min(), 1.0 - 1e-16))))
