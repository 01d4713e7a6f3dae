"""Offset, rotation and scale between two sets of places, and which of them is off."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution
from scipy.stats import norm, t

from qdimage.domain.place_check import PlaceCheck

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEWEST_TURNED = 3
# Leaving one out has to leave as many degrees of freedom to judge it by.
_FEWEST_JUDGED = 4
_ODD_CHANCE = 0.01
_ONE_SIGMA = float(norm.cdf(1.0))


def compare_places(predicted_um: Array, measured_um: Array) -> PlaceCheck:
    """Compare places with where they were measured again, by least squares.

    Errors follow from the scatter, widened by Student's t. Places are called off one after the
    other, the worst first, where an F test says that the others agree too well without it, and
    while most remain.

    Parameters
    ----------
    predicted_um, measured_um : ndarray, shape (n, 2)
        At least one.
    """
    off = np.zeros(len(predicted_um), bool)
    z, w = _complex(predicted_um), _complex(measured_um)
    most = (len(z) - 1) // 2
    while off.sum() < most and (worst := _worst(z, w, ~off)) is not None:
        off[worst] = True
    kept = ~off
    middle, turn, shift, squares = _fitted(z, w, kept)
    n = int(kept.sum())
    turned = n >= _FEWEST_TURNED
    dof = 2 * n - (4 if turned else 2)
    variance = squares / dof * t.ppf(_ONE_SIGMA, dof) ** 2 if dof > 0 else np.nan
    spread = float(np.sum(np.abs(z[kept] - middle) ** 2))
    turn_err = float(np.sqrt(variance / spread)) if turned and spread > 0 else np.nan
    left = w - (middle + shift + turn * (z - middle))
    return PlaceCheck(
        offset_um=np.array([shift.real, shift.imag]),
        offset_err_um=float(np.sqrt(variance / n)),
        rotation_deg=float(np.rad2deg(np.angle(turn))) if turned else np.nan,
        rotation_err_deg=float(np.rad2deg(turn_err / abs(turn))) if turned else np.nan,
        scale=abs(turn) if turned else np.nan,
        scale_err=turn_err,
        rms_um=float(np.sqrt(np.mean(np.abs(w - z)[kept] ** 2))),
        left_um=float(np.sqrt(squares / n)),
        left=np.column_stack([left.real, left.imag]),
        off=off,
    )


def _complex(places: Array) -> NDArray[np.complex128]:
    return np.asarray(places[:, 0] + 1j * places[:, 1], np.complex128)


def _fitted(
    z: NDArray[np.complex128], w: NDArray[np.complex128], kept: Mask
) -> tuple[complex, complex, complex, float]:
    """Middle, turn and shift of w = middle + shift + turn (z - middle), and the squares left."""
    middle = complex(np.mean(z[kept]))
    around, there = z[kept] - middle, w[kept] - np.mean(w[kept])
    spread = float(np.sum(np.abs(around) ** 2))
    turn = 1.0 + 0j
    if kept.sum() >= _FEWEST_TURNED and spread > 0:
        turn = complex(np.sum(np.conj(around) * there) / spread)
    squares = float(np.sum(np.abs(there - turn * around) ** 2))
    return middle, turn, complex(np.mean(w[kept])) - middle, squares


def _worst(z: NDArray[np.complex128], w: NDArray[np.complex128], kept: Mask) -> int | None:
    """Index of the place that disagrees most with the others kept; None if none does."""
    n = int(kept.sum())
    if n < _FEWEST_JUDGED:
        return None
    total = _fitted(z, w, kept)[3]
    dof = 2 * (n - 1) - 4
    best, least = None, _ODD_CHANCE
    for index in np.flatnonzero(kept):
        others = kept.copy()
        others[index] = False
        left = _fitted(z, w, others)[3]
        ratio = np.inf if left == 0 else (total - left) / 2 / (left / dof)
        chance = n * float(f_distribution.sf(ratio, 2, dof)) if total > 0 else 1.0
        if chance < least:
            best, least = int(index), chance
    return best
