"""One-to-one matches inside a gate that the errors set."""

import numpy as np
import pytest
from dots import draw_pair, localizations, similarity, uniform

from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.transform import Transform
from qdimage.match.pairing import match

IDENTITY = Transform.from_matrix(np.eye(2, 3))


def matched(
    moving: Localizations,
    fixed: Localizations,
    transform: Transform = IDENTITY,
    gate_probability: float = 0.998,
    systematic_px: float = 0.05,
) -> Matches:
    return match(
        moving,
        fixed,
        transform,
        gate_probability=gate_probability,
        systematic_px=systematic_px,
    )


@pytest.mark.parametrize("gate_probability", [0.9, 0.99])
def test_the_gate_lets_its_share_of_true_pairs_through(gate_probability: float) -> None:
    rng = np.random.default_rng(80)
    places = np.stack(np.meshgrid(np.arange(60), np.arange(60)), axis=2).reshape(-1, 2) * 20.0
    err_a, err_b = rng.uniform(0.05, 0.3, (2, len(places)))
    moving = localizations(places + err_a[:, np.newaxis] * rng.standard_normal(places.shape), err_a)
    fixed = localizations(places + err_b[:, np.newaxis] * rng.standard_normal(places.shape), err_b)
    found = matched(moving, fixed, gate_probability=gate_probability, systematic_px=0.0)
    share = np.mean(found.dot == np.arange(len(places)))
    # Binomial of 3600: four standard deviations are missed with odds of 6e-5.
    assert share == pytest.approx(
        gate_probability, abs=4 * np.sqrt(gate_probability * (1 - gate_probability) / len(places))
    )


def test_the_transforms_own_uncertainty_widens_the_gate() -> None:
    fixed = localizations([[100.0, 100.0]])
    moving = localizations([[101.0, 100.0]])
    covariance = np.zeros((7, 7))
    covariance[2, 2] = covariance[5, 5] = 0.5**2
    unsure = Transform(np.eye(2, 3), 0.0, (0.0, 0.0), 1.0, covariance)
    assert matched(moving, fixed).dot.tolist() == [-1]
    assert matched(moving, fixed, unsure).dot.tolist() == [0]


def test_a_long_narrow_gate_reaches_its_far_ends() -> None:
    covariance = np.zeros((7, 7))
    covariance[2, 2] = 3.0**2
    along_x = Transform(np.eye(2, 3), 0.0, (0.0, 0.0), 1.0, covariance)
    fixed = localizations([[100.0, 100.0]], 0.01)
    far = matched(localizations([[109.0, 100.0]], 0.01), fixed, along_x, systematic_px=0.0)
    across = matched(localizations([[100.0, 103.0]], 0.01), fixed, along_x, systematic_px=0.0)
    assert far.dot.tolist() == [0]
    assert across.dot.tolist() == [-1]


def test_two_dots_that_want_the_same_reference_share_out_the_best_way() -> None:
    # The first is nearer to the right one, but the second can have nothing else.
    fixed = localizations([[10.0, 10.0], [10.6, 10.0]], 0.2)
    moving = localizations([[10.35, 10.0], [11.1, 10.0]], 0.2)
    found = matched(moving, fixed)
    assert found.nearest.tolist() == [1, 1]
    assert found.dot.tolist() == [0, 1]


def test_a_duplicate_is_left_without_a_match() -> None:
    found = matched(localizations([[10.0, 10.0], [10.0, 10.0]]), localizations([[10.0, 10.0]]))
    assert sorted(found.dot.tolist()) == [-1, 0]


def test_el_only_are_those_that_the_reference_should_show() -> None:
    fixed = localizations([[50.0, 50.0], [80.0, 80.0]], 0.02)
    # Matched; light of a dot, though no match; alone; alone at the border; alone and outside.
    moving = localizations([[50.0, 50.0], [81.1, 80.0], [20.0, 30.0], [20.0, 2.0], [20.0, -9.0]])
    found = match(
        moving, fixed, IDENTITY, gate_probability=0.998, systematic_px=0.0, fixed_shape=(100, 100)
    )
    assert found.dot.tolist() == [0, -1, -1, -1, -1]
    assert found.alone.tolist() == [False, False, True, True, True]
    assert found.el_only.tolist() == [False, False, True, False, False]


def test_a_dots_own_light_is_measured_in_the_channels_pixels() -> None:
    binned = Transform.from_matrix(np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5]]))
    fixed = localizations([[40.5, 40.5]], 0.02)
    found = matched(localizations([[21.1, 20.0]], 0.02, sigma_px=1.2), fixed, binned)
    assert found.distance_px[0] == pytest.approx(2.2)
    assert found.alone.tolist() == [False]


def test_distances_and_partners_describe_the_matches() -> None:
    rng = np.random.default_rng(81)
    pair = draw_pair(rng, similarity((5.0, 3.0), 1.0), n_fixed=60)
    found = matched(pair.moving, pair.fixed, pair.transform)
    assert found.mapped == pytest.approx(pair.transform.apply(pair.moving.positions))
    off = found.mapped - pair.fixed.positions[found.nearest]
    assert found.distance_px == pytest.approx(np.hypot(off[:, 0], off[:, 1]))
    partner = found.partner_of(len(pair.fixed))
    lit = np.flatnonzero(partner >= 0)
    assert found.dot[partner[lit]].tolist() == lit.tolist()
    assert len(lit) == np.sum(found.dot >= 0)
    assert len(lit) == pytest.approx(pair.n_common, abs=2)


@pytest.mark.parametrize(("n_moving", "n_fixed"), [(0, 0), (0, 5), (5, 0), (1, 1)])
def test_none_or_one_dot(n_moving: int, n_fixed: int) -> None:
    rng = np.random.default_rng(82)
    found = matched(localizations(uniform(rng, n_moving)), localizations(uniform(rng, n_fixed)))
    assert found.dot.tolist() == [-1] * n_moving
    assert len(found.gate_px) == len(found.nearest) == n_moving
    assert found.partner_of(n_fixed).tolist() == [-1] * n_fixed
