"""g2 at zero delay, from the dip of a correlation curve."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class G2Zero:
    """g2(0) relative to the plateau at long delays, with what the fit says of the curve.

    Attributes
    ----------
    value : float
        Deconvolved, without background correction.
    low_68, high_68, low_95, high_95 : float
        Ends of its intervals, whatever the dip's shape within the bound of `fastest_ns`.
    components : int
        Exponentials at the best point.
    fastest_ns : float
        Components faster than this are excluded; the intervals hold under this bound.
    plateau : float
        Level at long delays relative to rates times time: 1 without blinking.
    delay_ns : float
        Centre of the dip.
    rise_time_ns : float
        From zero delay to where the fitted dip has recovered all but 1/e.
    deviance, p_value : float
    dof : int
        Goodness of fit of the best point.
    dip_chance : float
        At least the chance that uncorrelated light shows such a dip; where it is not small and the
        delay was not given, the value is that at no delay.
    coincidences : int
        In the whole curve.
    uncorrected, uncorrected_err : float
        The bin that holds the centre, relative to the plateau, with no correction at all.
    background_corrected, background_corrected_low, background_corrected_high : float
        Value and 95 % interval without the coincidences that background made.
    model : ndarray, shape (n,)
        Coincidences that the best point expects in each bin of the curve.
    """

    value: float
    low_68: float
    high_68: float
    low_95: float
    high_95: float
    components: int
    fastest_ns: float
    plateau: float
    delay_ns: float
    rise_time_ns: float
    deviance: float
    dof: int
    p_value: float
    dip_chance: float
    coincidences: int
    uncorrected: float
    uncorrected_err: float
    background_corrected: float
    background_corrected_low: float
    background_corrected_high: float
    model: NDArray[np.float64] = field(repr=False, compare=False)

    @property
    def rate_normalized(self) -> float:
        """The value relative to rates times time instead of the plateau."""
        return self.value * self.plateau

    @property
    def blinking_factor(self) -> float:
        """Plateau relative to rates times time; 1/p for a dot that emits a share p of the time."""
        return self.plateau


@dataclass(frozen=True)
class PulsedG2Zero:
    """g2(0) under pulses: coincidences of the central peak relative to the other peaks.

    Attributes
    ----------
    value : float
        Overlap of the peaks and flat background taken out.
    low_68, high_68, low_95, high_95 : float
        Ends of its profile intervals.
    lifetime_ns : float
        Of the peaks' two-sided exponentials, the one with the larger share.
    delay_ns : float
        Centre of the central peak.
    period_ns : float
        Between pulses, refined.
    peak_coincidences : float
        In one of the other peaks, those at long delays.
    flat_per_ns : float
        Coincidences that do not follow the pulses.
    deviance, p_value : float
    dof : int
        Goodness of fit.
    coincidences : int
        In the whole curve.
    model : ndarray, shape (n,)
        Coincidences that the best point expects in each bin of the curve.
    """

    value: float
    low_68: float
    high_68: float
    low_95: float
    high_95: float
    lifetime_ns: float
    delay_ns: float
    period_ns: float
    peak_coincidences: float
    flat_per_ns: float
    deviance: float
    dof: int
    p_value: float
    coincidences: int
    model: NDArray[np.float64] = field(repr=False, compare=False)
