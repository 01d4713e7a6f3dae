"""What is known of a dot: lifetimes and yields, each an independent measured input."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from qdimage.rates.parameters import Parameter, ParameterSet


@dataclass(frozen=True)
class DotParameters:
    """Lifetimes and quantum yields; the defaults are those of the published measurement.

    Attributes
    ----------
    exciton_lifetime_ns, exciton_qy : float
    negative_trion_lifetime_ns, negative_trion_qy : float
    positive_trion_lifetime_ns, positive_trion_qy : float
    biexciton_lifetime_ns, biexciton_qy : float
    """

    exciton_lifetime_ns: float = 40.0
    exciton_qy: float = 1.0
    negative_trion_lifetime_ns: float = 4.0
    negative_trion_qy: float = 0.2
    positive_trion_lifetime_ns: float = 0.8
    positive_trion_qy: float = 0.04
    biexciton_lifetime_ns: float = 0.7
    biexciton_qy: float = 0.07

    def rate_per_us(self, name: str) -> float:
        """Return the total decay rate of `exciton`, `negative_trion`, ..., 1/us."""
        return 1e3 / float(getattr(self, f"{name}_lifetime_ns"))

    def qy(self, name: str) -> float:
        """Return the quantum yield of `exciton`, `negative_trion`, ..."""
        return float(getattr(self, f"{name}_qy"))

    def radiative_per_us(self, name: str) -> float:
        """Return the radiative rate, 1/us."""
        return self.rate_per_us(name) * self.qy(name)

    def nonradiative_per_us(self, name: str) -> float:
        """Return the rate of decays without a photon, 1/us."""
        return self.rate_per_us(name) * (1.0 - self.qy(name))


_MEANING = {
    "exciton": "of the exciton X",
    "negative_trion": "of the negative trion X-",
    "positive_trion": "of the positive trion X+",
    "biexciton": "of the biexciton XX",
}


def _parameter(name: str, default: float) -> Parameter:
    state = name.removesuffix("_lifetime_ns")
    if state != name:
        return Parameter(name, "ns", default, 1e-6, 1e9, f"lifetime {_MEANING[state]}")
    state = name.removesuffix("_qy")
    return Parameter(name, "", default, 0.0, 1.0, f"quantum yield {_MEANING[state]}")


DOT_PARAMETERS = ParameterSet(
    tuple(_parameter(each.name, float(str(each.default))) for each in fields(DotParameters))
)


def dot_of(values: Mapping[str, float]) -> DotParameters:
    """Return the dot of a model's parameters; what they do not name is as published."""
    return DotParameters(**{name: values[name] for name in DOT_PARAMETERS.names if name in values})


def dot_values(dot: DotParameters) -> dict[str, float]:
    """Return a dot's lifetimes and yields by their names."""
    return {name: float(getattr(dot, name)) for name in DOT_PARAMETERS.names}
