"""The map from the field's pixels to the stage, with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class StageMap:
    """An affine map, field px to stage um.

    Attributes
    ----------
    matrix : ndarray, shape (2, 3)
    covariance : ndarray, shape (6, 6)
        Of (m00, m01, m02, m10, m11, m12); zeros where the map is taken as exact.
    model : {"given", "similarity", "affine"}
    n_pairs : int
        Clicked pairs behind it; 0 where it is given.
    rms_um : float
        Root mean square distance of the pairs; NaN without any to spare.
    """

    matrix: Array
    covariance: Array
    model: str = "given"
    n_pairs: int = 0
    rms_um: float = float("nan")

    def apply(self, points: Array) -> Array:
        """Map (n, 2) field positions to the stage."""
        return np.asarray(points @ self.matrix[:, :2].T + self.matrix[:, 2])

    def inverse(self, points: Array) -> Array:
        """Map (n, 2) stage positions to the field."""
        return np.asarray(np.linalg.solve(self.matrix[:, :2], (points - self.matrix[:, 2]).T).T)

    def position_covariance(self, points: Array, covariance_px: Array) -> Array:
        """Covariance of mapped positions, shape (n, 2, 2), um^2.

        Parameters
        ----------
        points : ndarray, shape (n, 2)
        covariance_px : ndarray, shape (n, 2, 2)
            Of the positions, px^2.
        """
        linear = self.matrix[:, :2]
        of_points = np.einsum("ik,nkl,jl->nij", linear, covariance_px, linear)
        row = np.column_stack([points, np.ones(len(points))])
        blocks = self.covariance.reshape(2, 3, 2, 3)
        return np.asarray(of_points + np.einsum("nk,ikjl,nl->nij", row, blocks, row))

    @property
    def pixel_um(self) -> float:
        """Length on the stage of one field pixel."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))
