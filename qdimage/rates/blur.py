"""A function of delay, averaged over bins and blurred by a Gaussian response."""

from collections.abc import Callable

import numpy as np
from numpy.polynomial import chebyshev, legendre
from numpy.typing import NDArray
from scipy.special import ndtr

from qdimage.errors import ConfigurationError
from qdimage.numerics.gaussian import FWHM_PER_SIGMA

Array = NDArray[np.float64]
Side = Callable[[Array], Array]

_REACH_SIGMA = 7.0
_NODES = 16
_POINTS, _WEIGHTS = legendre.leggauss(14)


def blurred(
    before: Side | None,
    after: Side,
    lag_ns: Array,
    *,
    fastest_per_ns: float,
    response_fwhm_ns: float,
    bin_ns: float,
) -> Array:
    """Return the mean over bins of a function that is smooth on either side of zero delay.

    Parameters
    ----------
    before, after : callable or None
        The function at -t and at t, of t > 0 in ns; None where it is 0.
    lag_ns : ndarray, shape (n,)
        Centres of the bins.
    fastest_per_ns : float
        The function is a sum of exponentials, none of them faster than this.
    response_fwhm_ns, bin_ns : float
        Not both 0.

    Raises
    ------
    ConfigurationError
        If a width is not finite.
    """
    for name, width in (("response", response_fwhm_ns), ("bin", bin_ns)):
        if not 0 <= width < np.inf:
            raise ConfigurationError(
                f"found a {name} as wide as {width:g} ns, expected a finite width; correct it"
            )
    sigma = response_fwhm_ns / FWHM_PER_SIGMA
    reach = float(np.max(np.abs(lag_ns), initial=0.0)) + bin_ns / 2 + _REACH_SIGMA * sigma
    sides = [_Series(after, fastest_per_ns, reach)]
    if before is not None:
        sides.insert(0, sides[0] if before is after else _Series(before, fastest_per_ns, reach))
    return np.array([_average(sides, lag, sigma, bin_ns) for lag in lag_ns])


def _average(sides: list["_Series"], lag: float, sigma: float, bin_ns: float) -> float:
    """Integral of kernel times function, in panels on which both are smooth."""
    kernel_edges = _kernel_edges(sigma, bin_ns)
    corners = sides[0].edges
    corners = lag + np.concatenate([-corners[::-1], corners])
    inside = (corners > kernel_edges[0]) & (corners < kernel_edges[-1])
    edges = np.unique(np.concatenate([kernel_edges, corners[inside]]))
    half = np.diff(edges)[:, np.newaxis] / 2
    offset = ((edges[:-1, np.newaxis] + half) + half * _POINTS).ravel()
    weight = (half * _WEIGHTS).ravel() * _kernel(offset, sigma, bin_ns)
    delay = lag - offset
    values = np.zeros_like(delay)
    for side, here in zip(sides[::-1], (delay > 0, delay <= 0), strict=False):
        values[here] = side(np.abs(delay[here]))
    return float(weight @ values)


def _kernel_edges(sigma: float, bin_ns: float) -> Array:
    steps = sigma * np.arange(-_REACH_SIGMA, _REACH_SIGMA + 1)
    return np.unique(np.concatenate([-bin_ns / 2 + steps, bin_ns / 2 + steps]))


def _kernel(offset: Array, sigma: float, bin_ns: float) -> Array:
    if sigma == 0.0:
        return np.full_like(offset, 1.0 / bin_ns)
    if bin_ns == 0.0:
        return np.asarray(np.exp(-0.5 * (offset / sigma) ** 2) / (np.sqrt(2 * np.pi) * sigma))
    # Even in the offset; on this side both terms are small in the tail, and none is lost.
    upper, lower = (bin_ns / 2 - np.abs(offset)) / sigma, (-bin_ns / 2 - np.abs(offset)) / sigma
    return np.asarray((ndtr(upper) - ndtr(lower)) / bin_ns)


class _Series:
    """A function of t > 0 as Chebyshev series on intervals that double in length.

    The first is as short as the fastest exponential, and on each further one a sum of exponentials
    is as smooth as on the first.
    """

    def __init__(self, side: Side, fastest_per_ns: float, longest_ns: float) -> None:
        first = 1.0 / max(fastest_per_ns, 1e-12)
        n = max(1, int(np.ceil(np.log2(max(longest_ns / first, 1.0)))) + 1)
        self.edges = np.concatenate([[0.0], first * 2.0 ** np.arange(n)])
        nodes = np.cos(np.pi * (np.arange(_NODES) + 0.5) / _NODES)
        middle, half = (self.edges[:-1] + self.edges[1:]) / 2, np.diff(self.edges) / 2
        values = side((middle[:, np.newaxis] + half[:, np.newaxis] * nodes).ravel())
        self.series = [
            chebyshev.chebfit(nodes, row, _NODES - 1) for row in values.reshape(n, _NODES)
        ]

    def __call__(self, t: Array) -> Array:
        result = np.empty_like(t)
        interval = np.clip(np.searchsorted(self.edges, t) - 1, 0, len(self.series) - 1)
        for k in np.unique(interval):
            inside = interval == k
            low, high = self.edges[k], self.edges[k + 1]
            scaled = (2 * t[inside] - low - high) / (high - low)
            result[inside] = chebyshev.chebval(scaled, self.series[k])
        return result
