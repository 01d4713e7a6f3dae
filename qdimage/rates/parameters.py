"""Parameters of a rate model: name, unit, default, bounds, meaning."""

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from qdimage.errors import ConfigurationError


@dataclass(frozen=True)
class Parameter:
    """One number that a model depends on.

    Attributes
    ----------
    name : str
    unit : str
        "" for a pure number.
    default, low, high : float
        What it is where nothing is said, and the ends of what it can be.
    meaning : str
    """

    name: str
    unit: str
    default: float
    low: float
    high: float
    meaning: str

    def __post_init__(self) -> None:
        self.checked(self.default)

    def checked(self, value: float) -> float:
        """Return the value as a float.

        Raises
        ------
        ConfigurationError
            If it is no number within the bounds.
        """
        number = float(value)
        if not (math.isfinite(number) and self.low <= number <= self.high):
            raise ConfigurationError(
                f"{self.name}: found {number:g}, expected {self.low:g} ... {self.high:g}"
                f"{' ' if self.unit else ''}{self.unit}; correct it"
            )
        return number


@dataclass(frozen=True)
class ParameterSet:
    """The parameters of a model, in their order."""

    parameters: tuple[Parameter, ...]

    def __post_init__(self) -> None:
        twice = [name for name in self.names if self.names.count(name) > 1]
        if twice:
            raise ConfigurationError(
                f"found the parameter {twice[0]!r} twice, expected each once; rename one"
            )

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        for each in self.parameters:
            if each.name == name:
                return each
        near = difflib.get_close_matches(name, self.names, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(self.names)}"
        raise ConfigurationError(f"unknown parameter {name!r}; {hint}")

    def __add__(self, other: "ParameterSet") -> "ParameterSet":
        return ParameterSet(self.parameters + other.parameters)

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(each.name for each in self.parameters)

    def values(self, given: Mapping[str, float] | None = None) -> dict[str, float]:
        """Return every parameter's value: as given, else its default.

        Raises
        ------
        ConfigurationError
            If a name is not known, or a value is out of its bounds; names it.
        """
        stated = {name: self[name].checked(value) for name, value in (given or {}).items()}
        return {each.name: stated.get(each.name, each.default) for each in self.parameters}
