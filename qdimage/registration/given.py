"""Transforms that a person gives, by a matrix or by pinned pairs, put to the same test."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.judge import GATE_SIGMA, MANUAL, judged, refined
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Points, nearest_pairs, voters
from qdimage.registration.prior import Prior, similarity_prior
from qdimage.registration.refine import bendable, fit_pairs

Array = NDArray[np.float64]

_PIN_ERR_PX = 0.5
# Chi-squared by which one orientation must fit the pins better than the other.
_PINS_TELL = 12.0


def check_transform(
    moving: Localizations,
    fixed: Localizations,
    transform: Transform,
    *,
    moving_shape: tuple[int, int],
    fixed_shape: tuple[int, int],
    options: RegisterOptions,
) -> Registration | Refusal:
    """Accept a given transform unless chance brings as many dots together.

    One that is known exactly is taken as it is. One with an uncertainty, from pins, is refined on
    the dots, and judged as one that was searched for: the pins may have been set on dots that
    only seemed to be the same.
    """
    a, b = voters(moving, moving_shape), voters(fixed, fixed_shape)
    if min(len(a), len(b)) == 0:
        return Refusal(
            f"found {len(a)} dots here and {len(b)} in the reference: the given transform cannot "
            "be tested; use a longer exposure or another voltage"
        )
    if np.any(transform.covariance):
        prior = _wide_prior(transform.matrix, a, options)
        found = replace(refined(transform, prior, a, b, options=options)[0], model=MANUAL)
    else:
        found = _as_given(transform, a, b, options)
    if found.chance_p > options.max_chance_probability:
        return Refusal(
            f"the given transform brings {found.n_inliers} of {len(a)} dots onto dots of the "
            f"reference, which chance does with probability {found.chance_p:.2g} (allowed "
            f"{options.max_chance_probability:g}); correct or remove transform or pins"
        )
    return found


def _as_given(transform: Transform, a: Points, b: Points, options: RegisterOptions) -> Registration:
    pairs = nearest_pairs(
        transform,
        a,
        b,
        systematic_px=options.systematic_error_px,
        reach_px=options.sibling_shift_px,
    )
    pairs = pairs.chosen(pairs.distance_sigma <= GATE_SIGMA)
    return judged(transform, pairs, a, b, model=MANUAL, prior=None)


def transforms_from_pins(
    pins: Array, *, moving_shape: tuple[int, int], options: RegisterOptions
) -> list[Transform]:
    """Fit transforms to places that a person pinned, the best first.

    One, upright or mirrored, where the pins tell which; both where one or two pins, or pins in a
    row, leave it open.

    Parameters
    ----------
    pins : ndarray, shape (n, 4)
        x, y in the channel and x, y in the field.
    moving_shape : (height, width)
    """
    height, width = moving_shape
    variance, index = np.full(len(pins), _PIN_ERR_PX**2), np.arange(len(pins), dtype=np.int64)
    a = Points(pins[:, :2], variance, index, width, height)
    b = Points(pins[:, 2:], variance, index, width, height)
    fits = []
    for mirror in (False, True):
        matrix = _turned_and_shifted(a.positions, b.positions, mirror=mirror)
        fit = fit_pairs(bendable(matrix, a), _wide_prior(matrix, a, options), a, b)
        off = np.sum((fit.apply(a.positions) - b.positions) ** 2) / (2 * _PIN_ERR_PX**2)
        fits.append((float(off), mirror, fit))
    fits.sort(key=lambda each: each[:2])
    return [fit for off, _, fit in fits if off < fits[0][0] + _PINS_TELL]


def _wide_prior(matrix: Array, a: Points, options: RegisterOptions) -> Prior:
    """A person may map any place to any other, turned by any angle, mirrored or not."""
    prior = similarity_prior(
        matrix,
        centre=a.centre,
        scale=options.scale_prior,
        shear=options.shear_prior,
        radial_px=options.radial_prior_px,
        shift_px=a.half_diagonal,
        rotation_rad=np.pi,
    )
    return replace(prior, log_peak=prior.log_peak - float(np.log(2.0)))


def _turned_and_shifted(moving: Array, fixed: Array, *, mirror: bool) -> Array:
    """Rotation and shift that bring the points closest; a single pair tells the shift alone."""
    middle, target = moving.mean(axis=0), fixed.mean(axis=0)
    flip = np.diag([-1.0 if mirror else 1.0, 1.0])
    arms, images = (moving - middle) @ flip, fixed - target
    along = np.sum(arms * images)
    across = np.sum(arms[:, 0] * images[:, 1] - arms[:, 1] * images[:, 0])
    angle = np.arctan2(across, along)
    linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ flip
    return np.column_stack([linear, target - linear @ middle])
