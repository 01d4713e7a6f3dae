"""A curve through the share of lit dots against voltage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# 10 to 90 % of a logistic rise, in units of its scale.
RISE = 2.0 * float(np.log(9.0))
FIRST_LIGHT = 0.05


@dataclass(frozen=True)
class Estimate:
    """A value and the ends of its interval; an end that the data do not give is NaN."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CurveShape:
    """Share of lit dots: a logistic rise between those lit below the range and a plateau.

    Attributes
    ----------
    centre_v, scale_v : float
        Of the logistic distribution of the turn-on voltages.
    below_range : float
        Share of all dots that are lit at any voltage.
    plateau : float
        What the share tends to.
    """

    centre_v: float
    scale_v: float
    below_range: float
    plateau: float

    @classmethod
    def of(
        cls, median_v: float, width_v: float, below_range: float, plateau: float
    ) -> "CurveShape":
        """Return the curve of which half the plateau is reached at the median."""
        scale = width_v / RISE
        half = (0.5 * plateau - below_range) / (plateau - below_range)
        centre = median_v - scale * float(np.log(half / (1.0 - half)))
        return cls(centre, scale, below_range, plateau)

    def fraction(self, voltage_v: Array) -> Array:
        """Return the share that is lit at each voltage."""
        rise = 0.5 + 0.5 * np.tanh(0.5 * (voltage_v - self.centre_v) / self.scale_v)
        return np.asarray(self.below_range + (self.plateau - self.below_range) * rise)

    def voltage_at(self, share: float) -> float:
        """Return the voltage at which a share of all dots is lit; NaN where there is none."""
        if not self.below_range < share < self.plateau:
            return float("nan")
        rise = (share - self.below_range) / (self.plateau - self.below_range)
        return float(self.centre_v + self.scale_v * np.log(rise / (1.0 - rise)))


@dataclass(frozen=True)
class TurnOnCurve:
    """A fitted curve.

    Attributes
    ----------
    shape : CurveShape
    median_v : Estimate
        Voltage at which half of the dots that ever light are lit.
    width_v : Estimate
        From 10 to 90 % of the rise.
    plateau : Estimate
    first_light_v : Estimate
        Voltage at which `FIRST_LIGHT` of all dots are lit.
    deviance : float
        Twice the log-likelihood that the free monotone shares have more.
    dof : int
        Voltages less free parameters.
    p_value : float
        NaN without degrees of freedom.
    """

    shape: CurveShape
    median_v: Estimate
    width_v: Estimate
    plateau: Estimate
    first_light_v: Estimate
    deviance: float
    dof: int
    p_value: float
