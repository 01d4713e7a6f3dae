"""Which terms of a transform its dots support, by an information criterion."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform
from qdimage.registration.points import Pairs, Points
from qdimage.registration.prior import canonical_rows, parameters_of

Array = NDArray[np.float64]

_HUBER_SIGMA = 2.0
# Scale, two shears, rotation, place of the centre (x, y), radial term.
_PLAIN = np.array([1.0, 0.0, 0.0, 0.0, np.nan, np.nan, 0.0])
_TERMS = {
    "translation": (4, 5),
    "rigid": (3, 4, 5),
    "similarity": (0, 3, 4, 5),
    "affine": (0, 1, 2, 3, 4, 5),
}
_RADIAL = 6


@dataclass(frozen=True)
class _Quadratic:
    """Chi-squared of the pairs, as a function of seven terms' changes: its least-squares form."""

    jacobian: Array
    residuals: Array

    def least(self, change: Array, free: list[int]) -> float:
        """Chi-squared at the best values of the free terms, the others changed as told."""
        fixed = [k for k in range(len(change)) if k not in free]
        wanted = -(self.residuals + self.jacobian[:, fixed] @ change[fixed])
        step, *_ = np.linalg.lstsq(self.jacobian[:, free], wanted, rcond=None)
        return float(np.sum((wanted - self.jacobian[:, free] @ step) ** 2))


def supported_model(transform: Transform, pairs: Pairs, moving: Points) -> str:
    """Name the simplest map that explains the pairs as well as their number can tell.

    Translation, rigid, similarity and affine maps, each with and without a radial term, are fitted
    to the same pairs with the same weights and compared by the Bayesian information criterion
    (Schwarz, Ann. Stat. 6, 461, 1978, doi:10.1214/aos/1176344136) with the term of few data
    (Hurvich and Tsai, Biometrika 76, 297, 1989, doi:10.1093/biomet/76.2.297), on one noise scale
    for all: that of the richest map, or the localization errors' where these are larger.

    Parameters
    ----------
    transform : Transform
        Fitted to the pairs with all terms.
    pairs : Pairs
        At least 3.
    moving : Points

    Returns
    -------
    str
        "translation", "rigid", "similarity" or "affine", and "+radial" where it bends.
    """
    n_numbers = 2 * len(pairs.moving)
    everything = list(range(7))
    turned, upright = (_quadratic(each, transform, pairs, moving) for each in (False, True))
    scale = 1.0
    if n_numbers > len(everything):
        full, change = turned
        scale = max(1.0, full.least(change, everything) / (n_numbers - len(everything)))
    criterion = {}
    for name, terms in _TERMS.items():
        form, change = upright if name == "translation" else turned
        for ending, more in (("", ()), ("+radial", (_RADIAL,))):
            free = [*terms, *more]
            if len(free) < n_numbers - 1:
                cost = form.least(change, free) / scale
                criterion[name + ending] = cost + _penalty(len(free), n_numbers)
    return min(criterion, key=lambda name: criterion[name])


def _penalty(n_free: int, n_numbers: int) -> float:
    """What more terms must gain."""
    few = 2 * n_free * (n_free + 1) / (n_numbers - n_free - 1)
    return n_free * float(np.log(n_numbers)) + few


def _quadratic(
    upright: bool, transform: Transform, pairs: Pairs, moving: Points
) -> tuple[_Quadratic, Array]:
    """Return the form and what turns the transform into one without scale, shear and bend.

    An upright form counts rotation from that of the channel's own axes, else from the transform's,
    which makes its shears those of an unturned frame.
    """
    axes = np.eye(2) if upright else _turn_of(transform.matrix[:, :2])
    rows = canonical_rows(np.column_stack([axes, np.zeros(2)]), moving.centre)
    # In px at the frame's corner, so that all seven are alike.
    unit = np.array([*[moving.half_diagonal] * 4, 1.0, 1.0, 1.0])
    change = _PLAIN - rows @ parameters_of(transform)
    jacobian = transform.parameter_jacobian(moving.positions[pairs.moving])
    jacobian = jacobian @ np.linalg.inv(rows) / unit
    weight = np.sqrt(np.minimum(1.0, _HUBER_SIGMA / np.maximum(pairs.distance_sigma, 1e-9)))
    root = (weight / np.sqrt(pairs.variance))[:, np.newaxis]
    form = _Quadratic((root[..., np.newaxis] * jacobian).reshape(-1, 7), _flat(root, pairs))
    return form, change * unit


def _turn_of(linear: Array) -> Array:
    """Return the rotation, mirrored or not, that is closest to a linear map."""
    left, _, right = np.linalg.svd(linear)
    return np.asarray(left @ right)


def _flat(root: Array, pairs: Pairs) -> Array:
    return np.asarray((root * pairs.residuals).ravel())
