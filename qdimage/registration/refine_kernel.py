"""Least squares of a transform's seven parameters on the dots that it brings together.

Parameters are (m00, m01, m02, m10, m11, m12, radial_px); a frame is (centre x, centre y, radius)
of the radial term.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

N_PARAMETERS = 7


@njit(cache=True)
def mapped(parameters: Array, frame: Array, points: Array) -> Array:
    """Return the places of (n, 2) points, as `Transform.apply`."""
    places = np.empty_like(points)
    for k in range(len(points)):
        u = (points[k, 0] - frame[0]) / frame[2]
        v = (points[k, 1] - frame[1]) / frame[2]
        bend = parameters[6] * (u * u + v * v)
        x, y = points[k, 0] + bend * u, points[k, 1] + bend * v
        places[k, 0] = parameters[0] * x + parameters[1] * y + parameters[2]
        places[k, 1] = parameters[3] * x + parameters[4] * y + parameters[5]
    return places


@njit(cache=True)
def _jacobian(parameters: Array, frame: Array, point: Array, jacobian: Array) -> None:
    """Fill d(place)/d(parameters), shape (2, 7), at one point."""
    u, v = (point[0] - frame[0]) / frame[2], (point[1] - frame[1]) / frame[2]
    square = u * u + v * v
    bend = parameters[6] * square
    jacobian[:] = 0.0
    for row in range(2):
        jacobian[row, 3 * row] = point[0] + bend * u
        jacobian[row, 3 * row + 1] = point[1] + bend * v
        jacobian[row, 3 * row + 2] = 1.0
        jacobian[row, 6] = square * (parameters[3 * row] * u + parameters[3 * row + 1] * v)


@njit(cache=True)
def scale_sq_of(parameters: Array) -> float:
    """Return by how much the linear part enlarges areas."""
    return float(abs(parameters[0] * parameters[4] - parameters[1] * parameters[3]))


@njit(cache=True)
def updated(
    parameters: Array,
    frame: Array,
    points: Array,
    residuals: Array,
    variance: Array,
    huber_sigma: float,
    prior_mean: Array,
    prior_precision: Array,
) -> tuple[Array, Array]:
    """Return parameters and covariance after one step of reweighted least squares.

    Parameters
    ----------
    points, residuals : ndarray, shape (n, 2)
        Channel positions, and mapped minus wanted place.
    variance : ndarray, shape (n,)
        Of a residual's component.
    huber_sigma : float
        Residuals beyond this many standard deviations lose weight.
    """
    information = prior_precision.copy()
    gradient = prior_precision @ (prior_mean - parameters)
    jacobian = np.empty((2, N_PARAMETERS))
    for k in range(len(points)):
        _jacobian(parameters, frame, points[k], jacobian)
        distance_sq = residuals[k, 0] ** 2 + residuals[k, 1] ** 2
        sigmas = max(np.sqrt(distance_sq / variance[k]), 1e-9)
        weight = min(1.0, huber_sigma / sigmas) / variance[k]
        for p in range(N_PARAMETERS):
            for row in range(2):
                slope = weight * jacobian[row, p]
                gradient[p] -= slope * residuals[k, row]
                for q in range(N_PARAMETERS):
                    information[p, q] += slope * jacobian[row, q]
    covariance = _inverse(information)
    return parameters + covariance @ gradient, covariance


@njit(cache=True)
def _inverse(information: Array) -> Array:
    """Inverse of a positive definite matrix whose rows have different units."""
    unit = 1.0 / np.sqrt(np.diag(information))
    scaled = information * unit.reshape(-1, 1) * unit.reshape(1, -1)
    inverse = np.linalg.inv(scaled)
    inverse = 0.5 * (inverse + inverse.T)
    return inverse * unit.reshape(-1, 1) * unit.reshape(1, -1)


@njit(cache=True)
def own_variance(parameters: Array, frame: Array, covariance: Array, point: Array) -> float:
    """Return the mean variance of x and y of a mapped place, from the transform alone."""
    jacobian = np.empty((2, N_PARAMETERS))
    _jacobian(parameters, frame, point, jacobian)
    total = 0.0
    for row in range(2):
        total += jacobian[row] @ covariance @ jacobian[row]
    return total / 2


@njit(cache=True)
def cells_of(points: Array, cell_px: float) -> tuple[Array, Indices, Indices, Indices]:
    """Sort points by square cells.

    Returns
    -------
    origin : ndarray, shape (2,)
        Corner of the first cell.
    shape : ndarray, shape (2,)
        Columns and rows of cells.
    first : ndarray of int
        Where each cell begins in `order`.
    order : ndarray of int
        The points, cell by cell.
    """
    origin, shape = np.zeros(2), np.ones(2, np.int64)
    for axis in range(2):
        if len(points):
            origin[axis] = np.min(points[:, axis])
            extent = np.max(points[:, axis]) - origin[axis]
            shape[axis] = int(extent / cell_px) + 1
    cell = np.empty(len(points), np.int64)
    first = np.zeros(shape[0] * shape[1] + 1, np.int64)
    for k in range(len(points)):
        column = int((points[k, 0] - origin[0]) / cell_px)
        row = int((points[k, 1] - origin[1]) / cell_px)
        cell[k] = row * shape[0] + column
        first[cell[k] + 1] += 1
    first = np.cumsum(first)
    order = np.empty(len(points), np.int64)
    filled = first[:-1].copy()
    for k in range(len(points)):
        order[filled[cell[k]]] = k
        filled[cell[k]] += 1
    return origin, shape, first, order


@njit(cache=True)
def _nearest(
    x: float,
    y: float,
    fixed: Array,
    reach_px: float,
    origin: Array,
    shape: Indices,
    first: Indices,
    order: Indices,
) -> tuple[int, float]:
    """Return the nearest fixed dot inside the reach (-1: none) and its squared distance."""
    nearest, least = -1, reach_px * reach_px
    column, row = (x - origin[0]) / reach_px, (y - origin[1]) / reach_px
    if not (-1 <= column <= shape[0] + 1 and -1 <= row <= shape[1] + 1):
        return nearest, least
    column, row = int(np.floor(column)), int(np.floor(row))
    for j in range(max(row - 1, 0), min(row + 2, shape[1])):
        for i in range(max(column - 1, 0), min(column + 2, shape[0])):
            for at in range(first[j * shape[0] + i], first[j * shape[0] + i + 1]):
                other = order[at]
                square = (fixed[other, 0] - x) ** 2 + (fixed[other, 1] - y) ** 2
                if square < least:
                    nearest, least = other, square
    return nearest, least


@njit(cache=True)
def closest(
    places: Array,
    fixed: Array,
    reach_px: float,
    origin: Array,
    shape: Indices,
    first: Indices,
    order: Indices,
) -> tuple[Indices, Array]:
    """Return the nearest fixed dot of each place inside the reach (-1: none), and its distance.

    A fixed dot belongs to that place alone which is closest to it. The cells are those of
    `cells_of`, as wide as the reach.
    """
    partner = np.full(len(places), -1, np.int64)
    distance_sq = np.full(len(places), np.inf)
    owner = np.full(len(fixed), -1, np.int64)
    for k in range(len(places)):
        x, y = places[k]
        nearest, least = _nearest(x, y, fixed, reach_px, origin, shape, first, order)
        if nearest < 0:
            continue
        rival = owner[nearest]
        if rival >= 0:
            if distance_sq[rival] <= least:
                continue
            partner[rival] = -1
        owner[nearest] = k
        partner[k], distance_sq[k] = nearest, least
    return partner, distance_sq


@njit(cache=True)
def refined(
    parameters: Array,
    frame: Array,
    covariance: Array,
    moving: Array,
    moving_variance: Array,
    fixed: Array,
    fixed_variance: Array,
    prior_mean: Array,
    prior_precision: Array,
    reaches_px: Array,
    gate_sigma: float,
    systematic_px: float,
    huber_sigma: float,
    most_steps: int,
    settled_px: float,
) -> tuple[Array, Array, Indices]:
    """Alternate between pairing and least squares until nothing moves.

    Parameters
    ----------
    parameters, covariance : ndarray, shape (7,) and (7, 7)
        Where to begin.
    reaches_px : ndarray
        Within how far dots are paired in the first steps, the farthest first; later ones pair
        within `gate_sigma` standard deviations.

    Returns
    -------
    parameters, covariance : ndarray
    partner : ndarray of int, shape (n,)
        The fixed dot of each moving dot inside the gate; -1: none.
    """
    reach_px = reaches_px[0]
    origin, shape, first, order = cells_of(fixed, reach_px)
    places = mapped(parameters, frame, moving)
    partner = np.full(len(moving), -1, np.int64)
    for step in range(most_steps + 1):
        wide_px = reaches_px[step] if step < len(reaches_px) else 0.0
        partner, distance_sq = closest(places, fixed, reach_px, origin, shape, first, order)
        scale_sq = scale_sq_of(parameters)
        variance = np.zeros(len(moving))
        for k in range(len(moving)):
            if partner[k] < 0:
                continue
            other = partner[k]
            variance[k] = scale_sq * moving_variance[k] + fixed_variance[other] + systematic_px**2
            within_sq = wide_px * wide_px
            if distance_sq[k] > within_sq:
                own = own_variance(parameters, frame, covariance, moving[k])
                within_sq = gate_sigma * gate_sigma * (variance[k] + own)
            if distance_sq[k] > within_sq:
                partner[k] = -1
        if step == most_steps:
            break
        chosen = np.flatnonzero(partner >= 0)
        new, covariance = updated(
            parameters,
            frame,
            moving[chosen],
            places[chosen] - fixed[partner[chosen]],
            variance[chosen],
            huber_sigma,
            prior_mean,
            prior_precision,
        )
        after = mapped(new, frame, moving)
        moved_px = np.max(np.abs(after - places)) if len(moving) else 0.0
        parameters, places = new, after
        if wide_px == 0.0 and moved_px < settled_px:
            most_steps = min(most_steps, step + 1)
    return parameters, covariance, partner
