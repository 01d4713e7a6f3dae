"""Light after a pulse: a rate model that is not driven any more."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc
from scipy.stats import poisson

from qdimage.errors import ConfigurationError
from qdimage.rates.blur import blurred
from qdimage.rates.declaration import RateModel
from qdimage.rates.propagation import fastest_per_us, propagate
from qdimage.rates.solution import closed_groups

Array = NDArray[np.float64]

_US_PER_NS = 1e-3


@dataclass(frozen=True)
class Decay:
    """Light of a model that begins in a given distribution.

    Attributes
    ----------
    start : ndarray, shape (n,)
        Populations of the states right after the pulse.
    generator, emission : ndarray, shape (n, n)
        M and J, 1/us.
    """

    start: Array
    generator: Array
    emission: Array

    def rate_per_us(self, time_ns: Array) -> Array:
        """Return the rate of counted photons at times after the pulse; 0 before it."""
        time_us = np.asarray(time_ns, np.float64) * _US_PER_NS
        found = np.zeros(time_us.shape)
        after = time_us >= 0
        states = propagate(self.generator, self.start, time_us[after])
        found[after] = states @ self.emission.sum(axis=0)
        return found

    def measured_per_us(
        self, time_ns: Array, *, response_fwhm_ns: float = 0.0, bin_ns: float = 0.0
    ) -> Array:
        """Return the rate averaged over bins and blurred by the detector's Gaussian response."""
        time_ns = np.asarray(time_ns, np.float64)
        if response_fwhm_ns == 0.0 and bin_ns == 0.0:
            return self.rate_per_us(time_ns)
        return blurred(
            None,
            self.rate_per_us,
            time_ns,
            fastest_per_ns=fastest_per_us(self.generator) * _US_PER_NS,
            response_fwhm_ns=response_fwhm_ns,
            bin_ns=bin_ns,
        )

    @property
    def photons_per_pulse(self) -> float:
        """Mean number of counted photons until nothing happens any more."""
        stay, emission, start = self._fading()
        return float(emission.sum(axis=0) @ stay @ start)

    @property
    def g2_0(self) -> float:
        """g2 of pulses that lie far apart: <n (n - 1)> / <n>^2 of the photons of one pulse.

        Raises
        ------
        ConfigurationError
            If a pulse gives no photon.
        """
        stay, emission, start = self._fading()
        detect = emission.sum(axis=0) @ stay
        mean = detect @ start
        if not mean > 0:
            raise ConfigurationError("the pulse gives no photons; raise its mean or a yield")
        among = stay.shape[0]
        return float(2.0 * detect @ (emission[:among] @ (stay @ start)) / mean**2)

    def _fading(self) -> tuple[Array, Array, Array]:
        """Mean times in the states that are left for good, the emission out of them, the start.

        The emission's rows are these states and then those in which nothing emits.

        Raises
        ------
        ConfigurationError
            If the light never ends.
        """
        last = np.concatenate(closed_groups(self.generator))
        if self.emission[:, last].any():
            raise ConfigurationError(
                "the model goes on emitting, expected its light to end after a pulse; set what "
                "drives it to 0"
            )
        fading = np.setdiff1d(np.arange(len(self.start)), last)
        stay: Array = np.asarray(np.linalg.inv(-self.generator[np.ix_(fading, fading)]), np.float64)
        rows = np.concatenate([fading, last])
        return stay, self.emission[np.ix_(rows, fading)], self.start[fading]


def decay_from(
    model: RateModel, start: Mapping[Hashable, float], *, lines: Sequence[str] | None = None
) -> Decay:
    """Return the light of a model that begins with given populations.

    Parameters
    ----------
    model : RateModel
        As it is after the pulse, not driven any more.
    start : mapping
        From states to their populations, which sum to one.
    lines : sequence of str, optional
        Count the photons of these lines only.

    Raises
    ------
    ConfigurationError
        If a state is not the model's, or the populations are none.
    """
    unknown = [state for state in start if state not in model.states]
    if unknown:
        raise ConfigurationError(
            f"found the state {unknown[0]}, expected one of {list(model.states)}; correct it"
        )
    values = np.array([start.get(state, 0.0) for state in model.states], np.float64)
    if not (np.all(values >= 0) and abs(values.sum() - 1.0) < 1e-9):
        raise ConfigurationError(
            f"found populations that sum to {values.sum():g}, expected numbers of at least 0 that "
            "sum to 1; correct them"
        )
    return Decay(values, model.generator(), model.emission(lines))


def after_pulse(ladder: Sequence[Hashable], mean: float) -> dict[Hashable, float]:
    """Return populations of states that hold 0, 1, 2, ... pairs after a short pulse.

    The number of pairs is Poisson distributed; what exceeds the ladder is on its last step.

    Parameters
    ----------
    ladder : sequence of hashable
        States in the order of their pairs.
    mean : float
        Pairs for each pulse.
    """
    top = len(ladder) - 1
    shares = [float(poisson.pmf(n, mean)) for n in range(top)]
    return dict(zip(ladder, [*shares, float(gammainc(top, mean)) if top else 1.0], strict=True))
