"""A dot under electrical injection: states of i electrons and j holes."""

from collections.abc import Iterator, Mapping
from typing import Literal

from qdimage.errors import ConfigurationError
from qdimage.rates.coulomb import Law, coulomb_law, law_parameters
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.dot import DOT_PARAMETERS, DotParameters, dot_of
from qdimage.rates.parameters import Parameter, ParameterSet

Overflow = Literal["recombine", "cap"]
State = tuple[int, int]

ELECTRONS = Parameter(
    "electron_rate_per_us", "1/us", 25.0, 0.0, 1e6, "electrons into the neutral dot"
)
HOLES = Parameter("hole_rate_per_us", "1/us", 25.0, 0.0, 1e6, "holes into the neutral dot")

_MEASURED = {
    (1, 1): "exciton",
    (2, 1): "negative_trion",
    (1, 2): "positive_trion",
    (2, 2): "biexciton",
}


def el_model(
    dot: DotParameters,
    *,
    electron_per_us: float,
    hole_per_us: float,
    coulomb: Law,
    carriers: int = 6,
    overflow: Overflow = "recombine",
    count_trions: bool = True,
) -> RateModel:
    """Return the model of a dot with up to `carriers` carriers (4: fifteen states).

    Electrons enter at Ge F(q) and holes at Gh F(-q), q = j - i the charge in units of e. Exciton,
    trions and biexciton decay as measured; higher states by counting pairs, see `decay`.

    Parameters
    ----------
    dot : DotParameters
    electron_per_us, hole_per_us : float
        Injection into the neutral dot, 1/us.
    coulomb : callable
        F(s), s > 0 for attraction.
    carriers : int
    overflow : {"recombine", "cap"}
        What a carrier too many does: the dot emits at once, if it then holds a pair; or it is not
        let in, and the states of `carriers` like charges, which nothing could leave, do not exist.
    count_trions : bool
        Whether photons of charged states are counted.

    Raises
    ------
    ConfigurationError
        If there are fewer than 2 carriers.
    """
    if carriers < 2:
        raise ConfigurationError(f"found {carriers} carriers, expected at least 2; raise it")
    states = [(i, n - i) for n in range(carriers + 1) for i in range(n + 1)]
    if overflow == "cap":
        states = [state for state in states if state not in ((carriers, 0), (0, carriers))]
    transitions = [
        *_decays(states, dot, count_trions),
        *_injections(states, dot, electron_per_us, hole_per_us, coulomb, overflow, count_trions),
    ]
    return RateModel(tuple(states), tuple(transitions))


def largest_charge(carriers: int, overflow: Overflow) -> int:
    """Return the largest charge that a dot can have, in units of e."""
    return carriers - 1 if overflow == "cap" else carriers


def decay(state: State, dot: DotParameters) -> tuple[float, float]:
    """Return the radiative and the other decay rate of a state with a pair, 1/us.

    Beyond what is measured, i electrons and j holes have i j radiative channels and
    A- i(i-1)/2 j + A+ i j(j-1)/2 for Auger decay, A- and A+ the trions' Auger rates. One channel
    has the exciton's radiative rate; where all but one carrier are alike, half of that trion's.
    """
    if state in _MEASURED:
        name = _MEASURED[state]
        return dot.radiative_per_us(name), dot.nonradiative_per_us(name)
    return by_counting(state, dot)


def by_counting(state: State, dot: DotParameters) -> tuple[float, float]:
    """Return the rates that counting gives a state of at least three carriers, 1/us."""
    i, j = state
    if j == 1:
        channel = dot.radiative_per_us("negative_trion") / 2
    elif i == 1:
        channel = dot.radiative_per_us("positive_trion") / 2
    else:
        channel = dot.radiative_per_us("exciton")
    auger = dot.nonradiative_per_us("negative_trion") * i * (i - 1) / 2 * j
    auger += dot.nonradiative_per_us("positive_trion") * i * j * (j - 1) / 2
    return i * j * channel, auger


def line_name(state: State) -> str:
    """Return what a state's emission is called: X, X-, X+, XX, X--, XX+, ..."""
    i, j = state
    charge = j - i
    return "X" * min(i, j) + ("+" if charge > 0 else "-") * abs(charge)


def _counted_yield(state: State, dot: DotParameters, count_trions: bool) -> float:
    if not count_trions and state[0] != state[1]:
        return 0.0
    radiative, other = decay(state, dot)
    return radiative / (radiative + other) if radiative > 0 else 0.0


def _decays(states: list[State], dot: DotParameters, count_trions: bool) -> Iterator[Transition]:
    for state in states:
        i, j = state
        if i and j:
            rate = sum(decay(state, dot))
            counted = _counted_yield(state, dot, count_trions)
            yield Transition(state, (i - 1, j - 1), rate, counted, line_name(state))


def _injections(
    states: list[State],
    dot: DotParameters,
    electron_per_us: float,
    hole_per_us: float,
    coulomb: Law,
    overflow: Overflow,
    count_trions: bool,
) -> Iterator[Transition]:
    known = set(states)
    for i, j in states:
        for target, rate, s in (
            ((i + 1, j), electron_per_us, j - i),
            ((i, j + 1), hole_per_us, i - j),
        ):
            if target in known:
                yield Transition((i, j), target, rate * coulomb(s))
            elif overflow == "recombine" and min(target) > 0:
                after = target[0] - 1, target[1] - 1
                counted = _counted_yield(target, dot, count_trions)
                yield Transition((i, j), after, rate * coulomb(s), counted, line_name(target))


def declare_el(
    *,
    coulomb: str = "exp",
    table: Mapping[int, float] | None = None,
    carriers: int = 6,
    overflow: Overflow = "recombine",
    count_trions: bool = True,
) -> DeclaredModel:
    """Return the declaration of the charge-resolved model.

    Parameters
    ----------
    coulomb : str
        Name of the law, see `qdimage.rates.coulomb`; its parameters are the model's.
    table : mapping, optional
        F(s) of the law `table`.
    carriers, overflow, count_trions
        As in `el_model`.
    """

    def build(values: Mapping[str, float]) -> RateModel:
        law = coulomb_law(
            coulomb,
            x=values.get("coulomb_x"),
            attraction=values.get("coulomb_attraction"),
            repulsion=values.get("coulomb_repulsion"),
            table=table,
        )
        return el_model(
            dot_of(values),
            electron_per_us=values[ELECTRONS.name],
            hole_per_us=values[HOLES.name],
            coulomb=law,
            carriers=carriers,
            overflow=overflow,
            count_trions=count_trions,
        )

    return DeclaredModel(
        "el",
        f"a dot under current: up to {carriers} electrons and holes",
        ParameterSet((ELECTRONS, HOLES)) + law_parameters(coulomb) + DOT_PARAMETERS,
        build,
        drive=(ELECTRONS.name, HOLES.name),
        ladder=tuple((n, n) for n in range(carriers // 2 + 1)),
    )
