"""Dark and lit dots as a mixture: how many are brighter than F_min, and how likely each one is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from qdimage.domain.photometry import BlankPlaces
from qdimage.match.count_interval import count_deviance, fraction_interval
from qdimage.match.lit import dark_null
from qdimage.match.mixture_kernels import likeliest_weights

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Steps of the logarithm of the flux; F_min lies between two of them.
_STEP = 0.1
# No feature of the brightness law is taken to be narrower than this, in the flux's logarithm.
_NARROWEST = 0.2
_LEAST_SIGMA = 2.0
_FLOOR = 1e-12
# Shares nearer to 0 and 1 are lost to rounding.
_EXTREME = 1e-4
_INWARD = 0.1
_END_TOLERANCE = 3e-4
# Where the end is looked for first, in distances of that for counted dots.
_AHEAD = 1.4
# Deviances below are what the steps of the maximization leave.
_LEAST_LEVEL = 1e-3


@dataclass(frozen=True)
class FluxMixture:
    """The mixture that makes the measured fluxes likeliest.

    Attributes
    ----------
    below_density, above_density : ndarray, shape (n,)
        Likelihood of each dot's flux, up to a factor common to both, if the true one is at most
        F_min (none, weak, or another source's) and if it is greater. 1 where not measured.
    lit_probability : ndarray, shape (n,)
        Probability that each dot emits, however little; NaN where not measured.
    fraction, low, high : float
        Share of dots above F_min, and its interval.
    extrapolated : float
        Share of dots that emit at all, by the fitted brightness law.
    """

    below_density: Array
    above_density: Array
    lit_probability: Array
    fraction: float
    low: float
    high: float
    extrapolated: float


@dataclass(frozen=True)
class _Components:
    """Densities (n, k) of the data under each component, and each one's share above F_min."""

    density: Array
    above: Array
    density_above: Array


def fit_mixture(
    flux_s: Array,
    err_s: Array,
    blank_flux_s: Array,
    blank_err_s: Array,
    blank_occupied: Mask,
    *,
    f_min_s: float,
    confidence: float = 0.95,
) -> FluxMixture:
    """Fit the fluxes of one channel's dots.

    A dark dot shows what blank places show: their fluxes are themselves a mixture of nothing and
    of anything on a logarithmic grid, which takes in other sources' light and a skewed null. The
    brightness law of the others is a mixture of log-normal laws, narrower than any that is
    likely, with free weights (Laird, J. Am. Stat. Assoc. 73, 805, 1978,
    doi:10.1080/01621459.1978.10480103). Each is convolved with every dot's own error.

    The interval ends where the profile likelihood has fallen as far as it falls to the ends of the
    mid-P interval when as many dots are surely bright or not: it is that interval where all are,
    and wider by what fluxes near F_min and light of other sources leave open.

    Parameters
    ----------
    flux_s, err_s : ndarray, shape (n,)
        Fluxes and nominal errors at the dots' places; those that are not finite are left out.
    blank_flux_s, blank_err_s : ndarray, shape (m,)
        The same at blank places.
    blank_occupied : ndarray of bool, shape (m,)
        Blank places on which a source of the channel lies.
    f_min_s : float
        In the unit of the fluxes, above 0.
    confidence : float
        Of the interval.
    """
    known = np.isfinite(flux_s) & np.isfinite(err_s) & (err_s > 0)
    below, above = np.ones(len(flux_s)), np.ones(len(flux_s))
    lit = np.full(len(flux_s), np.nan)
    if not known.any() or not np.isfinite(f_min_s):
        nothing = float("nan")
        return FluxMixture(below, above, lit, nothing, nothing, nothing, nothing)
    blanks = BlankPlaces(blank_flux_s, blank_err_s, blank_occupied)
    widening = max(dark_null(blanks).widening, 1.0)
    flux, err = flux_s[known], widening * err_s[known]
    grid = _flux_grid(flux, err, f_min_s)
    dark = _dark_density(flux, err, blank_flux_s, widening * blank_err_s, grid)
    parts = _components(flux, err, dark, grid, f_min_s)
    weights, best = _free_weights(parts.density)
    fraction = min(float(weights @ parts.above), 1.0)
    profile = _Profile(parts, weights, fraction, best)
    _, counted_low, counted_high = fraction_interval(
        fraction * len(flux), float(len(flux)), confidence
    )
    below[known], above[known] = _densities(parts, weights)
    lit[known] = 1.0 - np.clip(weights[0] * dark / (parts.density @ weights), 0.0, 1.0)
    return FluxMixture(
        below,
        above,
        lit,
        fraction,
        profile.end(-1, counted_low),
        profile.end(1, counted_high),
        max(1.0 - float(weights[0]), fraction),
    )


def _flux_grid(flux: Array, err: Array, f_min_s: float) -> Array:
    """Middle of each cell of true flux, from what is just discernible to beyond the brightest."""
    least = min(_LEAST_SIGMA * float(np.median(err)), f_min_s)
    most = max(float(np.max(flux)), 2.0 * f_min_s)
    first = int(np.floor(np.log(least / f_min_s) / _STEP))
    last = int(np.ceil(np.log(most / f_min_s) / _STEP)) + 1
    return np.asarray(f_min_s * np.exp(_STEP * (np.arange(first, last) + 0.5)))


def _cell_density(flux: Array, err: Array, grid: Array) -> Array:
    """Density of each flux, in units of its error, if the true one lies in each cell."""
    width = np.hypot(err[:, np.newaxis], _STEP * grid / np.sqrt(12.0))
    density = _normal((flux[:, np.newaxis] - grid) / width)
    return np.asarray((density + _FLOOR) * (err[:, np.newaxis] / width))


def _normal(deviate: Array) -> Array:
    return np.asarray(np.exp(-0.5 * deviate**2) / np.sqrt(2.0 * np.pi))


def _dark_density(
    flux: Array, err: Array, blank_flux: Array, blank_err: Array, grid: Array
) -> Array:
    """Density of each flux if the dot is dark: what blank places show, with the dot's error."""

    def cells(values: Array, errors: Array) -> Array:
        nothing = _normal(values / errors)[:, np.newaxis] + _FLOOR
        return np.hstack([nothing, _cell_density(values, errors, grid)])

    if len(blank_flux) == 0:
        return np.asarray(_normal(flux / err) + _FLOOR)
    weights, _ = _free_weights(cells(blank_flux, blank_err))
    return np.asarray(cells(flux, err) @ weights)


def _free_weights(density: Array) -> tuple[Array, float]:
    """Likeliest weights, of which only the sum is held."""
    k = density.shape[1]
    weights, value = likeliest_weights(density, np.ones((1, k)), np.ones(1), np.full(k, 1.0 / k))
    return weights / weights.sum(), value


def _components(flux: Array, err: Array, dark: Array, grid: Array, f_min_s: float) -> _Components:
    """Darkness first, then the log-normal laws."""
    log_flux = np.log(grid)
    centres = log_flux[::2]
    law = _normal((log_flux[:, np.newaxis] - centres) / _NARROWEST)
    law /= law.sum(axis=0)
    bright = law * (grid > f_min_s)[:, np.newaxis]
    cells = _cell_density(flux, err, grid)
    nothing = np.zeros((len(flux), 1))
    return _Components(
        np.hstack([dark[:, np.newaxis], _mixed(cells, law)]),
        np.concatenate([[0.0], bright.sum(axis=0)]),
        np.hstack([nothing, _mixed(cells, bright)]),
    )


def _mixed(cells: Array, law: Array) -> Array:
    """Product, without the threads of a matrix library, which cost more than they do here."""
    return np.asarray(np.einsum("ig,gc->ic", cells, law))


def _densities(parts: _Components, weights: Array) -> tuple[Array, Array]:
    share = float(np.clip(weights @ parts.above, _FLOOR, 1.0 - _FLOOR))
    above = parts.density_above @ weights
    below = np.maximum(parts.density @ weights - above, 0.0)
    return below / (1.0 - share), above / share


class _Profile:
    """How the likelihood falls when the share above F_min is held."""

    def __init__(self, parts: _Components, weights: Array, fraction: float, best: float) -> None:
        self._parts, self._fraction, self._best = parts, fraction, best
        k = len(weights)
        # Away from the border, where no step could begin.
        self._inner = (1.0 - _INWARD) * weights + _INWARD / k
        self._held = np.vstack([np.ones(k), parts.above])

    def deviance(self, share: float) -> float:
        """Twice the loss of log-likelihood at a share."""
        _, value = likeliest_weights(
            self._parts.density, self._held, np.array([1.0, share]), self._start(share)
        )
        return max(2.0 * (self._best - value), 0.0)

    def _start(self, share: float) -> Array:
        """Weights with that share: the likeliest ones, and more of darkness or of the brightest."""
        now, brightest = float(self._inner @ self._parts.above), int(self._parts.above.argmax())
        end, most = (0, 0.0) if share < now else (brightest, float(self._parts.above[brightest]))
        part = (share - now) / (most - now)
        start = (1.0 - part) * self._inner
        start[end] += part
        return np.asarray(start)

    def end(self, side: int, counted: float) -> float:
        """The interval's lower (-1) or upper (1) end.

        Where the deviance is what it would be at the end for counted dots, if all were certain.
        """
        level = count_deviance(len(self._parts.density), self._fraction, counted)
        root = np.sqrt(max(level, _LEAST_LEVEL))

        def excess(share: float) -> float:
            # The root of the deviance is nearly straight.
            return float(np.sqrt(self.deviance(share)) - root)

        last = _EXTREME if side < 0 else min(float(self._parts.above.max()), 1.0) - _EXTREME
        middle = float(np.clip(self._fraction, _EXTREME, 1.0 - _EXTREME))
        for beyond in (self._fraction + _AHEAD * (counted - self._fraction), last):
            if (last - beyond) * side >= 0 and (beyond - middle) * side > 0 and excess(beyond) > 0:
                return float(brentq(excess, middle, beyond, xtol=_END_TOLERANCE))
        return 0.0 if side < 0 else 1.0
