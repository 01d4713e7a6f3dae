"""Fits of all spots of an image, each with its neighbours, until none disturbs another."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from qdimage.localize.fit import FLUX_ERR, MAX_TOGETHER, N_RESULTS, fit_all
from qdimage.localize.scene import Scene

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

SWEEPS = 4
TOGETHER_SIGMA = 3.5
_MERGE_SIGMA = 0.7
_DETERMINED_SIGMA = 3.0
# Neighbours' changes that a spot's flux can feel, as a share of its error.
_FELT = 0.1
_FELT_WITHIN_SIGMA = 7.0
_WINGS = 0.01


def fit_spots(
    scene: Scene,
    spots: Array,
    background: Array,
    *,
    result: Array | None = None,
    stale: Mask | None = None,
    sweeps: int = SWEEPS,
    with_shape: bool = False,
    wide: Mask | None = None,
) -> tuple[Array, Array, Mask]:
    """Fit spots with their neighbours; those that ran away or met another are dropped.

    Parameters
    ----------
    scene : Scene
    spots : ndarray, shape (n, 4)
    background : ndarray, shape (y, x)
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

    Returns
    -------
    spots, result, kept
        As from `fit_all`, of the spots that are kept; and which those are.
    """
    spots = spots.copy()
    start = spots[:, :2].copy()
    result = np.zeros((len(spots), N_RESULTS)) if result is None else result.copy()
    free = np.zeros(len(spots), bool) if wide is None else wide
    light = scene.light(spots)
    pairs, distance = _near_pairs(spots, _FELT_WITHIN_SIGMA * scene.sigma)
    together = _together(pairs, distance, len(spots), TOGETHER_SIGMA * scene.sigma)
    order = np.lexsort((spots[:, 0], -spots[:, 2]))
    if stale is not None:
        order = order[stale[order]]
    for _ in range(sweeps):
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
            scene.noise,
            free,
            with_shape,
            scene.reach,
            scene.draw_reach,
            result,
        )
        move = np.hypot(*(spots[:, :2] - before[:, :2]).T) / scene.sigma
        change = np.abs(spots[:, 2] - before[:, 2]) + spots[:, 2] * move
        felt = _felt(scene, change, pairs, distance) > _FELT * result[:, FLUX_ERR]
        order = np.flatnonzero(felt)
        order = order[np.lexsort((spots[order, 0], -spots[order, 2]))]
    kept = _still_apart(scene, spots, start)
    return spots[kept], result[kept], kept


def disturbed_by(scene: Scene, spots: Array, result: Array, flux: Array) -> Mask:
    """Whether a spot feels that others got, or lost, a flux (0 for those that did not)."""
    pairs, distance = _near_pairs(spots, _FELT_WITHIN_SIGMA * scene.sigma)
    return np.asarray(_felt(scene, flux, pairs, distance) > _FELT * result[:, FLUX_ERR])


def _felt(scene: Scene, change: Array, pairs: Index, distance: Array) -> Array:
    """Change of the neighbours' light, as much of it as counts as a spot's own."""
    overlap = np.exp(-((distance / (2 * scene.sigma)) ** 2))
    if not scene.psf.is_gaussian:
        overlap = np.maximum(overlap, _WINGS)
    felt = np.bincount(pairs[:, 0], change[pairs[:, 1]] * overlap, minlength=len(change))
    return np.asarray(felt, float)


def _near_pairs(spots: Array, within_px: float) -> tuple[Index, Array]:
    """Pairs of neighbours (both ways) in order of the first and the distance, and distances."""
    if len(spots) < 2:
        return np.empty((0, 2), np.int64), np.empty(0)
    pairs = cKDTree(spots[:, :2]).query_pairs(within_px, output_type="ndarray").astype(np.int64)
    pairs = np.vstack([pairs, pairs[:, ::-1]])
    distance = np.hypot(*(spots[pairs[:, 0], :2] - spots[pairs[:, 1], :2]).T)
    order = np.lexsort((pairs[:, 1], distance, pairs[:, 0]))
    return pairs[order], distance[order]


def _together(pairs: Index, distance: Array, n: int, within_px: float) -> tuple[Index, Index]:
    """The nearest neighbours of each as compressed rows (start, index)."""
    first = np.searchsorted(pairs[:, 0], np.arange(n))
    rank = np.arange(len(pairs)) - first[pairs[:, 0]]
    chosen = (distance <= within_px) & (rank < MAX_TOGETHER)
    count = np.bincount(pairs[chosen, 0], minlength=n)
    start = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return start, pairs[chosen, 1].copy()


def _still_apart(scene: Scene, spots: Array, start: Array) -> Mask:
    keep = np.isfinite(spots).all(axis=1)
    keep &= np.hypot(*(spots[:, :2] - start).T) < 2.0 * scene.sigma + 1.0
    last = np.array(scene.shape[::-1]) - 0.5
    keep &= np.all((spots[:, :2] > -0.5) & (spots[:, :2] < last), axis=1)
    places = np.where(np.isfinite(spots[:, :2]), spots[:, :2], -1e9)
    for a, b in sorted(cKDTree(places).query_pairs(_MERGE_SIGMA * scene.sigma)):
        if keep[a] and keep[b]:
            keep[a if spots[a, 2] < spots[b, 2] else b] = False
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
