"""A rate model of a user's own: states, parameters, and transitions with formulas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qdimage.errors import ConfigurationError
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.declared import DeclaredModel
from qdimage.rates.expression import Expression, parse_expression
from qdimage.rates.parameters import ParameterSet


@dataclass(frozen=True)
class Rule:
    """A transition whose rate and yield are formulas.

    Attributes
    ----------
    source, target : str
    rate : str
        1/us.
    photon_yield : str
    line : str
    """

    source: str
    target: str
    rate: str
    photon_yield: str = "0"
    line: str = ""


@dataclass(frozen=True)
class _Jump:
    rule: Rule
    place: str
    rate: Expression
    photon_yield: Expression

    def transition(self, values: Mapping[str, float]) -> Transition:
        rate = _value(self.rate, values, f"{self.place}.rate", 0.0, float("inf"))
        share = _value(self.photon_yield, values, f"{self.place}.photon_yield", 0.0, 1.0)
        return Transition(self.rule.source, self.rule.target, rate, share, self.rule.line)


def declare_user_model(
    name: str,
    *,
    states: Sequence[str],
    parameters: ParameterSet,
    rules: Sequence[Rule],
    drive: Sequence[str] = (),
    ladder: Sequence[str] = (),
    meaning: str = "",
) -> DeclaredModel:
    """Return the declaration of a user's own model.

    Parameters
    ----------
    name : str
    states : sequence of str
    parameters : ParameterSet
    rules : sequence of Rule
    drive, ladder, meaning
        As in `DeclaredModel`.

    Raises
    ------
    ConfigurationError
        If a state or parameter is not declared, or a formula is none; names the key.
    """
    known = set(states)
    if len(known) != len(states):
        raise ConfigurationError("states: found a state twice, expected each once; rename one")
    for key, listed, all_known in (
        ("drive", drive, parameters.names),
        ("ladder", ladder, tuple(states)),
    ):
        _expect_known(key, listed, all_known)
    jumps = tuple(_jump(rule, k, states, parameters) for k, rule in enumerate(rules))

    def build(values: Mapping[str, float]) -> RateModel:
        return RateModel(tuple(states), tuple(jump.transition(values) for jump in jumps))

    return DeclaredModel(name, meaning, parameters, build, tuple(drive), tuple(ladder))


def _jump(rule: Rule, k: int, states: Sequence[str], parameters: ParameterSet) -> _Jump:
    place = f"transitions.{k}"
    _expect_known(f"{place}.source", [rule.source], states)
    _expect_known(f"{place}.target", [rule.target], states)
    formulas = []
    for key in ("rate", "photon_yield"):
        try:
            formulas.append(parse_expression(getattr(rule, key), parameters.names))
        except ConfigurationError as error:
            raise ConfigurationError(f"{place}.{key}: {error}") from error
    return _Jump(rule, place, *formulas)


def _expect_known(key: str, listed: Sequence[str], known: Sequence[str]) -> None:
    for each in listed:
        if each not in known:
            raise ConfigurationError(
                f"{key}: found {each!r}, expected one of {', '.join(known) or '(none)'}; correct it"
            )


def _value(
    formula: Expression, values: Mapping[str, float], key: str, low: float, high: float
) -> float:
    try:
        found = formula.value(values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}: {error}") from error
    if not low <= found <= high:
        raise ConfigurationError(
            f"{key}: {formula.text!r} is {found:g}, expected "
            f"{'at least 0' if high == float('inf') else '0 ... 1'}; correct it, or the "
            "parameters' values"
        )
    return found
