"""Maximum-likelihood fit of overlapping spots in one window: the hot kernel."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from qdimage.localize.fit_noise import Noise
from qdimage.localize.register_weights import weigh_by_register
from qdimage.numerics.cholesky import solve_positive
from qdimage.numerics.psf_terms import PsfTerms, fill_profiles

Array = NDArray[np.float64]

MAX_STEPS = 40
# Gain in log-likelihood, twice, of a last step: another one would bring some thousandth of that.
SETTLED = 0.03
_LONGEST_STEP_PX = 0.7
SMALLEST_FLUX = 1e-9
LARGEST_DAMPING = 1e9
# A blur may take this much of the core's variance away.
_SHARPEST = 0.7


class Window(NamedTuple):
    """Pixels that are fitted, flat, and the room for their model.

    Attributes
    ----------
    data, samples, fixed, model, weight, residual : ndarray, shape (p,)
        Mean signal, frames in it (0: leave out), light that is not fitted, all light, and by it
        the inverse variance of the data and that times what is left over.
    gradient : ndarray, shape (n, p)
        By x, y and flux of each spot, then the constant and the blur.
    profiles : ndarray, shape (2, 3, t, side)
    """

    data: Array
    samples: Array
    fixed: Array
    model: Array
    weight: Array
    residual: Array
    gradient: Array
    profiles: Array


@njit(cache=True)
def empty_window(n_spots: int, side: int, terms: int) -> Window:
    n = side * side
    return Window(
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty((3 * n_spots + 4, n)),
        np.empty((2, 3, terms, side)),
    )


@njit(cache=True)
def render(
    window: Window, psf: PsfTerms, spot: Array, x0: int, y0: int, shape: tuple[int, int]
) -> None:
    """Fill the profiles of a spot for a window of a shape (height, width)."""
    first = (x0, y0)
    for axis in range(2):
        profile = window.profiles[axis, :, :, : shape[1 - axis]]
        fill_profiles(psf, spot[3], first[axis], spot[axis], axis == 0, profile)


@njit(cache=True)
def multiply(
    out: Array, along_y: Array, along_x: Array, factor: float, shape: tuple[int, int]
) -> None:
    """Fill the sum of products of profiles, of shapes (t, side)."""
    height, width = shape
    for t in range(along_x.shape[0]):
        by_x = along_x[t]
        for j in range(height):
            share = factor * along_y[t, j]
            start = j * width
            if t == 0:
                for i in range(width):
                    out[start + i] = share * by_x[i]
            else:
                for i in range(width):
                    out[start + i] += share * by_x[i]


@njit(cache=True)
def draw(
    window: Window,
    psf: PsfTerms,
    with_blur: bool,
    spots: Array,
    constant: float,
    x0: int,
    y0: int,
    shape: tuple[int, int],
) -> None:
    """Fill the model of a window and its gradient."""
    n_spots = spots.shape[0]
    model, gradient = window.model, window.gradient
    by_x, by_y = window.profiles[0], window.profiles[1]
    n = shape[0] * shape[1]
    for p in range(n):
        model[p] = window.fixed[p] + constant
    for k in range(n_spots):
        render(window, psf, spots[k], x0, y0, shape)
        flux = spots[k, 2]
        multiply(gradient[3 * k], by_y[0], by_x[1], flux, shape)
        multiply(gradient[3 * k + 1], by_y[1], by_x[0], flux, shape)
        multiply(gradient[3 * k + 2], by_y[0], by_x[0], 1.0, shape)
        profile = gradient[3 * k + 2]
        for p in range(n):
            model[p] += flux * profile[p]
        if k == 0 and with_blur:
            along_x, along_y = gradient[3 * n_spots + 1], gradient[3 * n_spots + 2]
            multiply(along_x, by_y[0], by_x[2], 0.5 * flux, shape)
            multiply(along_y, by_y[2], by_x[0], 0.5 * flux, shape)
            for p in range(n):
                along_x[p] += along_y[p]


@njit(cache=True)
def weigh(window: Window, noise: Noise, n: int) -> None:
    if noise.register.size:
        window.residual[:n] = window.model[:n]
        weigh_by_register(window.data, window.samples, noise, window.weight, window.residual, n)
        return
    for p in range(n):
        level = max(window.model[p], noise.least)
        weight = window.samples[p] / (noise.slope * level + noise.read)
        window.weight[p] = weight
        window.residual[p] = weight * (window.data[p] - level)


@njit(cache=True)
def dot(a: Array, b: Array, n: int) -> float:
    """Sum of products, in four lanes."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = n - n % 4
    for p in range(0, whole, 4):
        s0 += a[p] * b[p]
        s1 += a[p + 1] * b[p + 1]
        s2 += a[p + 2] * b[p + 2]
        s3 += a[p + 3] * b[p + 3]
    for p in range(whole, n):
        s0 += a[p] * b[p]
    return (s0 + s1) + (s2 + s3)


@njit(cache=True)
def fisher(
    window: Window, n_pixels: int, n: int, matrix: Array, score: Array, weighted: Array
) -> None:
    """Fill the Fisher information, its lower triangle, and the score of n parameters."""
    for a in range(n):
        by_a = window.gradient[a]
        score[a] = dot(window.residual, by_a, n_pixels)
        for p in range(n_pixels):
            weighted[p] = window.weight[p] * by_a[p]
        for b in range(a + 1):
            matrix[a, b] = dot(weighted, window.gradient[b], n_pixels)


@njit(cache=True)
def within_reach(place: float, step: float, start: float, longest_px: float) -> float:
    """Return a place one step further, not too far, within reach of where it began."""
    move = min(max(step, -_LONGEST_STEP_PX), _LONGEST_STEP_PX)
    return min(max(place + move, start - longest_px), start + longest_px)


@njit(cache=True)
def _tried(spots: Array, start: Array, step: Array, longest_px: float, trial: Array) -> None:
    """Fill the spots one step further, each within reach of where it began."""
    for k in range(spots.shape[0]):
        for axis in range(2):
            trial[k, axis] = within_reach(
                spots[k, axis], step[3 * k + axis], start[k, axis], longest_px
            )
        trial[k, 2] = max(spots[k, 2] + step[3 * k + 2], SMALLEST_FLUX)


@njit(cache=True)
def fit_window(
    window: Window,
    psf: PsfTerms,
    noise: Noise,
    spots: Array,
    with_blur: bool,
    longest_px: float,
    x0: int,
    y0: int,
    shape: tuple[int, int],
    matrices: Array,
) -> float:
    """Fit spots and a constant in one window by Fisher scoring with step control.

    The likelihood is the Poisson form scaled to the camera's variance, F^2 and read noise included
    (Huang et al., Nature Methods 10, 653, 2013, for the read noise as added counts). A step is
    taken back where the likelihood's slope at its end says that it was too long. With the table of
    an EM register the likelihood is that of the register's output.

    Parameters
    ----------
    window : Window
        Holds the data; left with the model, its gradient and the weights.
    psf : PsfTerms
    noise : Noise
    spots : ndarray, shape (k, 4)
        x, y, flux and blur (variance that is added to the width, px^2) to start from, replaced by
        the fit; the first is the one of interest.
    with_blur : bool
        Whether the first spot's blur is fitted; the others' are held.
    longest_px : float
        How far a spot may go from where it starts, along x and y.
    x0, y0, shape : int, int, (height, width)
        Of the window in the image.
    matrices : ndarray, shape (2, m, m), m > 3k + 2
        Overwritten.

    Returns
    -------
    float
        The constant.
    """
    n_spots = spots.shape[0]
    n = 3 * n_spots + 1 + (1 if with_blur else 0)
    n_pixels = shape[0] * shape[1]
    scores, step, weighted = np.empty((2, n)), np.empty(n), np.empty(n_pixels)
    damped = np.empty((n, n))
    start, trial = spots.copy(), spots.copy()
    constant, damping, turn = 0.0, 0.0, 0
    window.gradient[3 * n_spots, :n_pixels] = 1.0
    least_blur = -_SHARPEST * psf.core_sigma**2
    most_blur = 3.0 * psf.core_sigma**2
    draw(window, psf, with_blur, spots, constant, x0, y0, shape)
    weigh(window, noise, n_pixels)
    fisher(window, n_pixels, n, matrices[turn], scores[turn], weighted)
    for _ in range(MAX_STEPS):
        gain, moved = 0.0, False
        while not moved and damping < LARGEST_DAMPING:
            for a in range(n):
                for b in range(a):
                    damped[a, b] = matrices[turn, a, b]
                damped[a, a] = matrices[turn, a, a] * (1.0 + damping) + 1e-30
                step[a] = scores[turn, a]
            solve_positive(damped, step, n)
            gain = 0.0
            for a in range(n):
                gain += scores[turn, a] * step[a]
            _tried(spots, start, step, longest_px, trial)
            if with_blur:
                trial[0, 3] = min(max(spots[0, 3] + step[n - 1], least_blur), most_blur)
            draw(window, psf, with_blur, trial, constant + step[3 * n_spots], x0, y0, shape)
            weigh(window, noise, n_pixels)
            if gain > SETTLED:
                fisher(window, n_pixels, n, matrices[1 - turn], scores[1 - turn], weighted)
                if not _rise(scores, step, spots, trial, with_blur) >= 0.0:
                    damping = max(10.0 * damping, 1e-2)
                    continue
            moved = True
            spots[:] = trial
            constant += step[3 * n_spots]
            turn = 1 - turn
            damping = 0.1 * damping if damping > 1e-3 else 0.0
        if not moved:
            draw(window, psf, with_blur, spots, constant, x0, y0, shape)
            weigh(window, noise, n_pixels)
            break
        if gain <= SETTLED:
            break
    return constant


@njit(cache=True)
def _rise(scores: Array, step: Array, spots: Array, trial: Array, with_blur: bool) -> float:
    """Rise of the log-likelihood, twice, by the trapezoid of its slopes at both ends of a step."""
    n_spots = spots.shape[0]
    place = 3 * n_spots
    rise = (scores[0, place] + scores[1, place]) * step[place]
    for k in range(n_spots):
        for a in range(3):
            slope = scores[0, 3 * k + a] + scores[1, 3 * k + a]
            rise += slope * (trial[k, a] - spots[k, a])
    if with_blur:
        rise += (scores[0, place + 1] + scores[1, place + 1]) * (trial[0, 3] - spots[0, 3])
    return float(rise)
