"""A family of rate models: its parameters, and how their values make a model."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from qdimage.rates.declaration import RateModel
from qdimage.rates.parameters import ParameterSet


@dataclass(frozen=True)
class DeclaredModel:
    """A rate model before its parameters have values.

    Attributes
    ----------
    name, meaning : str
    parameters : ParameterSet
        What can be fitted, scanned, and asked for its effect.
    build : callable
        From the value of every parameter to the model.
    drive : tuple of str
        Parameters that bring excitation: 0 after a pulse, and small in the weak limit.
    ladder : tuple of hashable
        States with 0, 1, 2, ... pairs, which a short pulse leads to; () where it has none.
    """

    name: str
    meaning: str
    parameters: ParameterSet
    build: Callable[[Mapping[str, float]], RateModel]
    drive: tuple[str, ...] = ()
    ladder: tuple[Hashable, ...] = ()

    def model(self, given: Mapping[str, float] | None = None) -> RateModel:
        """Return the model with parameters as given, else at their defaults.

        Raises
        ------
        ConfigurationError
            If a parameter is not known, or out of its bounds.
        """
        return self.build(self.parameters.values(given))

    def undriven(self, given: Mapping[str, float] | None = None) -> RateModel:
        """Return the model after its drive has been switched off."""
        values = self.parameters.values(given)
        return self.build({**values, **dict.fromkeys(self.drive, 0.0)})
