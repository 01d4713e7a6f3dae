"""What a person writes to see some of the dots: ``el_g2_0 < 0.1 and not rejected``.

A condition compares a column with a number or a word, or names a state or a flag. Conditions are
joined by ``and``, ``or``, ``not`` and brackets. No Qt, and nothing is evaluated as code.
"""

import difflib
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_TOKEN = re.compile(r'\s*(?:(<=|>=|!=|==|=|<|>|\(|\))|"([^"]*)"|([^\s()<>=!"]+))')
_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_JOINTS = ("and", "or", "not", "(", ")")


class FilterError(ValueError):
    """The text is no filter; the message says what was found, and what is possible."""


def filter_rows(text: str, dots: pd.DataFrame, words: Mapping[str, Mask]) -> Mask:
    """Return which rows a filter keeps.

    Parameters
    ----------
    text : str
        Empty keeps all.
    dots : pandas.DataFrame
        The columns that may be compared. An empty value fulfils no comparison but ``!=``.
    words : mapping of str to ndarray
        States and flags that may be named, each with the rows that have it.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    FilterError
        If the text is no filter.
    """
    tokens = _tokens(text)
    if not tokens:
        return np.ones(len(dots), bool)
    reader = _Reader(tokens, dots, words)
    mask = reader.either()
    if reader.next:
        raise FilterError(f"found {reader.next!r}, expected `and` or `or`")
    return mask


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError(f"found {text[at:]!r}, expected a column, a state or a flag")
        found.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    return found


class _Reader:
    """Goes through the tokens from left to right; `not` binds tightest, then `and`, then `or`."""

    def __init__(self, tokens: list[str], dots: pd.DataFrame, words: Mapping[str, Mask]) -> None:
        self._tokens = tokens
        self._dots = dots
        self._words = {name.lower(): mask for name, mask in words.items()}
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self) -> str:
        if self._at == len(self._tokens):
            raise FilterError("found the end, expected a column, a state or a flag")
        self._at += 1
        return self._tokens[self._at - 1]

    def either(self) -> Mask:
        mask = self.both()
        while self.next.lower() == "or":
            self._take()
            mask = mask | self.both()
        return mask

    def both(self) -> Mask:
        mask = self.one()
        while self.next.lower() == "and":
            self._take()
            mask = mask & self.one()
        return mask

    def one(self) -> Mask:
        word = self._take()
        if word.lower() == "not":
            return ~self.one()
        if word.startswith("("):
            mask = self.either()
            if self._take() != ")":
                raise FilterError("found no closing bracket")
            return mask
        if self.next in _COMPARE:
            return self._compared(word, self._take(), self._take())
        if word.lower() in self._words:
            return self._words[word.lower()]
        raise FilterError(self._unknown(word))

    def _compared(self, name: str, sign: str, value: str) -> Mask:
        if name not in self._dots:
            raise FilterError(self._unknown(name))
        column, compare = self._dots[name], _COMPARE[sign]
        if column.dtype == bool or isinstance(column.dtype, pd.BooleanDtype):
            wanted = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if value.lower() not in wanted or sign not in ("=", "==", "!="):
                raise FilterError(f"{name}: found `{sign} {value}`, expected `= true` or `= false`")
            truth = column.fillna(False).to_numpy(bool)
            return np.asarray(compare(truth, wanted[value.lower()]), bool)
        if pd.api.types.is_numeric_dtype(column.dtype):
            try:
                number = float(value)
            except ValueError as error:
                raise FilterError(f"{name}: found {value!r}, expected a number") from error
            return np.asarray(compare(column.to_numpy(float, na_value=np.nan), number), bool)
        if sign not in ("=", "==", "!="):
            raise FilterError(f"{name}: found `{sign}`, expected `=` or `!=` for a text")
        text = column.fillna("").astype(str).to_numpy(object)
        return np.asarray(compare(text, value), bool)

    def _unknown(self, name: str) -> str:
        known = [*self._words, *map(str, self._dots.columns)]
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "expected a column or a state"
        return f"{name}: {hint}" if name not in _JOINTS else f"found {name!r}: {hint}"
