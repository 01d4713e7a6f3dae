"""What of a sweep's current is a leak: its ohmic part at low voltage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from qdimage.domain.refusal import Refusal
from qdimage.electrical.sweeps import Sweep

Array = NDArray[np.float64]

_LEAST_READINGS = 6
_SHRINK = 0.75
_BENT_P = 0.01
_TWO_SIDED = 0.975


@dataclass(frozen=True)
class Leak:
    """A straight line through the current at low voltage.

    Attributes
    ----------
    siemens, low, high : float
        Its slope with the 95 % interval; low may be negative.
    offset_a : float
        Current at 0 V, which a source-meter adds.
    window_v : float
        Readings up to this voltage were fitted.
    n_readings : int
    bend_p : float
        Of a bend as strong by chance, where the line is straight.
    noise_a : float
        Scatter of a reading about the line.
    """

    siemens: float
    low: float
    high: float
    offset_a: float
    window_v: float
    n_readings: int
    bend_p: float
    noise_a: float

    def current_a(self, voltage_v: Array) -> Array:
        """Return what leaks at a voltage."""
        return np.asarray(self.offset_a + self.siemens * voltage_v)


def find_leak(sweep: Sweep, *, window_v: float) -> Leak | Refusal:
    """Fit the ohmic part, in the widest window in which a line fits.

    A window in which the current bends, be it by a cube or by a square, is made narrower: there
    something is injected. Errors are those that the scatter about the line shows, whatever the
    source-meter's noise grows with (HC3; MacKinnon and White, J. Econometrics 29, 305, 1985).

    Parameters
    ----------
    sweep : Sweep
    window_v : float
        Of the widest window.
    """
    tried = 0
    while True:
        inside = np.abs(sweep.voltage_v) <= window_v
        volts, amps = sweep.voltage_v[inside], sweep.current_a[inside]
        if len(np.unique(volts)) < _LEAST_READINGS:
            reason = "the current bends in every wider window" if tried else "take smaller steps"
            return Refusal(
                f"found {len(np.unique(volts))} usable voltages within {window_v:.2g} V, expected "
                f"at least {_LEAST_READINGS} for the ohmic part; {reason}"
            )
        bend_p = min(1.0, 2 * min(_bend_p(volts, amps, 2), _bend_p(volts, amps, 3)))
        if bend_p > _BENT_P:
            return _line(volts, amps, window_v, bend_p)
        tried += 1
        window_v *= _SHRINK


def _line(volts: Array, amps: Array, window_v: float, bend_p: float) -> Leak:
    design = np.column_stack([np.ones(len(volts)), volts])
    solution, covariance, residual = _fit(design, amps)
    far = float(student.ppf(_TWO_SIDED, len(volts) - 2)) * float(np.sqrt(covariance[1, 1]))
    slope = float(solution[1])
    noise = float(np.sqrt(residual @ residual / (len(volts) - 2)))
    return Leak(
        slope,
        slope - far,
        slope + far,
        float(solution[0]),
        window_v,
        len(volts),
        bend_p,
        noise,
    )


def _bend_p(volts: Array, amps: Array, power: int) -> float:
    """Probability of so strong a bend, where the line is straight."""
    scaled = volts / np.abs(volts).max()
    design = np.column_stack([np.ones(len(volts)), scaled, scaled**power])
    if np.linalg.matrix_rank(design) < 3:
        return 1.0
    # Equal scatter is taken here: errors that follow the residuals would grow with the bend itself.
    solution, _, residual = _fit(design, amps)
    dof = len(volts) - 3
    err = float(np.sqrt(np.linalg.inv(design.T @ design)[2, 2] * (residual @ residual) / dof))
    return 1.0 if err == 0 else float(2 * student.sf(abs(float(solution[2])) / err, dof))


def _fit(design: Array, amps: Array) -> tuple[Array, Array, Array]:
    """Least squares, and a covariance that does not need the scatter to be the same throughout."""
    bread = np.linalg.inv(design.T @ design)
    solution = bread @ (design.T @ amps)
    residual = amps - design @ solution
    leverage = np.einsum("ij,jk,ik->i", design, bread, design)
    meat = residual / np.maximum(1.0 - leverage, 1e-3)
    covariance = bread @ ((design * meat[:, None] ** 2).T @ design) @ bread
    return solution, covariance, residual
