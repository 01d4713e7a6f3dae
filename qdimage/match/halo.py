"""Light of bright spots that a Gaussian does not describe: rings, wings, a wrong width.

Bright dots are a thousand times brighter than the noise of their neighbours' fluxes, so that a
hundredth of their light at the wrong distance is a lit dot. What all bright dots have left over
at the same distance is taken off as theirs.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Distances between which the profile is linear; 0 at the last.
_NODES_SIGMA = np.array([0.0, 0.7, 1.4, 2.1, 2.8, 3.5, 4.2, 5.0, 6.0, 7.0, 8.5, 10.0])
# How far from the Gaussian a spot may be expected to be, as a share of its peak.
_EXPECTED_SHARE = 0.05
# Where the spot itself is bright, what is left over rests on its place more than on its shape.
_UNSURE_SHARE = 0.05


def halo_light(
    *,
    residual: Array,
    weight: Array,
    light: Array,
    positions: Array,
    flux: Array,
    sigma_px: float,
) -> Array:
    """Return the light (y, x) that bright spots have beside their Gaussians.

    Parameters
    ----------
    residual, weight, light : ndarray, shape (y, x)
        What the fit left over, the inverse variance of it, and the Gaussians' light.
    positions : ndarray, shape (n, 2)
        Of the bright spots, (x, y), px.
    flux : ndarray, shape (n,)
    sigma_px : float
    """
    profiles = _profiles(residual.shape, positions, flux, _NODES_SIGMA * sigma_px)
    seen = np.flatnonzero(profiles.any(axis=1))
    basis = profiles[seen]
    used = weight.ravel()[seen]
    used = used / (1.0 + used * (_UNSURE_SHARE * light.ravel()[seen]) ** 2)
    expected = _EXPECTED_SHARE / (2 * np.pi * sigma_px**2)
    normal = basis.T @ (used[:, np.newaxis] * basis) + np.eye(basis.shape[1]) / expected**2
    share = _beside(_seen_as_flux(), normal, basis.T @ (used * residual.ravel()[seen]))
    halo = np.zeros(residual.size)
    halo[seen] = basis @ share
    return halo.reshape(residual.shape)


def _beside(forbidden: Array, normal: Array, right: Array) -> Array:
    """Solve the normal equations under the condition that `forbidden` times the solution is 0."""
    free, toward = np.linalg.solve(normal, np.column_stack([right, forbidden])).T
    return np.asarray(free - toward * (forbidden @ free) / (forbidden @ toward))


def _seen_as_flux() -> Array:
    """Flux that a Gaussian fitted to each node's profile alone would take from it, up to a factor.

    A halo without such flux leaves the meaning of a flux as it is, the best Gaussian's.
    """
    radius = np.linspace(0.0, _NODES_SIGMA[-1], 400)
    hats = np.array([np.interp(radius, _NODES_SIGMA, row) for row in np.eye(len(_NODES_SIGMA))])
    return np.asarray((hats @ (radius * np.exp(-(radius**2) / 2)))[:-1])


def _profiles(shape: tuple[int, ...], positions: Array, flux: Array, nodes: Array) -> Array:
    """Light of profiles that are 1 at one node and 0 at all others, shape (y * x, nodes - 1)."""
    height, width = shape
    reach = int(np.ceil(nodes[-1]))
    span = np.arange(-reach, reach + 1)
    pixel = np.rint(positions).astype(np.int64)[:, :, np.newaxis] + span
    offset = pixel - positions[:, :, np.newaxis]
    distance = np.hypot(offset[:, 1, :, np.newaxis], offset[:, 0, np.newaxis, :])
    row, column = np.broadcast_arrays(pixel[:, 1, :, np.newaxis], pixel[:, 0, np.newaxis, :])
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    inside &= distance < nodes[-1]
    flat = row[inside] * width + column[inside]
    light = np.broadcast_to(flux[:, np.newaxis, np.newaxis], distance.shape)[inside]
    below = np.searchsorted(nodes, distance[inside], side="right") - 1
    share = (distance[inside] - nodes[below]) / (nodes[below + 1] - nodes[below])
    n = len(nodes)
    cell = np.concatenate([flat * n + below, flat * n + below + 1])
    value = np.concatenate([light * (1 - share), light * share])
    table = np.bincount(cell, value, minlength=height * width * n).reshape(-1, n)
    return np.asarray(table[:, :-1])
