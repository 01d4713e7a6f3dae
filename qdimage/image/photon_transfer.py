"""The photon transfer line: variance of a frame's pixel against its mean."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import t as student

from qdimage.domain.refusal import Refusal

Floats = NDArray[np.float64]

_ITERATIONS = 5
_CONFIDENCE = 0.95
# Of the span in standard deviations of its error: less is no span.
_SMALLEST_SPAN_SIGMA = 8.0
_LARGEST_RELATIVE_ERROR = 0.04
# Of the slope's excess by fluctuations that neighbours share.
_LARGEST_COMMON = 0.02
_COMMON_SIGMA = 3.0
# Of the slope's loss by a bias that differs from pixel to pixel.
_LARGEST_DILUTION = 0.03
_CURVED_SIGMA = 4.0
_LARGEST_CURVATURE = 0.06
_FEWEST_FOR_CURVE = 5


@dataclass(frozen=True)
class TransferPoints:
    """Groups of pixels that are about equally bright.

    Attributes
    ----------
    mean, variance : ndarray, shape (k,)
        Of one frame's pixel, ADU and ADU^2.
    sorted_by : ndarray, shape (k,)
        Mean by which the pixels were grouped, from other frames than `mean`, ADU.
    covariance : ndarray, shape (k,)
        Of a pixel with its neighbours, ADU^2.
    covariance_err : ndarray, shape (k,)
    n_pixels : ndarray of int, shape (k,)
    moments : ndarray, shape (k, 3)
        Variances of the pixels' variances and means, and covariance of the two, within a group.
    stack : ndarray of int, shape (k,)
        Which stack a group is from.
    pattern_variance : float
        Variance of the bias from pixel to pixel that is left in the means, ADU^2.
    """

    mean: Floats
    variance: Floats
    sorted_by: Floats
    covariance: Floats
    covariance_err: Floats
    n_pixels: NDArray[np.int64]
    moments: Floats
    stack: NDArray[np.int64]
    pattern_variance: float = 0.0

    def chosen(self, which: NDArray[np.bool_]) -> "TransferPoints":
        """Return some of the groups."""
        return replace(
            self,
            **{
                name: getattr(self, name)[which]
                for name in self.__dataclass_fields__
                if name != "pattern_variance"
            },
        )


@dataclass(frozen=True)
class TransferLine:
    """variance = intercept + slope * mean.

    Attributes
    ----------
    slope_adu : float
        F^2 times ADU for each photoelectron.
    slope_err_adu : float
        With what contradictions among the groups, shared fluctuations and a patterned bias add.
    intercept_adu2, intercept_err_adu2 : float
    slope_intercept : float
        Covariance of the two.
    quantile : float
        Of Student's t for a 95 % interval.
    chi2, dof : float, int
    linear_to_adu : float
        Mean of the brightest group that was used.
    is_cut : bool
        Brighter groups were left out, since they are not on the line.
    points : TransferPoints
        All groups, those that were left out included.
    residual_err : ndarray, shape (k,)
        Standard deviation of each group's distance from the line.
    """

    slope_adu: float
    slope_err_adu: float
    intercept_adu2: float
    intercept_err_adu2: float
    slope_intercept: float
    quantile: float
    chi2: float
    dof: int
    linear_to_adu: float
    is_cut: bool
    points: TransferPoints
    residual_err: Floats


def fit_transfer(points: TransferPoints) -> TransferLine | Refusal:
    """Fit the line, or say why the groups do not give one.

    The groups' own means stand on the one axis and the means they were sorted by serve as
    instruments, so that neither sorting noise nor its skewness makes a slope; a field without a
    span of intensities then shows as one whose instrument explains nothing.
    """
    if len(points.mean) < 2:
        return Refusal(
            "found one level of light alone, expected a span of intensities; add stacks of other "
            "intensities, or dark frames"
        )
    line = _fitted(points)
    if isinstance(line, Refusal):
        return line
    curved = _curvature(points, line)
    if curved is not None and curved[0] > 0:
        return Refusal(
            f"the variance grows faster than the mean ({_percent(curved[0])} over the span), as "
            "where light blinks, flickers or moves; use flats or dots that hold still"
        )
    if curved is not None:
        line = _without_brightest(points)
        if isinstance(line, Refusal):
            return line
    return _judged(line)


def _fitted(points: TransferPoints) -> TransferLine | Refusal:
    x, y, z = points.mean, points.variance, points.sorted_by
    slope = 0.0
    for _ in range(_ITERATIONS):
        spread = _spread(points, slope)
        weight = 1.0 / spread
        centred = z - np.average(z, weights=weight)
        lever = float(np.sum(weight * centred * x))
        noise = float(
            np.sqrt(np.sum((weight * centred) ** 2 * points.moments[:, 1] / points.n_pixels))
        )
        if lever <= _SMALLEST_SPAN_SIGMA * noise:
            return _no_span(points)
        slope = float(np.sum(weight * centred * y)) / lever
    intercept = float(np.average(y - slope * x, weights=weight))
    residual = y - intercept - slope * x
    dof = len(x) - 2
    chi2 = float(np.sum(weight * residual**2))
    stretch = max(1.0, chi2 / dof) if dof > 0 else 1.0
    slope_variance = stretch * float(np.sum(weight * centred**2)) / lever**2
    middle = float(np.average(x, weights=weight))
    intercept_variance = stretch / float(weight.sum()) + middle**2 * slope_variance
    return TransferLine(
        slope_adu=slope,
        slope_err_adu=float(np.sqrt(slope_variance)),
        intercept_adu2=intercept,
        intercept_err_adu2=float(np.sqrt(intercept_variance)),
        slope_intercept=-middle * slope_variance,
        quantile=float(student.ppf(0.5 + _CONFIDENCE / 2, max(dof, 1) if stretch > 1 else np.inf)),
        chi2=chi2,
        dof=dof,
        linear_to_adu=float(x.max()),
        is_cut=False,
        points=points,
        residual_err=np.sqrt(spread),
    )


def _spread(points: TransferPoints, slope: float) -> Floats:
    """Variance of each group's distance from a line of a slope.

    What the pixels of a group scatter by is smoothed by the polynomial in the mean that it is for
    light and noise of any kind; else a group that is low by chance would weigh more.
    """
    of_variance, of_mean, both = points.moments.T
    found = np.maximum(of_variance + slope**2 * of_mean - 2 * slope * both, 1e-300)
    if len(found) < _FEWEST_FOR_CURVE:
        return np.asarray(found / points.n_pixels)
    above = points.mean - points.mean.min()
    scale = above.max() or 1.0
    basis = np.stack([np.ones_like(above), above / scale, (above / scale) ** 2], axis=1)
    expected = found
    root = np.sqrt(np.minimum(points.n_pixels, 1000))
    for _ in range(_ITERATIONS):
        weight = root / expected
        coefficients, _ = nnls(weight[:, np.newaxis] * basis, weight * found)
        expected = np.maximum(basis @ coefficients, 0.1 * found)
    return np.asarray(expected / points.n_pixels)


def _no_span(points: TransferPoints) -> Refusal:
    low, high = points.sorted_by.min(), points.sorted_by.max()
    return Refusal(
        f"found no span of intensities among pixels that hold still (means of {low:.4g} to "
        f"{high:.4g} ADU, which is their noise), expected one; add stacks of other intensities, "
        "or dark frames"
    )


def _curvature(
    points: TransferPoints, line: TransferLine, *, strictness: float = 1.0
) -> tuple[float, float] | None:
    """Change of the slope over the span relative to it, with its error; None where not seen."""
    if len(points.mean) < _FEWEST_FOR_CURVE:
        return None
    x = points.mean
    span = float(x.max() - x.min())
    scaled = (x - x.min()) / span
    basis = np.stack([np.ones_like(x), scaled, scaled**2], axis=1) / line.residual_err[:, None]
    if np.linalg.matrix_rank(basis) < 3:
        return None
    inverse = np.linalg.inv(basis.T @ basis)
    coefficients = inverse @ basis.T @ (points.variance / line.residual_err)
    dof = len(x) - 3
    chi2 = float(np.sum((points.variance / line.residual_err - basis @ coefficients) ** 2))
    err = float(np.sqrt(inverse[2, 2] * max(1.0, chi2 / dof)))
    full = max(abs(line.slope_adu) * span, np.finfo(float).tiny)
    change, change_err = 2 * coefficients[2] / full, 2 * err / full
    least = max(_CURVED_SIGMA * change_err, _LARGEST_CURVATURE) / strictness
    return (float(change), float(change_err)) if abs(change) > least else None


def _without_brightest(points: TransferPoints) -> TransferLine | Refusal:
    """Fit the line to the groups below which it is straight."""
    order = np.argsort(points.mean, kind="stable")
    for kept in range(len(order) - 1, _FEWEST_FOR_CURVE - 1, -1):
        which = np.zeros(len(order), bool)
        which[order[:kept]] = True
        part = points.chosen(which)
        line = _fitted(part)
        if isinstance(line, Refusal):
            break
        # That there is a bend is known by now; nothing of it may stay.
        if _curvature(part, line, strictness=2.0) is None:
            err = np.sqrt(_spread(points, line.slope_adu))
            return replace(line, is_cut=True, points=points, residual_err=err)
    return Refusal(
        "the variance is not linear in the mean at any intensity (it bends down), as with a "
        "saturated register or a bias that differs from pixel to pixel; use lower intensities, and "
        "add dark frames"
    )


def _judged(line: TransferLine) -> TransferLine | Refusal:
    points = line.points.chosen(line.points.mean <= line.linear_to_adu)
    if line.slope_adu <= 2 * line.slope_err_adu:
        return Refusal(
            f"the variance does not grow with the mean (slope {line.slope_adu:.3g} +- "
            f"{line.slope_err_adu:.2g} ADU), so that the span is not one of light; add flats of "
            "other intensities, or dark frames"
        )
    if line.slope_err_adu > _LARGEST_RELATIVE_ERROR * line.slope_adu:
        return _uncertain(line, line.slope_err_adu)
    common, common_err = _common_slope(points, line)
    if common > _LARGEST_COMMON + _COMMON_SIGMA * common_err:
        return Refusal(
            f"{_percent(common)} of the noise of bright pixels is shared by their neighbours, "
            "expected none; their light blinks, flickers or moves; use flats or dots "
            "that hold still"
        )
    if common_err > _LARGEST_RELATIVE_ERROR:
        return Refusal(
            "the frames are too few to tell light that holds still from light that blinks (an "
            f"error of {_percent(common_err)}); record more frames"
        )
    dilution = points.pattern_variance / max(_weighted_variance(points, line), 1e-300)
    if dilution > _LARGEST_DILUTION:
        return Refusal(
            f"the bias differs from pixel to pixel by {np.sqrt(points.pattern_variance):.2g} ADU, "
            "too much for this span of intensities; add dark frames, which give the bias map"
        )
    # What is allowed to remain is uncertain by its own size.
    systematic = np.hypot(max(common, 0.0), dilution) * line.slope_adu
    err = float(np.hypot(line.slope_err_adu, systematic))
    if err > _LARGEST_RELATIVE_ERROR * line.slope_adu:
        return _uncertain(line, err)
    return replace(line, slope_err_adu=err)


def _uncertain(line: TransferLine, err: float) -> Refusal:
    return Refusal(
        f"the slope of variance against mean is {line.slope_adu:.3g} +- {err:.2g} ADU, too "
        "uncertain to be used: the span of intensities is too narrow for so many frames; add "
        "frames, or stacks of other intensities"
    )


def _common_slope(points: TransferPoints, line: TransferLine) -> tuple[float, float]:
    """Slope of the covariance with neighbours against the mean, relative to the line's."""
    weight = 1.0 / np.maximum(points.covariance_err, 1e-300) ** 2
    centred = points.sorted_by - np.average(points.sorted_by, weights=weight)
    lever = float(np.sum(weight * centred * points.mean))
    if lever <= 0:
        return 0.0, np.inf
    slope = float(np.sum(weight * centred * points.covariance)) / lever
    err = float(np.sqrt(np.sum(weight * centred**2))) / lever
    return slope / line.slope_adu, err / line.slope_adu


def _weighted_variance(points: TransferPoints, line: TransferLine) -> float:
    """Variance of the means as the fit weighs them, within stacks and between."""
    weight = 1.0 / _spread(points, line.slope_adu)
    middle = np.average(points.mean, weights=weight)
    return float(np.average((points.mean - middle) ** 2, weights=weight))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
