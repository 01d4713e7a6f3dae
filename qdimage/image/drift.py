"""How far the dots move while the stack is taken."""

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.polynomial import polynomial
from numpy.typing import NDArray
from scipy.fft import irfft2, rfft2
from scipy.ndimage import gaussian_filter, label, uniform_filter
from scipy.sparse.csgraph import connected_components

from qdimage.image.drift_kernel import moved_back

Array = NDArray[np.float64]
Kind = TypeVar("Kind", bound=np.generic)

_MAX_DRIFT_PX = 10
_SMOOTH_PX = 1.0
# As broad as a Gaussian of 6 px.
_BOX_PX = 21
_BRIGHT_SIGMA = 5.0
_PEAK_SIGMA = 6.0
_MIN_BINS = 4
_SMALLEST_SIDE_PX = 8
_PATCH_SIGMA = 3.0
_MIN_PIXELS = 20
_SAMPLED_PIXELS = 16_000
_LARGEST_ERROR_PX = 0.25
_SMALLEST_ERROR_PX = 1e-3
# The smoothing correlates the noise of neighbouring pixels over this many.
_PIXELS_PER_SAMPLE = 4 * np.pi * _SMOOTH_PX**2
_LARGEST_JUMP_PX = 1.5
_MAX_DEGREE = 3
# Chi-square that a further degree (two coefficients) must take away: noise does so in 0.25 % of
# the stacks.
_PENALTY = 12.0
_ITERATIONS = 3
_SETTLED_PX = 0.02
_MAD_TO_SIGMA = 1.4826


def estimate_drift(time_bins: Array, bin_edges: NDArray[np.int64]) -> Array:
    """Return the (x, y) drift of each frame from the first, shape (t, 2), px.

    Each time bin is compared with the mean of the others: its displacement from a linear
    least-squares fit to the mean's gradient at its bright places (Lucas and Kanade, IJCAI 1981). A
    polynomial in time goes through the displacements that are known well enough; its degree, 0
    included, is the lowest that they do not contradict, so that a stack without visible motion
    gets none, and neither does one without dots.

    Parameters
    ----------
    time_bins : ndarray, shape (b, y, x)
        Mean images of successive stretches.
    bin_edges : ndarray of int, shape (b + 1,)
        First frames of these stretches.
    """
    n_frames = int(bin_edges[-1])
    if len(time_bins) < _MIN_BINS or min(time_bins.shape[1:]) < _SMALLEST_SIDE_PX:
        return np.zeros((n_frames, 2))
    images = np.stack([_spots(image) for image in time_bins])
    displacement = _coarse_displacements(images)
    error = np.full(len(images), np.inf)
    for _ in range(_ITERATIONS):
        step, error = _refine(images, displacement)
        displacement = displacement + step
        if np.abs(step).max() < _SETTLED_PX:
            break
    known = error < _LARGEST_ERROR_PX
    if known.any():
        known = _largest_group(displacement, known)
    if known.sum() < max(_MIN_BINS, len(images) / 2):
        return np.zeros((n_frames, 2))
    centres = (bin_edges[:-1] + bin_edges[1:] - 1) / 2
    return _smooth_course(displacement[known], error[known], centres[known], n_frames)


def _spots(image: Array) -> Array:
    """Keep what is as small as a dot."""
    broad = uniform_filter(image, _BOX_PX)
    return np.asarray(gaussian_filter(image, _SMOOTH_PX) - broad)


def _bright(image: Array) -> NDArray[np.bool_]:
    sample = _sampled(image)
    sigma = _MAD_TO_SIGMA * np.median(np.abs(sample - np.median(sample)))
    bright = image > _BRIGHT_SIGMA * max(float(sigma), np.finfo(float).tiny)
    bright[:3], bright[-3:], bright[:, :3], bright[:, -3:] = False, False, False, False
    return bright


def _sampled(image: NDArray[Kind]) -> NDArray[Kind]:
    """Pixels of a grid, enough for a median."""
    step = max(1, int(math.sqrt(image.size / _SAMPLED_PIXELS)))
    return image[::step, ::step]


def _coarse_displacements(images: Array) -> Array:
    """Whole-pixel displacements by cross-correlation; 0 where unclear.

    The middle bin is what all are compared with first, then the mean of all, each moved back: a
    dot that is dark in one bin may not lead another one astray.
    """
    first, is_clear = _correlated(images, images[len(images) // 2])
    if is_clear.all() and not first.any():
        return first
    moved = [
        np.roll(image, (-dy, -dx), axis=(0, 1))
        for image, (dx, dy) in zip(images, first.astype(int), strict=True)
    ]
    return _correlated(images, np.mean(moved, axis=0))[0]


def _correlated(images: Array, reference: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Displacement (x, y) of each image where its correlation with the reference peaks.

    And whether it has a clear peak; the displacement is 0 where it has none.
    """
    spectrum = np.conj(rfft2(np.where(_bright(reference), reference, 0.0)))
    displacements, is_clear = np.zeros((len(images), 2)), np.zeros(len(images), bool)
    reach_y, reach_x = (min(_MAX_DRIFT_PX, side // 2) for side in reference.shape)
    # Lags below 0 are at the end.
    lags = np.ix_(np.arange(-reach_y, reach_y), np.arange(-reach_x, reach_x))
    for index, image in enumerate(images):
        product = rfft2(np.where(_bright(image), image, 0.0)) * spectrum
        correlation = irfft2(product, s=image.shape)
        near = correlation[lags]
        row, column = np.unravel_index(int(np.argmax(near)), near.shape)
        usual = np.median(_sampled(correlation)) + _PEAK_SIGMA * np.std(correlation)
        is_clear[index] = near[row, column] > usual
        if is_clear[index]:
            displacements[index] = column - reach_x, row - reach_y
    return displacements, is_clear


def _refine(images: Array, displacement: Array) -> tuple[Array, Array]:
    """One least-squares step (x, y) for each bin against the mean of the others, and its error."""
    aligned = np.empty_like(images)
    for index, (dx, dy) in enumerate(displacement):
        moved_back(images[index], dx, dy, aligned[index])
    total = aligned.sum(axis=0)
    bright = _bright(total / len(images))
    patch, n_patches = label(bright)
    steps = np.zeros((len(images), 2))
    error = np.full(len(images), np.inf)
    if n_patches == 0:
        return steps, error
    where = np.flatnonzero(bright)
    patch = patch.ravel()[where] - 1
    dark = ~_sampled(bright)
    for index, image in enumerate(aligned):
        noise = float(np.std(_sampled(image)[dark]))
        steps[index], error[index] = _step(image, total, len(images), where, patch, noise)
    return steps, error


def _step(
    image: Array,
    total: Array,
    n_images: int,
    where: NDArray[np.int64],
    patch: NDArray[np.int64],
    noise: float,
) -> tuple[Array, float]:
    """Displacement (x, y) of an image against the mean of the others, and its error.

    Only bright pixels, `where` in the flat image, are looked at; `patch` says to which patch each
    belongs. The error is infinite where too little is seen.
    """
    flat, summed = image.ravel(), total.ravel()
    width = image.shape[1]

    def others(step: int) -> Array:
        at = where + step
        return np.asarray((summed[at] - flat[at]) / (n_images - 1))

    here, seen_here = others(0), flat[where]
    amplitude = _amplitudes(seen_here, here, patch, noise)
    seen = amplitude > 0
    if seen.sum() < _MIN_PIXELS:
        return np.zeros(2), np.inf
    slopes = [(others(step) - others(-step))[seen] / 2 for step in (1, width)]
    design = -amplitude[seen, np.newaxis] * np.column_stack(slopes)
    left_over = seen_here[seen] - amplitude[seen] * here[seen]
    inverse = np.linalg.pinv(design.T @ design)
    fitted = inverse @ (design.T @ left_over)
    variance = _PIXELS_PER_SAMPLE * np.mean((left_over - design @ fitted) ** 2)
    error = float(np.sqrt(variance * inverse.diagonal().max()))
    return np.clip(fitted, -1.0, 1.0), max(error, _SMALLEST_ERROR_PX)


def _amplitudes(image: Array, others: Array, patch: NDArray[np.int64], noise: float) -> Array:
    """Brightness of each pixel's patch relative to the others; 0 where it is not seen.

    Each patch has its own, or dots that blink would pull the displacement their way.
    """
    square = np.bincount(patch, others**2)
    amplitude = np.bincount(patch, image * others) / square
    clear = amplitude > _PATCH_SIGMA * noise * np.sqrt(_PIXELS_PER_SAMPLE / square)
    return np.asarray(np.where(clear, amplitude, 0.0)[patch])


def _largest_group(displacement: Array, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The known bins that hang together: the others have taken one dot for another."""
    x, y = displacement.T
    distance = np.hypot(x[:, np.newaxis] - x, y[:, np.newaxis] - y)
    linked = (distance < _LARGEST_JUMP_PX) & known & known[:, np.newaxis]
    _, group = connected_components(linked, directed=False)
    return np.asarray(known & (group == np.bincount(group[known]).argmax()))


def _smooth_course(displacement: Array, error: Array, centres: Array, n_frames: int) -> Array:
    """Polynomial through the displacements, weighted by their errors; 0 at the first frame."""
    n_bins = len(displacement)
    scale = max(n_frames - 1, 1)
    time, frames = centres / scale, np.arange(n_frames) / scale
    degrees = range(min(_MAX_DEGREE, n_bins - 3) + 1)
    courses = [_polynomial(time, displacement, error, degree) for degree in degrees]
    chi_sq = [_chi_sq(displacement - course(time), error) for course in courses]
    # Errors that leave out a dot's blinking are too small; the best course shows by how much.
    spread = max(1.0, chi_sq[-1] / (2 * (n_bins - len(degrees))))
    criterion = np.array(chi_sq) / spread + _PENALTY * np.arange(1, len(degrees) + 1)
    values = courses[int(np.argmin(criterion))](frames)
    return np.asarray(values - values[0])


def _polynomial(
    time: Array, displacement: Array, error: Array, degree: int
) -> Callable[[Array], Array]:
    coefficients = polynomial.polyfit(time, displacement, degree, w=1 / error)
    return lambda at: np.asarray(polynomial.polyval(at, coefficients).T)


def _chi_sq(residual: Array, error: Array) -> float:
    return float(np.sum((residual / error[:, np.newaxis]) ** 2))
