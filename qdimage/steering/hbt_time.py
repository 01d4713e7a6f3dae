"""How long an HBT measurement takes until g2(0) is known to a wanted error."""

import numpy as np
from numpy.typing import NDArray

from qdimage.numerics.gaussian import FWHM_PER_SIGMA

Array = NDArray[np.float64]

_STEPS_PER_TIME = 40
# In units of the longer of rise time and response, and at least in ns.
_REACH, _LEAST_REACH_NS = 12.0, 60.0
_MOST_STEPS = 20_000


def g2_0_err(
    coincidences_per_ns: float,
    *,
    g2_0: float,
    rise_time_ns: float,
    fastest_ns: float | None,
    response_fwhm_ns: float,
) -> float:
    """Return the standard error of g2(0) that the counts allow when the dip's shape is not known.

    It is the Cramer-Rao bound of a Poisson curve whose dip is one exponential, where the fit is
    free in the plateau, the centre, the rise time and in the weight of a second exponential as
    fast as the fit allows: the one that hides g2(0) best. It falls as the root of the counts.

    Parameters
    ----------
    coincidences_per_ns : float
        On the plateau.
    g2_0, rise_time_ns : float
        Of the dip.
    fastest_ns : float or None
        Bound on the fit's components (option ``g2.fastest_ns``); None where the dip is known to be
        one exponential.
    response_fwhm_ns : float
        Of the two detectors together.
    """
    hidden_ns = 0.5 * rise_time_ns if fastest_ns is None else min(fastest_ns, 0.5 * rise_time_ns)
    lag, step = _lags(rise_time_ns, hidden_ns, response_fwhm_ns)
    size = np.abs(lag)
    slow = np.exp(-size / rise_time_ns)
    light = 1.0 - (1.0 - g2_0) * slow
    slopes = [slow, light, np.sign(lag) * slow, size / rise_time_ns * slow]
    if fastest_ns is not None:
        slopes.append(np.exp(-size / hidden_ns) - slow)
    seen = [_blurred(each, step, response_fwhm_ns) for each in slopes]
    mean = np.maximum(_blurred(light, step, response_fwhm_ns), 1e-9)
    scales = np.array([np.abs(each).max() for each in seen])
    rows = np.array(seen) / scales[:, np.newaxis]
    information = step * (rows / mean) @ rows.T
    variance = np.linalg.inv(information)[0, 0] / scales[0] ** 2
    return float(np.sqrt(variance / coincidences_per_ns))


def seconds_for_g2_err(err: float, *, counts_s: Array, unit_err: Array) -> Array:
    """Return the time after which the standard error of g2(0) is `err`.

    Parameters
    ----------
    err : float
    counts_s : ndarray, shape (n,)
        Of both detectors, half of them on each.
    unit_err : ndarray, shape (n,)
        `g2_0_err` at one coincidence per ns.
    """
    per_ns_and_s = (counts_s / 2) ** 2 * 1e-9
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((unit_err / err) ** 2 / per_ns_and_s)


def _lags(rise_time_ns: float, fastest_ns: float, response_fwhm_ns: float) -> tuple[Array, float]:
    shortest = min(max(response_fwhm_ns / FWHM_PER_SIGMA, fastest_ns / 4), fastest_ns)
    reach = max(_REACH * max(rise_time_ns, response_fwhm_ns), _LEAST_REACH_NS)
    step = max(shortest / _STEPS_PER_TIME * 4, 2 * reach / _MOST_STEPS)
    half = np.arange(step / 2, reach, step)
    return np.concatenate([-half[::-1], half]), step


def _blurred(values: Array, step: float, fwhm_ns: float) -> Array:
    """Values seen through a Gaussian response."""
    sigma = fwhm_ns / FWHM_PER_SIGMA / step
    if sigma < 1e-3:
        return values
    at = np.arange(-np.ceil(5 * sigma), np.ceil(5 * sigma) + 1)
    kernel = np.exp(-0.5 * (at / max(sigma, 0.1)) ** 2)
    padded = np.pad(values, (len(at) - 1) // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid")
