"""A two-sided exponential seen by detectors of Gaussian response: value and integral, closed."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SQRT_2 = math.sqrt(2.0)
_SQRT_PI = math.sqrt(math.pi)
# From here on the asymptotic series is good to the last digits; exp(z^2) erfc(z) is below it.
_SERIES_FROM = 8.0
_SERIES_TERMS = 12
# Standard deviations beyond which a Gaussian tail is less than the rounding of one.
_TAIL = 8.5


@njit(cache=True)
def erfcx(z: float) -> float:
    """Return exp(z^2) erfc(z) for z >= 0 (Abramowitz and Stegun 7.1.23 for large z)."""
    if z < _SERIES_FROM:
        return math.exp(z * z) * math.erfc(z)
    inverse = 0.5 / (z * z)
    total = 1.0
    for k in range(_SERIES_TERMS, 0, -1):
        total = 1.0 - (2 * k - 1) * inverse * total
    return total / (z * _SQRT_PI)


@njit(cache=True)
def blurred_exponential(t: float, tau: float, sigma: float) -> tuple[float, float, float]:
    """Return exp(-|t|/tau) convolved with a unit Gaussian, its integral from 0, and a derivative.

    With g(t) = exp(s^2/2 tau^2 - t/tau) erfc((s/tau - t/s)/sqrt 2)/2, the exponentially modified
    Gaussian (Grushka, Anal. Chem. 44, 1733, 1972, doi:10.1021/ac60319a011), the value is
    h = g(t) + g(-t) and the integral H = tau (erf(t/(s sqrt 2)) - g(t) + g(-t)).

    Parameters
    ----------
    t, tau, sigma : float
        tau and sigma above 0.

    Returns
    -------
    h, H, tau dH/dtau
    """
    size = abs(t)
    u, ratio = size / sigma, sigma / tau
    if u > _TAIL + ratio:
        ahead, behind, error = math.exp(0.5 * ratio * ratio - size / tau), 0.0, 1.0
    else:
        gauss = 0.5 * math.exp(-0.5 * u * u)
        behind = gauss * erfcx((ratio + u) / _SQRT_2)
        z = (ratio - u) / _SQRT_2
        if z > 0.0:
            ahead = gauss * erfcx(z)
        else:
            ahead = math.exp(0.5 * ratio * ratio - size / tau) - gauss * erfcx(-z)
        error = math.erf(u / _SQRT_2)
    value = ahead + behind
    integral = tau * (error - ahead + behind)
    by_log_tau = integral - size * value + sigma * ratio * (ahead - behind)
    if t < 0.0:
        return value, -integral, -by_log_tau
    return value, integral, by_log_tau


@njit(cache=True)
def fill_bin_means(
    edges: Array,
    centre: float,
    tau: float,
    sigma: float,
    mean: Array,
    by_log_tau: Array,
    by_centre: Array,
) -> None:
    """Fill the mean of the blurred exponential in each bin, and its derivatives.

    Parameters
    ----------
    edges : ndarray, shape (n + 1,)
        Growing, ns.
    centre, tau, sigma : float
        ns.
    mean, by_log_tau, by_centre : ndarray, shape (n,)
        Filled: the mean, its derivatives by ln tau and by the centre.
    """
    value, integral, by_tau = blurred_exponential(edges[0] - centre, tau, sigma)
    for k in range(mean.shape[0]):
        value_1, integral_1, by_tau_1 = blurred_exponential(edges[k + 1] - centre, tau, sigma)
        width = edges[k + 1] - edges[k]
        mean[k] = (integral_1 - integral) / width
        by_log_tau[k] = (by_tau_1 - by_tau) / width
        by_centre[k] = (value - value_1) / width
        value, integral, by_tau = value_1, integral_1, by_tau_1
