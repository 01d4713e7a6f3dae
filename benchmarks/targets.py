"""What `qdimage targets` promises: short ways, errors of stage coordinates, minutes of HBT.

Ways are compared with the shortest there is: by dynamic programming up to 14 places, and for more
by integer programming with the constraints that cut off closed tours added where they are broken
(Dantzig, Fulkerson and Johnson 1954), which ends with a proof. Errors of coordinates are compared
with the truth, those after a new image too, and the error of g2(0) that minutes are computed for
with the intervals of the fit.
"""

import argparse
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import pdist, squareform

from qdimage.domain.g2_curve import G2Curve
from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.numerics.gaussian import FWHM_PER_SIGMA
from qdimage.photons.dip import g2_zero
from qdimage.photons.dip_options import DipOptions
from qdimage.pipeline.targets_drift import in_new_image
from qdimage.rates.coulomb import exponential
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.solution import solve
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions
from qdimage.steering.hbt_time import g2_0_err
from qdimage.steering.route import path_length, travelling_order
from qdimage.steering.route_kernels import shortest_path
from qdimage.steering.stage_fit import Model, fit_stage_map

Array = NDArray[np.float64]

FIELD_UM, PIXEL_UM, CLICK_UM = 55.0, 0.107, 0.3
BIN_NS, REACH_NS, FWHM_NS = 0.5, 250.0, 0.5
X41 = 0.46284401059920


def places(n: int, seed: int, kind: str) -> Array:
    """Dots at random, in clusters, or on a lattice with some left out."""
    rng = np.random.default_rng([seed, n, len(kind)])
    if kind == "clusters":
        centres = rng.uniform(0, FIELD_UM, (6, 2))
        return np.asarray(centres[rng.integers(0, 6, n)] + rng.normal(0, 2.0, (n, 2)))
    if kind == "lattice":
        side = int(np.ceil(np.sqrt(1.5 * n)))
        grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
        return np.asarray(3.0 * rng.permutation(grid)[:n])
    return rng.uniform(0, FIELD_UM, (n, 2))


def least_length(points: Array) -> float:
    """Length of the shortest path through all points, proved by integer programming.

    A path is a tour through one more place that is next to every other.
    """
    n = len(points) + 1
    distance = np.zeros((n, n))
    distance[1:, 1:] = squareform(pdist(points))
    first, second = np.triu_indices(n, 1)
    cost = distance[first, second]
    edges = np.arange(len(cost))
    degree = csr_array(
        (np.ones(2 * len(cost)), (np.concatenate([first, second]), np.tile(edges, 2))),
        shape=(n, len(cost)),
    )
    constraints = [LinearConstraint(degree, 2, 2)]
    while True:
        found = milp(
            cost, integrality=np.ones(len(cost)), bounds=Bounds(0, 1), constraints=constraints
        )
        used = found.x > 0.5
        graph = csr_array((np.ones(used.sum()), (first[used], second[used])), shape=(n, n))
        n_parts, part = connected_components(graph, directed=False)
        if n_parts == 1:
            return float(found.fun)
        inside = [(part[first] == k) & (part[second] == k) for k in range(n_parts)]
        most = [np.sum(part == k) - 1 for k in range(n_parts)]
        constraints.append(LinearConstraint(np.array(inside, float), -np.inf, most))


def ways(n_cases: int) -> None:
    """Print by how much ways exceed the shortest ones."""
    print("way over the shortest way")
    print(f"{'places':>7} {'kind':>9} {'cases':>6} {'mean':>8} {'worst':>8} {'ms':>7}  proved by")
    for n in (8, 14):
        for kind in ("random", "clusters", "lattice"):
            ratios, seconds = [], 0.0
            for seed in range(n_cases):
                points = places(n, seed, kind)
                begin = perf_counter()
                order = travelling_order(points)
                seconds += perf_counter() - begin
                best = np.asarray(shortest_path(squareform(pdist(points)), np.zeros(n)))
                ratios.append(path_length(points, order) / path_length(points, best))
            report_ways(n, kind, ratios, seconds, "trying all subsets")
    for kind in ("random", "clusters", "lattice"):
        ratios, seconds = [], 0.0
        for seed in range(n_cases):
            points = places(50, seed, kind)
            begin = perf_counter()
            order = travelling_order(points)
            seconds += perf_counter() - begin
            ratios.append(path_length(points, order) / least_length(points))
        report_ways(50, kind, ratios, seconds, "integer programming")


def report_ways(n: int, kind: str, ratios: list[float], seconds: float, how: str) -> None:
    """Print one line."""
    milliseconds = 1e3 * seconds / len(ratios)
    print(
        f"{n:>7} {kind:>9} {len(ratios):>6} {np.mean(ratios):>8.4f} {max(ratios):>8.4f} "
        f"{milliseconds:>7.1f}  {how}",
        flush=True,
    )


def stage_errors(n_cases: int) -> None:
    """Print how often one and two errors of a stage coordinate hold the truth."""
    print(f"\nstage coordinates from pairs clicked to {CLICK_UM:g} um, targets all over the field")
    print(f"{'pairs':>6} {'model':>11} {'1 err':>7} {'1.96 err':>9} {'median err um':>14}")
    angle = 0.2
    turn = PIXEL_UM * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for n, model in (
        (3, "similarity"),
        (4, "similarity"),
        (4, "affine"),
        (6, "affine"),
        (10, "affine"),
    ):
        pulls, errors = [], []
        for seed in range(n_cases):
            rng = np.random.default_rng([seed, n, len(model)])
            field = rng.uniform(0, 512, (n, 2))
            clicked = field @ turn.T + rng.normal(0, CLICK_UM, (n, 2))
            chosen: Model = "similarity" if model == "similarity" else "affine"
            found = fit_stage_map(field, clicked, model=chosen)
            if isinstance(found, Refusal):
                continue
            target = rng.uniform(0, 512, (1, 2))
            err = np.sqrt(found.position_covariance(target, np.zeros((1, 2, 2)))[0, 0, 0])
            pulls.append((found.apply(target)[0, 0] - (target @ turn.T)[0, 0]) / err)
            errors.append(err)
        one, two = np.mean(np.abs(pulls) < 1), np.mean(np.abs(pulls) < 1.96)
        print(f"{n:>6} {model:>11} {one:>7.3f} {two:>9.3f} {np.median(errors):>14.3f}", flush=True)


def spots(positions: Array, err_px: float) -> Localizations:
    """Equal dots at given places, in the order of localizations."""
    ordered = positions[np.lexsort((positions[:, 0], positions[:, 1]))]
    n = len(ordered)
    err, ones = np.full(n, err_px), np.ones(n)
    return Localizations(
        ordered[:, 0],
        ordered[:, 1],
        err,
        err,
        1e3 * ones,
        30 * ones,
        ones,
        1.2 * ones,
        1e-6 * ones,
        np.zeros(n, np.int64),
        1.2,
    )


def drift(n_cases: int) -> None:
    """Print errors of places after a new image, in which a tenth of the dots is missing."""
    print("\nplaces after a shift of 5 px and a turn of 0.1 degrees (standard deviations)")
    print(
        f"{'dots':>5} {'loc err px':>10} {'refused':>8} {'pull sd':>8} {'1 err':>7} {'rms px':>8}"
    )
    size, targets = 256, np.array([[60.0, 200.0], [128.0, 128.0]])
    shapes = {"moving_shape": (size, size), "fixed_shape": (size, size)}
    for n, err in ((15, 0.03), (40, 0.03), (40, 0.1), (100, 0.05)):
        pulls, off, refused = [], [], 0
        for seed in range(n_cases):
            rng = np.random.default_rng([seed, n])
            angle, shift = np.deg2rad(rng.normal(0, 0.1)), rng.normal(0, 5.0, 2) + size / 2
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            before = rng.uniform(3, size - 3, (n, 2))
            now = (before - size / 2) @ turn + shift
            seen = ((now > 1) & (now < size - 2)).all(axis=1) & (rng.random(n) < 0.9)
            found = align(
                spots(now[seen] + rng.normal(0, err, now[seen].shape), err),
                spots(before + rng.normal(0, err, before.shape), err),
                **shapes,
                options=RegisterOptions(),
            )
            if isinstance(found, Refusal):
                refused += 1
                continue
            at, covariance = in_new_image(found.transform, targets, np.zeros(targets.shape))
            wrong = at - ((targets - size / 2) @ turn + shift)
            errors = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
            pulls.extend((wrong / errors).ravel())
            off.extend(wrong.ravel())
        within, rms = np.mean(np.abs(pulls) < 1), np.sqrt(np.mean(np.square(off)))
        print(
            f"{n:>5} {err:>10g} {refused:>8} {np.std(pulls):>8.2f} {within:>7.3f} {rms:>8.4f}",
            flush=True,
        )


def dip(shape: str) -> tuple[float, float, Array, Array]:
    """g2(0), rise time, edges and bin means of a dip seen through the response."""
    step = BIN_NS / 25
    lag = np.arange(-REACH_NS, REACH_NS, step) + step / 2
    kind, *numbers = shape.split()
    if kind == "exponential":
        g2_0, rise_ns = (float(each) for each in numbers)
        light = 1 - (1 - g2_0) * np.exp(-np.abs(lag) / rise_ns)
    else:
        rate = float(numbers[0])
        model = el_model(
            DotParameters(),
            electron_per_us=rate,
            hole_per_us=rate,
            coulomb=exponential(X41),
            carriers=4,
        )
        delays = np.concatenate([np.arange(0, 5, 0.05), np.geomspace(5, 2 * REACH_NS, 200)])
        values = solve(model).g2(delays)
        # Slower than the curve reaches, it would be refused; the plateau is what is left there.
        values = values / values[-1]
        light = np.interp(np.abs(lag), delays, values)
        g2_0 = float(values[0])
        rise_ns = float(np.interp(1 - (1 - g2_0) / np.e, values, delays))
    sigma = FWHM_NS / FWHM_PER_SIGMA / step
    at = np.arange(-np.ceil(5 * sigma), np.ceil(5 * sigma) + 1)
    kernel = np.exp(-0.5 * (at / sigma) ** 2)
    seen = np.convolve(
        np.pad(light, (len(at) - 1) // 2, mode="edge"), kernel / kernel.sum(), "valid"
    )
    edges = np.arange(-REACH_NS, REACH_NS + BIN_NS / 2, BIN_NS)
    return g2_0, rise_ns, edges, seen.reshape(-1, 25).mean(axis=1)


SHAPES = (
    "exponential 0.02 4",
    "exponential 0.1 4",
    "exponential 0.02 12",
    "exponential 0.1 12",
    "exponential 0.3 12",
    "exponential 0.1 35",
    "el 16.8",
    "el 25",
    "el 83.3",
)


def minutes(n_cases: int) -> None:
    """Print the width of the fit's intervals over that of which minutes are computed."""
    print("\nhalf the 95 % interval of g2(0) / 1.96, over the error that minutes are computed for")
    head = f"{'dip':>20} {'g2(0)':>7} {'rise ns':>8} {'per bin':>8} {'expected':>9}"
    print(f"{head} {'found/expected':>15}")
    ratios: dict[float, list[float]] = {}
    for shape in SHAPES:
        g2_0, rise_ns, edges, means = dip(shape)
        for per_bin in (10.0, 50.0, 200.0, 1000.0):
            expected = g2_0_err(
                per_bin / BIN_NS,
                g2_0=g2_0,
                rise_time_ns=rise_ns,
                fastest_ns=DipOptions().fastest_ns,
                response_fwhm_ns=FWHM_NS,
            )
            widths = []
            for seed in range(n_cases):
                counts = np.random.default_rng([seed, int(per_bin)]).poisson(per_bin * means)
                curve = G2Curve(edges, counts, np.full(len(counts), per_bin), 1.0, 1, 1)
                found = g2_zero(curve, options=DipOptions(), response_fwhm_ns=FWHM_NS)
                if not isinstance(found, Refusal):
                    widths.append((found.high_95 - found.low_95) / (2 * 1.96) / expected)
            ratios.setdefault(per_bin, []).extend(widths)
            low, middle, high = np.quantile(widths, [0.1, 0.5, 0.9])
            print(
                f"{shape:>20} {g2_0:>7.3f} {rise_ns:>8.1f} {per_bin:>8g} {expected:>9.4f} "
                f"{middle:>10.2f}  (10 - 90 %: {low:.2f} - {high:.2f})",
                flush=True,
            )
    for per_bin, each in ratios.items():
        low, middle, high = np.quantile(each, [0.1, 0.5, 0.9])
        print(f"all dips, {per_bin:g} per bin: {middle:.2f} (10 - 90 %: {low:.2f} - {high:.2f})")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ways", type=int, default=20, help="cases of each kind of field")
    parser.add_argument("--pairs", type=int, default=2000, help="sets of clicked pairs")
    parser.add_argument("--images", type=int, default=200, help="new images")
    parser.add_argument("--curves", type=int, default=20, help="curves of each dip")
    asked = parser.parse_args()
    begin = perf_counter()
    ways(asked.ways)
    stage_errors(asked.pairs)
    drift(asked.images)
    minutes(asked.curves)
    print(f"\n{perf_counter() - begin:.0f} s")


if __name__ == "__main__":
    main()
