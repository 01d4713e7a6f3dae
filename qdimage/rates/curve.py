"""g2 of a rate model as bins and detectors show it, fast enough to be fitted.

The integral of g2 over the delay is sampled on a grid that thins out with the delay. The detectors'
response blurs it: near zero delay, where g2 has a cusp, by quadrature; further out the blurred
distribution over states is what develops.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.rates.curve_matrix import fill_steady_state, largest_rate, move_ahead
from qdimage.rates.curve_samples import Samples, fill_integrals, integral, sampled
from qdimage.rates.declaration import RateModel

Array = NDArray[np.float64]

# Beyond it a Gaussian response is nothing: 3e-12.
_REACH_SIGMA = 7.0
_LEGENDRE, _LEGENDRE_WEIGHTS = np.polynomial.legendre.leggauss(10)
_HERMITE, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(12)
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / math.sqrt(2.0 * math.pi)
# Longest panels of the quadrature near zero delay, relative to the fastest time constant, and
# anywhere, relative to the response.
_PANEL, _PANEL_SIGMA = 3.0, 2.0
_US_PER_NS = 1e-3


class Light(NamedTuple):
    """Steady light of a model, ready to be asked for curves. Times in ns.

    Attributes
    ----------
    flow : ndarray, shape (n, n)
        Rates from row to column, 1/ns.
    fastest : float
        Largest rate at which a state is left, 1/ns.
    populations : ndarray, shape (n,)
    state : ndarray, shape (n,)
        Distribution over states after a photon.
    detect : ndarray, shape (n,)
        Photon rate of each state, relative to the mean.
    intensity_per_us : float
    """

    flow: Array
    fastest: float
    populations: Array
    state: Array
    detect: Array
    intensity_per_us: float


class Correlation(NamedTuple):
    """Integral of g2 over the delay, blurred.

    Attributes
    ----------
    sigma, reach : float
        Standard deviation of the response, and where it ends, ns.
    near : Samples
        Not blurred, from zero delay.
    far : Samples
        Blurred, from `reach` on.
    at_reach : float
        Blurred integral up to there.
    fastest : float
    """

    sigma: float
    reach: float
    near: Samples
    far: Samples
    at_reach: float
    fastest: float


@njit(cache=True)
def light_of(flow_per_us: Array, emission_per_us: Array) -> Light:
    """Return the steady light of a model; its intensity is NaN where a state is never left.

    Parameters
    ----------
    flow_per_us, emission_per_us : ndarray, shape (n, n)
        Rates of jumps from row to column, and of those that give a counted photon.
    """
    n = flow_per_us.shape[0]
    flow = flow_per_us * _US_PER_NS
    populations, state, detect = np.zeros(n), np.zeros(n), np.zeros(n)
    fastest = largest_rate(flow)
    if not fill_steady_state(flow, populations):
        return Light(flow, fastest, populations, state, detect, math.nan)
    intensity = 0.0
    for i in range(n):
        for j in range(n):
            state[j] += populations[i] * emission_per_us[i, j]
            detect[i] += emission_per_us[i, j]
    for i in range(n):
        intensity += state[i]
    if not intensity > 0.0:
        return Light(flow, fastest, populations, state, detect, math.nan)
    for i in range(n):
        state[i] /= intensity
        detect[i] /= intensity
    return Light(flow, fastest, populations, state, detect, intensity)


@njit(cache=True)
def g2_at_zero(light: Light) -> float:
    """Return g2 at zero delay, neither averaged nor blurred."""
    total = 0.0
    for i in range(light.state.shape[0]):
        total += light.detect[i] * light.state[i]
    return total


@njit(cache=True)
def correlation(light: Light, sigma: float, longest: float) -> Correlation:
    """Prepare the blurred integral of g2.

    Parameters
    ----------
    light : Light
    sigma : float
        Standard deviation of the response of the pair of detectors, ns; 0 for none.
    longest : float
        Largest delay that is asked for, ns.
    """
    if sigma <= 0.0:
        near = sampled(light.flow, light.fastest, light.state, light.detect, longest)
        return Correlation(0.0, 0.0, near, near, 0.0, light.fastest)
    reach = _REACH_SIGMA * sigma
    near = sampled(light.flow, light.fastest, light.state, light.detect, 2.0 * reach)
    start = _blurred_state(light, sigma, reach)
    far = sampled(light.flow, light.fastest, start, light.detect, max(longest - reach, 0.0))
    at_reach = _blurred_integral(near, light.fastest, sigma, reach)
    return Correlation(sigma, reach, near, far, at_reach, light.fastest)


@njit(cache=True)
def _blurred_state(light: Light, sigma: float, reach: float) -> Array:
    """Mean over the response of the distribution over states at a delay."""
    here = light.state.copy()
    mean = np.zeros_like(here)
    reached = 0.0
    for k in range(_HERMITE.shape[0]):
        time = reach + sigma * _HERMITE[k]
        move_ahead(light.flow, light.fastest, time - reached, here)
        reached = time
        for i in range(mean.shape[0]):
            mean[i] += _HERMITE_WEIGHTS[k] * here[i]
    return mean


@njit(cache=True)
def _blurred_integral(near: Samples, fastest: float, sigma: float, delay: float) -> float:
    """Response times integral of g2, odd in the delay, with a cusp at zero delay."""
    above = _one_sided(near, fastest, sigma, delay)
    return above - _one_sided(near, fastest, sigma, -delay)


@njit(cache=True)
def _one_sided(near: Samples, fastest: float, sigma: float, centre: float) -> float:
    """Integral over positive delays, in panels that grow away from zero delay."""
    left = max(centre - _REACH_SIGMA * sigma, 0.0)
    high = centre + _REACH_SIGMA * sigma
    longest = _PANEL_SIGMA * sigma
    shortest = min(longest, _PANEL / fastest)
    total = 0.0
    while left < high:
        right = min(left + min(max(shortest, left), longest), high)
        half = 0.5 * (right - left)
        for i in range(_LEGENDRE.shape[0]):
            time = left + half * (1.0 + _LEGENDRE[i])
            u = (time - centre) / sigma
            weight = half * _LEGENDRE_WEIGHTS[i] * math.exp(-0.5 * u * u)
            total += weight * integral(near, time)
        left = right
    return total / (sigma * math.sqrt(2.0 * math.pi))


@njit(cache=True)
def fill_bin_means(found: Correlation, edges: Array, centre: float, means: Array) -> None:
    """Fill the mean of the blurred g2 over each bin.

    Parameters
    ----------
    found : Correlation
    edges : ndarray, shape (n + 1,)
        Growing, ns.
    centre : float
        Zero delay, ns.
    means : ndarray, shape (n,)
        Filled.
    """
    n = edges.shape[0]
    low, high = centre - found.reach, centre + found.reach
    first = np.searchsorted(edges, low, "right")
    last = np.searchsorted(edges, high, "left")
    values = np.empty(n)
    fill_integrals(found.far, edges[:first], low, -1.0, values[:first])
    fill_integrals(found.far, edges[last:], high, 1.0, values[last:])
    for k in range(first):
        values[k] = -values[k] - found.at_reach
    for k in range(first, last):
        values[k] = _blurred_integral(found.near, found.fastest, found.sigma, edges[k] - centre)
    for k in range(last, n):
        values[k] += found.at_reach
    for k in range(n - 1):
        means[k] = (values[k + 1] - values[k]) / (edges[k + 1] - edges[k])


@njit(cache=True)
def g2_curve(light: Light, edges: Array, centre: float, sigma: float) -> Array:
    """Return g2 averaged over bins and blurred.

    Parameters
    ----------
    light : Light
    edges : ndarray, shape (n + 1,)
        Growing, ns.
    centre : float
        Zero delay, ns.
    sigma : float
        Standard deviation of the response, ns.

    Returns
    -------
    ndarray, shape (n,)
    """
    longest = max(abs(edges[0] - centre), abs(edges[-1] - centre))
    means = np.empty(edges.shape[0] - 1)
    fill_bin_means(correlation(light, sigma, longest), edges, centre, means)
    return means


@njit(cache=True)
def fill_measured(
    flow_parts: Array,
    emission_parts: Array,
    rates: Array,
    edges: Array,
    centre: float,
    sigma: float,
    means: Array,
) -> tuple[float, float]:
    """Fill g2 in bins of a model whose jumps are linear in some rates.

    Parameters
    ----------
    flow_parts, emission_parts : ndarray, shape (k, n, n)
        Jumps from row to column and those with photons, 1/us: fixed ones, and for each rate.
    rates : ndarray, shape (k - 1,)
    edges, centre, sigma
        See `g2_curve`.
    means : ndarray
        Filled; of length 0 where only the light is asked for.

    Returns
    -------
    float
        Intensity, 1/us; NaN where a state is never left.
    float
        g2 at zero delay.
    """
    flow, emission = flow_parts[0].copy(), emission_parts[0].copy()
    for k in range(rates.shape[0]):
        flow += rates[k] * flow_parts[k + 1]
        emission += rates[k] * emission_parts[k + 1]
    light = light_of(flow, emission)
    if means.shape[0] > 0 and not math.isnan(light.intensity_per_us):
        longest = max(abs(edges[0] - centre), abs(edges[-1] - centre))
        fill_bin_means(correlation(light, sigma, longest), edges, centre, means)
    return light.intensity_per_us, g2_at_zero(light)


def light_of_model(model: RateModel) -> Light:
    """Return the steady light of a declared model."""
    flow = np.ascontiguousarray(model.generator().T)
    emission = np.ascontiguousarray(model.emission().T)
    light: Light = light_of(flow, emission)
    return light
