"""How a sweep differs from the one before it, which went the other way."""

from dataclasses import dataclass

import numpy as np

from qdimage.domain.refusal import Refusal
from qdimage.electrical.sweeps import Sweep

_LEAST_VOLTAGES = 3
# Currents below this many times the scatter at low voltage say nothing about a ratio.
_OF_NOISE = 5.0


@dataclass(frozen=True)
class Hysteresis:
    """Currents of a sweep over those of the sweep before it, at the same voltages.

    Attributes
    ----------
    ratio : float
        Geometric mean; 1 without hysteresis.
    extreme_ratio : float
        The one furthest from 1.
    extreme_v : float
        Its voltage.
    loop_w : float
        Area of the loop in the plane of current and voltage, positive where the rising sweep has
        the larger current.
    n_voltages : int
        That were compared.
    """

    ratio: float
    extreme_ratio: float
    extreme_v: float
    loop_w: float
    n_voltages: int


def compare_sweeps(sweep: Sweep, before: Sweep, *, noise_a: float) -> Hysteresis | Refusal:
    """Compare two sweeps at the voltages of the first, where both have a current above the noise.

    Parameters
    ----------
    sweep, before : Sweep
        In opposite directions.
    noise_a : float
        Scatter of a reading where hardly any current flows.
    """
    if len(sweep.voltage_v) < 2 or len(before.voltage_v) < 2:
        return Refusal("a sweep has fewer than 2 usable readings, so that there is no hysteresis")
    volts, amps = _one_for_each(sweep)
    other_volts, other_amps = _one_for_each(before)
    shared = (volts >= other_volts[0]) & (volts <= other_volts[-1])
    volts, amps = volts[shared], amps[shared]
    other = np.interp(volts, other_volts, other_amps)
    least = _OF_NOISE * noise_a
    clear = (np.minimum(np.abs(amps), np.abs(other)) > least) & (amps * other > 0)
    if clear.sum() < _LEAST_VOLTAGES:
        return Refusal(
            f"found {int(clear.sum())} voltages at which both sweeps have a current above "
            f"{least:.2g} A, expected at least {_LEAST_VOLTAGES} for a hysteresis"
        )
    log = np.log(amps[clear] / other[clear])
    most = int(np.argmax(np.abs(log)))
    up = before.direction == "up"
    # The reading at the turn ends the one sweep and begins the other.
    turn = other_volts[-1] if up else other_volts[0]
    whole = np.append(volts, turn) if up else np.insert(volts, 0, turn)
    lost = np.append(other - amps, 0.0) if up else np.insert(other - amps, 0, 0.0)
    return Hysteresis(
        float(np.exp(log.mean())),
        float(np.exp(log[most])),
        float(volts[clear][most]),
        (1.0 if up else -1.0) * float(np.trapezoid(lost, whole)),
        int(clear.sum()),
    )


def _one_for_each(sweep: Sweep) -> tuple[np.ndarray, np.ndarray]:
    """Mean current of each voltage."""
    volts, at = np.unique(sweep.voltage_v, return_inverse=True)
    return volts, np.bincount(at, weights=sweep.current_a) / np.bincount(at)
