"""Which dots moved within a stack."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.stack_change import StackChange
from qdimage.localize.motion_kernel import (
    CHI_SQ,
    FLUX,
    FLUX_VARIANCE,
    MEAN_OFF_X,
    MEAN_OFF_Y,
    N_CHANGES,
    OFF_X,
    OFF_Y,
    XX,
    XY,
    YY,
    X,
    Y,
    fit_changes,
)
from qdimage.localize.scene import Scene
from qdimage.numerics.near_pairs import near_pairs

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Pairs = tuple[NDArray[np.int64], NDArray[np.int64], Array]

# Chi-square of two degrees of freedom that noise exceeds once in a thousand dots.
_SIGNIFICANT = 13.816
_LEAST_PX = 0.1
# What no noise explains: spots that are not quite as they are drawn.
_FLOOR_PX = 0.02
_NEAR_SIGMA, _CLOSE_SIGMA = 7.0, 3.5
# A dot that is dark in one half says nothing about its place there.
_DARK = 1.6
# Light that came or went may have been that of a second dot, as far away as two are seen as one.
_UNRESOLVED_SIGMA = 1.0
_SURE = 2.0
# Share of a neighbour's light that may not be where it is drawn.
_MISDRAWN = 0.1
_FEWEST = 5
# Standard deviation of both halves' places beside the distance of their means, where motion is
# even: by so much may the light of a dot that blinks be off.
_SPREAD = 0.41
_ROUNDS, _OUTLIER_SIGMA = 10, 4.0


@dataclass(frozen=True)
class Motion:
    """How far dots moved from one half of a stack to the other, beside the field's dots.

    Attributes
    ----------
    moved_px, moved_err_px : ndarray, shape (n,)
        Distance and its standard deviation along its direction; NaN where not known.
    is_moving : ndarray of bool, shape (n,)
    """

    moved_px: Array
    moved_err_px: Array
    is_moving: Mask


def measured_motion(scene: Scene, spots: Array, background: Array, light: Array) -> Motion:
    """Return the motion of fitted spots.

    Parameters
    ----------
    scene : Scene
        Its image's `change` says what differs between the halves.
    spots : ndarray, shape (n, 4)
    background, light : ndarray, shape (y, x)
        Of the mean image, the light being that of all spots.
    """
    n = len(spots)
    unknown = Motion(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, bool))
    if scene.image.change is None or n < _FEWEST:
        return unknown
    pairs = near_pairs(spots[:, :2], _NEAR_SIGMA * scene.sigma)
    found = _changes(scene, scene.image.change, spots, background, light, pairs)
    flux, gained = spots[:, 2], found[:, FLUX]
    with np.errstate(divide="ignore", invalid="ignore"):
        lit = np.abs(gained) < _DARK * flux
        per_flux = np.where(lit, flux / (flux**2 - gained**2 / 4), np.nan)
    shift = _beside_drift(found, flux) * per_flux[:, np.newaxis]
    scale = per_flux**2 * np.maximum(found[:, CHI_SQ], 1.0)
    xx, xy, yy = (found[:, [XX, XY, YY]] * scale[:, np.newaxis]).T
    known = np.isfinite(shift).all(axis=1) & np.isfinite(xx) & np.isfinite(yy)
    # Where drift takes a part of a dot out of the frame, its halves show other parts.
    known &= ~scene.at_edge(spots)
    if known.sum() < _FEWEST:
        return unknown
    common, common_err = _common_shift(shift[known], np.column_stack([xx, yy])[known])
    floor = _FLOOR_PX**2 + _SPREAD**2 * (common @ common) + common_err @ common_err / 2
    ambiguous = _light_elsewhere(scene.sigma, found, pairs) * per_flux
    return _judged(shift - common, (xx + floor, xy, yy + floor), ambiguous, known)


def _changes(
    scene: Scene, change: StackChange, spots: Array, background: Array, light: Array, pairs: Pairs
) -> Array:
    """What is fitted to the halves' difference for each spot, see `fit_changes`."""
    found = np.empty((len(spots), N_CHANGES))
    fit_changes(
        change.difference,
        change.samples,
        change.off_place,
        background,
        light,
        spots,
        *pairs,
        _CLOSE_SIGMA * scene.sigma,
        scene.terms,
        scene.noise,
        scene.reach,
        found,
    )
    return found


def _beside_drift(found: Array, flux: Array) -> Array:
    """Change of each spot's flux times place, less what the drift within the halves made of it."""
    # The place that was fitted is where the drift has put the light on average.
    average = (found[:, FLUX] / flux)[:, np.newaxis] * found[:, [MEAN_OFF_X, MEAN_OFF_Y]]
    return np.asarray(found[:, [X, Y]] - (found[:, [OFF_X, OFF_Y]] - average))


def _light_elsewhere(sigma: float, found: Array, pairs: Pairs) -> Array:
    """Flux times place that may be of light which came or went beside where spots are drawn."""
    start, other, distance = pairs
    n = len(found)
    gained, gained_err = found[:, FLUX], np.sqrt(found[:, FLUX_VARIANCE])
    blinked = np.maximum(np.abs(gained) - _SURE * gained_err, 0.0)
    first = np.repeat(np.arange(n), np.diff(start))
    reached = distance * np.exp(-((distance / (2 * sigma)) ** 2))
    beside = np.bincount(first, blinked[other] * reached, minlength=n)
    return np.asarray(_UNRESOLVED_SIGMA * sigma * blinked + _MISDRAWN * beside)


def _judged(
    apart: Array, covariance: tuple[Array, Array, Array], ambiguous: Array, known: Mask
) -> Motion:
    """Which displacements (n, 2) beside the field's are neither noise nor light elsewhere."""
    (x, y), (xx, xy, yy) = apart.T, covariance
    moved = np.hypot(x, y)
    with np.errstate(divide="ignore", invalid="ignore"):
        certain = np.maximum(moved - ambiguous, 0.0)
        chi_sq = (x**2 * yy - 2 * x * y * xy + y**2 * xx) / (xx * yy - xy**2)
        err = moved / np.sqrt(chi_sq)
        is_moving = known & (chi_sq * (certain / moved) ** 2 > _SIGNIFICANT)
    is_moving &= certain > _LEAST_PX
    return Motion(
        np.where(known, moved, np.nan), np.where(known, err, np.nan), np.asarray(is_moving)
    )


def _common_shift(shift: Array, variance: Array) -> tuple[Array, Array]:
    """Shift (x, y) that most dots share, whatever the others do, and its error."""
    common = np.median(shift, axis=0)
    square = variance + _FLOOR_PX**2
    for _ in range(_ROUNDS):
        ratio = (shift - common) ** 2 / (_OUTLIER_SIGMA**2 * square)
        weight = np.where(ratio < 1.0, (1.0 - ratio) ** 2, 0.0) / square
        if not np.all(weight.sum(axis=0) > 0):
            break
        common = (weight * shift).sum(axis=0) / weight.sum(axis=0)
    total = (weight.sum(axis=0)).clip(1e-12)
    return common, np.sqrt((weight**2 * square).sum(axis=0)) / total
