"""Exponential decays after periodic pulses, seen through a response: integrals and derivatives.

The integral of one pulse's decay up to u is H(u) = R(u) - S(u), where R is the integral of the
response of unit area and S its convolution with exp(-u/tau). Earlier pulses add
T(u) = sum over m >= 1 of S(u + m period), a geometric series once the response has passed.
A Gaussian gives the exponentially modified Gaussian (Grushka, Anal. Chem. 44, 1733, 1972,
doi:10.1021/ac60319a011); a measured histogram is even within each of its bins, and its
convolution is exact at any time, whatever its shift.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.photons.dip_shape import erfcx

Array = NDArray[np.float64]

_SQRT_2 = math.sqrt(2.0)
_SQRT_2PI = math.sqrt(2.0 * math.pi)
# Standard deviations before the pulse at which a Gaussian response begins.
REACH = 8.0
_TAIL = 8.5
# Standard deviations of the response in a lifetime, above which nothing is left after a period.
_FADED = 4.0
# Columns that are filled: the integral, and its derivatives.
VALUE, BY_TIME, BY_PULSE, BY_WIDTH = 0, 1, 2, 3
N_COLUMNS = 4


class Pulse(NamedTuple):
    """What is known of pulses and response.

    Attributes
    ----------
    period_ns : float
        Huge where earlier pulses do not matter.
    measured : bool
        Whether `edges_ns` and `density` hold; else the response is Gaussian.
    edges_ns, density : ndarray, shape (m + 1,), (m,)
        Of the measured response, with unit area.
    integral : ndarray, shape (m + 1,)
        Of `density`, at the edges.
    """

    period_ns: float
    measured: bool
    edges_ns: Array
    density: Array
    integral: Array


@njit(cache=True)
def _gaussian(u: float, tau: float, sigma: float, out: Array) -> None:
    """Fill H and its derivatives by ln tau, by the pulse's place and by ln sigma."""
    x, s = u / sigma, sigma / tau
    phi = math.exp(-0.5 * x * x) / _SQRT_2PI
    z = (s - x) / _SQRT_2
    if z > 0.0:
        fading = 0.5 * math.exp(-0.5 * x * x) * erfcx(z)
    elif -z > _TAIL:
        fading = math.exp(0.5 * s * s - x * s)
    else:
        fading = math.exp(0.5 * s * s - x * s) * (1.0 - 0.5 * math.erfc(-z))
    out[VALUE] = 0.5 * math.erfc(-x / _SQRT_2) - fading
    out[BY_TIME] = s * ((s - x) * fading - phi)
    out[BY_PULSE] = -fading / tau
    out[BY_WIDTH] = s * phi - s * s * fading


@njit(cache=True)
def _gaussian_tail(u: float, tau: float, sigma: float, period: float, out: Array) -> None:
    """Subtract what earlier pulses left over."""
    s, later, y = sigma / tau, (u + period) / tau, period / tau
    if s > _FADED:
        return
    rest = -math.expm1(-y)
    left = math.exp(0.5 * s * s - later) / rest
    if left == 0.0:
        return
    out[VALUE] -= left
    out[BY_TIME] -= left * (later - s * s + y * math.exp(-y) / rest)
    out[BY_PULSE] -= left / tau
    out[BY_WIDTH] -= left * s * s


@njit(cache=True)
def _fill_convolution(pulse: Pulse, tau: float, at_edges: Array) -> None:
    """Fill S of a measured response and its derivative by ln tau, at the response's edges."""
    at_edges[0, 0] = at_edges[0, 1] = 0.0
    for j in range(pulse.density.shape[0]):
        part = (pulse.edges_ns[j + 1] - pulse.edges_ns[j]) / tau
        fade, step = math.exp(-part), -math.expm1(-part)
        new = pulse.density[j] * tau
        at_edges[j + 1, 0] = at_edges[j, 0] * fade + new * step
        at_edges[j + 1, 1] = (
            at_edges[j, 1] * fade + at_edges[j, 0] * fade * part + new * (step - part * fade)
        )


@njit(cache=True)
def _measured(pulse: Pulse, u: float, tau: float, at_edges: Array, out: Array) -> None:
    """Fill H and its derivatives for a measured response."""
    edges, m = pulse.edges_ns, pulse.density.shape[0]
    out[:] = 0.0
    if u <= edges[0]:
        return
    j = min(np.searchsorted(edges, u, side="right") - 1, m)
    part, density = (u - edges[j]) / tau, 0.0
    if j < m:
        density = pulse.density[j]
    fade, step = math.exp(-part), -math.expm1(-part)
    fading = at_edges[j, 0] * fade + density * tau * step
    out[VALUE] = pulse.integral[j] + density * (u - edges[j]) - fading
    out[BY_TIME] = -(
        at_edges[j, 1] * fade + at_edges[j, 0] * fade * part + density * tau * (step - part * fade)
    )
    out[BY_PULSE] = -fading / tau


@njit(cache=True)
def _measured_tail(pulse: Pulse, u: float, tau: float, at_edges: Array, out: Array) -> None:
    m = pulse.density.shape[0]
    later, y = (u + pulse.period_ns - pulse.edges_ns[m]) / tau, pulse.period_ns / tau
    rest = -math.expm1(-y)
    fade = math.exp(-later) / rest
    if fade == 0.0:
        return
    left = at_edges[m, 0] * fade
    out[VALUE] -= left
    out[BY_TIME] -= at_edges[m, 1] * fade + left * (later + y * math.exp(-y) / rest)
    out[BY_PULSE] -= left / tau


@njit(cache=True)
def fill_decay(
    pulse: Pulse, edges: Array, tau: float, pulse_ns: float, sigma: float, columns: Array
) -> None:
    """Fill the share of a decay's photons in each bin, and its derivatives.

    Parameters
    ----------
    pulse : Pulse
        The period is longer than the response by far.
    edges : ndarray, shape (n + 1,)
        Of the bins, ns, anywhere relative to the pulses.
    tau, pulse_ns, sigma : float
        Lifetime; place of a pulse, of a measured response its shift; standard deviation of a
        Gaussian response.
    columns : ndarray, shape (N_COLUMNS, n)
        Filled: the share of the photons of one period, then its derivatives by ln tau, by
        `pulse_ns` and by ln sigma.
    """
    m = pulse.density.shape[0]
    at_edges = np.zeros((m + 1, 2))
    begins = -REACH * sigma
    if pulse.measured:
        _fill_convolution(pulse, tau, at_edges)
        begins = pulse.edges_ns[0]
    last, here = np.zeros(N_COLUMNS), np.zeros(N_COLUMNS)
    for k in range(edges.shape[0]):
        t = edges[k] - pulse_ns - begins
        turns = math.floor(t / pulse.period_ns)
        u = t - turns * pulse.period_ns + begins
        if pulse.measured:
            _measured(pulse, u, tau, at_edges, here)
            _measured_tail(pulse, u, tau, at_edges, here)
        else:
            _gaussian(u, tau, sigma, here)
            _gaussian_tail(u, tau, sigma, pulse.period_ns, here)
        here[VALUE] += turns
        if k > 0:
            for c in range(N_COLUMNS):
                columns[c, k - 1] = here[c] - last[c]
        last[:] = here
