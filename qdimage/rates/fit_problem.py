"""The likelihood of one or several correlation curves of a dot, with priors."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.rates.dot import DotParameters
from qdimage.rates.fit_dot import FreeDot
from qdimage.rates.fit_families import Family
from qdimage.rates.fit_kernels import FIRST, SHARE, deviance, scores

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Steps of the numerical derivatives by logarithms and standard scores, and by the centre in ns.
_STEP, _CENTRE_STEP_NS = 1e-4, 1e-3
_LARGEST_SHARE = 0.999
_OWN = ("mean", "ratio", "plateau", "centre", "background", "response")
_LARGEST_STEPS = {
    "mean": 0.7,
    "ratio": 1.0,
    "plateau": 0.7,
    "centre": 1.0,
    "background": 2.0,
    "response": 2.0,
}


@dataclass(frozen=True)
class CurveData:
    """Counts of one curve, and what is known beside them.

    Attributes
    ----------
    edges_ns : ndarray, shape (n + 1,)
    counts, exposure : ndarray, shape (n,)
        Coincidences, and those of uncorrelated light of the same rates.
    centre_ns : float
        Zero delay, or where to start.
    centre_reach_ns : float
        How far it may be off; 0 holds it.
    response_fwhm_ns, response_err : float
        And its relative standard error; 0 holds it.
    background, background_err : float
        Share of coincidences with background, and its standard error; 0 holds it.
    count_rate_per_us : float
        Without dark counts and for an on-fraction and efficiency of 1 in the unit of the model's
        intensity; 0 if it is not to be fitted.
    count_rate_err : float
        Relative.
    pump_per_us, pump_err : float
        pl: known pump rate and its relative standard error (0 holds it); NaN if not known.
    """

    edges_ns: Array
    counts: Array
    exposure: Array
    centre_ns: float = 0.0
    centre_reach_ns: float = 0.0
    response_fwhm_ns: float = 0.0
    response_err: float = 0.0
    background: float = 0.0
    background_err: float = 0.0
    count_rate_per_us: float = 0.0
    count_rate_err: float = 0.05
    pump_per_us: float = math.nan
    pump_err: float = 0.0


@dataclass(frozen=True)
class Efficiency:
    """Counts per emitted photon, where count rates are fitted.

    Attributes
    ----------
    value : float
        Given, or where to start.
    err : float
        Relative standard error; 0 holds it, infinite: free.
    """

    value: float
    err: float


@dataclass(frozen=True)
class Limits:
    """What is searched: rates in 1/us, and the ratio of electrons to holes."""

    smallest_rate: float = 1e-2
    largest_rate: float = 1e4
    largest_ratio: float = 100.0


@dataclass
class FitProblem:
    """Penalized deviance of all curves over one vector of parameters.

    For each curve: the logarithm of the geometric mean of its rates (or of its pump rate), the
    logarithm of electrons over holes, that of the plateau, the centre, and standard scores of
    background and response. For all together: standard scores of the dot's parameters, and the
    logarithm of the efficiency.
    """

    curves: Sequence[CurveData]
    families: Sequence[Family]
    dot: FreeDot
    balanced: bool
    limits: Limits
    efficiency: Efficiency | None = None
    low: Array = field(init=False)
    high: Array = field(init=False)
    largest_step: Array = field(init=False)
    start: Array = field(init=False)
    held: Mask = field(init=False)
    prior_mean: Array = field(init=False)
    prior_err: Array = field(init=False)
    _latest: dict[int, tuple[Array, Array, float]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        rows: list[tuple[float, float, float, float, bool, float, float]] = []
        for curve, family in zip(self.curves, self.families, strict=True):
            rows += self._own_rows(curve, family)
        low, high = self.dot.bounds()
        for a, b, prior in zip(low, high, self.dot.held_by_prior, strict=True):
            rows.append((0.0, float(a), float(b), 1.5, False, 0.0, 1.0 if prior else math.inf))
        known = self.efficiency or Efficiency(1.0, 0.0)
        log_value = math.log(known.value)
        rows.append((log_value, -math.inf, math.inf, 1.0, known.err <= 0, log_value, known.err))
        columns = [np.array(column) for column in zip(*rows, strict=True)]
        self.start, self.low, self.high, self.largest_step = columns[:4]
        self.held, self.prior_mean = columns[4].astype(bool), columns[5]
        self.prior_err = np.where(self.held, math.inf, columns[6])

    def _own_rows(
        self, curve: CurveData, family: Family
    ) -> list[tuple[float, float, float, float, bool, float, float]]:
        """Start, bounds, largest step, whether held, mean and error of the prior."""
        small, large = math.log(self.limits.smallest_rate), math.log(self.limits.largest_rate)
        ratio = math.log(self.limits.largest_ratio)
        one_rate = family.n_rates == 1 or self.balanced
        pump_known = family.n_rates == 1 and not math.isnan(curve.pump_per_us)
        mean = math.log(curve.pump_per_us) if pump_known else 0.5 * (small + large)
        pump_err = curve.pump_err if pump_known else math.inf
        signal = curve.exposure.sum()
        plateau = math.log(max(float(curve.counts.sum()), 1.0) / float(signal))
        reach = curve.centre_reach_ns
        share = self._background_bounds(curve)
        step = _LARGEST_STEPS
        return [
            (
                mean,
                small,
                large,
                step["mean"],
                pump_known and curve.pump_err <= 0,
                mean,
                pump_err,
            ),
            (0.0, -ratio, ratio, step["ratio"], one_rate, 0.0, math.inf),
            (plateau, -math.inf, math.inf, step["plateau"], False, plateau, math.inf),
            (
                curve.centre_ns,
                curve.centre_ns - reach,
                curve.centre_ns + reach,
                step["centre"],
                reach <= 0,
                0.0,
                math.inf,
            ),
            (0.0, share[0], share[1], step["background"], curve.background_err <= 0, 0.0, 1.0),
            (
                0.0,
                -5.0,
                5.0,
                step["response"],
                curve.response_err <= 0 or curve.response_fwhm_ns <= 0,
                0.0,
                1.0,
            ),
        ]

    @staticmethod
    def _background_bounds(curve: CurveData) -> tuple[float, float]:
        if curve.background_err <= 0:
            return 0.0, 0.0
        return (
            -curve.background / curve.background_err,
            (_LARGEST_SHARE - curve.background) / curve.background_err,
        )

    def index(self, curve: int, name: str) -> int:
        """Return the place of a curve's own parameter in the vector."""
        return curve * len(_OWN) + _OWN.index(name)

    @property
    def dot_slice(self) -> slice:
        """Places of the dot's standard scores."""
        first = len(self.curves) * len(_OWN)
        return slice(first, first + len(self.dot.errors))

    def dot_at(self, theta: Array) -> DotParameters:
        """Return the dot at a point."""
        return self.dot.at(theta[self.dot_slice])

    def rates(self, theta: Array, curve: int) -> tuple[float, ...]:
        """Return electron and hole rate, or the pump rate, 1/us."""
        mean = theta[self.index(curve, "mean")]
        if self.families[curve].n_rates == 1:
            return (math.exp(mean),)
        half = 0.5 * theta[self.index(curve, "ratio")]
        return math.exp(mean + half), math.exp(mean - half)

    def light(self, theta: Array, curve: int) -> tuple[float, float]:
        """Return the model's intensity, 1/us, and its g2 at zero delay."""
        return self.families[curve].light(self.dot_at(theta), self.rates(theta, curve))

    def response_fwhm_ns(self, theta: Array, curve: int) -> float:
        """Return the response at a point."""
        data = self.curves[curve]
        score = float(theta[self.index(curve, "response")])
        return data.response_fwhm_ns * math.exp(data.response_err * score)

    def background(self, theta: Array, curve: int) -> float:
        """Return the share of coincidences with background at a point."""
        data = self.curves[curve]
        score = theta[self.index(curve, "background")]
        return float(data.background + data.background_err * score)

    def g2(self, theta: Array, curve: int) -> tuple[Array, float]:
        """Return g2 of the signal in a curve's bins, and the intensity, 1/us."""
        known = self._latest.get(curve)
        if known is not None and np.array_equal(known[0], theta):
            return known[1], known[2]
        means, intensity = self._computed(theta, curve)
        self._latest[curve] = theta.copy(), means, intensity
        return means, intensity

    def _computed(self, theta: Array, curve: int) -> tuple[Array, float]:
        edges = self.curves[curve].edges_ns
        means = np.empty(len(edges) - 1)
        intensity, _ = self.families[curve].measured(
            self.dot_at(theta),
            self.rates(theta, curve),
            edges,
            float(theta[self.index(curve, "centre")]),
            self.response_fwhm_ns(theta, curve) / FWHM_PER_SIGMA,
            means,
        )
        return means, intensity

    def levels(self, theta: Array, curve: int) -> Array:
        """Return the expected counts in a curve's bins."""
        g2, _ = self.g2(theta, curve)
        share = 1.0 - self.background(theta, curve)
        plateau = math.exp(theta[self.index(curve, "plateau")])
        return np.asarray(plateau * self.curves[curve].exposure * (1.0 - share * (1.0 - g2)))

    def value(self, theta: Array) -> float:
        """Return the deviance with the penalties of priors and count rates."""
        total = float(np.sum(((theta - self.prior_mean) / self.prior_err) ** 2))
        for k, data in enumerate(self.curves):
            g2, intensity = self.g2(theta, k)
            if not math.isfinite(intensity):
                return math.inf
            total += self.deviance_of(theta, k, g2)
            if data.count_rate_per_us > 0:
                total += self._rate_pull(theta, data, intensity) ** 2
        return total

    def deviance_of(self, theta: Array, curve: int, g2: Array) -> float:
        """Return the deviance of one curve's counts."""
        data = self.curves[curve]
        plateau = math.exp(theta[self.index(curve, "plateau")])
        share = 1.0 - self.background(theta, curve)
        return float(deviance(data.counts, data.exposure, g2, plateau, share))

    def _rate_pull(self, theta: Array, data: CurveData, intensity: float) -> float:
        expected = math.log(intensity) + float(theta[-1])
        return (expected - math.log(data.count_rate_per_us)) / data.count_rate_err

    def scores(self, theta: Array, held: Mask) -> tuple[Array, Array]:
        """Return half the gradient, and the expected information."""
        n = len(theta)
        weight = 1.0 / self.prior_err**2
        vector, matrix = weight * (theta - self.prior_mean), np.diag(weight)
        for k in range(len(self.curves)):
            self._add_curve(theta, held, k, vector, matrix)
        vector[held] = 0.0
        keep = ~held
        matrix[~np.outer(keep, keep)] = 0.0
        return vector, matrix.reshape(n, n)

    def _add_curve(
        self, theta: Array, held: Mask, curve: int, vector: Array, matrix: Array
    ) -> None:
        data = self.curves[curve]
        g2, intensity = self.g2(theta, curve)
        shared = range(*self.dot_slice.indices(len(theta)))
        own = [self.index(curve, name) for name in ("mean", "ratio", "centre", "response")]
        moved = [place for place in (*own, *shared) if not held[place]]
        slopes, by_log_rate = np.empty((len(moved), len(g2))), np.zeros(len(moved))
        for row, place in enumerate(moved):
            is_centre = place == self.index(curve, "centre")
            step = self._step_of(theta, place, _CENTRE_STEP_NS if is_centre else _STEP)
            trial = theta.copy()
            trial[place] += step
            near, near_intensity = self._computed(trial, curve)
            slopes[row] = (near - g2) / step
            by_log_rate[row] = math.log(near_intensity / intensity) / step
        n = len(moved) + FIRST
        part, square = np.empty(n), np.empty((n, n))
        plateau = math.exp(theta[self.index(curve, "plateau")])
        share = 1.0 - self.background(theta, curve)
        scores(data.counts, data.exposure, g2, slopes, plateau, share, part, square)
        # The share falls by its standard error with each unit of the score.
        part[SHARE] *= -data.background_err
        square[SHARE] *= -data.background_err
        square[:, SHARE] *= -data.background_err
        places = np.array(
            [self.index(curve, "plateau"), self.index(curve, "background"), *moved], np.int64
        )
        vector[places] += part
        matrix[np.ix_(places, places)] += square
        if data.count_rate_per_us > 0:
            rows = np.array([*moved, len(theta) - 1], np.int64)
            by = np.append(by_log_rate, 1.0) / data.count_rate_err
            vector[rows] += self._rate_pull(theta, data, intensity) * by
            matrix[np.ix_(rows, rows)] += np.outer(by, by)

    def _step_of(self, theta: Array, place: int, step: float) -> float:
        """A step that stays inside the bounds."""
        return -step if theta[place] + step > self.high[place] else step

    def quantities(self, theta: Array, curve: int) -> Array:
        """Return logarithms: mean rate, electrons, holes, g2(0), intensity, ratio of yields."""
        intensity, g2_0 = self.light(theta, curve)
        mean = float(theta[self.index(curve, "mean")])
        half = 0.5 * float(theta[self.index(curve, "ratio")])
        dot = self.dot_at(theta)
        yields = math.log(max(dot.biexciton_qy, 1e-300) / max(dot.exciton_qy, 1e-300))
        return np.array(
            [
                mean,
                mean + half,
                mean - half,
                math.log(max(g2_0, 1e-300)),
                math.log(intensity),
                yields,
            ]
        )

    def quantity_errors(self, theta: Array, curve: int, spread: Array) -> Array:
        """Return their standard errors for a covariance of the parameters."""
        here = self.quantities(theta, curve)
        shared = range(*self.dot_slice.indices(len(theta)))
        own = [self.index(curve, name) for name in ("mean", "ratio")]
        places = [place for place in (*own, *shared) if spread[place, place] > 0]
        if not places:
            return np.zeros(len(here))
        slopes = np.empty((len(here), len(places)))
        for column, place in enumerate(places):
            step = self._step_of(theta, place, _STEP)
            trial = theta.copy()
            trial[place] += step
            slopes[:, column] = (self.quantities(trial, curve) - here) / step
        inner = spread[np.ix_(places, places)]
        variances = np.einsum("ij,jk,ik->i", slopes, inner, slopes)
        return np.asarray(np.sqrt(np.maximum(variances, 0.0)))
