"""What series of spots say of dots, where some spots are two dots of which one suffices."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.turn_on_curve import FIRST_LIGHT, RISE, CurveShape, Estimate, TurnOnCurve
from qdimage.domain.voltage_series import MonotoneFraction
from qdimage.match.blends import share_of_dots

Array = NDArray[np.float64]

_TENTH = 0.1


def fraction_of_dots(found: MonotoneFraction, blends: float) -> MonotoneFraction:
    """Return the shares of dots from those of spots, of which a share is two dots."""

    def freed(shares: Array) -> Array:
        return np.array([share_of_dots(float(share), blends) for share in shares])

    return replace(
        found, fraction=freed(found.fraction), low=freed(found.low), high=freed(found.high)
    )


def curve_of_dots(curve: TurnOnCurve, blends: float) -> TurnOnCurve:
    """Return the curve of dots from that of spots, of which a share is two dots.

    Two dots are lit from the lower of their voltages on, so that spots turn on a little early. What
    is not logistic in that is left out, and each interval moves or grows as its value does.
    """
    if blends <= 0:
        return curve
    spots = curve.shape
    plateau, below = (share_of_dots(share, blends) for share in (spots.plateau, spots.below_range))

    def voltage(rise: float) -> float:
        share = below + rise * (plateau - below)
        return spots.voltage_at(share + blends * share * (1.0 - share))

    half = (0.5 * plateau - below) / (plateau - below)
    median, width = voltage(half), voltage(1.0 - _TENTH) - voltage(_TENTH)
    wider = width / (RISE * spots.scale_v)
    shape = CurveShape.of(median, wider * curve.width_v.value, below, plateau)
    first = shape.voltage_at(FIRST_LIGHT)
    return replace(
        curve,
        shape=shape,
        median_v=_moved(curve.median_v, median - spots.voltage_at(0.5 * spots.plateau)),
        width_v=_grown(curve.width_v, wider),
        plateau=Estimate(
            *(
                share_of_dots(share, blends)
                for share in (curve.plateau.value, curve.plateau.low, curve.plateau.high)
            )
        ),
        first_light_v=_moved(curve.first_light_v, first - curve.first_light_v.value),
    )


def _moved(found: Estimate, by: float) -> Estimate:
    return Estimate(found.value + by, found.low + by, found.high + by)


def _grown(found: Estimate, factor: float) -> Estimate:
    return Estimate(found.value * factor, found.low * factor, found.high * factor)
