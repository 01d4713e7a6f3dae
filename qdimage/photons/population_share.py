"""How many dots truly lie below a limit.

The number of noisy values below a limit is not the number of dots below it: errors push dots across
from the side where there are more of them, and the smallest of many noisy values is too small. Here
the share below the limit is a parameter of a mixture of no given shape, profiled over that shape
and over the limit's own error.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc

from qdimage.domain.population import G2Values, Limit, ShareBelow
from qdimage.domain.refusal import Refusal
from qdimage.photons.population_likelihood import LEAST_DOTS, grid_of, likelihoods
from qdimage.photons.population_mixture import components, weights_at

Array = NDArray[np.float64]

_LEVEL_95 = 3.84
_TAIL = 0.025
_N_SHARES = 33
_NEAREST_END = 1e-4
# Places of the limit inside its error, in standard deviations, where it is tried.
_LIMIT_SIGMAS = (-1.5, -0.75, 0.0, 0.75, 1.5)
_LEAST_LIMIT = 1e-4


def share_below(values: G2Values, limit: Limit) -> ShareBelow | Refusal:
    """Return how many dots of a population truly lie below a limit.

    The 95 % interval of the share is that of its profile likelihood, joined with the exact binomial
    one (Clopper and Pearson, Biometrika 26, 404, 1934) averaged over how many dots may lie below.

    Parameters
    ----------
    values : G2Values
        Each dot once.
    limit : Limit

    Returns
    -------
    ShareBelow or Refusal
    """
    if len(values) < LEAST_DOTS:
        return Refusal(
            f"found too few dots ({len(values)}), expected at least {LEAST_DOTS} to speak of a "
            "population; measure more"
        )
    if not 0 < limit.low <= limit.value <= limit.high:
        return Refusal(
            f"found the limit {limit.value:.4g} ({limit.low:.4g} to {limit.high:.4g}), expected "
            "one above 0 inside its interval; correct it"
        )
    profile = Profile(values, limit)
    number = profile.number_below()
    low, high = _profile_interval(profile.shares, profile.deviance)
    exact_low, exact_high = _binomial_interval(number)
    expected_low, expected_high = _quantile(number, _TAIL), _quantile(number, 1 - _TAIL)
    mean, mean_low, mean_high = profile.shrunken()
    return ShareBelow(
        share=_likeliest(profile.shares, profile.deviance),
        low=min(low, exact_low),
        high=max(high, exact_high),
        expected=float(np.clip(number @ np.arange(len(number)), expected_low, expected_high)),
        expected_low=expected_low,
        expected_high=expected_high,
        probability=profile.probability_below(),
        shrunken=mean,
        shrunken_low=mean_low,
        shrunken_high=mean_high,
    )


class Profile:
    """The likelihood of each share, for several places of the limit.

    Attributes
    ----------
    shares : ndarray, shape (m,)
    deviance : ndarray, shape (m,)
        -2 ln L above its minimum, the likeliest mixture and limit at each share.
    """

    def __init__(self, values: G2Values, limit: Limit) -> None:
        self.grid = grid_of(values, limit.value)
        self.likelihoods = likelihoods(values, self.grid)
        self._components = components(self.grid)
        evidence = self.likelihoods @ self._components.T
        self._angles = np.linspace(0.0, 1.0, _N_SHARES)
        self.shares = np.sin(0.5 * np.pi * self._angles) ** 2
        tried = np.clip(self.shares, _NEAREST_END, 1 - _NEAREST_END)
        self._cells_below, self._weights, deviances = [], [], []
        for place, penalty in _places(limit):
            cells = self.grid.share_below(place)
            weights, log_likelihood = weights_at(evidence, self._components @ cells, tried)
            self._cells_below.append(cells)
            self._weights.append(weights)
            deviances.append(penalty - 2 * log_likelihood)
        stacked = np.stack(deviances)
        stacked -= stacked.min()
        self.deviance = stacked.min(axis=0)
        # Shares are spread evenly in angle, which is Jeffreys' prior for a share.
        credence = np.exp(-0.5 * stacked)
        credence[:, [0, -1]] *= 0.5
        self._credence = credence / credence.sum()

    def _probabilities(self, place: int) -> Array:
        """Return the probability of each dot to lie below, shape (m, n)."""
        mixture = self._weights[place] @ self._components
        inside = mixture @ (self.likelihoods * self._cells_below[place]).T
        return np.asarray(inside / (mixture @ self.likelihoods.T))

    def probability_below(self) -> Array:
        """Return the probability of each dot to lie below the limit, over shares and limits."""
        each = [self._credence[k] @ self._probabilities(k) for k in range(len(self._weights))]
        return np.asarray(np.sum(each, axis=0))

    def number_below(self) -> Array:
        """Return the probability of each number of measured dots below the limit."""
        total = np.zeros(len(self.likelihoods) + 1)
        for k in range(len(self._weights)):
            total += self._credence[k] @ _numbers(self._probabilities(k))
        return np.asarray(total / total.sum())

    def posteriors(self) -> Array:
        """Return each dot's probability of each cell given all the others, shape (n, cells)."""
        mixture = np.sum(
            [self._credence[k] @ self._weights[k] for k in range(len(self._weights))], axis=0
        )
        joint = self.likelihoods * (mixture @ self._components)
        return np.asarray(joint / joint.sum(axis=1, keepdims=True))

    def shrunken(self) -> tuple[Array, Array, Array]:
        """Return mean and 95 % interval of each dot's g2(0) given all the others."""
        posterior = self.posteriors()
        ends = np.concatenate([np.zeros((len(posterior), 1)), np.cumsum(posterior, axis=1)], axis=1)
        low, high = (
            np.array([np.interp(q, row, self.grid.edges) for row in ends])
            for q in (_TAIL, 1 - _TAIL)
        )
        return posterior @ self.grid.middles, low, high


def _places(limit: Limit) -> list[tuple[float, float]]:
    """Return where the limit may be, each with what that adds to -2 ln L."""
    below, above = limit.value - limit.low, limit.high - limit.value
    if below == above == 0:
        return [(limit.value, 0.0)]
    sigma_of_95 = _LEVEL_95**0.5
    return [
        (max(limit.value + z * (above if z > 0 else below) / sigma_of_95, _LEAST_LIMIT), z**2)
        for z in _LIMIT_SIGMAS
    ]


def _numbers(probabilities: Array) -> Array:
    """Return the probability of each number of successes, for rows of unlike chances."""
    m, n = probabilities.shape
    numbers = np.zeros((m, n + 1))
    numbers[:, 0] = 1.0
    for k in range(n):
        p = probabilities[:, k : k + 1]
        numbers[:, 1:] = numbers[:, 1:] * (1 - p) + numbers[:, :-1] * p
        numbers[:, 0] *= 1 - p[:, 0]
    return numbers


def _quantile(number: Array, level: float) -> float:
    return float(np.searchsorted(np.cumsum(number), level * (1 - 1e-12)))


def _likeliest(shares: Array, deviance: Array) -> float:
    """Return the middle of the shares that cannot be told from the likeliest."""
    best = shares[deviance <= deviance.min() + 0.01]
    return float(0.5 * (best[0] + best[-1]))


def _profile_interval(shares: Array, deviance: Array) -> tuple[float, float]:
    inside = np.flatnonzero(deviance <= _LEVEL_95)
    first, last = inside[0], inside[-1]
    low, high = shares[first], shares[last]
    if first > 0:
        low = np.interp(_LEVEL_95, deviance[[first, first - 1]], shares[[first, first - 1]])
    if last < len(shares) - 1:
        high = np.interp(_LEVEL_95, deviance[[last, last + 1]], shares[[last, last + 1]])
    return float(low), float(high)


def _binomial_interval(number: Array) -> tuple[float, float]:
    """Return the exact interval of a share, averaged over how many were counted."""
    n = len(number) - 1
    counts = np.arange(n + 1)
    shares = np.linspace(0.0, 1.0, 2001)[:, None]
    as_many = np.where(counts > 0, betainc(np.maximum(counts, 1), n - counts + 1, shares), 1.0)
    as_few = np.where(counts < n, 1.0 - betainc(counts + 1, np.maximum(n - counts, 1), shares), 1.0)
    possible = (as_many @ number >= _TAIL) & (as_few @ number >= _TAIL)
    inside = shares[possible, 0]
    return float(inside[0]), float(inside[-1])
