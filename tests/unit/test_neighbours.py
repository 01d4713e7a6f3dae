"""Isolation, and the floor that neighbours put under g2(0)."""

import numpy as np
import pytest

from qdimage.match.neighbours import g2_floor, is_isolated

OPTICS = {"pinhole_um": 0.5, "psf_sigma_um": 0.1}


@pytest.mark.parametrize(("n", "expected"), [(0, []), (1, [True])])
def test_none_or_one_dot_is_isolated(n: int, expected: list[bool]) -> None:
    assert is_isolated(np.zeros((n, 2)), distance_um=1.0).tolist() == expected
    assert g2_floor(np.zeros((n, 2)), np.ones(n), **OPTICS) == pytest.approx(np.zeros(n))


def test_isolation_ends_at_the_distance() -> None:
    places = np.array([[0.0, 0.0], [0.9, 0.0], [5.0, 5.0], [5.0, 6.1]])
    assert is_isolated(places, distance_um=1.0).tolist() == [False, False, True, True]


def test_a_dot_on_top_of_an_equal_one_has_a_floor_of_one_half() -> None:
    places = np.array([[1.0, 1.0], [1.0, 1.0]])
    assert is_isolated(places, distance_um=0.1).tolist() == [False, False]
    assert g2_floor(places, np.ones(2), **OPTICS) == pytest.approx([0.5, 0.5])


def test_the_floor_is_that_of_the_shares_of_light() -> None:
    floor = g2_floor(np.array([[1.0, 1.0], [1.0, 1.0]]), np.array([3.0, 1.0]), **OPTICS)
    assert floor == pytest.approx([1 - (9 + 1) / 16] * 2)


def test_the_pinhole_cuts_the_neighbours_light() -> None:
    rng = np.random.default_rng(90)
    distance, n = 0.55, 400_000
    places = np.array([[0.0, 0.0], [distance, 0.0]])
    spread = 0.1 * rng.standard_normal((n, 2))
    passed = [np.mean(np.hypot(spread[:, 0] + d, spread[:, 1]) < 0.5) for d in (0.0, distance)]
    shares = np.array(passed) / np.sum(passed)
    floor = g2_floor(places, np.ones(2), **OPTICS)
    # The shares are known to 0.1 % from the draws: four standard deviations.
    assert floor == pytest.approx([1 - np.sum(shares**2)] * 2, abs=2e-3)


def test_far_neighbours_do_not_count() -> None:
    floor = g2_floor(np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([1.0, 1e6]), **OPTICS)
    assert floor[0] == pytest.approx(0.0, abs=1e-6)


def test_without_light_there_is_no_floor() -> None:
    floor = g2_floor(np.array([[0.0, 0.0], [9.0, 0.0]]), np.array([-2.0, 5.0]), **OPTICS)
    assert np.isnan(floor[0])
    assert floor[1] == pytest.approx(0.0)
