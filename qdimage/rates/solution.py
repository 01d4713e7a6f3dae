"""Populations, intensity and photon correlation of a rate model."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from qdimage.errors import ConfigurationError
from qdimage.rates.declaration import RateModel

Array = NDArray[np.float64]

_US_PER_NS = 1e-3
# Below this share of the population a state that cannot be left holds, it is not absorbing.
_LEAST_ESCAPE = 1e-300


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
        return float(self.g2(np.zeros(1))[0])

    def g2(self, lag_ns: Array) -> Array:
        """Return g2(tau) = 1'J exp(M |tau|) J p / (1'J p)^2 at any lags, ns."""
        lag_us = np.abs(np.asarray(lag_ns, np.float64)) * _US_PER_NS
        detect = self.emission.sum(axis=0)
        order = np.argsort(lag_us, kind="stable")
        state, reached = self.emission @ self.populations, 0.0
        values = np.empty(len(lag_us))
        for index in order:
            step = lag_us[index] - reached
            if step > 0:
                state, reached = expm(self.generator * step) @ state, lag_us[index]
            values[index] = detect @ state
        return np.asarray(values / self.intensity_per_us**2)


def solve(model: RateModel, *, lines: Sequence[str] | None = None) -> Emission:
    """Return the steady light of a model, or of some of its lines.

    Raises
    ------
    ConfigurationError
        If the model has an absorbing state, or gives no photon.
    """
    generator, emission = model.generator(), model.emission(lines)
    populations = steady_state(generator)
    intensity = float(emission.sum(axis=0) @ populations)
    if intensity <= 0:
        raise ConfigurationError("the model gives no photons; raise a rate or a yield")
    return Emission(populations, intensity, generator, emission)


def steady_state(generator: Array) -> Array:
    """Return the stationary distribution without subtractions.

    State reduction keeps every digit (Grassmann, Taksar and Heyman, Oper. Res. 33, 1107, 1985,
    doi:10.1287/opre.33.5.1107).

    Parameters
    ----------
    generator : ndarray, shape (n, n)
        Columns sum to zero.

    Raises
    ------
    ConfigurationError
        If a state, or a group of them, is never left.
    """
    rates = generator.T.copy()
    np.fill_diagonal(rates, 0.0)
    n = len(rates)
    for k in range(n - 1, 0, -1):
        out = rates[k, :k].sum()
        if out <= _LEAST_ESCAPE:
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
