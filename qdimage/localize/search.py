"""The search for dots: find, fit, test, and search again in what is left."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qdimage.localize.fit import N_RESULTS
from qdimage.localize.fitting import SWEEPS, determined, disturbed_by, fit_spots
from qdimage.localize.rings import Rings, may_be_ring, outshone
from qdimage.localize.scene import NO_SPOTS, Scene, Seen
from qdimage.localize.shapes import measured_shapes, split_in_two, still_two
from qdimage.localize.significance import TailTable

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_ROUNDS_FOR_RINGS = 2
_SWEEPS_AT_THE_END = 3
# A round that adds no more than this share of dots changes neither the background nor the rest.
_FEW = 0.01
# Dots that are so much surer than they need be are not fitted again on the final background.
_CERTAIN = 1e-4


@dataclass(frozen=True)
class Found:
    """Dots as far as they are known.

    Attributes
    ----------
    spots : ndarray, shape (n, 4)
    result : ndarray, shape (n, N_RESULTS)
        Of their fits.
    wide, doublet, stale : ndarray of bool, shape (n,)
        Which have a width of their own; which may be two dots; which are to be fitted (again).
    light : ndarray, shape (y, x)
        Of the spots; one image for all states, kept up to date in place.
    """

    spots: Array
    result: Array
    wide: Mask
    doublet: Mask
    stale: Mask
    light: Array

    def of(self, kept: Mask | NDArray[np.int64]) -> "Found":
        """Some of them, or all in another order; the light stays that of all."""
        return Found(
            self.spots[kept],
            self.result[kept],
            self.wide[kept],
            self.doublet[kept],
            self.stale[kept],
            self.light,
        )

    def without(self, dropped: Mask, scene: Scene) -> "Found":
        """All but some, whose neighbours are to be fitted again."""
        if not dropped.any():
            return self
        scene.draw(self.light, self.spots[dropped], -1.0)
        return replace(self, stale=self._stale_without(dropped, scene)).of(~dropped)

    def _stale_without(self, dropped: Mask, scene: Scene) -> Mask:
        lost = np.where(dropped, self.spots[:, 2], 0.0)
        return self.stale | disturbed_by(scene, self.spots, self.result, lost)

    def with_new(self, spots: Array, scene: Scene) -> "Found":
        """These and further ones, which their neighbours feel."""
        n, m = len(self.spots), len(spots)
        no = np.zeros(m, bool)
        both = Found(
            np.vstack([self.spots, spots]),
            np.vstack([self.result, np.zeros((m, N_RESULTS))]),
            np.concatenate([self.wide, no]),
            np.concatenate([self.doublet, no]),
            np.concatenate([self.stale, ~no]),
            self.light,
        )
        scene.draw(both.light, spots)
        if n == 0:
            return both
        gained = np.where(np.arange(n + m) < n, 0.0, both.spots[:, 2])
        disturbed = disturbed_by(scene, both.spots, both.result, gained)
        return replace(both, stale=both.stale | disturbed)

    def fitted(self, scene: Scene, around: Array, *, sweeps: int, free: bool = False) -> "Found":
        """Fit those that are stale; those that ran away or met another are left out."""
        fit = fit_spots(
            scene,
            self.spots,
            around,
            light=self.light,
            result=self.result,
            stale=self.stale,
            sweeps=sweeps,
            with_shape=True,
            wide=self.wide | free,
        )
        stale = np.zeros(len(self.spots), bool)
        if not fit.kept.all():
            stale = self._stale_without(~fit.kept, scene) & ~self.stale
        left = replace(self, stale=stale, light=fit.light).of(fit.kept)
        return replace(left, spots=fit.spots, result=fit.result)


def nothing(scene: Scene) -> Found:
    """No dots yet."""
    no = np.zeros(0, bool)
    return Found(NO_SPOTS, np.empty((0, N_RESULTS)), no, no, no, np.zeros(scene.shape))


def search(
    scene: Scene, rings: Rings, background: Array, tails: TailTable, seen: Seen
) -> tuple[Found, Array]:
    """Return the dots and what surrounds them.

    The first round begins with what was seen already, where the filter's width was right. Each
    adds what the spots so far leave over, their rings included. A spot that is longer than one dot
    is tried as two, one that is wide in all directions gets a width of its own.
    """
    found, around = nothing(scene), background
    rounds = scene.options.max_rounds + (_ROUNDS_FOR_RINGS if rings.visible else 0)
    for turn in range(rounds):
        if turn == 0 and seen.serves(scene.sigma):
            new = seen.spots
        else:
            new = scene.candidates(around, found.light, tails)
        new = new[~outshone(new, found.spots, scene.sigma)]
        if rings.visible:
            # A dim source beside a bright one waits until the bright one's rings are taken off.
            new = new[~may_be_ring(new, scene.sigma)]
        if len(new) == 0:
            break
        before = len(found.spots)
        found = found.with_new(new, scene).fitted(scene, around, sweeps=1)
        found = _significant(scene, found, tails)
        found = _shaped(scene, found, around, tails)
        if rings.visible or not rings.known:
            found = found.without(outshone(found.spots, found.spots, scene.sigma), scene)
        few = abs(len(found.spots) - before) <= _FEW * before
        if not few or rings.visible:
            around = scene.background(found.light, around)
            if rings.visible:
                around += rings.light(scene.shape, found.spots)
        if few and turn > 0:
            break
    return found, around


def _significant(scene: Scene, found: Found, tails: TailTable) -> Found:
    """Leave out what noise may show."""
    alarms = scene.false_alarms(tails, found.result)
    return found.without(alarms > scene.allowed(alarms), scene)


def _shaped(scene: Scene, found: Found, around: Array, tails: TailTable) -> Found:
    """Try long spots as two, and give wide ones a width of their own."""
    shapes = measured_shapes(scene, found.spots, found.result)
    long = shapes.two_dots(scene.sigma) & ~found.doublet & ~found.wide
    wide = shapes.wide(scene.sigma) & ~long & ~found.wide
    found = replace(
        found, wide=found.wide | wide, doublet=found.doublet | long, stale=found.stale | wide
    )
    if not long.any():
        return found
    n = len(found.spots)
    split = split_in_two(found.spots, shapes, long, scene.sigma)
    tried = found.with_new(split[n:], scene)
    first, second = np.flatnonzero(long), np.arange(n, len(split))
    stale = tried.stale.copy()
    stale[first] = True
    fit = fit_spots(
        scene,
        split,
        around,
        light=scene.light(split, found.light),
        result=tried.result,
        stale=stale,
        sweeps=1,
        with_shape=True,
        wide=tried.wide,
    )
    kept = fit.kept
    every, known = tried.spots.copy(), tried.result.copy()
    every[kept], known[kept] = fit.spots, fit.result
    two = kept[first] & kept[second]
    two &= still_two(every, known, first, second, scene.sigma)
    alarms = scene.false_alarms(tails, known)
    few = alarms <= scene.allowed(alarms)
    two &= few[first] & few[second]
    # One dot again, at its old place, where there are not two.
    one = first[~two]
    every[one], known[one] = found.spots[one], found.result[one]
    every[~kept], known[~kept] = tried.spots[~kept], tried.result[~kept]
    stale = np.zeros(len(every), bool)
    stale[one] = True
    doublet = tried.doublet.copy()
    doublet[first[two]] = False
    left = np.ones(len(every), bool)
    left[second[~two]] = False
    light = scene.light(every[left], found.light)
    return Found(every, known, tried.wide, doublet, stale, light).of(left)


def settled(scene: Scene, found: Found, around: Array, tails: TailTable) -> Found:
    """Fit to the end; among neighbours only those that the others cannot replace stay."""
    free = scene.options.width == "free"
    dim = scene.false_alarms(tails, found.result) > _CERTAIN * scene.options.false_alarms_per_frame
    found = replace(found, stale=found.stale | dim | free)
    for _ in range(_SWEEPS_AT_THE_END):
        found = found.fitted(scene, around, sweeps=SWEEPS, free=free)
        found = found.without(~determined(scene, found.spots, found.result), scene)
        if not found.stale.any():
            break
    return found
