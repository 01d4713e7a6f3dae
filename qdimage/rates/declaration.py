"""A rate model: its states, the jumps between them, and which jumps give a photon."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import ConfigurationError

Array = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Transition:
    """Jumps from one state to another.

    Attributes
    ----------
    source, target : hashable
        Labels of states; a jump that returns to its own state may still give a photon.
    rate_per_us : float
    photon_yield : float
        Share of the jumps that give a counted photon.
    line : str
        What emits the photon, such as "X" or "X-".
    """

    source: Hashable
    target: Hashable
    rate_per_us: float
    photon_yield: float = 0.0
    line: str = ""


@dataclass(frozen=True)
class RateModel:
    """States and transitions; everything else follows.

    Attributes
    ----------
    states : tuple of hashable
        Labels, in the order of every vector.
    transitions : tuple of Transition
    """

    states: tuple[Hashable, ...]
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        known = set(self.states)
        if len(known) != len(self.states):
            raise ConfigurationError("found a state twice, expected each once; rename one")
        for each in self.transitions:
            if each.source not in known or each.target not in known:
                raise ConfigurationError(
                    f"found a jump from {each.source} to {each.target}, expected states among "
                    f"{list(self.states)}; correct it"
                )
            if not (np.isfinite(each.rate_per_us) and each.rate_per_us >= 0):
                raise ConfigurationError(
                    f"found a rate of {each.rate_per_us} from {each.source} to {each.target}, "
                    "expected a finite number of at least 0; correct it"
                )
            if not 0 <= each.photon_yield <= 1:
                raise ConfigurationError(
                    f"found a yield of {each.photon_yield} from {each.source} to {each.target}, "
                    "expected 0 ... 1; correct it"
                )

    @property
    def lines(self) -> tuple[str, ...]:
        """Names of the emission lines, in the order of their first transition."""
        named = (each.line for each in self.transitions if each.photon_yield > 0)
        return tuple(dict.fromkeys(named))

    def generator(self) -> Array:
        """Return M of dp/dt = M p, 1/us; its columns sum to zero."""
        matrix = np.zeros((len(self.states), len(self.states)))
        for source, target, each in self._indexed():
            matrix[target, source] += each.rate_per_us
            matrix[source, source] -= each.rate_per_us
        return matrix

    def emission(self, lines: Sequence[str] | None = None) -> Array:
        """Return J: the rates of the jumps that give a counted photon, from column to row, 1/us.

        Parameters
        ----------
        lines : sequence of str, optional
            Count the photons of these lines only.
        """
        matrix = np.zeros((len(self.states), len(self.states)))
        for source, target, each in self._indexed():
            if lines is None or each.line in lines:
                matrix[target, source] += each.rate_per_us * each.photon_yield
        return matrix

    def _indexed(self) -> list[tuple[int, int, Transition]]:
        index = {state: k for k, state in enumerate(self.states)}
        return [(index[each.source], index[each.target], each) for each in self.transitions]
