"""All fluxes of an image at known places, in one linear least-squares fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_matrix, csr_matrix, diags, hstack
from scipy.sparse.csgraph import connected_components

from qdimage.domain.field_psf import FieldPsf
from qdimage.domain.photon_image import PhotonImage
from qdimage.match.spots import slope_matrices, spot_matrix
from qdimage.numerics.background import smooth_background

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

_ROUNDS = 3
_BRIGHT_SIGMA = 5.0
_RIDGE = 1e-9
_MIN_USABLE_SHARE = 0.5
_NONE = np.empty(0, np.int64)


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


@dataclass(frozen=True)
class JointFit:
    """A solved fit, to which a further place can be added without solving it again.

    Attributes
    ----------
    image : PhotonImage
    around : Surroundings
    columns : csc_matrix, shape (y * x, k)
        Unit spots of the sources, then the slopes of the bright ones.
    covariance : csr_matrix, shape (k, k)
    solution : ndarray, shape (k,)
    n_sources : int
    bright : ndarray of int
        The sources that have slopes.
    """

    image: PhotonImage
    around: Surroundings
    columns: csc_matrix
    covariance: csr_matrix
    solution: Array
    n_sources: int
    bright: Indices

    def light(self) -> Array:
        """Return the light of everything fitted, shape (y, x)."""
        return np.asarray((self.columns @ self.solution).reshape(self.image.mean.shape))

    def displacement_px(self) -> Array:
        """Return how far each bright source is from its place, (x, y), shape (n, 2)."""
        slopes = self.solution[self.n_sources :].reshape(2, -1)
        return np.asarray((slopes / self.solution[self.bright]).T)

    def fluxes(self) -> Fluxes:
        """Return the sources' own fluxes."""
        n = self.n_sources
        variance = self.covariance.diagonal()[:n]
        return _known(self.image, self.columns[:, :n], self.solution[:n], variance)

    def at(self, spots: csc_matrix, left_out: list[list[int]]) -> Fluxes:
        """Return what each further spot would get, were it alone added to the fit.

        By the inverse of a matrix with one more row, so that any number costs one product.

        Parameters
        ----------
        spots : csc_matrix, shape (y * x, m)
        left_out : list of list of int
            For each of them, the sources whose light counts as its own.
        """
        weighted = _weighted(spots, self.around.weight)
        signal = (self.image.mean - self.around.background).ravel()
        shared = (self.columns.T @ weighted).tocsc()
        response = (self.covariance @ shared).tocsc()
        norm = np.asarray(spots.multiply(weighted).sum(axis=0)).ravel()
        own = norm - np.asarray(shared.multiply(response).sum(axis=0)).ravel()
        measurable = own > _RIDGE * norm
        variance = np.divide(1.0, own, out=np.full(len(own), np.inf), where=measurable)
        flux = (weighted.T @ signal - shared.T @ self.solution) * np.where(measurable, variance, 0)
        for k, sources in enumerate(left_out):
            if sources and measurable[k]:
                reply = response[:, k].toarray().ravel()[sources]
                flux[k], variance[k] = self._without(sources, reply, flux[k], variance[k])
        return _known(self.image, spots, flux, variance)

    def _without(
        self, sources: list[int], reply: Array, flux: float, variance: float
    ) -> tuple[float, float]:
        """Flux and variance of a further spot, given that some sources do not emit."""
        between = -variance * reply
        theirs = self.covariance[sources][:, sources].toarray() + variance * np.outer(reply, reply)
        gain = np.linalg.solve(theirs, between)
        other = self.solution[sources] - reply * flux
        return float(flux - gain @ other), float(variance - gain @ between)


def surroundings(
    image: PhotonImage,
    spots: csc_matrix,
    *,
    box_px: int,
    light: Array | None = None,
    halo: Array | None = None,
) -> Surroundings:
    """Separate the background from the sources' light, taking turns with their fluxes.

    Parameters
    ----------
    image : PhotonImage
    spots : csc_matrix, shape (y * x, n)
    box_px : int
        Side of the background's boxes.
    light : ndarray, shape (y, x), optional
        The sources' light where it is known already.
    halo : ndarray, shape (y, x), optional
        Light of the sources that `spots` do not hold; counts as background from then on.
    """
    beside = np.zeros_like(image.mean) if halo is None else halo
    rounds = _ROUNDS if light is None else 1
    light = beside if light is None else light + beside
    for _ in range(rounds):
        around = _behind(image, light, beside, box_px)
        fit = fit_fluxes(image, spots, around).fluxes()
        # Light that may be noise must not change the weights of the pixels it is measured with.
        own = spots @ np.where(_is_bright(fit), fit.flux, 0.0)
        light = beside + own.reshape(image.mean.shape)
    return Surroundings(around.background, image.weight(around.background - beside + light))


def _behind(image: PhotonImage, light: Array, halo: Array, box_px: int) -> Surroundings:
    background = smooth_background(
        image.mean,
        image.n_samples,
        box_px=box_px,
        variance_slope=image.variance_slope,
        read_variance=image.read_variance,
        light=light,
    )
    return Surroundings(background + halo, image.weight(background + light))


def fit_fluxes(image: PhotonImage, spots: csc_matrix, around: Surroundings) -> JointFit:
    """Fit all fluxes together."""
    n = spots.shape[1]
    return _solved(image, around, spots, np.zeros(n), n_sources=n, bright=_NONE)


def fit_with_displacements(
    image: PhotonImage,
    spots: csc_matrix,
    around: Surroundings,
    *,
    positions: Array,
    sigma: Array,
    position_err_px: Array,
    before: Fluxes | None = None,
    psf: FieldPsf | None = None,
) -> JointFit:
    """Fit all fluxes together, and with each bright source's how far it is from its place.

    A displacement adds the spot's slope times the flux. It is a further unknown, about 0 with the
    known error of the place; what it leaves open widens the errors of the neighbours' fluxes.

    Parameters
    ----------
    image : PhotonImage
    spots : csc_matrix, shape (y * x, n)
    around : Surroundings
    positions, sigma : ndarray
        As for `spot_matrix`.
    position_err_px : ndarray, shape (n,)
        Standard deviation of each place along x and along y.
    before : Fluxes, optional
        About the sources' fluxes, from a fit like this one; else they are fitted first.
    psf : FieldPsf, optional
        As for `spot_matrix`.
    """
    n = spots.shape[1]
    first = fit_fluxes(image, spots, around).fluxes() if before is None else before
    bright = np.flatnonzero(_is_bright(first) & (position_err_px > 0))
    if len(bright) == 0:
        return _solved(image, around, spots, np.zeros(n), n_sources=n, bright=_NONE)
    shape = (image.mean.shape[0], image.mean.shape[1])
    slopes = slope_matrices(shape, positions[bright], sigma[bright], psf)
    expected = np.tile((first.flux[bright] * position_err_px[bright]) ** -2.0, 2)
    columns = hstack([spots, *slopes], format="csc")
    prior = np.concatenate([np.zeros(n), expected])
    return _solved(image, around, columns, prior, n_sources=n, bright=bright)


def crowding(positions: Array, sigma: Array) -> Array:
    """Return how much each source's neighbours widen its error, by the geometry alone."""
    if len(positions) == 0:
        return np.empty(0)
    around = np.ceil(5 * sigma.max()) + 1
    width, height = np.ceil(np.ptp(positions, axis=0) + 2 * around).astype(int)
    spots = spot_matrix((height, width), positions - positions.min(axis=0) + around, sigma)
    normal = (spots.T @ spots).tocsr()
    return np.asarray(np.sqrt(_inverse(normal).diagonal() * normal.diagonal()))


def _is_bright(fit: Fluxes) -> NDArray[np.bool_]:
    return np.asarray(np.nan_to_num(fit.flux) > _BRIGHT_SIGMA * np.nan_to_num(fit.err, nan=np.inf))


def _solved(
    image: PhotonImage,
    around: Surroundings,
    columns: csc_matrix,
    prior: Array,
    *,
    n_sources: int,
    bright: Indices,
) -> JointFit:
    """Solve the normal equations; `prior` is the inverse variance of each unknown about 0."""
    weighted = _weighted(columns, around.weight)
    normal = (columns.T @ weighted + diags(prior)).tocsr()
    covariance = _inverse(normal)
    right = weighted.T @ (image.mean - around.background).ravel()
    return JointFit(image, around, columns, covariance, covariance @ right, n_sources, bright)


def _weighted(columns: csc_matrix, weight: Array) -> csc_matrix:
    """Columns with every row times its pixel's weight."""
    data = columns.data * weight.ravel()[columns.indices]
    return csc_matrix((data, columns.indices, columns.indptr), shape=columns.shape)


def _inverse(normal: csr_matrix) -> csr_matrix:
    """Inverse of the normal matrix, group by group of overlapping columns; 0 for dark ones."""
    n = normal.shape[0]
    entries = normal.tocoo()
    _, group = connected_components(normal, directed=False)
    order = np.argsort(group, kind="stable")
    size = np.bincount(group)
    start = np.concatenate([[0], np.cumsum(size)[:-1]])
    place = np.empty(n, np.int64)
    place[order] = np.arange(n) - start[group[order]]
    rows, columns, values = [], [], []
    for k in np.unique(size):
        groups = np.flatnonzero(size == k)
        number = np.full(len(size), -1)
        number[groups] = np.arange(len(groups))
        block = np.zeros((len(groups), k, k))
        own = number[group[entries.row]] >= 0
        i, j = entries.row[own], entries.col[own]
        block[number[group[i]], place[i], place[j]] = entries.data[own]
        members = order[start[groups][:, np.newaxis] + np.arange(k)]
        values.append(_inverse_blocks(block).ravel())
        rows.append(np.repeat(members, k, axis=1).ravel())
        columns.append(np.tile(members, (1, k)).ravel())
    if not values:
        return csr_matrix((0, 0))
    every = (np.concatenate(rows), np.concatenate(columns))
    return csr_matrix((np.concatenate(values), every), shape=(n, n))


def _inverse_blocks(block: Array) -> Array:
    """Inverses of a stack of matrices (m, k, k), a little ridge added; 0 where the diagonal is."""
    diagonal = np.diagonal(block, axis1=1, axis2=2)
    empty = diagonal <= 0
    step = np.arange(block.shape[1])
    filled = block.copy()
    filled[:, step, step] = np.where(empty, 1.0, (1.0 + _RIDGE) * diagonal)
    inverse = np.linalg.inv(filled)
    inverse[:, step, step] = np.where(empty, 0.0, np.diagonal(inverse, axis1=1, axis2=2))
    return np.asarray(inverse)


def _known(image: PhotonImage, spots: csc_matrix, flux: Array, variance: Array) -> Fluxes:
    """Fluxes of the spots of whose light enough falls on usable pixels."""
    usable = spots.T @ image.usable.ravel().astype(np.float64) >= _MIN_USABLE_SHARE
    usable &= np.isfinite(variance) & (variance > 0)
    err = np.sqrt(np.where(usable, variance, np.nan))
    return Fluxes(np.where(usable, flux, np.nan), err)
