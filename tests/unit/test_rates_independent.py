"""The EL and PL models beside a second program, which shares no line with them.

It is written from the definitions of the model alone, keeps its states in a grid of electrons and
holes, solves the steady state in fractions or by least squares, and delays by Pade's exponential.
"""

from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.linalg import expm

from qdimage.rates.coulomb import coulomb_law
from qdimage.rates.dot import DotParameters
from qdimage.rates.el import el_model
from qdimage.rates.measured import measured_g2
from qdimage.rates.solution import solve

TABLE = {-8: 0.01, -7: 0.02, -6: 0.03, -5: 0.04, -4: 0.05, -3: 0.1, -2: 0.3, -1: 0.6}
TABLE |= {1: 1.5, 2: 1.9, 3: 2.2, 4: 2.3, 5: 2.3, 6: 2.4, 7: 2.4, 8: 2.5}
FACTORS = {
    "exp": lambda s, x: np.exp(s * x),
    "suppression": lambda s, x: np.exp(x * s) if s < 0 else 1.0,
    "enhancement": lambda s, x: np.exp(x * s) if s > 0 else 1.0,
    "linear": lambda s, x: max(1 + s * x, 0.0),
    "sign": lambda s, x: 1.0 if s == 0 else (1 + x if s > 0 else 1 / (1 + x)),
    "table": lambda s, x: TABLE.get(s, 1.0),
    "none": lambda s, x: 1.0,
}


def radiative_and_other(i: int, j: int, dot: DotParameters) -> tuple[float, float]:
    names = {(1, 1): "exciton", (2, 1): "negative_trion"}
    names |= {(1, 2): "positive_trion", (2, 2): "biexciton"}
    if (i, j) in names:
        total = 1000 / getattr(dot, names[i, j] + "_lifetime_ns")
        return total * getattr(dot, names[i, j] + "_qy"), total * (
            1 - getattr(dot, names[i, j] + "_qy")
        )
    minus, plus = 1000 / dot.negative_trion_lifetime_ns, 1000 / dot.positive_trion_lifetime_ns
    auger = minus * (1 - dot.negative_trion_qy) * i * (i - 1) * j / 2
    auger += plus * (1 - dot.positive_trion_qy) * j * (j - 1) * i / 2
    if j == 1:
        return minus * dot.negative_trion_qy * i / 2, auger
    if i == 1:
        return plus * dot.positive_trion_qy * j / 2, auger
    return 1000 / dot.exciton_lifetime_ns * dot.exciton_qy * i * j, auger


def matrices(
    dot: DotParameters,
    rates: tuple[float, float],
    law: str,
    x: float,
    size: int,
    overflow: str,
    trions: bool,
) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    states = [(i, j) for i in range(size + 1) for j in range(size + 1) if i + j <= size]
    if overflow == "cap":
        states = [state for state in states if state not in ((size, 0), (0, size))]
    number = {state: n for n, state in enumerate(states)}
    jumps = np.zeros((len(states), len(states)))
    light = np.zeros_like(jumps)
    for (i, j), n in number.items():
        if i > 0 and j > 0:
            bright, dark = radiative_and_other(i, j, dot)
            m = number[i - 1, j - 1]
            jumps[m, n] += bright + dark
            light[m, n] += bright * (trions or i == j)
        for di, dj, rate in ((1, 0, rates[0]), (0, 1, rates[1])):
            attraction = (j - i) * (di - dj)
            flow = rate * FACTORS[law](attraction, x)
            a, b = i + di, j + dj
            if (a, b) in number:
                jumps[number[a, b], n] += flow
            elif overflow == "recombine" and a > 0 and b > 0:
                bright, dark = radiative_and_other(a, b, dot)
                share = bright / (bright + dark) if bright else 0.0
                jumps[number[a - 1, b - 1], n] += flow
                light[number[a - 1, b - 1], n] += flow * share * (trions or a == b)
    return states, jumps - np.diag(jumps.sum(axis=0)), light


def in_fractions(generator: np.ndarray) -> np.ndarray:
    """Steady state without any rounding, of the generator's off-diagonal numbers."""
    n = len(generator)
    rows = [[Fraction(float(value)) for value in row] for row in generator]
    for k in range(n):
        rows[k][k] = -sum(rows[m][k] for m in range(n) if m != k)
    rows[-1] = [Fraction(1)] * n
    right = [Fraction(0)] * (n - 1) + [Fraction(1)]
    for k in range(n):
        pivot = next(m for m in range(k, n) if rows[m][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        right[k], right[pivot] = right[pivot], right[k]
        for m in range(k + 1, n):
            if rows[m][k]:
                share = rows[m][k] / rows[k][k]
                for c in range(k, n):
                    if rows[k][c]:
                        rows[m][c] -= share * rows[k][c]
                right[m] -= share * right[k]
    for k in reversed(range(n)):
        right[k] = (right[k] - sum(rows[k][c] * right[c] for c in range(k + 1, n))) / rows[k][k]
    return np.array([float(value) for value in right])


def by_least_squares(generator: np.ndarray) -> np.ndarray:
    scale = np.abs(np.diag(generator))
    scaled = np.vstack([generator / scale, 1 / scale])
    right = np.append(np.zeros(len(generator)), 1.0)
    return np.linalg.lstsq(scaled, right, rcond=None)[0] / scale


def times(low: float, high: float):
    return st.floats(np.log(low), np.log(high)).map(lambda u: float(np.exp(u)))


share = st.floats(0.01, 1.0)
dots = st.builds(
    DotParameters,
    times(5, 500), share, times(0.5, 50), share, times(0.1, 20), share, times(0.1, 10), share,
)  # fmt: skip
laws = st.sampled_from(sorted(FACTORS))


def both(dot, rates, law, x, size, overflow, trions):
    given_to_law = {"x": x, "attraction": 1 + x, "repulsion": 1 / (1 + x), "table": TABLE}
    model = el_model(
        dot,
        electron_per_us=rates[0],
        hole_per_us=rates[1],
        coulomb=coulomb_law(law, **given_to_law),
        carriers=size,
        overflow=overflow,
        count_trions=trions,
    )
    states, generator, light = matrices(dot, rates, law, x, size, overflow, trions)
    return model, [model.states.index(state) for state in states], generator, light


@given(
    dot=dots,
    rates=st.tuples(times(0.1, 500), times(0.1, 500)),
    law=laws,
    x=st.floats(0.0, 1.0),
    size=st.integers(2, 4),
    overflow=st.sampled_from(["recombine", "cap"]),
    trions=st.booleans(),
)
@settings(max_examples=30, deadline=None)
def test_small_models_agree_to_ten_digits(dot, rates, law, x, size, overflow, trions) -> None:
    model, order, generator, light = both(dot, rates, law, x, size, overflow, trions)
    found, populations = solve(model), in_fractions(generator)
    np.testing.assert_allclose(found.populations[order], populations, rtol=1e-10, atol=1e-300)
    intensity = light.sum(axis=0) @ populations
    assert found.intensity_per_us == pytest.approx(intensity, rel=1e-10)
    lags = np.array([0.0, 0.3, 5.0, 40.0, 300.0])
    expected = [
        light.sum(axis=0) @ expm(generator * lag / 1000) @ light @ populations / intensity**2
        for lag in lags
    ]
    np.testing.assert_allclose(found.g2(lags), expected, rtol=1e-9, atol=1e-14)
    assert found.g2(np.array([-1e9]))[0] == pytest.approx(1.0, rel=1e-12)


@given(
    dot=dots,
    rates=st.tuples(times(1, 1000), times(1, 1000)),
    law=laws,
    x=st.floats(0.0, 0.8),
    size=st.integers(5, 8),
    overflow=st.sampled_from(["recombine", "cap"]),
)
@settings(max_examples=25, deadline=None)
def test_large_models_agree(dot, rates, law, x, size, overflow) -> None:
    model, order, generator, light = both(dot, rates, law, x, size, overflow, True)
    found, populations = solve(model), by_least_squares(generator)
    np.testing.assert_allclose(found.populations[order], populations, rtol=1e-5, atol=1e-12)
    # The same populations on both sides, so that delays are compared by themselves.
    exact = found.populations[order]
    intensity = light.sum(axis=0) @ exact
    assert found.intensity_per_us == pytest.approx(intensity, rel=1e-12)
    for lag in (0.0, 2.0, 90.0):
        delayed = expm(generator * lag / 1000) @ (light @ exact)
        expected = light.sum(axis=0) @ delayed / intensity**2
        assert found.g2(np.array([lag]))[0] == pytest.approx(expected, rel=1e-9)


@cache
def strongly_unbalanced():
    rates = (400.0, 15.0)
    model, order, generator, light = both(DotParameters(), rates, "exp", 0.46, 6, "recombine", True)
    return solve(model), order, generator, light


@pytest.mark.parametrize("lag", [0.0, 0.4, 3.0, 60.0])
def test_bins_and_response_of_a_strongly_driven_dot(lag: float) -> None:
    found, order, generator, light = strongly_unbalanced()
    begin = light @ found.populations[order] / found.intensity_per_us
    detect = light.sum(axis=0) / found.intensity_per_us
    roots, left = np.linalg.eig(generator)
    weights = (detect @ left) * np.linalg.solve(left, begin)

    def mean(low: float, high: float) -> float:
        """Integral of g2 over delays from `low` to `high`, both at least 0, in ns."""
        k = roots / 1000
        flat = np.abs(k * high) < 1e-9
        parts = np.where(
            flat, high - low, (np.exp(k * high) - np.exp(k * low)) / np.where(flat, 1, k)
        )
        return float(np.real(weights @ parts))

    def binned(centre: float, width: float) -> float:
        low, high = centre - width / 2, centre + width / 2
        if low < 0 < high:
            return (mean(0, -low) + mean(0, high)) / width
        return mean(*sorted((abs(low), abs(high)))) / width

    seen = measured_g2(found, np.array([lag]), bin_ns=1.5)[0]
    assert seen == pytest.approx(binned(lag, 1.5), rel=1e-8)
    sigma = 0.5 / 2.354820045030949

    def weighted(u: float) -> float:
        return float(np.exp(-0.5 * (u / sigma) ** 2)) * binned(lag - u, 1.5)

    corners = [each for each in (lag - 0.75, lag + 0.75) if abs(each) < 8 * sigma] or None
    area, _ = quad(weighted, -8 * sigma, 8 * sigma, points=corners, limit=200, epsrel=1e-11)
    seen = measured_g2(found, np.array([lag]), bin_ns=1.5, response_fwhm_ns=0.5)[0]
    assert seen == pytest.approx(area / (sigma * np.sqrt(2 * np.pi)), rel=1e-8)
