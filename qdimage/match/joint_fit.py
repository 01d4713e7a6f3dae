"""All fluxes of an image at known places, in one linear least-squares fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtr

from qdimage.domain.photon_image import PhotonImage
from qdimage.numerics.background import smooth_background

Array = NDArray[np.float64]

_REACH_SIGMA = 4.0
_ROUNDS = 3
_BRIGHT_SIGMA = 5.0
_RIDGE = 1e-9
_MIN_USABLE_SHARE = 0.5


@dataclass(frozen=True)
class Fluxes:
    """Signal per frame of each source and its standard deviation; NaN with too few pixels."""

    flux: Array
    err: Array


@dataclass(frozen=True)
class Surroundings:
    """What a source is measured against: background (y, x) and pixel weights (y, x)."""

    background: Array
    weight: Array


def spot_matrix(shape: tuple[int, int], positions: Array, sigma: Array) -> csc_matrix:
    """Pixel-integrated unit spots, one column for each, shape (y * x, n).

    Parameters
    ----------
    shape : (height, width)
    positions : ndarray, shape (n, 2)
        (x, y), px.
    sigma : ndarray, shape (n,)
        Width of each spot: the point-spread function with the uncertainty of the position added in
        squares, since that is the light's mean distribution around an uncertain place.
    """
    height, width = shape
    n = len(positions)
    if n == 0:
        return csc_matrix((height * width, 0))
    reach = int(np.ceil(_REACH_SIGMA * sigma.max())) + 1
    span = np.arange(-reach, reach + 1)
    pixel = np.rint(positions).astype(np.int64)[:, :, np.newaxis] + span
    edges = (pixel - positions[:, :, np.newaxis]) / sigma[:, np.newaxis, np.newaxis]
    half = 0.5 / sigma[:, np.newaxis, np.newaxis]
    profile = ndtr(edges + half) - ndtr(edges - half)
    value = profile[:, 1, :, np.newaxis] * profile[:, 0, np.newaxis, :]
    row, column = np.broadcast_arrays(pixel[:, 1, :, np.newaxis], pixel[:, 0, np.newaxis, :])
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    source = np.broadcast_to(np.arange(n)[:, np.newaxis, np.newaxis], value.shape)
    flat = row[inside] * width + column[inside]
    return csc_matrix((value[inside], (flat, source[inside])), shape=(height * width, n))


def surroundings(image: PhotonImage, spots: csc_matrix, *, box_px: int) -> Surroundings:
    """Separate the background from the sources' light, taking turns with their fluxes."""
    light = np.zeros_like(image.mean)
    for _ in range(_ROUNDS):
        background = smooth_background(
            image.mean,
            image.n_samples,
            box_px=box_px,
            variance_slope=image.variance_slope,
            read_variance=image.read_variance,
            light=light,
        )
        around = Surroundings(background, image.weight(background + light))
        fit = fit_fluxes(image, spots, around)
        # Light that may be noise must not change the weights of the pixels it is measured with.
        bright = np.nan_to_num(fit.flux) > _BRIGHT_SIGMA * np.nan_to_num(fit.err, nan=np.inf)
        light = (spots @ np.where(bright, fit.flux, 0.0)).reshape(image.mean.shape)
    return Surroundings(background, image.weight(background + light))


def fit_fluxes(image: PhotonImage, spots: csc_matrix, around: Surroundings) -> Fluxes:
    """Fit all fluxes together."""
    weight = around.weight.ravel()
    weighted = spots.multiply(weight[:, np.newaxis]).tocsc()
    normal = (spots.T @ weighted).tocsr()
    right = weighted.T @ (image.mean - around.background).ravel()
    flux, variance = _solve(normal, right)
    usable = _usable_share(image, spots) >= _MIN_USABLE_SHARE
    return Fluxes(np.where(usable, flux, np.nan), np.where(usable, np.sqrt(variance), np.nan))


def crowding(positions: Array, sigma: Array) -> Array:
    """Return how much each source's neighbours widen its error, by the geometry alone."""
    if len(positions) == 0:
        return np.empty(0)
    around = np.ceil((_REACH_SIGMA + 1) * sigma.max()) + 1
    width, height = np.ceil(np.ptp(positions, axis=0) + 2 * around).astype(int)
    spots = spot_matrix((height, width), positions - positions.min(axis=0) + around, sigma)
    normal = (spots.T @ spots).tocsr()
    _, variance = _solve(normal, np.zeros(len(positions)))
    return np.asarray(np.sqrt(variance * normal.diagonal()))


def _usable_share(image: PhotonImage, spots: csc_matrix) -> Array:
    """Share of each whole spot's light that falls on usable pixels."""
    return np.asarray(spots.T @ image.usable.ravel().astype(np.float64))


def _solve(normal: csc_matrix, right: Array) -> tuple[Array, Array]:
    """Solution of the normal equations and its variances, group by group of overlapping sources."""
    diagonal = (1.0 + _RIDGE) * normal.diagonal()
    lit = diagonal > 0
    variance = np.divide(1.0, diagonal, out=np.full(len(right), np.inf), where=lit)
    solution = np.where(lit, right * np.where(lit, variance, 0.0), 0.0)
    for group in _overlapping(normal):
        block = normal[group][:, group].toarray()
        diagonal = np.diag(block)
        if not np.all(diagonal > 0):
            block = block + np.diag(np.where(diagonal > 0, 0.0, 1.0))
        inverse = np.linalg.inv(block + _RIDGE * np.diag(np.diag(block)))
        solution[group] = inverse @ right[group]
        variance[group] = np.where(diagonal > 0, np.diag(inverse), np.inf)
    return solution, variance


def _overlapping(normal: csc_matrix) -> list[NDArray[np.int64]]:
    """Indices of the sources of each group of at least two that overlap."""
    _, label = connected_components(normal, directed=False)
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return [group for group in groups if len(group) > 1]
