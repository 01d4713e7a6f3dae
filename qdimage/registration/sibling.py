"""A channel with few dots, registered through another voltage of the same field."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import binom

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.judge import refined
from qdimage.registration.options import RegisterOptions
from qdimage.registration.points import Points, voters
from qdimage.registration.prior import sibling_prior

Array = NDArray[np.float64]

# Of a channel's dots, at least this share is expected on known dots of its field: what shines at a
# low voltage shines at a higher one.
_EXPECTED_SHARE = 0.6
_TOO_FEW_PROBABILITY = 2e-3
# A bright dot's image has rings, which are found as dots of its faintest percents.
_RING_SIGMA, _RING_CONTRAST = 7.0, 5.0


def align_by_sibling(
    moving: Localizations,
    fixed: Localizations,
    sibling: Registration,
    *,
    known: Array,
    moving_shape: tuple[int, int],
    fixed_shape: tuple[int, int],
    options: RegisterOptions,
) -> Registration | Refusal:
    """Map a channel through the transform of another voltage of its field.

    The transform is tested on this channel's dots with a shift of its own, at most
    ``options.sibling_shift_px``. A channel with too few dots for that inherits it as it is; one
    whose dots lie elsewhere shows another field and is refused.

    Parameters
    ----------
    sibling : Registration
        Of a channel that passed on its own.
    known : ndarray, shape (n, 2)
        Where the siblings show EL dots, in field px.
    moving_shape, fixed_shape : (height, width)
    options : RegisterOptions
    """
    a, b = voters(moving, moving_shape), voters(fixed, fixed_shape)
    start = sibling.transform
    if len(a) and len(b):
        prior = sibling_prior(start, centre=a.centre, shift_px=options.sibling_shift_px / 2)
        found, _ = refined(start, prior, a, b, options=options, model=sibling.model)
        near = _largest_move(found.transform, start, a) <= options.sibling_shift_px
        if near and found.chance_p <= options.max_chance_probability:
            return found
    places = _without_satellites(a, moving)
    n_known = _n_on_known(start, places, np.vstack([b.positions, known]), options)
    if binom.cdf(n_known, len(places), _EXPECTED_SHARE) < _TOO_FEW_PROBABILITY:
        return Refusal(
            f"only {n_known} of {len(places)} dots lie on dots that the reference or other "
            "voltages of this field show; check that this stack shows the same field, or give "
            "the channel pins of its own"
        )
    return _inherited(sibling, options)


def _largest_move(transform: Transform, sibling: Transform, a: Points) -> float:
    moved = transform.apply(a.positions) - sibling.apply(a.positions)
    return float(np.hypot(moved[:, 0], moved[:, 1]).max())


def _without_satellites(a: Points, dots: Localizations) -> Array:
    """Places of the dots that no much brighter one is near, whose rings they could be."""
    tree = cKDTree(a.positions)
    near = tree.query_pairs(_RING_SIGMA * dots.psf_sigma_px, output_type="ndarray")
    pairs = np.vstack([near, near[:, ::-1]])
    signal = dots.signal[a.index]
    is_faint = _RING_CONTRAST * signal[pairs[:, 0]] < signal[pairs[:, 1]]
    return np.delete(a.positions, pairs[is_faint, 0], axis=0)


def _n_on_known(sibling: Transform, places: Array, known: Array, options: RegisterOptions) -> int:
    """How many dots lie on known ones; the possible shift decides what counts as on."""
    distance, _ = cKDTree(known).query(sibling.apply(places))
    return int(np.sum(distance <= options.sibling_shift_px))


def _inherited(sibling: Registration, options: RegisterOptions) -> Registration:
    start = sibling.transform
    covariance = start.covariance.copy()
    covariance[2, 2] += (options.sibling_shift_px / 4) ** 2
    covariance[5, 5] += (options.sibling_shift_px / 4) ** 2
    transform = Transform(
        start.matrix, start.radial_px, start.centre_px, start.radius_px, covariance
    )
    nothing = np.empty((0, 2))
    return Registration(
        transform, sibling.model, nothing.astype(np.int64), nothing, float("nan"), inherited=True
    )
