"""A dot under light that gets charged, goes dark, and comes back: blinking."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.dot import DOT_PARAMETERS, DotParameters, dot_of
from qdimage.rates.el import decay, line_name
from qdimage.rates.parameters import Parameter, ParameterSet
from qdimage.rates.pl import PUMP

# Of each charge the states with 0, 1, 2 pairs, and the electrons and holes that they hold.
_LADDERS = {
    "": (("0", (0, 0)), ("X", (1, 1)), ("XX", (2, 2))),
    "negative": (("-", (1, 0)), ("X-", (2, 1)), ("XX-", (3, 2))),
    "positive": (("+", (0, 1)), ("X+", (1, 2)), ("XX+", (2, 3))),
}
_DARK = "dark"


def _switching(name: str, default: float, meaning: str) -> Parameter:
    return Parameter(f"{name}_per_us", "1/us", default, 0.0, 1e6, meaning)


SWITCHING = ParameterSet(
    (
        _switching("negative_charging", 0.01, "from neutral to one electron more"),
        _switching("negative_neutralization", 0.1, "back from there"),
        _switching("positive_charging", 0.0, "from neutral to one hole more"),
        _switching("positive_neutralization", 0.1, "back from there"),
        _switching("darkening", 0.005, "from neutral to a state without light"),
        _switching("brightening", 0.05, "back from there"),
    )
)


def pl_charged_model(
    dot: DotParameters, *, pump_per_us: float, switching: Mapping[str, float]
) -> RateModel:
    """Return the model of a dot under cw light with neutral, charged and dark states.

    Each charge has a ladder of 0, 1 and 2 pairs, on which light and decay move the dot as they do a
    neutral one; trions decay as measured, the charged biexcitons by counting, see
    `qdimage.rates.el.decay`. Charge comes and goes at the same rate on every step and leaves the
    pairs; the dark state loses them. Ladders that nothing leads to are left out.

    Parameters
    ----------
    dot : DotParameters
    pump_per_us : float
    switching : mapping
        The rates of `SWITCHING`, 1/us.
    """
    charges = ["", *(each for each in _LADDERS if each and switching[f"{each}_charging_per_us"])]
    transitions = [jump for each in charges for jump in _ladder(each, dot, pump_per_us)]
    for charge in charges[1:]:
        transitions += _switches(charge, switching)
    states = [state for each in charges for state, _ in _LADDERS[each]]
    if switching["darkening_per_us"]:
        states.append(_DARK)
        transitions += [
            Transition(state, _DARK, switching["darkening_per_us"]) for state, _ in _LADDERS[""]
        ]
        transitions.append(Transition(_DARK, "0", switching["brightening_per_us"]))
    return RateModel(tuple(states), tuple(transitions))


def _ladder(charge: str, dot: DotParameters, pump_per_us: float) -> Iterator[Transition]:
    steps = _LADDERS[charge]
    for (lower, _), (upper, held) in pairwise(steps):
        yield Transition(lower, upper, pump_per_us)
        radiative, other = decay(held, dot)
        rate = radiative + other
        yield Transition(upper, lower, rate, radiative / rate, line_name(held))


def _switches(charge: str, switching: Mapping[str, float]) -> Iterator[Transition]:
    for (neutral, _), (charged, _) in zip(_LADDERS[""], _LADDERS[charge], strict=True):
        yield Transition(neutral, charged, switching[f"{charge}_charging_per_us"])
        yield Transition(charged, neutral, switching[f"{charge}_neutralization_per_us"])


def declare_pl_charged() -> DeclaredModel:
    """Return the declaration of the blinking dot."""

    def build(values: Mapping[str, float]) -> RateModel:
        return pl_charged_model(dot_of(values), pump_per_us=values[PUMP.name], switching=values)

    return DeclaredModel(
        "pl-charged",
        "a dot under light that gets charged and goes dark: blinking",
        ParameterSet((PUMP,)) + SWITCHING + DOT_PARAMETERS,
        build,
        drive=(PUMP.name,),
        ladder=("0", "X", "XX"),
    )
