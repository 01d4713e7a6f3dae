"""One spectrum against another of the same dot: peak, width, contour."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.linalg import solve_triangular
from scipy.ndimage import uniform_filter1d
from scipy.stats import chi2
from scipy.stats import f as f_ratio

from qdimage.domain.spectrum_fit import Line, Measured, Noise, SpectraCompared

Array = NDArray[np.float64]
# Counts of each bin, and their covariance.
Binned = tuple[Array, Array]

_LEAST_BINS = 6
# Wide enough for that many scaled counts, so that a bin's noise is normal.
_LEAST_COUNTS = 25.0
# Farther out bins are empty, and their chi-square is none.
_AROUND_FWHMS = 1.2
_ROUNDS, _LEVEL_PIXELS = 30, 9
_BEYOND_PX = 12
_LEAST_SHARE = 0.1


def compare_lines(line: Line, other: Line) -> tuple[Measured, Measured, Measured]:
    """Return the shift of the peak in nm and in eV, and the ratio of the widths."""
    shift_nm = _less(line.peak_nm, other.peak_nm)
    shift_ev = _less(line.peak_ev, other.peak_ev)
    ratio = line.fwhm_nm.value / other.fwhm_nm.value
    parts = (each.fwhm_nm.err / each.fwhm_nm.value for each in (line, other))
    return shift_nm, shift_ev, Measured(ratio, ratio * math.hypot(*parts))


def _less(first: Measured, second: Measured) -> Measured:
    return Measured(first.value - second.value, math.hypot(first.err, second.err))


def compared(
    first: tuple[Array, Array, Noise, Line], second: tuple[Array, Array, Noise, Line]
) -> SpectraCompared:
    """Compare two spectra, each given as wavelengths, counts, noise and line.

    The contour's p-value is that of chi-square between the two, sorted into common bins around the
    line, with a free brightness and a free straight baseline. Where the noise was found from
    scatter, its own error makes chi-square a ratio of variances, and the p-value is that of F.
    """
    shift_nm, shift_ev, ratio = compare_lines(first[3], second[3])
    edges = _common_edges(first, second)
    if edges is None:
        return SpectraCompared(shift_nm, shift_ev, ratio, None, None)
    a, b = (_binned(edges, *each) for each in (first, second))
    p_value = _contour_p_value(a, b, (first[2], second[2]))
    return SpectraCompared(shift_nm, shift_ev, ratio, p_value, _similarity(a, b))


def _similarity(first: Binned, second: Binned) -> float | None:
    """Cosine of two contours less the straight lines between their ends."""
    (a, of_a), (b, of_b) = first, second
    a, b = (each - np.linspace(each[0], each[-1], each.size) for each in (a, b))
    # Noise adds its variance to a square of the length, but not to the product.
    squares = float(a @ a - np.trace(of_a)), float(b @ b - np.trace(of_b))
    if min(squares) <= 0:
        return None
    return float(np.clip(a @ b / math.sqrt(squares[0] * squares[1]), -1.0, 1.0))


def _contour_p_value(first: Binned, second: Binned, noise: tuple[Noise, Noise]) -> float:
    (a, covariance_a), (b, covariance_b) = first, second
    along = np.linspace(-1, 1, a.size)
    columns = np.stack([b, np.ones_like(b), along], axis=1)
    scale = float(a.sum() / b.sum())
    rest = np.zeros_like(a)
    # The weights depend on the brightness, which is found anew with each.
    for _ in range(_ROUNDS):
        root = np.linalg.cholesky(covariance_a + scale**2 * covariance_b)
        white, target = (solve_triangular(root, each, lower=True) for each in (columns, a))
        found = np.linalg.lstsq(white, target, rcond=None)[0]
        rest = target - white @ found
        before, scale = scale, float(found[0])
        if abs(scale - before) < 1e-9 * abs(scale):
            break
    square, dof = float(np.sum(rest**2)), a.size - 3
    err = _relative_err(*noise, float(np.trace(covariance_a)), scale**2 * covariance_b)
    return float(chi2.sf(square, dof) if err <= 0 else f_ratio.sf(square / dof, dof, 2 / err**2))


def _relative_err(first: Noise, second: Noise, variance: float, of_other: Array) -> float:
    """Error of the variance of both together, from that of each and its share."""
    share = variance / (variance + float(np.trace(of_other)))
    return math.hypot(share * first.relative_err, (1 - share) * second.relative_err)


def _common_edges(
    first: tuple[Array, Array, Noise, Line], second: tuple[Array, Array, Noise, Line]
) -> Array | None:
    """Edges of bins that both spectra fill, none narrower than two pixels or with few counts."""
    low, high, width = -np.inf, np.inf, 0.0
    for x, counts, noise, line in (first, second):
        reach = _AROUND_FWHMS * line.fwhm_nm.value
        low = max(low, float(x[0]), line.peak_nm.value - reach)
        high = min(high, float(x[-1]), line.peak_nm.value + reach)
        near = np.abs(x - line.peak_nm.value) < reach
        step = float(np.median(np.diff(x)))
        mean = max(float(noise.scaled(counts)[near].mean()), _LEAST_COUNTS / near.size)
        width = max(width, 2 * step, step * _LEAST_COUNTS / mean)
    bins = int((high - low) / width) if high > low else 0
    return np.linspace(low, high, bins + 1) if bins >= _LEAST_BINS else None


def _binned(edges: Array, x: Array, counts: Array, noise: Noise, line: Line) -> Binned:
    """Sums between the edges and their covariance, since bins share pixels.

    Edges lie inside pixels, where light changes: counts up to an edge are those of a cubic spline
    through the counts up to the ends of pixels. How they scatter follows from the fitted line:
    smoothed counts would be too high beside it and too low on top.
    """
    first, last = np.searchsorted(x, (edges[0], edges[-1])) + np.array([-_BEYOND_PX, _BEYOND_PX])
    near = slice(max(int(first), 0), int(last))
    level = uniform_filter1d(counts, _LEVEL_PIXELS, mode="nearest")
    level[line.first : line.last] = line.fitted
    level = level[near]
    x, counts = x[near], counts[near]
    ends = np.concatenate(
        [[1.5 * x[0] - 0.5 * x[1]], (x[1:] + x[:-1]) / 2, [1.5 * x[-1] - 0.5 * x[-2]]]
    )
    up_to = np.vstack([np.zeros(x.size), np.tri(x.size)])
    shares = np.diff(CubicSpline(ends, up_to)(edges), axis=0)
    # Empty pixels have less than the variance of one electron.
    variance = np.maximum(
        noise.counts_per_electron * (level - noise.offset_counts),
        _LEAST_SHARE * noise.counts_per_electron**2,
    )
    return shares @ counts, (shares * variance) @ shares.T
