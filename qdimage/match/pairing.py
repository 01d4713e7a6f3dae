"""One-to-one matches within a distance that the errors set."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.stats import chi2

from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.transform import Transform

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

# Two sources closer than this are one to the camera: such light counts as the dot's.
OWN_LIGHT_SIGMA = 1.0
# A dot nearer to the frame's border than this is not fully in it.
EDGE_SIGMA = 2.5


def match(
    moving: Localizations,
    fixed: Localizations,
    transform: Transform,
    *,
    gate_probability: float,
    systematic_px: float,
    fixed_shape: tuple[int, int] | None = None,
) -> Matches:
    """Match the dots of a channel to the reference's, each at most once.

    A pair may match if its squared Mahalanobis distance, with the covariance of both
    localizations, of the transform and of the systematic part, is below the chi-squared quantile of
    `gate_probability`. Among possible pairs the assignment of the largest likelihood is taken.

    Parameters
    ----------
    moving, fixed : Localizations
    transform : Transform
        Moving px to fixed px.
    gate_probability : float
        Share of true pairs that the gate lets through.
    systematic_px : float
        Position error beyond the fit's own, standard deviation for each axis.
    fixed_shape : (height, width), optional
        Of the reference's frame; without bounds if None.
    """
    mapped = transform.apply(moving.positions)
    inside = _inside(mapped, fixed, fixed_shape)
    if len(moving) == 0 or len(fixed) == 0:
        nothing = np.full(len(moving), -1, np.int64)
        unknown = np.full((len(moving), 2), np.nan)
        alone = np.ones(len(moving), bool)
        return Matches(mapped, nothing, unknown, unknown[:, 0], nothing, alone, inside)
    covariance = _mapped_covariance(moving, transform, systematic_px)
    fixed_variance = fixed.position_err_px**2
    limit = float(chi2(2).ppf(gate_probability))
    tree = cKDTree(fixed.positions)
    _, nearest = tree.query(mapped)
    nearest = nearest.astype(np.int64)
    gate = _gate_radius(covariance, fixed_variance[nearest], limit)
    widest = np.linalg.eigvalsh(covariance)[:, -1] + fixed_variance.max()
    a, b = _possible(tree, mapped, np.sqrt(limit * widest))
    distance_sq = _mahalanobis_sq(mapped[a] - fixed.positions[b], covariance[a], fixed_variance[b])
    allowed = distance_sq <= limit
    dot = _assign(a[allowed], b[allowed], limit - distance_sq[allowed], len(mapped), len(fixed))
    residuals = mapped - fixed.positions[nearest]
    own_light = OWN_LIGHT_SIGMA * moving.psf_sigma_px * transform.scale
    alone = (dot < 0) & (np.hypot(residuals[:, 0], residuals[:, 1]) > own_light)
    return Matches(mapped, nearest, residuals, gate, dot, alone, inside)


def _inside(mapped: Array, fixed: Localizations, shape: tuple[int, int] | None) -> Mask:
    if shape is None:
        return np.ones(len(mapped), bool)
    margin = EDGE_SIGMA * fixed.psf_sigma_px
    last = np.array([shape[1], shape[0]]) - 1 - margin
    return np.asarray(np.all((mapped >= margin) & (mapped <= last), axis=1))


def _mapped_covariance(moving: Localizations, transform: Transform, systematic_px: float) -> Array:
    linear = transform.matrix[:, :2]
    own = np.einsum("ip,np,jp->nij", linear, moving.position_err_px**2, linear)
    both = own + transform.position_covariance(moving.positions)
    return np.asarray(both + systematic_px**2 * np.eye(2))


def _gate_radius(covariance: Array, variance: Array, limit: float) -> Array:
    """Radius of a circle with the area of the gate's ellipse."""
    total = covariance + variance[:, :, np.newaxis] * np.eye(2)
    return np.asarray(np.sqrt(limit * np.sqrt(np.linalg.det(total))))


def _possible(tree: cKDTree, mapped: Array, radius: Array) -> tuple[Indices, Indices]:
    near = tree.query_ball_point(mapped, radius)
    counts = [len(each) for each in near]
    a = np.repeat(np.arange(len(mapped)), counts)
    b = np.array([index for each in near for index in sorted(each)], np.int64)
    return a.astype(np.int64), b


def _mahalanobis_sq(residuals: Array, covariance: Array, variance: Array) -> Array:
    total = covariance + variance[:, :, np.newaxis] * np.eye(2)
    solved = np.linalg.solve(total, residuals[:, :, np.newaxis])[:, :, 0]
    return np.asarray(np.sum(residuals * solved, axis=1))


def _assign(a: Indices, b: Indices, gain: Array, n_moving: int, n_fixed: int) -> Indices:
    """Assignment with the largest total gain, group by group of pairs that compete."""
    dot = np.full(n_moving, -1, np.int64)
    if len(a) == 0:
        return dot
    size = n_moving + n_fixed
    links = coo_matrix((np.ones(len(a)), (a, n_moving + b)), shape=(size, size))
    _, group = connected_components(links, directed=False)
    for pairs in _by_group(group[a]):
        rows, row = np.unique(a[pairs], return_inverse=True)
        columns, column = np.unique(b[pairs], return_inverse=True)
        gains = np.zeros((len(rows), len(columns)))
        gains[row, column] = gain[pairs]
        for i, j in zip(*linear_sum_assignment(gains, maximize=True), strict=True):
            if gains[i, j] > 0:
                dot[rows[i]] = columns[j]
    return dot


def _by_group(labels: NDArray[np.integer]) -> list[Indices]:
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
