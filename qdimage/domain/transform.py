"""The map from a channel's pixels to the field's pixels, with its uncertainty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]

_NEWTON_STEPS = 30
_SMALLEST_SLOPE = 1e-9


def _nothing() -> Points:
    return np.zeros((7, 7))


def _unbent(distance: NDArray[np.float64], bend: float) -> NDArray[np.float64]:
    """Solve t + bend * t**3 = distance by Newton's method, which never passes the solution."""
    fold = 1 / np.sqrt(-3 * bend) if bend < 0 else np.inf
    solved = np.minimum(distance, fold)
    for _ in range(_NEWTON_STEPS):
        slope = np.maximum(1 + 3 * bend * solved**2, _SMALLEST_SLOPE)
        solved = np.minimum(solved - (solved + bend * solved**3 - distance) / slope, fold)
    return solved


@dataclass(frozen=True)
class Transform:
    """An affine map with a radial term: ``q = M (p + radial_px * |u|^2 u) + t``.

    u = (p - centre_px) / radius_px, so `radial_px` is the displacement at the distance
    `radius_px` from the centre.

    Attributes
    ----------
    matrix : ndarray, shape (2, 3)
        (M | t), channel px to field px.
    radial_px : float
        Radial displacement at `radius_px`; 0 for an affine map.
    centre_px : tuple of float
        (x, y) about which the radial term acts.
    radius_px : float
        Distance at which the radial term equals `radial_px`.
    covariance : ndarray, shape (7, 7)
        Of (m00, m01, m02, m10, m11, m12, radial_px).
    """

    matrix: NDArray[np.float64]
    radial_px: float
    centre_px: tuple[float, float]
    radius_px: float
    covariance: NDArray[np.float64]

    @classmethod
    def from_matrix(cls, matrix: NDArray[np.float64]) -> "Transform":
        """An affine map without uncertainty."""
        matrix = np.asarray(matrix, float)
        if matrix.shape != (2, 3):
            raise ValueError(f"found a matrix of shape {matrix.shape}, expected (2, 3)")
        return cls(matrix, 0.0, (0.0, 0.0), 1.0, _nothing())

    def _radial(self, points: Points) -> Points:
        scaled = (points - np.asarray(self.centre_px)) / self.radius_px
        return np.asarray(np.sum(scaled**2, axis=1, keepdims=True) * scaled, np.float64)

    def apply(self, points: Points) -> Points:
        """Map (n, 2) channel positions to the field."""
        points = np.asarray(points, float).reshape(-1, 2)
        bent = points + self.radial_px * self._radial(points)
        return np.asarray(bent @ self.matrix[:, :2].T + self.matrix[:, 2])

    def inverse(self, points: Points) -> Points:
        """Map (n, 2) field positions to the channel.

        Where the radial term folds the plane, far outside any frame, the fold is the answer.
        """
        points = np.asarray(points, float).reshape(-1, 2)
        solved = np.linalg.solve(self.matrix[:, :2], (points - self.matrix[:, 2]).T).T
        offset = (solved - np.asarray(self.centre_px)) / self.radius_px
        distance = np.linalg.norm(offset, axis=1, keepdims=True)
        shift = _unbent(distance, self.radial_px / self.radius_px) - distance
        share = np.divide(shift, distance, out=np.zeros_like(distance), where=distance > 0)
        return np.asarray(solved + self.radius_px * share * offset, np.float64)

    @property
    def scale(self) -> float:
        """Length in the field of one channel pixel, the radial term left out."""
        return float(np.sqrt(abs(np.linalg.det(self.matrix[:, :2]))))

    def parameter_jacobian(self, points: Points) -> NDArray[np.float64]:
        """Return d(q_x, q_y)/d(parameters), shape (n, 2, 7)."""
        points = np.asarray(points, float).reshape(-1, 2)
        radial = self._radial(points)
        bent = points + self.radial_px * radial
        jacobian = np.zeros((len(points), 2, 7))
        for row in range(2):
            jacobian[:, row, 3 * row : 3 * row + 2] = bent
            jacobian[:, row, 3 * row + 2] = 1.0
        jacobian[:, :, 6] = radial @ self.matrix[:, :2].T
        return jacobian

    def position_covariance(self, points: Points) -> NDArray[np.float64]:
        """Covariance of mapped positions from the transform alone, shape (n, 2, 2), px^2."""
        jacobian = self.parameter_jacobian(points)
        return np.asarray(np.einsum("nip,pq,njq->nij", jacobian, self.covariance, jacobian))

    def local_affine(self, width: int, height: int) -> NDArray[np.float64]:
        """Return the (2, 3) affine map closest to this one over a frame."""
        grid_x, grid_y = np.meshgrid(np.linspace(0, width - 1, 9), np.linspace(0, height - 1, 9))
        points = np.column_stack([grid_x.ravel(), grid_y.ravel()])
        design = np.column_stack([points, np.ones(len(points))])
        solution, *_ = np.linalg.lstsq(design, self.apply(points), rcond=None)
        return np.asarray(solution.T)
