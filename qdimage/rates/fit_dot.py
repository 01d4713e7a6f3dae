"""Dot parameters as what a fit is free in: standard scores of what was measured."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.errors import ConfigurationError
from qdimage.rates.dot import DotParameters

Array = NDArray[np.float64]

# A yield without a standard error is fitted in steps of this.
_FREE_STEP = 0.02
_LARGEST_SCORE = 8.0
_LEAST_YIELD = 1e-5


@dataclass(frozen=True)
class FreeDot:
    """A dot, and which of its parameters are fitted.

    Lifetimes are moved on a logarithmic scale, yields on a linear one within 0 ... 1.

    Attributes
    ----------
    dot : DotParameters
        As given.
    errors : tuple of (str, float)
        Names of the fitted parameters with their standard errors, in their own units.
    free : frozenset of str
        Those of them that are not held by a prior.
    """

    dot: DotParameters
    errors: tuple[tuple[str, float], ...] = ()
    free: frozenset[str] = frozenset()

    def at(self, scores: Array) -> DotParameters:
        """Return the dot at standard scores of its fitted parameters."""
        values = {}
        for (name, err), score in zip(self.errors, scores, strict=True):
            given = float(getattr(self.dot, name))
            if name.endswith("_ns"):
                values[name] = given * math.exp(err / given * float(score))
            else:
                values[name] = min(max(given + err * float(score), _LEAST_YIELD), 1.0)
        return replace(self.dot, **values)

    def bounds(self) -> tuple[Array, Array]:
        """Return least and largest standard scores."""
        low, high = [], []
        for name, err in self.errors:
            given = float(getattr(self.dot, name))
            reach = math.inf if name in self.free else _LARGEST_SCORE
            if name.endswith("_ns"):
                low.append(-reach)
                high.append(reach)
            else:
                low.append(max(-reach, min((_LEAST_YIELD - given) / err, 0.0)))
                high.append(min(reach, (1.0 - given) / err))
        return np.array(low), np.array(high)

    @property
    def held_by_prior(self) -> NDArray[np.bool_]:
        """Which of the fitted parameters have a prior."""
        return np.array([name not in self.free for name, _ in self.errors], bool)


def free_dot(
    dot: DotParameters, errors: Mapping[str, float], *, free: frozenset[str] = frozenset()
) -> FreeDot:
    """Return a dot whose parameters with a standard error are fitted under a prior.

    Parameters
    ----------
    dot : DotParameters
    errors : mapping
        Standard errors by the parameters' names; 0 or absent: the parameter is held.
    free : frozenset of str
        Yields that are fitted without a prior where they have no standard error.

    Raises
    ------
    ConfigurationError
        If a lifetime's error is as large as the lifetime.
    """
    fitted = []
    for name in DotParameters.__dataclass_fields__:
        err = float(errors.get(name, 0.0))
        if err <= 0 and name in free:
            err = _FREE_STEP
        elif err <= 0:
            continue
        if name.endswith("_ns") and err >= float(getattr(dot, name)):
            raise ConfigurationError(
                f"found {name} = {getattr(dot, name):g} with an error of {err:g}, expected a "
                "smaller one; leave it out, or give the error of a measurement"
            )
        fitted.append((name, err))
    unmeasured = frozenset(name for name in free if errors.get(name, 0.0) <= 0)
    return FreeDot(dot, tuple(fitted), unmeasured)
