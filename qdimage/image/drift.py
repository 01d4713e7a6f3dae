"""How far the dots move while the stack is taken."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, shift

Array = NDArray[np.float64]

_MAX_DRIFT_PX = 10
_SMOOTH_PX = 1.0
_BROAD_PX = 6.0
_BRIGHT_SIGMA = 5.0
_PEAK_SIGMA = 6.0
_MAX_DEGREE = 3
_ITERATIONS = 3
_SETTLED_PX = 0.02
_MAD_TO_SIGMA = 1.4826


def estimate_drift(time_bins: Array, bin_edges: NDArray[np.int64]) -> Array:
    """Return the (x, y) drift of each frame from the first, shape (t, 2), px.

    Each time bin is compared with the mean of the others: displacement and brightness from one
    linear least-squares fit to the mean's gradient at its bright places (Lucas and Kanade, IJCAI
    1981). A polynomial in time goes through the displacements; its degree, 0 included, is chosen
    by the Bayesian information criterion, so that a stack without visible motion gets none.

    Parameters
    ----------
    time_bins : ndarray, shape (b, y, x)
        Mean images of successive stretches.
    bin_edges : ndarray of int, shape (b + 1,)
        First frames of these stretches.
    """
    n_frames = int(bin_edges[-1])
    if len(time_bins) < 4:
        return np.zeros((n_frames, 2))
    images = np.stack([_spots(image) for image in time_bins])
    displacement = _coarse_displacements(images)
    for _ in range(_ITERATIONS):
        step = _refine(images, displacement)
        displacement = displacement + step
        if np.abs(step).max() < _SETTLED_PX:
            break
    centres = (bin_edges[:-1] + bin_edges[1:] - 1) / 2
    return _smooth_course(displacement, centres, n_frames)


def _spots(image: Array) -> Array:
    """Keep what is as small as a dot."""
    return np.asarray(gaussian_filter(image, _SMOOTH_PX) - gaussian_filter(image, _BROAD_PX))


def _bright(image: Array) -> NDArray[np.bool_]:
    sigma = _MAD_TO_SIGMA * np.median(np.abs(image - np.median(image)))
    bright = image > _BRIGHT_SIGMA * max(float(sigma), np.finfo(float).tiny)
    bright[:3], bright[-3:], bright[:, :3], bright[:, -3:] = False, False, False, False
    return bright


def _coarse_displacements(images: Array) -> Array:
    """Whole-pixel displacements by cross-correlation with the middle bin; 0 where unclear."""
    reference = images[len(images) // 2]
    spectrum = np.conj(np.fft.rfft2(np.where(_bright(reference), reference, 0.0)))
    displacements = np.zeros((len(images), 2))
    for index, image in enumerate(images):
        product = np.fft.rfft2(np.where(_bright(image), image, 0.0)) * spectrum
        correlation = np.fft.irfft2(product, s=image.shape)
        window = np.fft.fftshift(correlation)
        cy, cx = (side // 2 for side in image.shape)
        reach_y, reach_x = min(_MAX_DRIFT_PX, cy), min(_MAX_DRIFT_PX, cx)
        near = window[cy - reach_y : cy + reach_y, cx - reach_x : cx + reach_x]
        row, column = np.unravel_index(int(np.argmax(near)), near.shape)
        if near[row, column] > np.median(window) + _PEAK_SIGMA * np.std(window):
            displacements[index] = column - reach_x, row - reach_y
    return displacements


def _refine(images: Array, displacement: Array) -> Array:
    """One least-squares step for each bin against the mean of the others."""
    aligned = np.stack(
        [
            shift(image, (-dy, -dx), order=1, mode="nearest") if dx or dy else image
            for image, (dx, dy) in zip(images, displacement, strict=True)
        ]
    )
    total = aligned.sum(axis=0)
    steps = np.zeros_like(displacement)
    for index, image in enumerate(aligned):
        others = (total - image) / (len(images) - 1)
        bright = _bright(others)
        gradient_y, gradient_x = np.gradient(others)
        design = np.column_stack(
            [others[bright], -gradient_x[bright], -gradient_y[bright], np.ones(bright.sum())]
        )
        if len(design) <= design.shape[1]:
            continue
        amplitude, by_x, by_y, _ = np.linalg.lstsq(design, image[bright], rcond=None)[0]
        if amplitude > 0:
            steps[index] = np.clip(np.array([by_x, by_y]) / amplitude, -1.0, 1.0)
    return steps


def _smooth_course(displacement: Array, centres: Array, n_frames: int) -> Array:
    """Polynomial through the displacements, 0 at the first frame."""
    n_bins = len(displacement)
    scale = max(n_frames - 1, 1)
    time, frames = centres / scale, np.arange(n_frames) / scale
    best, course = np.inf, np.zeros((n_frames, 2))
    for degree in range(min(_MAX_DEGREE, n_bins - 3) + 1):
        coefficients = np.polynomial.polynomial.polyfit(time, displacement, degree)
        residual = displacement - np.polynomial.polynomial.polyval(time, coefficients).T
        variance = max(float(np.mean(residual**2)), 1e-8)
        criterion = 2 * n_bins * np.log(variance) + 2 * (degree + 1) * np.log(2 * n_bins)
        if criterion < best:
            best = criterion
            values = np.polynomial.polynomial.polyval(frames, coefficients).T
            course = values - values[0]
    return course
