"""The flux of every dot in every frame: one linear least-squares fit at fixed places."""

from collections.abc import Iterable

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csc_array
from scipy.sparse.linalg import SuperLU, splu

from qdimage.domain.localizations import Localizations
from qdimage.domain.photon_image import PhotonImage
from qdimage.domain.tracks import FrameFluxes
from qdimage.numerics.background import smooth_background
from qdimage.numerics.psf import add_spots, pixel_profile

Array = NDArray[np.float64]

_REACH_SIGMA = 3.5
_FAR_SIGMA = 5.0
# A dot with less of its light in the frame has no flux there.
_LEAST_INSIDE = 0.5


def frame_fluxes(
    frames: Iterable[Array], image: PhotonImage, dots: Localizations, *, background_box_px: int
) -> FrameFluxes:
    """Measure the flux of static dots in every frame.

    All dots of a frame are fitted at once, at their places moved by the frame's drift, weighted by
    the noise that their mean fluxes have. The background is the mean image's, and one offset for
    each frame from the pixels far from all dots.

    Parameters
    ----------
    frames : iterable of ndarray, shape (y, x)
        Signal above the bias, in the image's unit, in order.
    image : PhotonImage
        Their mean.
    dots : Localizations
        Found in it.
    background_box_px : int
        Side of the boxes of the background map.
    """
    # Cosmic hits are of unknown frames, so that their pixels are left out of all.
    usable = ~image.hot & ~image.saturated & ~image.cosmic
    background = _background(image, dots, background_box_px)
    signal, error, offset = [], [], []
    fit: _Fit | None = None
    for frame, drift in zip(frames, image.drift_px, strict=True):
        if fit is None or not np.array_equal(drift, fit.drift):
            fit = _Fit(image, dots, usable, background, drift)
        values, above = fit.solve(frame)
        signal.append(values)
        error.append(fit.error)
        offset.append(above)
    shape = (len(offset), len(dots))
    return FrameFluxes(
        np.reshape(signal, shape), np.reshape(error, shape), np.asarray(offset, float)
    )


class _Fit:
    """The design at one drift, factorized once for all frames that share it."""

    def __init__(
        self,
        image: PhotonImage,
        dots: Localizations,
        usable: NDArray[np.bool_],
        background: Array,
        drift: Array,
    ) -> None:
        self.drift = drift
        height, width = usable.shape
        x, y = dots.x_px + drift[0], dots.y_px + drift[1]
        reach = int(np.ceil(_REACH_SIGMA * dots.psf_sigma_px)) + 1
        self.background = background
        light = np.zeros((height, width))
        add_spots(light, x, y, dots.signal, dots.psf_sigma_px, 2 * reach)
        variance = (
            image.variance_slope * np.maximum(light + background, image.least_level)
            + image.read_variance
        )
        self.weight = np.where(usable, 1.0 / variance, 0.0).ravel()
        far = light < _far_light(dots)
        self.far = (usable & far).ravel()
        row, column, value = _design(x, y, dots.psf_sigma_px, reach, height, width)
        design = csc_array((value, (row, column)), shape=(height * width, len(dots)))
        # A dot on a defect keeps the rest of its light.
        seen = design.multiply((self.weight > 0)[:, None]).tocsc()
        self.inside = np.asarray(seen.sum(axis=0)).ravel() >= _LEAST_INSIDE
        self.design = seen[:, self.inside].tocsc()
        weighted = self.design.multiply(self.weight[:, None]).tocsc()
        self.weighted = weighted.T.tocsr()
        self.error = np.full(len(dots), np.nan)
        self.solver: SuperLU | None = None
        if self.inside.any():
            normal = (self.weighted @ self.design).tocsc()
            self.solver = splu(normal)
            self.error[self.inside] = np.sqrt(_inverse_diagonal(self.solver, normal.shape[0]))

    def solve(self, frame: Array) -> tuple[Array, float]:
        """Return the signal of every dot, and the frame's offset from the background."""
        residual = (frame - self.background).ravel()
        above = 0.0
        if self.far.any():
            above = float(np.average(residual[self.far], weights=self.weight[self.far]))
        signal = np.full(self.error.shape, np.nan)
        if self.solver is not None:
            signal[self.inside] = self.solver.solve(self.weighted @ (residual - above))
        return signal, above


def _background(image: PhotonImage, dots: Localizations, box_px: int) -> Array:
    reach = int(np.ceil(_FAR_SIGMA * dots.psf_sigma_px)) + 1
    light = np.zeros_like(image.mean)
    x, y = dots.x_px + image.offset_px[0], dots.y_px + image.offset_px[1]
    add_spots(light, x, y, dots.signal, dots.psf_sigma_px, reach)
    return smooth_background(
        image.mean,
        image.n_samples,
        box_px=box_px,
        variance_slope=image.variance_slope,
        read_variance=image.read_variance,
        light=light,
    )


def _far_light(dots: Localizations) -> float:
    """Light of the brightest dot beyond which a pixel is far from all."""
    brightest = float(dots.signal.max(initial=1.0))
    variance = dots.psf_sigma_px**2
    return float(brightest * np.exp(-0.5 * _FAR_SIGMA**2) / (2.0 * np.pi * variance))


def _inverse_diagonal(solver: SuperLU, n: int) -> Array:
    """Diagonal of the inverse, a block of columns at a time to keep it small."""
    diagonal = np.empty(n)
    for first in range(0, n, 256):
        columns = np.arange(first, min(first + 256, n))
        unit = np.zeros((n, len(columns)))
        unit[columns, np.arange(len(columns))] = 1.0
        diagonal[columns] = solver.solve(unit)[columns, np.arange(len(columns))]
    return np.maximum(diagonal, 0.0)


@njit(cache=True)
def _design(
    x: Array, y: Array, sigma: float, reach: int, height: int, width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Pixels, dots and shares of the dots' light, for a sparse matrix."""
    size = 2 * reach + 1
    n = x.shape[0]
    pixel = np.empty(n * size * size, np.int64)
    dot = np.empty(n * size * size, np.int64)
    share = np.empty(n * size * size)
    row, column = np.empty(size), np.empty(size)
    unused_a, unused_b = np.empty(size), np.empty(size)
    count = 0
    for k in range(n):
        x0, y0 = int(np.rint(x[k])) - reach, int(np.rint(y[k])) - reach
        pixel_profile(x0, x[k], sigma, column, unused_a, unused_b)
        pixel_profile(y0, y[k], sigma, row, unused_a, unused_b)
        for j in range(max(0, -y0), min(size, height - y0)):
            for i in range(max(0, -x0), min(size, width - x0)):
                pixel[count] = (y0 + j) * width + x0 + i
                dot[count] = k
                share[count] = row[j] * column[i]
                count += 1
    return pixel[:count], dot[:count], share[:count]
