"""The families of rate models that are fitted: their light from rates and a dot."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qdimage.rates.coulomb import Law, coulomb_law
from qdimage.rates.curve import fill_measured
from qdimage.rates.declaration import RateModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.fit_options import RateFitOptions
from qdimage.rates.pl import pl_model

Array = NDArray[np.float64]
_NOTHING = np.empty(0)
Build = Callable[[DotParameters, tuple[float, ...]], RateModel]


@dataclass(frozen=True)
class Family:
    """Models of one shape; jumps are linear in the rates that are fitted.

    Attributes
    ----------
    name : str
    n_rates : int
        2: electrons and holes. 1: pump.
    build : callable
        From a dot and the rates, 1/us, to the model.
    carriers : int or None
        Where the states end, if they could go on.
    """

    name: str
    n_rates: int
    build: Build
    carriers: int | None = None

    def light(self, dot: DotParameters, rates: tuple[float, ...]) -> tuple[float, float]:
        """Return intensity, 1/us, and g2 at zero delay."""
        return self.measured(dot, rates, _NOTHING, 0.0, 0.0, _NOTHING)

    def measured(
        self,
        dot: DotParameters,
        rates: tuple[float, ...],
        edges_ns: Array,
        centre_ns: float,
        sigma_ns: float,
        means: Array,
    ) -> tuple[float, float]:
        """Fill g2 averaged over bins and blurred; return intensity, 1/us, and g2 at zero delay."""
        flow, emission = _parts(self, dot)
        found: tuple[float, float] = fill_measured(
            flow, emission, np.array(rates), edges_ns, centre_ns, sigma_ns, means
        )
        return found


@lru_cache(maxsize=64)
def _parts(family: Family, dot: DotParameters) -> tuple[Array, Array]:
    """Rates from row to column, and those of photons: what is fixed, and by each rate."""
    rates = np.vstack([np.zeros(family.n_rates), np.eye(family.n_rates)])
    models = [family.build(dot, tuple(row)) for row in rates]
    flow = np.array([model.generator().T for model in models])
    emission = np.array([model.emission().T for model in models])
    flow[1:] -= flow[0]
    emission[1:] -= emission[0]
    return flow, emission


def el_family(options: RateFitOptions, *, carriers: int, law: str | None = None) -> Family:
    """Return the family of the EL model, of another Coulomb law where one is given."""
    name = law or options.coulomb
    factor: Law = coulomb_law(
        name,
        x=options.coulomb_x,
        attraction=options.coulomb_attraction,
        repulsion=options.coulomb_repulsion,
    )

    def build(dot: DotParameters, rates: tuple[float, ...]) -> RateModel:
        return el_model(
            dot,
            electron_per_us=rates[0],
            hole_per_us=rates[1],
            coulomb=factor,
            carriers=carriers,
            overflow=options.overflow,
            count_trions=options.count_trions,
        )

    return Family(f"el {name}, {carriers} carriers", 2, build, carriers)


def pl_family() -> Family:
    """Return the family of the three-state model."""
    return Family("three states", 1, lambda dot, rates: pl_model(dot, pump_per_us=rates[0]))
