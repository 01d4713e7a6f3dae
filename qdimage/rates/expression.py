"""Arithmetic on named parameters, read from text. Nothing but numbers can come of it."""

import ast
import math
import operator
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from qdimage.errors import ConfigurationError

_LONGEST = 500
_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[float], float]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
}
_FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "min": min,
    "max": max,
}
_ALLOWED = "numbers, parameters, + - * / ** ( ) and exp, log, sqrt, min, max"


@dataclass(frozen=True)
class Expression:
    """A formula that has been checked.

    Attributes
    ----------
    text : str
    tree : ast.expr
    """

    text: str
    tree: ast.expr

    def value(self, values: Mapping[str, float]) -> float:
        """Return the number that the formula gives.

        Raises
        ------
        ConfigurationError
            If there is none, as after a division by zero.
        """
        try:
            found = _evaluate(self.tree, values)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{self.text!r} has no value ({error}); correct it, or the parameters' values"
            ) from error
        if not math.isfinite(found):
            raise ConfigurationError(f"{self.text!r} is not finite; correct the parameters' values")
        return found


def parse_expression(text: str, known: Collection[str]) -> Expression:
    """Check a formula.

    Parameters
    ----------
    text : str
        Such as ``"1000 / lifetime_ns"``.
    known : collection of str
        Names of parameters.

    Raises
    ------
    ConfigurationError
        If it is no formula, or holds anything but arithmetic on known parameters.
    """
    if len(text) > _LONGEST:
        raise ConfigurationError(
            f"found a formula of {len(text)} characters, expected at most {_LONGEST}; shorten it"
        )
    try:
        with warnings.catch_warnings(action="ignore"):  # such as of "1if", refused below
            tree = ast.parse(text.strip(), mode="eval").body
        _check(tree, known)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(
            f"found {text!r}, which is no formula, expected {_ALLOWED}; correct it"
        ) from error
    return Expression(text, tree)


def _check(node: ast.expr, known: Collection[str]) -> None:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float()):
            return
        case ast.Name(id=name) if name in known:
            return
        case ast.Name(id=name):
            raise ConfigurationError(
                f"found {name!r}, expected one of the parameters {', '.join(known) or '(none)'}; "
                "declare it, or correct the name"
            )
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in _UNARY:
            return _check(inner, known)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BINARY:
            _check(left, known)
            return _check(right, known)
        case ast.Call(func=ast.Name(id=name), args=inners, keywords=[]) if name in _FUNCTIONS:
            for inner in inners:
                _check(inner, known)
            return None
    raise ConfigurationError(f"found {ast.unparse(node)!r}, expected {_ALLOWED}; correct it")


def _evaluate(node: ast.expr, values: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=sign, operand=inner):
            return _UNARY[type(sign)](_evaluate(inner, values))
        case ast.BinOp(left=left, op=sign, right=right):
            return _BINARY[type(sign)](_evaluate(left, values), _evaluate(right, values))
        case ast.Call(func=ast.Name(id=name), args=inners):
            return float(_FUNCTIONS[name](*(_evaluate(inner, values) for inner in inners)))
    raise AssertionError(f"{ast.dump(node)} has not been checked")
