"""Single electrons behind a multiplication register: a fit to the histogram of differences."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import chi2 as chi_squared

from qdimage.domain.refusal import Refusal
from qdimage.image.em_histogram import DifferenceHistogram, density

Floats = NDArray[np.float64]
Prior = tuple[float, float]

_MAD_TO_SIGMA = 1.4826
_REACH_OUTPUTS = 12.0  # the histogram's end, in outputs of one electron
_STEP = 1e-3
# Twice the gain in ln likelihood that a tail has to bring; noise gives so much in 1e-6 of trials.
_TAIL_SEEN = 30.0
_LARGEST_RELATIVE_ERROR = 0.1
_LARGEST_CHARGE_ERROR = 0.15
_FEWEST_COUNTS = 50.0
_WORST_FIT = 1e-4
_LARGEST_MISFIT = 0.2


@dataclass(frozen=True)
class SingleElectrons:
    """What the histogram gives.

    Attributes
    ----------
    read_noise_adu, adu_per_electron, electrons : float
        Read noise of one frame, mean output of one electron, electrons in a pixel and frame.
    covariance : ndarray, shape (3, 3)
        Of the logarithms of the three.
    chi2, dof : float, int
    p_value : float
    in_register : float
        Electrons in a pixel and frame that arise within the register; 0 where not seen.
    histogram : DifferenceHistogram
    expected : ndarray, shape (k,)
        Counts of the fit in each bin.
    """

    read_noise_adu: float
    adu_per_electron: float
    electrons: float
    covariance: Floats
    chi2: float
    dof: int
    p_value: float
    in_register: float
    histogram: DifferenceHistogram
    expected: Floats


def fit_single_electrons(
    histogram: DifferenceHistogram, *, known_output_adu: tuple[float, float] | None = None
) -> SingleElectrons | Refusal:
    """Fit read noise, output of one electron and electrons for each pixel by maximum likelihood.

    Parameters
    ----------
    histogram : DifferenceHistogram
    known_output_adu : (float, float), optional
        Mean output of an electron and its error, where it is known from elsewhere.
    """
    total = histogram.counts.sum()
    if total < 1000:
        return Refusal("found too few pixels for single electrons; record more frames")
    start = _start(histogram, known_output_adu)
    if start is None:
        return Refusal(_NO_TAIL)
    prior = _prior(known_output_adu)
    best, used = _maximized(histogram, np.log(start), prior)
    read_noise, output, electrons = np.exp(best)
    refusal = _without_tail(used, best, prior)
    if refusal is not None:
        return refusal
    expected = _expected(used, best)
    chi2, dof, p_value = _fit_quality(used, expected, free=3)
    in_register = 0.0
    if p_value < _WORST_FIT:
        more = _with_register(used, best, prior)
        if more is not None:
            (read_noise, output, electrons, in_register), best = np.exp(more), more
            expected = _expected(used, best)
            chi2, dof, p_value = _fit_quality(used, expected, free=4)
    covariance = _covariance(used, best, prior)
    stretch = max(1.0, chi2 / max(dof, 1)) if p_value < _WORST_FIT else 1.0
    covariance = covariance * stretch
    err = np.sqrt(np.diag(covariance)[1])
    if known_output_adu is None and not err < _LARGEST_RELATIVE_ERROR:
        return Refusal(
            f"the output of a single electron is not known to better than {100 * err:.0f} % from "
            "the tail of the histogram; record more dark frames, or use a higher EM gain"
        )
    if not np.sqrt(covariance[2, 2]) < _LARGEST_CHARGE_ERROR:
        return Refusal(
            f"{electrons:.2g} electrons in a pixel and frame hardly stand out from the read noise; "
            "record more dark frames, or use a higher EM gain"
        )
    misfit = _misfit(used, expected)
    if p_value < _WORST_FIT and misfit > _LARGEST_MISFIT:
        return Refusal(
            "the histogram is not that of single electrons behind a register (its tail is off by "
            f"{100 * misfit:.0f} % of the fit); check that the frames are dark and EM gain is on"
        )
    return SingleElectrons(
        float(read_noise),
        float(output),
        float(electrons),
        covariance[:3, :3],
        chi2,
        dof,
        p_value,
        float(in_register),
        used,
        expected,
    )


_NO_TAIL = (
    "found no tail of single electrons beside the read noise, expected one with EM gain on; the EM "
    "gain is off or too low, or there are too few frames"
)


def _prior(known: tuple[float, float] | None) -> Prior:
    """Logarithm of the output of an electron, and its error; infinite where nothing is known."""
    return (0.0, np.inf) if known is None else (float(np.log(known[0])), known[1] / known[0])


def _start(
    histogram: DifferenceHistogram, known_output_adu: tuple[float, float] | None
) -> tuple[float, float, float] | None:
    """Read noise, output, electrons: from the core's width and the mean excess of the tail."""
    size, counts = np.abs(histogram.difference_adu), histogram.counts
    order = np.argsort(size, kind="stable")
    below = np.cumsum(counts[order]) / counts.sum()
    median = float(size[order][np.searchsorted(below, 0.5)])
    sigma = max(_MAD_TO_SIGMA * median, 0.3 * histogram.width_adu)
    if known_output_adu is not None:
        return sigma / np.sqrt(2), known_output_adu[0], 0.01
    tail = size > 4 * sigma
    n_tail = float(counts[tail].sum())
    if n_tail < _FEWEST_COUNTS:
        return None
    output = float(np.average(size[tail] - 4 * sigma, weights=counts[tail]))
    electrons = n_tail / counts.sum() / 2 * np.exp(4 * sigma / max(output, sigma))
    return sigma / np.sqrt(2), output, float(np.clip(electrons, 1e-5, 1.0))


def _maximized(
    histogram: DifferenceHistogram, start: Floats, prior: Prior
) -> tuple[Floats, DifferenceHistogram]:
    """Maximize twice: the second time without what is too far out to be of one electron."""
    best, used = start, histogram
    for _ in range(2):
        read_noise, output, electrons = np.exp(best)
        reach = _REACH_OUTPUTS * output * (1 + 2 * electrons) + 8 * read_noise
        used = _cut(histogram, reach)
        best = _minimum(used, best, prior)
    return best, used


def _cut(histogram: DifferenceHistogram, reach: float) -> DifferenceHistogram:
    middle = histogram.counts.size // 2
    half = int(min(np.ceil(reach / histogram.width_adu), middle))
    kept = slice(middle - half, middle + half + 1)
    return DifferenceHistogram(
        histogram.difference_adu[kept],
        histogram.counts[kept],
        histogram.width_adu,
        histogram.is_rounded,
    )


def _minimum(histogram: DifferenceHistogram, start: Floats, prior: Prior) -> Floats:
    found = start
    for _ in range(2):
        result = minimize(
            lambda point: _loss(histogram, point, prior),
            found,
            method="Nelder-Mead",
            options={
                "xatol": 1e-5,
                "fatol": 1e-3,
                "maxiter": 600,
                "initial_simplex": _simplex(found),
            },
        )
        found = result.x
    return np.asarray(found)


def _simplex(start: Floats) -> Floats:
    return np.vstack([start, start + 0.2 * np.eye(len(start))])


def _shares(histogram: DifferenceHistogram, point: Floats) -> Floats:
    values = np.exp(np.clip(point, -30, 30))
    share = density(
        histogram,
        read_noise_adu=values[0],
        adu_per_electron=values[1],
        electrons=values[2],
        in_register=values[3] if len(values) > 3 else 0.0,
    )
    return np.asarray(share / share.sum())


def _expected(histogram: DifferenceHistogram, point: Floats) -> Floats:
    return np.asarray(_shares(histogram, point) * histogram.counts.sum())


def _loss(histogram: DifferenceHistogram, point: Floats, prior: Prior) -> float:
    filled = histogram.counts > 0
    likelihood = histogram.counts[filled] @ np.log(_shares(histogram, point)[filled])
    return -float(likelihood) + 0.5 * float((point[1] - prior[0]) / prior[1]) ** 2


def _without_tail(histogram: DifferenceHistogram, best: Floats, prior: Prior) -> Refusal | None:
    """Compare with read noise alone."""
    start = best[:1] + 0.1
    alone = minimize(
        lambda point: _loss(histogram, np.array([point[0], best[1], -30.0]), prior),
        start,
        method="Nelder-Mead",
    )
    gain = 2 * (float(alone.fun) - _loss(histogram, best, prior))
    return None if gain > _TAIL_SEEN else Refusal(_NO_TAIL)


def _with_register(histogram: DifferenceHistogram, best: Floats, prior: Prior) -> Floats | None:
    """Add electrons that arise within the register, where that is much likelier."""
    start = np.append(best, best[2] - 1.0)
    more = _minimum(histogram, start, prior)
    gain = 2 * (_loss(histogram, best, prior) - _loss(histogram, more, prior))
    return more if gain > _TAIL_SEEN else None


def _covariance(histogram: DifferenceHistogram, best: Floats, prior: Prior) -> Floats:
    """Inverse of the Fisher information of the bins."""
    share = _shares(histogram, best)
    slopes = []
    for index in range(len(best)):
        step = np.zeros(len(best))
        step[index] = _STEP
        slopes.append(
            (_shares(histogram, best + step) - _shares(histogram, best - step)) / (2 * _STEP)
        )
    scaled = np.array(slopes) / np.sqrt(share)
    information = histogram.counts.sum() * scaled @ scaled.T
    information[1, 1] += 1.0 / prior[1] ** 2
    try:
        return np.asarray(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.full_like(information, np.inf)


def _grouped(histogram: DifferenceHistogram, expected: Floats) -> tuple[Floats, Floats]:
    """Counts and expectations of runs of bins that hold enough."""
    edges, total = [0], 0.0
    for index, value in enumerate(expected):
        total += value
        if total >= _FEWEST_COUNTS:
            edges.append(index + 1)
            total = 0.0
    starts = np.array(edges[:-1], np.int64)
    stop = edges[-1]
    return (
        np.add.reduceat(histogram.counts[:stop], starts),
        np.add.reduceat(expected[:stop], starts),
    )


def _fit_quality(
    histogram: DifferenceHistogram, expected: Floats, *, free: int
) -> tuple[float, int, float]:
    counts, levels = _grouped(histogram, expected)
    chi2 = float(np.sum((counts - levels) ** 2 / levels))
    dof = max(len(counts) - 1 - free, 1)
    return chi2, dof, float(chi_squared.sf(chi2, dof))


def _misfit(histogram: DifferenceHistogram, expected: Floats) -> float:
    """Root mean square of the relative distance of the tail from the fit, beyond its noise."""
    counts, levels = _grouped(histogram, expected)
    tail = levels < 1e-3 * expected.sum()
    if not tail.any():
        return 0.0
    excess = ((counts - levels) ** 2 - levels)[tail] / levels[tail] ** 2
    return float(np.sqrt(max(np.average(excess, weights=levels[tail]), 0.0)))
