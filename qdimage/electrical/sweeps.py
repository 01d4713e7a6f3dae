"""The sweeps of an I-V curve: stretches in which the voltage goes one way."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.iv import IvCurve

Array = NDArray[np.float64]
Direction = Literal["up", "down", "hold"]

# A measured voltage scatters about the one that was set; a turn is further back than that.
_TURN_STEPS, _TURN_SHARE = 1.5, 0.02
# A voltage that was held scatters by less.
_HELD_V = 5e-3
_LEAST_READINGS = 3


@dataclass(frozen=True)
class Sweep:
    """One stretch of readings.

    Attributes
    ----------
    direction : {"up", "down", "hold"}
        Hold: the voltage does not change.
    voltage_v, current_a : ndarray, shape (n,)
        Readings that are usable, the voltage rising.
    n_readings, n_overflow, n_compliance : int
        All of them, and those that are not usable.
    """

    direction: Direction
    voltage_v: Array
    current_a: Array
    n_readings: int
    n_overflow: int
    n_compliance: int


def sweeps_of(curve: IvCurve) -> list[Sweep]:
    """Return the sweeps of a curve, in the order in which they were taken."""
    bounds = _turns(curve.voltage_v)
    return [_sweep(curve, slice(first, stop)) for first, stop in bounds]


def _turns(voltage_v: Array) -> list[tuple[int, int]]:
    """Half-open ranges between the turning points; the reading at a turn ends a sweep."""
    span = float(np.ptp(voltage_v))
    if span <= _HELD_V:
        return [(0, len(voltage_v))]
    steps = np.abs(np.diff(voltage_v))
    moving = steps[steps > 1e-6 * span]
    least = max(_TURN_STEPS * float(np.median(moving)), _TURN_SHARE * span)
    first, extreme, rising = 0, 0, None
    found: list[tuple[int, int]] = []
    for at, volts in enumerate(voltage_v):
        ahead = volts - voltage_v[extreme]
        if rising is None:
            if abs(volts - voltage_v[first]) >= least:
                rising, extreme = bool(volts > voltage_v[first]), at
        elif (ahead >= 0) == rising or ahead == 0:
            extreme = at
        elif abs(ahead) >= least:
            found.append((first, extreme + 1))
            first, extreme, rising = extreme + 1, at, not rising
    found.append((first, len(voltage_v)))
    return _joined(found)


def _joined(bounds: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give stretches that are too short for a sweep to the one before, the first to the next."""
    found: list[tuple[int, int]] = []
    for first, stop in bounds:
        short = stop - first < _LEAST_READINGS
        if found and (short or found[-1][1] - found[-1][0] < _LEAST_READINGS):
            first = found.pop()[0]
        found.append((first, stop))
    return found


def _sweep(curve: IvCurve, part: slice) -> Sweep:
    volts, amps, usable = curve.voltage_v[part], curve.current_a[part], curve.usable[part]
    away = float(volts[-1] - volts[0])
    holds = float(np.ptp(volts)) <= _HELD_V
    order = np.argsort(volts[usable], kind="stable")
    return Sweep(
        "hold" if holds else "up" if away > 0 else "down",
        volts[usable][order],
        amps[usable][order],
        len(volts),
        int(np.isnan(amps).sum()),
        int((curve.compliance[part] & np.isfinite(amps)).sum()),
    )


def loop_partners(sweeps: list[Sweep]) -> list[int | None]:
    """Return the sweep before each one if that went the other way, by index."""
    found: list[int | None] = []
    for at, sweep in enumerate(sweeps):
        opposite = at > 0 and {sweep.direction, sweeps[at - 1].direction} == {"up", "down"}
        found.append(at - 1 if opposite else None)
    return found
