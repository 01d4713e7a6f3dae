"""Spots that are not the image of one point: two dots, or a wide one."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.localize.fit import FLUX_ERR, SHAPE, SHAPE_COVARIANCE
from qdimage.localize.scene import Scene

Array = NDArray[np.float64]
Index = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Longer by so many errors is two dots; the direction is chosen of all.
_LONG_SIGMA = 4.0
# Of the spot's variance: half as long again in one direction as the field's shape is known.
_LEAST_LONGER = 0.12
# A second direction that is longer by this share of the first makes it wide instead.
_ROUND = 0.4
_WIDE_SIGMA = 5.0
_WIDE_RATIO = 1.2
_MANY, _WELL_KNOWN = 20, 0.2
# A dot out of focus is wider by so many errors and by a share of the spot's variance, a tenth in
# width, and across its longest direction, too.
_FOCUS_SIGMA, _FOCUS_LEAST, _ACROSS_SIGMA = 4.0, 0.2, 2.0
# More than this share of the variance is not laid to a lens: a field may be all pairs.
_COMMON = 0.15
_NEAREST_SIGMA, _FARTHEST_SIGMA = 1.0, 3.0
_STILL_TWO_SIGMA, _STILL_APART_SIGMA = 4.0, 0.8


@dataclass(frozen=True)
class Shapes:
    """How far spots differ from the field's spot; arrays of shape (n,).

    Attributes
    ----------
    added : ndarray
        Variance in excess, mean of all directions, px^2; and
    added_err : ndarray
        its standard deviation.
    longest, across : ndarray
        Variance in excess along the longest direction, and across it, px^2.
    longest_err, across_err : ndarray
    direction : ndarray, shape (n, 2)
        Unit vector of the longest direction.
    """

    added: Array
    added_err: Array
    longest: Array
    across: Array
    longest_err: Array
    across_err: Array
    direction: Array

    def two_dots(self, sigma_px: float) -> Mask:
        """Whether a spot is longer than one dot in one direction, and in one only."""
        long = self.longest > _LONG_SIGMA * self.longest_err
        long &= self.longest > _LEAST_LONGER * sigma_px**2
        round_ = self.across - 2.0 * self.across_err > _ROUND * self.longest
        return np.asarray(long & ~round_)

    def out_of_focus(self, sigma_px: float, alone: Mask) -> Mask:
        """Whether a spot that is alone is wider than others that are, in every direction.

        Less is asked for than of a wide one, which gets a width of its own in the fit. What lone
        spots have in common is no matter of a single one's focus.
        """
        known = alone & (self.added_err < _WELL_KNOWN * sigma_px**2)
        usual = float(np.median(self.added[known])) if known.sum() >= _MANY else 0.0
        err = np.hypot(_FOCUS_SIGMA * self.added_err, _FOCUS_LEAST * sigma_px**2)
        wider = alone & (self.added - max(usual, 0.0) > err)
        return np.asarray(wider & (self.across > _ACROSS_SIGMA * self.across_err))

    def wide(self, sigma_px: float) -> Mask:
        """Whether a spot is wider than the field's in every direction."""
        least = (_WIDE_RATIO**2 - 1.0) * sigma_px**2
        wide = (self.added > least) & (self.added - least > 0)
        return np.asarray(wide & (self.added > _WIDE_SIGMA * self.added_err))


def measured_shapes(scene: Scene, spots: Array, result: Array) -> Shapes:
    """Return the shapes of fitted spots, less what the field's spots have in common.

    A lens that draws every dot a little long makes no two dots of each.
    """
    change = result[:, SHAPE].copy()
    xx, xx_yy, xx_xy, yy, yy_xy, xy = result[:, SHAPE_COVARIANCE].T
    bright = spots[:, 2] > 10.0 * result[:, FLUX_ERR]
    known = bright & (np.sqrt(np.maximum(xx, yy)) < _WELL_KNOWN * scene.sigma**2)
    if known.sum() >= _MANY:
        most = _COMMON * scene.sigma**2
        lens = np.median(change[known], axis=0).clip(-most, most)
        # What all directions have in common is a width, and no matter of the lens.
        lens[:2] -= lens[:2].mean()
        change -= lens
    # A spot with a width of its own was tested beside that.
    dx, dy, dxy = change[:, 0] + spots[:, 3], change[:, 1] + spots[:, 3], change[:, 2]
    mean, half = (dx + dy) / 2, (dx - dy) / 2
    split = np.hypot(half, dxy)
    angle = 0.5 * np.arctan2(dxy, half)
    along = _variance(np.cos(angle), np.sin(angle), xx, xx_yy, xx_xy, yy, yy_xy, xy)
    across = _variance(-np.sin(angle), np.cos(angle), xx, xx_yy, xx_xy, yy, yy_xy, xy)
    return Shapes(
        mean,
        np.sqrt(np.maximum(xx + yy + 2 * xx_yy, 0.0)) / 2,
        mean + split,
        mean - split,
        np.sqrt(np.maximum(along, 0.0)),
        np.sqrt(np.maximum(across, 0.0)),
        np.column_stack([np.cos(angle), np.sin(angle)]),
    )


def _variance(
    c: Array, s: Array, xx: Array, xx_yy: Array, xx_xy: Array, yy: Array, yy_xy: Array, xy: Array
) -> Array:
    """Variance of the excess along a direction (c, s): c^2 xx + s^2 yy + 2 c s xy."""
    a, b, d = c * c, s * s, 2 * c * s
    return np.asarray(
        a * a * xx + b * b * yy + d * d * xy + 2 * (a * b * xx_yy + a * d * xx_xy + b * d * yy_xy)
    )


def split_in_two(spots: Array, shapes: Shapes, which: Mask, sigma_px: float) -> Array:
    """Return spots, those of a mask replaced by two of half the flux, the second ones last.

    Two equal dots at a distance d have a variance of d^2 / 4 along it.
    """
    apart = 2.0 * np.sqrt(np.maximum(shapes.longest[which], 0.0))
    apart = apart.clip(_NEAREST_SIGMA * sigma_px, _FARTHEST_SIGMA * sigma_px)
    step = 0.5 * apart[:, np.newaxis] * shapes.direction[which]
    first = spots.copy()
    first[which, :2] += step
    first[which, 2] /= 2
    second = first[which].copy()
    second[:, :2] -= 2 * step
    return np.vstack([first, second])


def still_two(spots: Array, result: Array, first: Index, second: Index, sigma_px: float) -> Mask:
    """Whether each of two spots' fluxes is certain beside the other's, and they stay apart."""
    apart = np.hypot(*(spots[first, :2] - spots[second, :2]).T)
    sure = spots[:, 2] > _STILL_TWO_SIGMA * result[:, FLUX_ERR]
    return np.asarray(sure[first] & sure[second] & (apart > _STILL_APART_SIGMA * sigma_px))
