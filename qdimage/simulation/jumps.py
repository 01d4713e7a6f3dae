"""A rate model's transitions as the tables that its kernels draw from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from qdimage.rates.declaration import RateModel

Array = NDArray[np.float64]


class Jumps(NamedTuple):
    """The transitions of a model, sorted by their source; see `draw_photons`. Rates in 1/ns."""

    rate: Array
    first_jump: NDArray[np.int64]
    reached: Array
    target: NDArray[np.int64]
    chance: Array


def tabulate(model: RateModel, efficiency: float, lines: Sequence[str] | None = None) -> Jumps:
    """Tabulate the transitions that happen at all.

    Parameters
    ----------
    model : RateModel
    efficiency : float
        Share of the photons that are detected.
    lines : sequence of str, optional
        Only photons of these lines are.
    """
    index = {state: k for k, state in enumerate(model.states)}
    ordered = sorted(
        (each for each in model.transitions if each.rate_per_us > 0),
        key=lambda each: index[each.source],
    )
    source = np.array([index[each.source] for each in ordered], np.int64)
    rates = np.array([each.rate_per_us for each in ordered], np.float64) / 1e3
    chance = [
        each.photon_yield * efficiency if lines is None or each.line in lines else 0.0
        for each in ordered
    ]
    total = np.zeros(len(model.states))
    np.add.at(total, source, rates)
    first_jump = np.searchsorted(source, np.arange(len(model.states) + 1))
    sums = np.concatenate([[0.0], np.cumsum(rates)])
    reached = (sums[1:] - sums[first_jump[source]]) / total[source]
    target = np.array([index[each.target] for each in ordered], np.int64)
    return Jumps(total, first_jump, reached, target, np.array(chance, np.float64))
