"""Fits of all spots of an image, each with its neighbours, until none disturbs another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.localize.fit import FLUX_ERR, MAX_TOGETHER, N_RESULTS, fit_all
from qdimage.localize.scene import Scene
from qdimage.numerics.near_pairs import near_pairs

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]
Near = tuple[Index, Index, Array]

SWEEPS = 4
TOGETHER_SIGMA = 3.5
_MERGE_SIGMA = 0.7
# Spots that were no neighbours do not meet unless one goes as far.
_FAR_SIGMA = (TOGETHER_SIGMA - _MERGE_SIGMA) / 2
_DETERMINED_SIGMA = 3.0
# Neighbours' changes that a spot's flux can feel, as a share of its error.
_FELT = 0.1
_FELT_WITHIN_SIGMA = 7.0
_WINGS = 0.01


@dataclass(frozen=True)
class Fitted:
    """What fits left.

    Attributes
    ----------
    spots, result : ndarray, shape (k, 4) and (k, N_RESULTS)
        As from `fit_all`, of the spots that are kept.
    kept : ndarray of bool, shape (n,)
        Which those are.
    light : ndarray, shape (y, x)
        Of the spots that are kept.
    """

    spots: Array
    result: Array
    kept: Mask
    light: Array


def fit_spots(
    scene: Scene,
    spots: Array,
    background: Array,
    *,
    light: Array | None = None,
    result: Array | None = None,
    stale: Mask | None = None,
    sweeps: int = SWEEPS,
    with_shape: bool = False,
    wide: Mask | None = None,
) -> Fitted:
    """Fit spots with their neighbours; those that ran away or met another are dropped.

    Parameters
    ----------
    scene : Scene
    spots : ndarray, shape (n, 4)
    background : ndarray, shape (y, x)
    light : ndarray, shape (y, x), optional
        Of the spots, where it is known; kept up to date in place.
    result : ndarray, shape (n, N_RESULTS), optional
        Of earlier fits, for those that are left as they are.
    stale : ndarray of bool, shape (n,), optional
        Which to fit; all where not given.
    sweeps : int
        How often at most; spots whose neighbours have not changed are left as they are.
    with_shape : bool
        Whether to test how much wider each is than the field's spots.
    wide : ndarray of bool, shape (n,), optional
        Spots whose own width is fitted.
    """
    start = spots
    spots = spots.copy()
    result = np.zeros((len(spots), N_RESULTS)) if result is None else result.copy()
    free = np.zeros(len(spots), bool) if wide is None else wide
    light = scene.light(spots) if light is None else light
    # One sweep asks nobody whether neighbours have changed.
    within = _FELT_WITHIN_SIGMA if sweeps > 1 else TOGETHER_SIGMA
    near = near_pairs(spots[:, :2], within * scene.sigma)
    together = _together(near, TOGETHER_SIGMA * scene.sigma)
    order = np.lexsort((spots[:, 0], -spots[:, 2]))
    if stale is not None:
        order = order[stale[order]]
    for turn in range(sweeps):
        if len(order) == 0:
            break
        before = spots.copy()
        fit_all(
            scene.image.mean,
            scene.image.n_samples,
            background,
            light,
            spots,
            order,
            *together,
            scene.terms,
            scene.fit_noise,
            free,
            with_shape,
            scene.reach,
            scene.draw_reach,
            result,
        )
        if turn + 1 == sweeps:
            break
        move = np.hypot(*(spots[:, :2] - before[:, :2]).T) / scene.sigma
        change = np.abs(spots[:, 2] - before[:, 2]) + spots[:, 2] * move
        order = np.flatnonzero(_felt(scene, change, near) > _FELT * result[:, FLUX_ERR])
        order = order[np.lexsort((spots[order, 0], -spots[order, 2]))]
    kept = _still_apart(scene, spots, start[:, :2], near)
    if not kept.all():
        scene.draw(light, spots[~kept], -1.0)
    return Fitted(spots[kept], result[kept], kept, light)


def disturbed_by(scene: Scene, spots: Array, result: Array, flux: Array) -> Mask:
    """Whether a spot feels that others got, or lost, a flux (0 for those that did not)."""
    near = near_pairs(spots[:, :2], _FELT_WITHIN_SIGMA * scene.sigma)
    return np.asarray(_felt(scene, flux, near) > _FELT * result[:, FLUX_ERR])


def _felt(scene: Scene, change: Array, near: Near) -> Array:
    """Change of the neighbours' light, as much of it as counts as a spot's own."""
    start, other, distance = near
    overlap = np.exp(-((distance / (2 * scene.sigma)) ** 2))
    if not scene.psf.is_gaussian:
        overlap = np.maximum(overlap, _WINGS)
    first = np.repeat(np.arange(len(change)), np.diff(start))
    felt = np.bincount(first, change[other] * overlap, minlength=len(change))
    return np.asarray(felt, float)


def _together(near: Near, within_px: float) -> tuple[Index, Index]:
    """The nearest neighbours of each as compressed rows (start, index)."""
    start, other, distance = near
    rank = np.arange(len(other)) - np.repeat(start[:-1], np.diff(start))
    chosen = (distance <= within_px) & (rank < MAX_TOGETHER)
    count = np.concatenate([[0], np.cumsum(chosen)])
    return count[start], other[chosen]


def _still_apart(scene: Scene, spots: Array, start: Array, near: Near) -> Mask:
    """Which spots neither ran away nor met a brighter one; `near` are neighbours at the start."""
    keep = np.isfinite(spots).all(axis=1)
    moved = np.hypot(*(spots[:, :2] - start).T)
    keep &= moved < 2.0 * scene.sigma + 1.0
    last = np.array(scene.shape[::-1]) - 0.5
    keep &= np.all((spots[:, :2] > -0.5) & (spots[:, :2] < last), axis=1)
    if np.max(moved, initial=0.0, where=keep) > _FAR_SIGMA * scene.sigma:
        near = near_pairs(spots[:, :2], _MERGE_SIGMA * scene.sigma)
    start_of, b, _ = near
    a = np.repeat(np.arange(len(spots)), np.diff(start_of))
    met = np.hypot(*(spots[a, :2] - spots[b, :2]).T) <= _MERGE_SIGMA * scene.sigma
    for first, second in sorted(zip(a[met & (a < b)], b[met & (a < b)], strict=True)):
        if keep[first] and keep[second]:
            keep[first if spots[first, 2] < spots[second, 2] else second] = False
    return np.asarray(keep)


def determined(scene: Scene, spots: Array, result: Array) -> Mask:
    """Spots to keep: of neighbours whose joint fit leaves a flux open, the dimmest goes."""
    keep = np.ones(len(spots), bool)
    weak = np.flatnonzero(spots[:, 2] < _DETERMINED_SIGMA * result[:, FLUX_ERR])
    if len(weak) == 0:
        return keep
    within = TOGETHER_SIGMA * scene.sigma
    near = cKDTree(spots[:, :2]).query_ball_point(spots[weak, :2], within)
    for k in np.argsort(spots[weak, 2], kind="stable"):
        keep[weak[k]] = len(near[k]) == 1 or not keep[near[k]].all()
    return keep
