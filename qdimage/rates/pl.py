"""A dot under light: ground state, exciton, biexciton."""

from collections.abc import Mapping

from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.dot import DOT_PARAMETERS, DotParameters, dot_of
from qdimage.rates.parameters import Parameter, ParameterSet

PUMP = Parameter("pump_per_us", "1/us", 10.0, 0.0, 1e6, "excitations of the dot")
_NEUTRAL = ("exciton_lifetime_ns", "exciton_qy", "biexciton_lifetime_ns", "biexciton_qy")


def pl_model(dot: DotParameters, *, pump_per_us: float) -> RateModel:
    """Return the three-state model of a dot under cw light.

    Parameters
    ----------
    dot : DotParameters
    pump_per_us : float
        Excitations of the dot, absorption cross-section times photon flux, 1/us.
    """
    return RateModel(
        ("0", "X", "XX"),
        (
            Transition("0", "X", pump_per_us),
            Transition("X", "XX", pump_per_us),
            Transition("X", "0", dot.rate_per_us("exciton"), dot.qy("exciton"), "X"),
            Transition("XX", "X", dot.rate_per_us("biexciton"), dot.qy("biexciton"), "XX"),
        ),
    )


def declare_pl() -> DeclaredModel:
    """Return the declaration of the three-state model."""

    def build(values: Mapping[str, float]) -> RateModel:
        return pl_model(dot_of(values), pump_per_us=values[PUMP.name])

    return DeclaredModel(
        "pl",
        "a dot under light: ground state, exciton, biexciton",
        ParameterSet((PUMP, *(DOT_PARAMETERS[name] for name in _NEUTRAL))),
        build,
        drive=(PUMP.name,),
        ladder=("0", "X", "XX"),
    )
