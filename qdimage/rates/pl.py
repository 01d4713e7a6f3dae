"""A dot under light: ground state, exciton, biexciton."""

from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.dot import DotParameters


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
