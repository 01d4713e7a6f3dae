"""exp(M t) beside exact and independent answers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from qdimage.errors import ConfigurationError
from qdimage.rates.declaration import RateModel, Transition
from qdimage.rates.propagation import propagate, transition_matrix
from qdimage.rates.solution import closed_groups, solve, steady_state


def generator_of(rates: list[float]) -> np.ndarray:
    matrix = np.zeros((4, 4))
    matrix[~np.eye(4, dtype=bool)] = rates
    np.fill_diagonal(matrix, -matrix.sum(axis=0))
    return matrix


rates_of_four = st.lists(st.floats(1e-3, 1e3), min_size=12, max_size=12)


@given(rates_of_four, st.floats(1e-6, 10.0))
def test_chances_agree_with_another_exponential(rates: list[float], time: float) -> None:
    generator = generator_of(rates)
    found = transition_matrix(generator, time)
    np.testing.assert_allclose(found, expm(generator * time), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=0), 1.0, rtol=1e-14)
    assert np.all(found > 0)


@pytest.mark.parametrize("time", [1e-9, 1e-3, 1.0, 1e5, 1e9, 1e13])
def test_slow_jumps_beside_fast_ones_keep_their_digits(time: float) -> None:
    # A fast pair a, b leaks from b. It is in b half of the time, up to leak / fast = 1e-16.
    fast, leak, back = 1e7, 1e-9, 3e-9
    generator = np.array([[-fast, fast, back], [fast, -fast - leak, 0.0], [0.0, leak, -back]])
    found = transition_matrix(generator, time)[2, 0]
    total = leak / 2 + back
    # It begins in a, so that b has to be reached first.
    first = (1 - np.exp(-2 * fast * time)) / (2 * fast * time)
    expected = -leak / 2 * np.expm1(-total * time) / total * (1 - first)
    assert found == pytest.approx(expected, rel=1e-12)


@given(rates_of_four)
def test_times_in_any_order_give_each_its_own_answer(rates: list[float]) -> None:
    generator, start = generator_of(rates), np.array([0.1, 0.2, 0.3, 0.4])
    times = np.array([0.3, 0.0, 0.1, 0.2, 0.3, 7.0])
    found = propagate(generator, start, times)
    for time, state in zip(times, found, strict=True):
        np.testing.assert_allclose(state, transition_matrix(generator, time) @ start, rtol=1e-12)


def exact_steady_state(generator: list[list[Fraction]]) -> list[Fraction]:
    """Null vector of a generator by elimination in fractions."""
    n = len(generator)
    rows = [[*row, Fraction(0)] for row in generator[:-1]] + [[Fraction(1)] * (n + 1)]
    for k in range(n):
        pivot = next(r for r in range(k, n) if rows[r][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        for r in range(n):
            if r != k and rows[r][k]:
                share = rows[r][k] / rows[k][k]
                rows[r] = [a - share * b for a, b in zip(rows[r], rows[k], strict=True)]
    return [rows[k][n] / rows[k][k] for k in range(n)]


@given(st.lists(st.floats(1e-12, 1e12), min_size=12, max_size=12))
@settings(max_examples=50)
def test_the_steady_state_has_every_digit(rates: list[float]) -> None:
    generator = [[Fraction(0)] * 4 for _ in range(4)]
    numbers = iter(rates)
    for row in range(4):
        for column in range(4):
            if row != column:
                generator[row][column] = Fraction(next(numbers))
    for column in range(4):
        generator[column][column] = -sum(generator[row][column] for row in range(4))
    expected = [float(each) for each in exact_steady_state(generator)]
    found = steady_state(np.array([[float(each) for each in row] for row in generator]))
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_groups_that_are_never_left_are_found() -> None:
    generator = np.zeros((5, 5))
    for source, target in ((0, 1), (1, 2), (2, 1), (0, 3), (3, 4)):
        generator[target, source] += 1.0
        generator[source, source] -= 1.0
    assert [list(group) for group in closed_groups(generator)] == [[1, 2], [4]]


def test_states_on_the_way_to_the_steady_state_are_empty() -> None:
    jumps = (
        Transition("start", "g", 5.0),
        Transition("g", "e", 2.0),
        Transition("e", "g", 2.0, 1.0),
    )
    light = solve(RateModel(("start", "g", "e"), jumps))
    np.testing.assert_allclose(light.populations, [0.0, 0.5, 0.5])


def test_two_ways_to_end_have_no_steady_state() -> None:
    jumps = (
        Transition("start", "a", 1.0, 1.0),
        Transition("start", "b", 1.0),
    )
    with pytest.raises(ConfigurationError, match="state a and state b are never left"):
        solve(RateModel(("start", "a", "b"), jumps))
