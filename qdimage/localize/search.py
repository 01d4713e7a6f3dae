"""The search for dots: find, fit, test, and search again in what is left."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.localize.fitting import determined, fit_spots
from qdimage.localize.rings import Rings, may_be_ring, outshone
from qdimage.localize.scene import NO_SPOTS, Scene
from qdimage.localize.shapes import measured_shapes, split_in_two, still_two
from qdimage.localize.significance import TailTable

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS_FOR_RINGS = 2
_SWEEPS_AT_THE_END = 3


@dataclass(frozen=True)
class Found:
    """Spots (n, 4), which of them have a width of their own, and which may be two dots."""

    spots: Array
    wide: Mask
    doublet: Mask

    def of(self, kept: Mask) -> "Found":
        """Some of them."""
        return Found(self.spots[kept], self.wide[kept], self.doublet[kept])

    def moved(self, spots: Array) -> "Found":
        """The same spots at other places."""
        return Found(spots, self.wide, self.doublet)

    def and_new(self, spots: Array) -> "Found":
        """These and further ones of which nothing is known."""
        no = np.zeros(len(spots), bool)
        return Found(
            np.vstack([self.spots, spots]),
            np.concatenate([self.wide, no]),
            np.concatenate([self.doublet, no]),
        )


NOTHING = Found(NO_SPOTS, np.zeros(0, bool), np.zeros(0, bool))


def search(scene: Scene, rings: Rings, background: Array, tails: TailTable) -> tuple[Found, Array]:
    """Return the dots and what surrounds them.

    Each round adds what the spots so far leave over, their rings included. A spot that is longer
    than one dot is tried as two, one that is wide in all directions gets a width of its own.
    """
    found, around = NOTHING, background
    light = np.zeros(scene.shape)
    rounds = scene.options.max_rounds + (_ROUNDS_FOR_RINGS if rings.visible else 0)
    for _ in range(rounds):
        new = scene.candidates(around, light, tails)
        new = new[~outshone(new, found.spots, scene.sigma)]
        if rings.visible:
            # A dim source beside a bright one waits until the bright one's rings are taken off.
            new = new[~may_be_ring(new, scene.sigma)]
        if len(new) == 0:
            break
        found, result = _fitted(scene, found.and_new(new), around, tails, with_shape=True)
        found = _shaped(scene, found, result, around, tails)
        if rings.visible or not rings.known:
            found = found.of(~outshone(found.spots, found.spots, scene.sigma))
        light = scene.light(found.spots)
        around = scene.background(light) + rings.light(scene.shape, found.spots)
    return found, around


def _fitted(
    scene: Scene, found: Found, around: Array, tails: TailTable, *, with_shape: bool
) -> tuple[Found, Array]:
    """Fit, and leave out what noise may show."""
    spots, result, kept = fit_spots(
        scene, found.spots, around, sweeps=1, with_shape=with_shape, wide=found.wide
    )
    found = found.of(kept).moved(spots)
    alarms = scene.false_alarms(tails, result)
    kept = alarms <= scene.allowed(alarms)
    return found.of(kept), result[kept]


def _shaped(scene: Scene, found: Found, result: Array, around: Array, tails: TailTable) -> Found:
    """Try long spots as two, and give wide ones a width of their own."""
    shapes = measured_shapes(scene, found.spots, result)
    long = shapes.two_dots(scene.sigma) & ~found.doublet & ~found.wide
    wide = shapes.wide(scene.sigma) & ~long
    found = Found(found.spots, found.wide | wide, found.doublet | long)
    if not long.any():
        return found
    n = len(found.spots)
    split = split_in_two(found.spots, shapes, long, scene.sigma)
    tried = found.and_new(split[n:]).moved(split)
    first, second = np.flatnonzero(long), np.arange(n, len(split))
    spots, fitted, kept = fit_spots(scene, split, around, sweeps=2, wide=tried.wide)
    every, known = split.copy(), np.zeros((len(split), result.shape[1]))
    every[kept], known[kept] = spots, fitted
    two = kept[first] & kept[second]
    two &= still_two(every, known, first, second, scene.sigma)
    alarms = scene.false_alarms(tails, known)
    few = alarms <= scene.allowed(alarms)
    two &= few[first] & few[second]
    # One dot again, at its old place, where there are not two.
    one = np.ones(len(split), bool)
    one[second[~two]] = False
    every[first[~two]] = found.spots[first[~two]]
    every[~kept & one] = split[~kept & one]
    doublet = tried.doublet.copy()
    doublet[first[two]] = False
    return Found(every, tried.wide, doublet).of(one)


def settled(scene: Scene, found: Found, around: Array) -> tuple[Found, Array]:
    """Fit to the end; among neighbours only those that the others cannot replace stay."""
    result = np.empty((0, 0))
    for _ in range(_SWEEPS_AT_THE_END):
        wide = found.wide | (scene.options.width == "free")
        spots, result, kept = fit_spots(scene, found.spots, around, with_shape=True, wide=wide)
        found = found.of(kept).moved(spots)
        keep = determined(scene, spots, result)
        if keep.all():
            break
        found, result = found.of(keep), result[keep]
    return found, result
