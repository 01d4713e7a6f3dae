"""The current at a voltage, from all sweeps of a device."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qdimage.domain.refusal import Refusal
from qdimage.electrical.sweeps import Sweep

# A voltage as far outside a sweep as this was still reached, as far as a source-meter sets it.
_BEYOND_V = 2e-3


@dataclass(frozen=True)
class Current:
    """The current at a voltage.

    Attributes
    ----------
    mean_a : float
        Geometric mean of the sweeps.
    low_a, high_a : float
        Smallest and largest of them.
    n_sweeps : int
    """

    mean_a: float
    low_a: float
    high_a: float
    n_sweeps: int


def current_at(sweeps: Sequence[Sweep], voltage_v: float) -> Current | Refusal:
    """Return the current at a voltage: between two readings of a sweep, where both are positive,
    its logarithm is taken as straight.

    Parameters
    ----------
    sweeps : sequence of Sweep
        Of one device; readings in compliance are not in them.
    voltage_v : float
        Of either sign.
    """
    found = [amps for each in sweeps if (amps := _in_sweep(each, voltage_v)) is not None]
    if not found:
        ends = [
            float(end) for each in sweeps if len(each.voltage_v) for end in each.voltage_v[[0, -1]]
        ]
        reach = f"{min(ends):g} to {max(ends):g} V" if ends else "no usable voltage"
        return Refusal(
            f"found a current from {reach} outside compliance, expected one at {voltage_v:g} V; "
            "sweep further"
        )
    forward = np.array(found) * (np.sign(voltage_v) or 1.0)
    if np.any(forward <= 0):
        return Refusal(
            f"found a current of {found[0]:.2g} A at {voltage_v:g} V, expected one of the "
            "voltage's sign; it is within the source-meter's offset"
        )
    return Current(
        float(np.exp(np.log(forward).mean())),
        float(forward.min()),
        float(forward.max()),
        len(found),
    )


def _in_sweep(sweep: Sweep, voltage_v: float) -> float | None:
    volts, at = np.unique(sweep.voltage_v, return_inverse=True)
    if not len(volts) or not volts[0] - _BEYOND_V <= voltage_v <= volts[-1] + _BEYOND_V:
        return None
    amps = np.bincount(at, weights=sweep.current_a) / np.bincount(at)
    right = int(np.clip(np.searchsorted(volts, voltage_v), 1, max(len(volts) - 1, 1)))
    if len(volts) == 1:
        return float(amps[0])
    left = right - 1
    share = float(np.clip((voltage_v - volts[left]) / (volts[right] - volts[left]), 0.0, 1.0))
    low, high = float(amps[left]), float(amps[right])
    if low > 0 and high > 0:
        return float(np.exp((1 - share) * np.log(low) + share * np.log(high)))
    return (1 - share) * low + share * high
