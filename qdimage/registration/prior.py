"""What is known of a transform before its dots are looked at."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.transform import Transform

Array = NDArray[np.float64]

_LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class Prior:
    """Normal density of the seven parameters.

    Attributes
    ----------
    mean : ndarray, shape (7,)
        (m00, m01, m02, m10, m11, m12, radial_px).
    precision : ndarray, shape (7, 7)
    log_peak : float
        Logarithm of the probability density at the mean.
    """

    mean: Array
    precision: Array
    log_peak: float

    def log_density(self, parameters: Array) -> float:
        """Logarithm of the probability density of parameters."""
        off = parameters - self.mean
        return float(self.log_peak - 0.5 * off @ self.precision @ off)


def parameters_of(transform: Transform) -> Array:
    """Return (m00, m01, m02, m10, m11, m12, radial_px)."""
    return np.concatenate([transform.matrix.ravel(), [transform.radial_px]])


def similarity_prior(
    matrix: Array,
    *,
    centre: Array,
    scale: float,
    shear: float,
    radial_px: float,
    shift_px: float,
    rotation_rad: float,
) -> Prior:
    """Shift and rotation somewhere in their range; scale near 1, shear and radial term near 0.

    A ridge on the terms that a field rarely needs beat choosing a model (rigid, affine, ...) by
    an information criterion. Shift and rotation are normal about the start, as dense there as if
    they were spread evenly over their range, and too wide to pull at two dots or more; a flat
    density would let what few dots leave open count as found.

    Parameters
    ----------
    matrix : ndarray, shape (2, 3)
        Start: a similarity.
    centre : ndarray, shape (2,)
        Of the moving frame.
    scale, shear, radial_px : float
        Standard deviations.
    shift_px, rotation_rad : float
        Half the widths of the ranges of the centre's shift and of the rotation.
    """
    rows = canonical_rows(matrix, centre)
    mean = np.array([1.0, 0.0, 0.0, 0.0, *(matrix @ [*centre, 1.0]), 0.0])
    rotation = 2 * rotation_rad / np.sqrt(2 * np.pi)
    shift = shift_px / np.sqrt(2)
    deviations = np.array([scale, shear, shear, rotation, shift, shift, radial_px])
    _, log_volume = np.linalg.slogdet(rows)
    log_peak = log_volume - float(np.sum(np.log(deviations))) - 3.5 * _LOG_2PI
    precision = np.asarray(rows.T @ (deviations[:, np.newaxis] ** -2.0 * rows), np.float64)
    return Prior(np.linalg.solve(rows, mean), precision, float(log_peak))


def canonical_rows(matrix: Array, centre: Array) -> Array:
    """Rows that turn parameters into scale, two shears, rotation, place of the centre, radial.

    With M = D R and R the start's rotation, D - 1 holds scale, shears and a further rotation.
    """
    linear = matrix[:, :2]
    rotation = linear / np.sqrt(abs(np.linalg.det(linear)))
    rows = np.zeros((7, 7))
    diagonal, other = ((0, 0), (1, 1)), ((0, 1), (1, 0))
    for row, (first, second), sign in (
        (0, diagonal, 1.0),
        (1, diagonal, -1.0),
        (2, other, 1.0),
        (3, other, -1.0),
    ):
        rows[row, 3 * first[0] : 3 * first[0] + 2] += 0.5 * rotation[first[1]]
        rows[row, 3 * second[0] : 3 * second[0] + 2] += 0.5 * sign * rotation[second[1]]
    for axis in range(2):
        rows[4 + axis, 3 * axis : 3 * axis + 3] = [*centre, 1.0]
    rows[6, 6] = 1.0
    return rows


def sibling_prior(transform: Transform, *, centre: Array, shift_px: float) -> Prior:
    """Another channel's transform, up to a small shift.

    Parameters
    ----------
    centre : ndarray, shape (2,)
        Of the moving frame.
    shift_px : float
        Standard deviation of the shift, for each axis.
    """
    covariance = transform.covariance.copy()
    covariance[[2, 5], [2, 5]] += shift_px**2
    # Without this, a transform that was given by hand would have no width at all.
    slope = 1e-2 / np.max(centre)
    covariance += np.diag([slope, slope, 0.0, slope, slope, 0.0, 1e-2]) ** 2
    _, log_volume = np.linalg.slogdet(covariance)
    log_peak = -0.5 * (7 * _LOG_2PI + log_volume)
    precision = np.asarray(np.linalg.inv(covariance), np.float64)
    return Prior(parameters_of(transform), precision, float(log_peak))
