"""Populations, intensity and photon correlation of a rate model."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import ConfigurationError
from qdimage.rates.declaration import RateModel
from qdimage.rates.propagation import propagate

Array = NDArray[np.float64]

_US_PER_NS = 1e-3
_STATES_NAMED = 4


@dataclass(frozen=True)
class Emission:
    """Steady light of a rate model.

    Attributes
    ----------
    populations : ndarray, shape (n,)
        Of the states, in their order.
    intensity_per_us : float
        Counted photons, 1/us.
    generator, emission : ndarray, shape (n, n)
        M and J, 1/us.
    """

    populations: Array
    intensity_per_us: float
    generator: Array
    emission: Array

    @property
    def g2_0(self) -> float:
        """g2 at zero delay."""
        detect = self.emission.sum(axis=0)
        # In two divisions, since the square of a very weak light is no number.
        both = detect @ (self.emission @ self.populations / self.intensity_per_us)
        return float(both / self.intensity_per_us)

    def g2(self, lag_ns: Array) -> Array:
        """Return g2(tau) = 1'J exp(M |tau|) J p / (1'J p)^2 at any lags, ns."""
        lag_us = np.abs(np.asarray(lag_ns, np.float64)) * _US_PER_NS
        start = self.emission @ self.populations / self.intensity_per_us
        states = propagate(self.generator, start, lag_us)
        return np.asarray(states @ self.emission.sum(axis=0) / self.intensity_per_us)


@dataclass(frozen=True)
class CrossEmission:
    """Steady light of two sets of a model's lines, each on a detector of its own.

    Attributes
    ----------
    first, second : Emission
    """

    first: Emission
    second: Emission

    @property
    def g2_0(self) -> float:
        """Mean of g2 on both sides of zero delay, between which it may jump."""
        return float(sum(self._after(*pair, np.zeros(1))[0] for pair in self._pairs) / 2)

    def g2(self, lag_ns: Array) -> Array:
        """Return g2 at any lags, ns: positive where the first lines' photon comes first."""
        lag_ns = np.asarray(lag_ns, np.float64)
        values = np.empty(lag_ns.shape)
        for (start, stop), side in zip(self._pairs, (lag_ns > 0, lag_ns < 0), strict=True):
            values[side] = self._after(start, stop, np.abs(lag_ns[side]))
        values[lag_ns == 0] = self.g2_0
        return values

    @property
    def _pairs(self) -> tuple[tuple[Emission, Emission], ...]:
        return (self.first, self.second), (self.second, self.first)

    @staticmethod
    def _after(start: Emission, stop: Emission, lag_ns: Array) -> Array:
        begin = start.emission @ start.populations / start.intensity_per_us
        states = propagate(start.generator, begin, lag_ns * _US_PER_NS)
        return np.asarray(states @ stop.emission.sum(axis=0) / stop.intensity_per_us)


def solve(model: RateModel, *, lines: Sequence[str] | None = None) -> Emission:
    """Return the steady light of a model, or of some of its lines.

    Raises
    ------
    ConfigurationError
        If the model has an absorbing state, or gives no photon, or has no such line.
    """
    unknown = [line for line in lines or () if line not in model.lines]
    if unknown:
        raise ConfigurationError(
            f"found the line {unknown[0]!r}, expected one of {', '.join(model.lines)}; correct it"
        )
    generator, emission = model.generator(), model.emission(lines)
    populations = _populations(model, generator, emission)
    intensity = float(emission.sum(axis=0) @ populations)
    if intensity <= 0:
        raise ConfigurationError("the model gives no photons; raise a rate or a yield")
    return Emission(populations, intensity, generator, emission)


def solve_cross(model: RateModel, first: Sequence[str], second: Sequence[str]) -> CrossEmission:
    """Return the steady light of two sets of lines, such as biexcitons against excitons.

    Raises
    ------
    ConfigurationError
        As `solve`.
    """
    return CrossEmission(solve(model, lines=first), solve(model, lines=second))


def _populations(model: RateModel, generator: Array, emission: Array) -> Array:
    """Stationary distribution over the one group of states that is never left."""
    groups = closed_groups(generator)
    if len(groups) > 1:
        named = " and ".join(_named(model.states, group) for group in groups)
        raise ConfigurationError(
            f"{named} are never left, so that no steady state is the only one; add jumps out of all"
            " of them but one"
        )
    group = groups[0]
    if not emission[:, group].any():
        raise ConfigurationError(
            f"{_named(model.states, group)} is never left and gives no photons: the steady state "
            "would be dark; add a jump out of it, or raise a rate that is 0"
        )
    populations = np.zeros(len(generator))
    populations[group] = steady_state(generator[np.ix_(group, group)])
    return populations


def _named(states: Sequence[Hashable], group: NDArray[np.int64]) -> str:
    names = [str(states[k]) for k in group[:_STATES_NAMED]]
    more = ", ..." if len(group) > _STATES_NAMED else ""
    return ("state " if len(group) == 1 else "the group of states ") + ", ".join(names) + more


def closed_groups(generator: Array) -> list[NDArray[np.int64]]:
    """Return the groups of states that can be walked through but not left, in order.

    Parameters
    ----------
    generator : ndarray, shape (n, n)
        Columns are sources.
    """
    n = len(generator)
    reaches = (generator != 0).T | np.eye(n, dtype=bool)
    for k in range(n):
        reaches |= np.outer(reaches[:, k], reaches[k])
    mutual = reaches & reaches.T
    closed = np.all(~reaches | mutual, axis=1)
    return [np.flatnonzero(mutual[k]) for k in range(n) if closed[k] and not mutual[k, :k].any()]


def steady_state(generator: Array) -> Array:
    """Return the stationary distribution without subtractions.

    State reduction keeps every digit (Grassmann, Taksar and Heyman, Oper. Res. 33, 1107, 1985,
    doi:10.1287/opre.33.5.1107).

    Parameters
    ----------
    generator : ndarray, shape (n, n)
        Columns sum to zero; every state can be reached from every other.

    Raises
    ------
    ConfigurationError
        If the first state cannot be reached.
    """
    rates = generator.T.copy()
    np.fill_diagonal(rates, 0.0)
    n = len(rates)
    for k in range(n - 1, 0, -1):
        out = rates[k, :k].sum()
        if out == 0.0:
            raise ConfigurationError(
                f"state number {k + 1} of {n} is never left: the steady state would be dark; "
                "add a jump out of it"
            )
        rates[:k, k] /= out
        rates[:k, :k] += np.outer(rates[:k, k], rates[k, :k])
    weights = np.zeros(n)
    weights[0] = 1.0
    for k in range(1, n):
        weights[k] = weights[:k] @ rates[:k, k]
    return np.asarray(weights / weights.sum())
