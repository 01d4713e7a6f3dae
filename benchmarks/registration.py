"""How often registration accepts, and how far off it is, on dots whose truth is known.

Prints the acceptance and the error of fields that belong together against the number of dots that
both channels show, and the wrong acceptances among fields that have nothing in common.
"""

import argparse
from collections.abc import Callable, Iterator
from itertools import pairwise
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.transform import Transform
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions

Array = NDArray[np.float64]
Rng = np.random.Generator

SIDE = 256
SHAPE = (SIDE, SIDE)
ERR_PX = (0.05, 0.2)
COMMON_EDGES = (0, 4, 6, 8, 12, 20, 40, 1000)
OPTIONS = RegisterOptions()


def localized(rng: Rng, places: Array) -> Localizations:
    """Localizations of places, each with an error of its own."""
    places = places[np.all((places > -0.5) & (places < SIDE - 0.5), axis=1)]
    n = len(places)
    err = rng.uniform(*ERR_PX, n)
    x, y = (places + err[:, np.newaxis] * rng.standard_normal((n, 2))).T
    ones = np.ones(n)
    return Localizations(
        x, y, err, err, ones, ones, ones, ones, ones, np.zeros(n, np.int64), psf_sigma_px=1.2
    )


def draw_transform(rng: Rng) -> Transform:
    """Shift, rotation, scale and radial term inside the range that is searched."""
    angle = np.deg2rad(rng.uniform(-1, 1) * OPTIONS.likely_rotation_deg)
    direction, length = rng.uniform(0, 2 * np.pi), OPTIONS.likely_shift_px * np.sqrt(rng.random())
    shift = length * np.array([np.cos(direction), np.sin(direction)])
    return transform_of(rng, angle, shift, mirror=False)


def transform_of(rng: Rng, angle: float, shift: Array, *, mirror: bool) -> Transform:
    """A turn about the centre, mirrored before, with some scale and radial term."""
    scale = 1 + rng.uniform(-0.01, 0.01)
    centre = np.full(2, (SIDE - 1) / 2)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    if mirror:
        turn = turn @ np.diag([-1.0, 1.0])
    matrix = np.column_stack([turn, centre + shift - turn @ centre])
    radius = float(np.hypot(*centre))
    return Transform(
        matrix, rng.uniform(-0.3, 0.3), (centre[0], centre[1]), radius, np.zeros((7, 7))
    )


def draw_overlap(rng: Rng) -> Transform:
    """A shift that leaves 40 % of the field in common."""
    along = rng.uniform(0.0, 0.6)
    share = np.array([along, 1.0 - 0.4 / (1.0 - along)])
    return transform_of(rng, 0.0, SIDE * share * rng.choice([-1.0, 1.0], 2), mirror=False)


def draw_half_turn(rng: Rng) -> Transform:
    """A camera upside down."""
    shift = rng.uniform(-30, 30, 2)
    return transform_of(rng, np.pi + rng.uniform(-0.05, 0.05), shift, mirror=False)


def draw_mirror(rng: Rng) -> Transform:
    """One more reflection in one of the beams."""
    return transform_of(rng, rng.uniform(-0.05, 0.05), rng.uniform(-30, 30, 2), mirror=True)


def draw_anything(rng: Rng) -> Transform:
    """Any rotation, mirrored or not, shifted by a third of the field."""
    shift = rng.uniform(-SIDE / 3, SIDE / 3, 2)
    return transform_of(rng, rng.uniform(-np.pi, np.pi), shift, mirror=rng.random() < 0.5)


def related(
    rng: Rng, true: Transform, *, least_share: float = 0.03
) -> tuple[Localizations, Localizations, int]:
    """An EL and a PL channel of one field, and how many dots both show."""
    margin = 200.0
    n_fixed, share = rng.uniform(30, 150), rng.uniform(least_share, 1.0)
    n = rng.poisson(n_fixed * ((SIDE + 2 * margin) / SIDE) ** 2)
    dots = rng.uniform(-margin, SIDE + margin, (n, 2))
    lit = true.inverse(dots[rng.random(n) < share])
    el_only = rng.uniform(0, SIDE - 1, (rng.poisson(0.2 * n_fixed * share), 2))
    shown = np.all((lit > -0.5) & (lit < SIDE - 0.5), axis=1)
    seen = true.apply(lit[shown])
    n_common = int(np.sum(np.all((seen > -0.5) & (seen < SIDE - 0.5), axis=1)))
    return localized(rng, np.vstack([lit, el_only])), localized(rng, dots), n_common


def median_error_px(found: Transform, true: Transform) -> float:
    """Median over the frame of the distance between two transforms."""
    x, y = np.meshgrid(np.linspace(0, SIDE - 1, 12), np.linspace(0, SIDE - 1, 12))
    grid = np.column_stack([x.ravel(), y.ravel()])
    return float(np.median(np.hypot(*(found.apply(grid) - true.apply(grid)).T)))


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


def registered(moving: Localizations, fixed: Localizations) -> Transform | None:
    """The accepted transform; None for a refusal."""
    found = align(moving, fixed, moving_shape=SHAPE, fixed_shape=SHAPE, options=OPTIONS)
    return None if isinstance(found, Refusal) else found.transform


def true_fields(n_fields: int, rng: Rng) -> Iterator[tuple[int, float]]:
    """Common dots and error of each field; NaN where it was refused."""
    for _ in range(n_fields):
        true = draw_transform(rng)
        moving, fixed, n_common = related(rng, true)
        found = registered(moving, fixed)
        yield n_common, float("nan") if found is None else median_error_px(found, true)


def print_true_fields(n_fields: int, rng: Rng) -> None:
    """Print acceptance and error against the number of common dots."""
    print(f"{n_fields} pairs of one field, localization errors {ERR_PX[0]} to {ERR_PX[1]} px")
    print(
        f"{'common':>10} {'fields':>7} {'accepted':>9} {'median px':>10} {'worst px':>9} "
        f"{'> 1 px':>7}"
    )
    result = np.array(list(true_fields(n_fields, rng)))
    for low, high in pairwise(COMMON_EDGES):
        error = result[(result[:, 0] >= low) & (result[:, 0] < high), 1]
        good = error[np.isfinite(error)]
        median, worst = (np.median(good), good.max()) if len(good) else (np.nan, np.nan)
        name = f"{low}-{high - 1}" if high < COMMON_EDGES[-1] else f">= {low}"
        print(
            f"{name:>10} {len(error):7d} {len(good):9d} {median:10.3f} {worst:9.3f} "
            f"{np.sum(good > 1):7d}"
        )


def print_unlikely_fields(n_fields: int, rng: Rng) -> None:
    """Print acceptance and error of fields that lie beyond the likely range."""
    print(f"\n{n_fields} pairs each of one field beyond the likely range, 8 or more dots common")
    print(f"{'arrangement':>20} {'accepted':>9} {'median px':>10} {'worst px':>9} {'> 1 px':>7}")
    for draw in (draw_overlap, draw_half_turn, draw_mirror, draw_anything):
        errors: list[float] = []
        while len(errors) < n_fields:
            true = draw(rng)
            moving, fixed, n_common = related(rng, true, least_share=0.3)
            if n_common >= 8:
                found = registered(moving, fixed)
                errors.append(np.nan if found is None else median_error_px(found, true))
        good = np.array(errors)[np.isfinite(errors)]
        print(
            f"{draw.__name__.removeprefix('draw_'):>20} {len(good):9d} {np.median(good):10.3f} "
            f"{good.max():9.3f} {np.sum(good > 1):7d}"
        )


def print_unrelated_fields(n_pairs: int, rng: Rng) -> None:
    """Print how many unrelated pairs were accepted, with the 95 % upper limit of the share."""
    print(f"\nunrelated pairs of 3 to 300 dots; allowed share {OPTIONS.max_chance_probability:g}")
    print(f"{'arrangement':>20} {'pairs':>7} {'accepted':>9} {'share below':>12}")
    cases = (
        (uniform, False, n_pairs),
        (clustered, False, n_pairs),
        (doublets, False, n_pairs // 4),
        (lattice, True, n_pairs // 4),
        (loose_lattice, True, n_pairs // 4),
        (line, True, n_pairs // 4),
    )
    for draw, same_number, n in cases:
        pairs = (unrelated(rng, draw, same_number) for _ in range(n))
        accepted = sum(registered(*pair) is not None for pair in pairs)
        limit = beta.ppf(0.95, accepted + 1, n - accepted)
        print(f"{draw.__name__:>20} {n:7d} {accepted:9d} {limit:12.4f}")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", type=int, default=200, help="pairs of one field")
    parser.add_argument("--pairs", type=int, default=240, help="unrelated pairs, uniform ones")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    begin = perf_counter()
    rng = np.random.default_rng(asked.seed)
    print_true_fields(asked.fields, rng)
    print_unlikely_fields(asked.fields // 2, rng)
    print_unrelated_fields(asked.pairs, rng)
    print(f"\n{perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
