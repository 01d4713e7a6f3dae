"""g2 of a model as detectors and bins show it."""

import numpy as np
from numpy.polynomial import chebyshev, legendre
from numpy.typing import NDArray
from scipy.special import ndtr

from qdimage.rates.solution import Emission

Array = NDArray[np.float64]

_FWHM_TO_SIGMA = 1.0 / np.sqrt(8.0 * np.log(2.0))
_REACH_SIGMA = 7.0
_NODES = 16
_POINTS = 8
_US_PER_NS = 1e-3


def measured_g2(
    light: Emission, lag_ns: Array, *, response_fwhm_ns: float = 0.0, bin_ns: float = 0.0
) -> Array:
    """Return g2 averaged over bins and blurred by the response of the pair of detectors.

    Parameters
    ----------
    light : Emission
    lag_ns : ndarray, shape (n,)
        Centres of the bins.
    response_fwhm_ns : float
        Full width at half maximum of the Gaussian response of both detectors together.
    bin_ns : float
        Width of the bins.
    """
    lag_ns = np.asarray(lag_ns, np.float64)
    sigma = response_fwhm_ns * _FWHM_TO_SIGMA
    if sigma == 0.0 and bin_ns == 0.0:
        return light.g2(lag_ns)
    reach = bin_ns / 2 + _REACH_SIGMA * sigma
    curve = _Curve(light, float(np.max(np.abs(lag_ns), initial=0.0)) + reach)
    return np.array([_average(curve, lag, sigma, bin_ns) for lag in lag_ns])


def _average(curve: "_Curve", lag: float, sigma: float, bin_ns: float) -> float:
    """Integral of the kernel times g2, in panels that end at zero delay, where g2 has a cusp."""
    edges = _panels(sigma, bin_ns)
    if edges[0] < lag < edges[-1]:
        edges = np.sort(np.append(edges, lag))
    points, weights = legendre.leggauss(_POINTS)
    half = np.diff(edges)[:, np.newaxis] / 2
    offset = (edges[:-1, np.newaxis] + half) + half * points
    weight = half * weights * _kernel(offset, sigma, bin_ns)
    return float(np.sum(weight * curve(np.abs(lag - offset))))


def _panels(sigma: float, bin_ns: float) -> Array:
    steps = sigma * np.arange(-_REACH_SIGMA, _REACH_SIGMA + 1)
    return np.unique(np.concatenate([-bin_ns / 2 + steps, bin_ns / 2 + steps]))


def _kernel(offset: Array, sigma: float, bin_ns: float) -> Array:
    if sigma == 0.0:
        return np.full_like(offset, 1.0 / bin_ns)
    if bin_ns == 0.0:
        return np.asarray(np.exp(-0.5 * (offset / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma))
    upper, lower = (offset + bin_ns / 2) / sigma, (offset - bin_ns / 2) / sigma
    return np.asarray((ndtr(upper) - ndtr(lower)) / bin_ns)


class _Curve:
    """g2 at any delay, from Chebyshev series on intervals that double in length.

    No rate of the model is faster than the first interval is short, and on each further one a sum
    of exponentials is as smooth as on the first.
    """

    def __init__(self, light: Emission, longest_ns: float) -> None:
        fastest_per_ns = float(np.abs(np.diag(light.generator)).max()) * _US_PER_NS
        first = 1.0 / max(fastest_per_ns, 1e-12)
        n = max(1, int(np.ceil(np.log2(max(longest_ns / first, 1.0)))) + 1)
        self.edges = np.concatenate([[0.0], first * 2.0 ** np.arange(n)])
        nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        middle, half = (self.edges[:-1] + self.edges[1:]) / 2, np.diff(self.edges) / 2
        values = light.g2((middle[:, np.newaxis] + half[:, np.newaxis] * nodes).ravel())
        self.series = [
            chebyshev.chebfit(nodes, row, _NODES - 1) for row in values.reshape(n, _NODES)
        ]

    def __call__(self, lag_ns: Array) -> Array:
        result = np.empty_like(lag_ns)
        interval = np.clip(np.searchsorted(self.edges, lag_ns) - 1, 0, len(self.series) - 1)
        for k in np.unique(interval):
            inside = interval == k
            low, high = self.edges[k], self.edges[k + 1]
            scaled = (2 * lag_ns[inside] - low - high) / (high - low)
            result[inside] = chebyshev.chebval(scaled, self.series[k])
        return result
