"""How a dot's charge changes the injection of the next carrier: F(s), F(0) = 1, s > 0 attracts."""

import math
from collections.abc import Callable, Mapping

from qdimage.errors import ConfigurationError

Law = Callable[[int], float]

LAWS = ("exp", "suppression", "enhancement", "sign", "linear", "table", "none")


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
        On use, if a charge is not listed.
    """
    listed = {0: 1.0} | {int(s): float(factor) for s, factor in factors.items()}

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
    one_parameter = {
        "exp": exponential,
        "suppression": suppression,
        "enhancement": enhancement,
        "linear": linear,
    }
    if name in one_parameter:
        if x is None:
            raise ConfigurationError(f"the Coulomb law {name!r} needs its x; give --coulomb-x")
        return one_parameter[name](x)
    if name == "sign":
        if attraction is None or repulsion is None:
            raise ConfigurationError(
                "the Coulomb law 'sign' needs both factors; give --coulomb-attraction and "
                "--coulomb-repulsion"
            )
        return by_sign(attraction, repulsion)
    if name == "table":
        if table is None:
            raise ConfigurationError("the Coulomb law 'table' needs --coulomb-table")
        return from_table(table)
    if name == "none":
        return none()
    raise ConfigurationError(f"found the Coulomb law {name!r}, expected one of {', '.join(LAWS)}")
