"""Rate-model fits: recovery and coverage, what is determined, wrong models, speed.

Curves are drawn as Poisson counts of the EL model with 15 states: bins of 0.5 ns to +-500 ns, 50
coincidences in each at long delays, 0.5 ns response and 1 % background, both drawn from the priors
that the fit is given, a centre that it has to find. Injection rates are those into the neutral dot,
photons of trions count, and the Coulomb law is exponential.
"""

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from qdimage.domain.g2_curve import G2Curve, accidentals
from qdimage.domain.rate_fit import Estimate, RateFit
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.rates.coulomb import coulomb_law
from qdimage.rates.curve import g2_curve, light_of_model
from qdimage.rates.declaration import RateModel
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.fit import fit_rates
from qdimage.rates.fit_curves import RateCurve
from qdimage.rates.fit_dot import free_dot
from qdimage.rates.fit_families import el_family
from qdimage.rates.fit_options import RateFitOptions
from qdimage.rates.fit_problem import CurveData, FitProblem, Limits
from qdimage.rates.fit_start import best_fit
from qdimage.rates.measured import measured_g2
from qdimage.rates.solution import solve

Array = NDArray[np.float64]

X41 = 0.46284401059920
DOT = DotParameters()
EDGES = np.arange(-1000, 1001) * 0.5
FWHM_NS, BACKGROUND, PRIOR = 0.5, 0.01, 0.1
RATES = (16.8, 25.0, 83.3)
OPTIONS = RateFitOptions(carriers=4, rivals=False, count_rates="ignore")
_COUNTS = 1_000_000


@dataclass(frozen=True)
class Truth:
    """What curves are drawn from."""

    electron: float
    hole: float
    law: str = "exp"
    x: float = X41
    dot: DotParameters = DOT
    per_bin: float = 50.0

    def model(self) -> RateModel:
        """Return the model."""
        return el_model(
            self.dot,
            electron_per_us=self.electron,
            hole_per_us=self.hole,
            coulomb=coulomb_law(self.law, x=self.x),
            carriers=4,
        )


def drawn(truth: Truth, rng: np.random.Generator) -> RateCurve:
    """One curve, its nuisances drawn from the priors that the fit is given."""
    background = BACKGROUND * (1.0 + PRIOR * rng.standard_normal())
    sigma = FWHM_NS * math.exp(PRIOR * rng.standard_normal()) / FWHM_PER_SIGMA
    centre = float(rng.uniform(-1.0, 1.0))
    g2 = g2_curve(light_of_model(truth.model()), EDGES, centre, sigma)
    duration = _COUNTS**2 * float(EDGES[1] - EDGES[0]) * 1e-9 / truth.per_bin
    flat = accidentals(EDGES, counts_1=_COUNTS, counts_2=_COUNTS, duration_s=duration)
    counts = rng.poisson(flat * (1.0 - (1.0 - background) * (1.0 - g2)))
    # The share of dark counts in each detector whose coincidences are the background given.
    dark = _COUNTS / duration * (1.0 - math.sqrt(1.0 - BACKGROUND))
    curve = G2Curve(EDGES, counts, flat, duration, _COUNTS, _COUNTS)
    return RateCurve(curve, "el", FWHM_NS, dark_counts_s=(dark, dark))


def fitted(curves: Sequence[RateCurve], options: RateFitOptions, **known: object) -> list[RateFit]:
    """Fit, where nothing is refused."""
    errors = known.get("errors", {})
    found = fit_rates(curves, dot=DOT, errors=errors, options=options)  # type: ignore[arg-type]
    return [each for each in found if isinstance(each, RateFit)]


def pull(found: Estimate, truth: float) -> float:
    """Distance from the truth in half widths of the 68 % interval, of logarithms."""
    return math.log(found.value / truth) / (math.log(found.high_68 / found.low_68) / 2)


def recovery(n: int) -> None:
    """Bias and coverage of balanced and free fits."""
    print(f"\nRecovery, {n} curves a row; bias in standard deviations of the estimates")
    print("truth (/us)    fit       quantity    bias    68 %   95 %   spread   ms a fit")
    for rate in RATES:
        for balanced in (True, False):
            _recovery_of(rate, balanced, n)


def _recovery_of(rate: float, balanced: bool, n: int) -> None:
    truth = Truth(rate, rate)
    light = solve(truth.model())
    options = OPTIONS.model_copy(update={"balanced": balanced})
    rng = np.random.default_rng(int(rate * 10) + balanced)
    started, found = perf_counter(), []
    for _ in range(n):
        found += fitted([drawn(truth, rng)], options)
    each_ms = (perf_counter() - started) / n * 1e3
    wanted: dict[str, tuple[Callable[[RateFit], Estimate | None], float]] = {
        "injection": (lambda fit: fit.injection, rate),
        "g2(0)": (lambda fit: fit.g2_0, light.g2_0),
    }
    if not balanced:
        wanted["ratio"] = (lambda fit: fit.ratio, 1.0)
        wanted["electron"] = (lambda fit: fit.electron, rate)
        wanted["hole"] = (lambda fit: fit.hole, rate)
    for name, (part, true) in wanted.items():
        estimates = [each for each in map(part, found) if each is not None]
        values = np.array([each.value for each in estimates])
        values = values[np.isfinite(values)]
        logs = np.log(values / true)
        in_68 = np.mean([each.low_68 <= true <= each.high_68 for each in estimates])
        in_95 = np.mean([each.low_95 <= true <= each.high_95 for each in estimates])
        bias = logs.mean() / logs.std()
        print(
            f"{rate:6.1f}         {'balanced' if balanced else 'free':9} {name:10} {bias:+6.3f}  "
            f"{in_68:6.1%} {in_95:6.1%}  {logs.std():7.4f}  {each_ms:7.0f}",
            flush=True,
        )
    if not balanced:
        determined = np.mean([fit.balance_determined for fit in found])
        print(f"{'':15}balance_determined in {determined:.1%}", flush=True)


def balance(n: int) -> None:
    """How often the balance is determined at 1e5 coincidences."""
    print(f"\nBalance, {n} curves a row")
    print("electrons  holes (/us)   determined   ratio's interval holds   undetermined")
    for electron, hole in (
        (83.3, 83.3),
        (48.1, 144.3),
        (83.3, 249.9),
        (144.3, 48.1),
        (249.9, 83.3),
    ):
        rng = np.random.default_rng(round(electron))
        truth = Truth(electron, hole)
        found = [fit for _ in range(n) for fit in fitted([drawn(truth, rng)], OPTIONS)]
        ratios = [fit.ratio for fit in found if fit.ratio is not None]
        holds = np.mean([each.low_95 <= electron / hole <= each.high_95 for each in ratios])
        print(
            f"{electron:9.1f}  {hole:6.1f}  {np.mean([f.balance_determined for f in found]):13.1%}"
            f"  {holds:20.1%}  {np.mean([f.undetermined for f in found]):17.1%}",
            flush=True,
        )


def wrong_models(n: int) -> None:
    """Fits with a wrong Coulomb law or wrong trion lifetimes: bias, and what gives it away."""
    short = replace(DOT, negative_trion_lifetime_ns=2.0, positive_trion_lifetime_ns=0.2)
    cases = [
        ("right", {}),
        ("law none", {"law": "none"}),
        ("law enhancement", {"law": "enhancement"}),
        ("law exp, x = 0.7", {"x": 0.7}),
        ("trions of 2 and 0.2 ns", {"dot": short}),
    ]
    print(f"\nWrong models, {n} curves a row, balanced fit of the published dot with the law exp")
    print(
        "truth                     /us  bias of rate  of g2(0)   p < 0.001   prior moved > 3 sigma"
    )
    options = OPTIONS.model_copy(update={"balanced": True})
    errors = {
        "exciton_lifetime_ns": 4.0,
        "negative_trion_lifetime_ns": 0.4,
        "positive_trion_lifetime_ns": 0.08,
    }
    for name, change in cases:
        for rate in RATES:
            truth = Truth(rate, rate, **change)  # type: ignore[arg-type]
            true_g2_0 = solve(truth.model()).g2_0
            rng = np.random.default_rng(len(name))
            held, free = [], []
            for _ in range(n):
                curve = drawn(truth, rng)
                held += fitted([curve], options)
                free += fitted([curve], options, errors=errors)
            moved = [max(abs(each) for each in fit.pulls.values()) > 3 for fit in free]
            print(
                f"{name:23} {rate:6.1f}  "
                f"{np.mean([pull(f.injection, rate) for f in held]):+9.1f} s "
                f"{np.mean([pull(f.g2_0, true_g2_0) for f in held]):+9.1f} s "
                f"{np.mean([f.p_value < 1e-3 for f in held]):10.0%}  {np.mean(moved):15.0%}",
                flush=True,
            )


def joint(n: int) -> None:
    """What a joint fit with count rates and priors of 10 % does for the ratio."""
    errors = {
        name: 0.1 * float(getattr(DOT, name))
        for name in DotParameters.__dataclass_fields__
        if name != "exciton_qy"
    }
    print(f"\nJoint fits of {', '.join(map(str, RATES))} /us, {n} dots, priors of 10 %")
    for count_rates in ("ignore", "fit"):
        options = OPTIONS.model_copy(update={"count_rates": count_rates})
        logs: dict[float, list[float]] = {rate: [] for rate in RATES}
        started = perf_counter()
        rng = np.random.default_rng(3)
        for _ in range(n):
            curves = [_counted(Truth(rate, rate), rng) for rate in RATES]
            for rate, fit in zip(RATES, fitted(curves, options, errors=errors), strict=True):
                if fit.ratio is not None:
                    logs[rate].append(math.log(fit.ratio.value))
        words = "  ".join(f"{rate}: {np.std(each):.3f}" for rate, each in logs.items())
        print(
            f"count rates {count_rates:7} spread of ln(electrons/holes) {words}  "
            f"({(perf_counter() - started) / n:.1f} s a fit)",
            flush=True,
        )


def _counted(truth: Truth, rng: np.random.Generator) -> RateCurve:
    """A curve whose count rate is 2 % of the model's emission, to 5 %."""
    found = drawn(truth, rng)
    counts_s = solve(truth.model()).intensity_per_us * 2e4 * math.exp(0.05 * rng.standard_normal())
    scale = 2 * _COUNTS / counts_s / found.curve.duration_s
    curve = replace(found.curve, duration_s=found.curve.duration_s * scale)
    dark = tuple(each / scale for each in found.dark_counts_s)
    return replace(found, curve=curve, dark_counts_s=(dark[0], dark[1]))


def speed() -> None:
    """One curve of 4,700 lags, beside other ways; a fit of three parameters."""
    print("\nSpeed, one core, best of many, after warm-up")
    edges = np.linspace(-1175.0, 1175.0, 4701)
    lags = (edges[1:] + edges[:-1]) / 2
    model = Truth(25.0, 25.0).model()
    flow = np.ascontiguousarray(model.generator().T)
    emission = np.ascontiguousarray(model.emission().T)
    from qdimage.rates.curve import light_of

    exact = solve(model).g2(lags)
    means = {}
    for fwhm in (0.0, 0.5):
        sigma = fwhm / FWHM_PER_SIGMA

        def fast(sigma: float = sigma) -> Array:
            return np.asarray(g2_curve(light_of(flow, emission), edges, 0.0, sigma))

        means[fwhm] = fast()
        _timed(f"bin means, response {fwhm} ns", fast, 300)
    points = {
        "eigendecomposition, points": lambda: _by_eigenvectors(model, lags),
        "matrix exponentials, points": lambda: solve(model).g2(lags),
    }
    for name, call in points.items():
        error = np.abs(call() / exact - 1).max()
        _timed(f"{name} (to {error:.0e})", call, 5)
    expected = measured_g2(solve(model), lags[2200:2500], response_fwhm_ns=0.5, bin_ns=0.5)
    error = np.abs(means[0.5][2200:2500] / expected - 1).max()
    print(f"  bin means agree with quadrature of the slow solution to {error:.0e}")
    _qutip(model, lags, exact)
    _fit_speed()


def _timed(name: str, call: Callable[[], object], repeats: int) -> None:
    call()
    times = []
    for _ in range(repeats):
        started = perf_counter()
        call()
        times.append(perf_counter() - started)
    print(f"  {name:45} {min(times) * 1e3:10.3f} ms  (median {np.median(times) * 1e3:.3f})")


def _by_eigenvectors(model: RateModel, lags: Array) -> Array:
    light = solve(model)
    values, vectors = np.linalg.eig(light.generator)
    weights = np.linalg.solve(vectors, light.emission @ light.populations)
    weights = weights * (light.emission.sum(axis=0) @ vectors)
    decays = np.exp(np.multiply.outer(np.abs(lags) * 1e-3, values))
    return np.asarray((decays @ weights).real / light.intensity_per_us**2)


def _qutip(model: RateModel, lags: Array, exact: Array) -> None:
    try:
        import qutip
    except ImportError:
        print("  QuTiP is not installed: pip install qutip to see it beside the others")
        return
    n, light = len(model.states), solve(model)
    index = {state: k for k, state in enumerate(model.states)}
    basis = [qutip.basis(n, k) for k in range(n)]
    jumps = [
        math.sqrt(each.rate_per_us) * basis[index[each.target]] * basis[index[each.source]].dag()
        for each in model.transitions
        if each.rate_per_us > 0 and each.target != each.source
    ]
    after = light.emission @ light.populations / light.intensity_per_us
    start = qutip.qdiags([after], [0])
    detect = qutip.qdiags([light.emission.sum(axis=0)], [0])
    times = np.unique(np.concatenate([[0.0], np.abs(lags)])) * 1e-3
    options = {"nsteps": 10**7, "atol": 1e-12, "rtol": 1e-10, "progress_bar": ""}

    def call() -> Array:
        hamiltonian = qutip.qzero(n)
        solution = qutip.mesolve(
            hamiltonian, start, times, c_ops=jumps, e_ops=[detect], options=options
        )
        return np.asarray(solution.expect[0]) / light.intensity_per_us

    found = np.interp(np.abs(lags) * 1e-3, times, call())
    _timed(f"QuTiP {qutip.__version__} (to {np.abs(found / exact - 1).max():.0e})", call, 2)


def _fit_speed() -> None:
    edges = np.linspace(-1175.0, 1175.0, 4701)
    flat = np.full(4700, 50.0)
    family = el_family(OPTIONS, carriers=4)

    def problem(counts: Array, balanced: bool) -> FitProblem:
        data = CurveData(edges, counts, flat, centre_reach_ns=2.0 if balanced else 0.0)
        return FitProblem([data], [family], free_dot(DOT, {}), balanced, Limits())

    truth = problem(flat, True)
    theta = truth.start.copy()
    theta[0] = math.log(25.0)
    counts = np.random.default_rng(1).poisson(truth.levels(theta, 0)).astype(float)
    for balanced, names in ((True, "rate, plateau, centre"), (False, "two rates, plateau")):
        built = problem(counts, balanced)
        _timed(f"fit of {names}, 4,700 bins", lambda built=built: best_fit(built), 20)
    curve = drawn(Truth(25.0, 25.0), np.random.default_rng(2))
    for balanced in (True, False):
        options = OPTIONS.model_copy(update={"balanced": balanced})
        what = "balanced" if balanced else "free"
        _timed(
            f"{what} fit, all nuisances, profiles, 2,000 bins",
            lambda options=options: fitted([curve], options),
            10,
        )


STUDIES: dict[str, Callable[[int], None]] = {
    "recovery": recovery,
    "balance": balance,
    "wrong": wrong_models,
    "joint": joint,
}


def main() -> None:
    """Run the studies that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="*", default=["speed", *STUDIES])
    parser.add_argument("--curves", type=int, default=200, help="curves a row")
    arguments = parser.parse_args()
    for name in arguments.studies:
        if name == "speed":
            speed()
        elif name in STUDIES:
            STUDIES[name](arguments.curves)
        else:
            sys.exit(f"found {name!r}, expected speed, {', '.join(STUDIES)}")


if __name__ == "__main__":
    main()
