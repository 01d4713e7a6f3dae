"""The travelling order: the shortest path where all can be tried, and nearly so beyond."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import pdist, squareform

from qdimage.steering.route import EXACT_UP_TO, path_length, travelling_order
from qdimage.steering.route_kernels import shortest_path


@pytest.mark.parametrize("start", [None, np.array([2.0, -1.0])])
@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
def test_no_other_order_is_shorter(n: int, start: np.ndarray | None) -> None:
    for seed in range(5):
        places = np.random.default_rng([n, seed]).uniform(0, 10, (n, 2))
        found = path_length(places, travelling_order(places, start=start), start=start)
        orders = (np.array(order) for order in permutations(range(n)))
        assert found == pytest.approx(min(path_length(places, o, start=start) for o in orders))


def test_there_is_nothing_to_visit() -> None:
    assert travelling_order(np.empty((0, 2))).tolist() == []


@pytest.mark.parametrize("start", [None, np.array([0.0, 0.0])])
def test_paths_of_fourteen_are_within_5_percent_of_the_shortest(start: np.ndarray | None) -> None:
    assert EXACT_UP_TO < 14
    for seed in range(4):
        places = np.random.default_rng([14, seed]).uniform(0, 10, (14, 2))
        begin = np.zeros(14) if start is None else np.hypot(*(places - start).T)
        best = np.asarray(shortest_path(squareform(pdist(places)), begin))
        found = path_length(places, travelling_order(places, start=start), start=start)
        assert found <= 1.05 * path_length(places, best, start=start)


def test_a_snake_of_fifty_is_found() -> None:
    rows, columns = np.divmod(np.arange(50), 10)
    places = np.column_stack([columns, rows]).astype(float)
    shuffled = np.random.default_rng(3).permutation(places)
    # 49 steps of one spacing are the least that 50 places of a grid can be visited in.
    assert path_length(shuffled, travelling_order(shuffled)) <= 1.05 * 49


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 60), st.integers(0, 1000))
def test_every_place_is_visited_once_and_the_path_is_at_least_a_tree(n: int, seed: int) -> None:
    places = np.random.default_rng(seed).uniform(-50, 50, (n, 2))
    order = travelling_order(places)
    assert sorted(order.tolist()) == list(range(n))
    length = path_length(places, order)
    tree = float(minimum_spanning_tree(squareform(pdist(places))).sum())
    assert tree - 1e-9 <= length <= 2 * tree


def test_places_on_top_of_each_other_do_no_harm() -> None:
    places = np.repeat(np.array([[0.0, 0.0], [1.0, 0.0], [5.0, 0.0]]), 7, axis=0)
    order = travelling_order(places, start=np.array([-1.0, 0.0]))
    assert path_length(places, order, start=np.array([-1.0, 0.0])) == pytest.approx(6.0)
