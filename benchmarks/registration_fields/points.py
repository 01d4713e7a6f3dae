"""Lists of dots whose truth is known, of one field and of fields with nothing in common."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.localizations import Localizations

Array = NDArray[np.float64]
Rng = np.random.Generator

SIDE = 256
ERR_PX = (0.05, 0.2)


def localized(rng: Rng, places: Array, side: int = SIDE) -> Localizations:
    """Localizations of places, each with an error of its own."""
    places = places[np.all((places > -0.5) & (places < side - 0.5), axis=1)]
    n = len(places)
    err = rng.uniform(*ERR_PX, n)
    x, y = (places + err[:, np.newaxis] * rng.standard_normal((n, 2))).T
    ones = np.ones(n)
    return Localizations(
        x, y, err, err, ones, ones, ones, ones, ones, np.zeros(n, np.int64), psf_sigma_px=1.2
    )


def related_square(rng: Rng, n_dots: int, side: int) -> tuple[Localizations, Localizations]:
    """EL and PL of one square field, half of the dots lit, a tenth more that only EL shows."""
    margin = 40.0
    n = rng.poisson(n_dots * ((side + 2 * margin) / side) ** 2)
    dots = rng.uniform(-margin, side + margin, (n, 2))
    angle, scale = np.deg2rad(rng.uniform(-3, 3)), 1 + rng.uniform(-0.01, 0.01)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = (side - 1) / 2
    lit = (dots[rng.random(n) < 0.5] - middle) @ turn.T + middle + rng.uniform(-20, 20, 2)
    el_only = rng.uniform(0, side - 1, (rng.poisson(0.1 * n_dots), 2))
    return localized(rng, np.vstack([lit, el_only]), side), localized(rng, dots, side)


def uniform(rng: Rng, n: int) -> Array:
    """Dots at random."""
    return rng.uniform(0, SIDE - 1, (n, 2))


def clustered(rng: Rng, n: int) -> Array:
    """Dots in clumps of some ten pixels."""
    middle = uniform(rng, max(1, n // 8))
    return middle[rng.integers(len(middle), size=n)] + 10.0 * rng.standard_normal((n, 2))


def doublets(rng: Rng, n: int) -> Array:
    """Dots in pairs two pixels apart."""
    places, angle = uniform(rng, n // 2 + 1), rng.uniform(0, 2 * np.pi, n // 2 + 1)
    return np.vstack([places, places + 2 * np.column_stack([np.cos(angle), np.sin(angle)])])


def lattice(rng: Rng, n: int, spread_px: float = 0.0) -> Array:
    """Dots on a square lattice with about n in the frame, displaced by `spread_px`."""
    pitch = SIDE / np.sqrt(max(n, 9))
    axis = rng.uniform(0, pitch, 2)[:, np.newaxis] + pitch * np.arange(-1, 30)
    x, y = np.meshgrid(*axis)
    places = np.column_stack([x.ravel(), y.ravel()])
    return places + spread_px * rng.standard_normal(places.shape)


def loose_lattice(rng: Rng, n: int) -> Array:
    """Dots of a lattice, displaced by 2 px."""
    return lattice(rng, n, 2.0)


def line(rng: Rng, n: int) -> Array:
    """Dots in a row, the same in both channels."""
    along = uniform(rng, n)[:, 0]
    return np.column_stack([along, 0.6 * along + 30])


def unrelated(
    rng: Rng, draw: Callable[[Rng, int], Array], same_number: bool
) -> tuple[Localizations, Localizations]:
    """Two sets with nothing in common but the way in which they are arranged."""
    first, second = np.exp(rng.uniform(np.log(3), np.log(300), 2)).astype(int)
    second = first if same_number else second
    return localized(rng, draw(rng, first)), localized(rng, draw(rng, second))
