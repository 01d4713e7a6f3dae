"""Photographed fields as other arrangements of cameras would show them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.localizations import Localizations
from registration_fields.draw import SIDE
from registration_fields.photographed import Seen

Array = NDArray[np.float64]

_OVERLAP = 0.4


@dataclass(frozen=True)
class Pair:
    """Two channels, the emitters that both detected, and the true map between their pixels."""

    moving: Localizations
    fixed: Localizations
    shape: tuple[int, int]
    n_common: int
    true_map: Callable[[Array], Array]


def as_taken(el: Seen, pl: Seen) -> Pair:
    """The two channels as they are."""
    return _pair(el, pl, el.transform.apply)


def half_turn(el: Seen, pl: Seen) -> Pair:
    """One camera upside down."""
    return _pair(_moved(el, _turned), pl, lambda places: el.transform.apply(_turned(places)))


def mirror(el: Seen, pl: Seen) -> Pair:
    """One more reflection in one of the beams."""
    return _pair(_moved(el, _mirrored), pl, lambda places: el.transform.apply(_mirrored(places)))


def overlap(el: Seen, pl: Seen) -> Pair:
    """Strips of the two frames that have 40 % of their area in common."""
    width = round(SIDE / (2 - _OVERLAP))
    middle = np.full((1, 2), (SIDE - 1) / 2)
    shift = float((el.transform.apply(middle) - middle)[0, 0])
    if shift < 0:
        el_from, pl_from = 0, round((1 - _OVERLAP) * width + shift)
    else:
        el_from, pl_from = SIDE - width, round(shift)

    def true_map(places: Array) -> Array:
        mapped = el.transform.apply(places + np.array([el_from, 0.0]))
        return np.asarray(mapped - np.array([pl_from, 0.0]))

    strips = (_strip(el, el_from, width), _strip(pl, pl_from, width))
    return replace(_pair(*strips, true_map), shape=(SIDE, width))


def _pair(el: Seen, pl: Seen, true_map: Callable[[Array], Array]) -> Pair:
    n_common = len(set(el.emitter[el.emitter >= 0]) & set(pl.emitter[pl.emitter >= 0]))
    return Pair(el.dots, pl.dots, (SIDE, SIDE), n_common, true_map)


def _turned(places: Array) -> Array:
    return SIDE - 1 - places


def _mirrored(places: Array) -> Array:
    return np.asarray(places * [-1.0, 1.0] + [SIDE - 1, 0.0])


def _moved(seen: Seen, move: Callable[[Array], Array]) -> Seen:
    x, y = move(seen.dots.positions).T
    return replace(seen, dots=replace(seen.dots, x_px=x, y_px=y))


def _strip(seen: Seen, first: int, width: int) -> Seen:
    x = seen.dots.x_px - first
    inside = (x > -0.5) & (x < width - 0.5)
    kept = {
        name: value[inside] if isinstance(value, np.ndarray) else value
        for name, value in vars(replace(seen.dots, x_px=x)).items()
    }
    return replace(seen, dots=Localizations(**kept), emitter=seen.emitter[inside])
