"""How a dot's charge changes the injection of the next carrier: F(s), F(0) = 1, s > 0 attracts."""

import math
from collections.abc import Callable, Mapping

from qdimage.errors import ConfigurationError
from qdimage.rates.parameters import Parameter, ParameterSet

Law = Callable[[int], float]

LAWS = ("exp", "suppression", "enhancement", "sign", "linear", "table", "none")

# At x = 0.463 the exponential law gives the published weak limit. A negative x, or an attraction
# below 1, is allowed: the result then says so.
_X = Parameter("coulomb_x", "", 0.4628440105992, -20.0, 20.0, "strength x of the Coulomb law")
_FACTORS = (
    Parameter("coulomb_attraction", "", 1.6, 0.0, 1e6, "factor of attracted carriers"),
    Parameter("coulomb_repulsion", "", 0.6, 0.0, 1e6, "factor of repelled carriers"),
)


def law_parameters(name: str) -> ParameterSet:
    """Return the parameters of a law, with their bounds."""
    if name == "sign":
        return ParameterSet(_FACTORS)
    return ParameterSet((_X,) if name in _BY_X else ())


def exponential(x: float) -> Law:
    """F = exp(s x)."""
    return lambda s: math.exp(s * x)


def suppression(x: float) -> Law:
    """F = exp(x min(s, 0)): repulsion slows injection, attraction leaves it."""
    return lambda s: math.exp(x * min(s, 0))


def enhancement(x: float) -> Law:
    """F = exp(x max(s, 0)): attraction speeds injection, repulsion leaves it."""
    return lambda s: math.exp(x * max(s, 0))


def linear(x: float) -> Law:
    """F = max(0, 1 + s x)."""
    return lambda s: max(0.0, 1.0 + s * x)


def by_sign(attraction: float, repulsion: float) -> Law:
    """F = `attraction` for s > 0, `repulsion` for s < 0."""
    return lambda s: 1.0 if s == 0 else attraction if s > 0 else repulsion


def from_table(factors: Mapping[int, float]) -> Law:
    """F(s) as listed; 1 at s = 0.

    Raises
    ------
    ConfigurationError
        If a factor is none; on use, if a charge is not listed.
    """
    listed = {0: 1.0} | {int(s): float(factor) for s, factor in factors.items()}
    wrong = [s for s, factor in listed.items() if not (math.isfinite(factor) and factor >= 0)]
    if wrong or listed[0] != 1.0:
        s = wrong[0] if wrong else 0
        expected = "a finite number of at least 0" if wrong else "1, since rates are into that dot"
        raise ConfigurationError(
            f"the table of injection factors has {listed[s]:g} for s = {s}, expected {expected}; "
            "correct it"
        )

    def law(s: int) -> float:
        if s not in listed:
            raise ConfigurationError(
                f"the table of injection factors has none for s = {s}, it has "
                f"{sorted(listed)}; add it, or lower the number of carriers"
            )
        return listed[s]

    return law


def none() -> Law:
    """F = 1."""
    return lambda _: 1.0


_BY_X = {
    "exp": exponential,
    "suppression": suppression,
    "enhancement": enhancement,
    "linear": linear,
}


def coulomb_law(
    name: str,
    *,
    x: float | None = None,
    attraction: float | None = None,
    repulsion: float | None = None,
    table: Mapping[int, float] | None = None,
) -> Law:
    """Return a law by its name and the parameters that it needs.

    Raises
    ------
    ConfigurationError
        If the name is not known or a parameter is missing.
    """
    if name in _BY_X:
        if x is None:
            raise ConfigurationError(f"the Coulomb law {name!r} needs its x; give --coulomb-x")
        return _BY_X[name](_X.checked(x))
    if name == "sign":
        if attraction is None or repulsion is None:
            raise ConfigurationError(
                "the Coulomb law 'sign' needs both factors; give --coulomb-attraction and "
                "--coulomb-repulsion"
            )
        given = zip(_FACTORS, (attraction, repulsion), strict=True)
        return by_sign(*(each.checked(value) for each, value in given))
    if name == "table":
        if table is None:
            raise ConfigurationError("the Coulomb law 'table' needs --coulomb-table")
        return from_table(table)
    if name == "none":
        return none()
    raise ConfigurationError(f"found the Coulomb law {name!r}, expected one of {', '.join(LAWS)}")
