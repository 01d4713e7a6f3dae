"""The bound for the probability that unrelated dots agree as well."""

import numpy as np
import pytest
from dots import SHAPE, clustered, localizations, similarity, uniform

from qdimage.domain.transform import Transform
from qdimage.registration.points import Pairs, Points, nearest_pairs, voters
from qdimage.registration.prior import parameters_of, sibling_prior, similarity_prior
from qdimage.registration.refine import bendable
from qdimage.registration.significance import chance_probability

IDENTITY = Transform.from_matrix(np.eye(2, 3))


def points(positions: np.ndarray, err_px: float = 0.1) -> Points:
    return voters(localizations(positions, err_px), SHAPE)


def close_pairs(a: Points, b: Points, reach_px: float = 0.5) -> Pairs:
    return nearest_pairs(IDENTITY, a, b, systematic_px=0.05, reach_px=reach_px)


@pytest.mark.parametrize("draw", [uniform, clustered])
def test_the_bound_holds_for_unrelated_dots_under_a_given_transform(draw) -> None:
    rng = np.random.default_rng(70)
    found = []
    for _ in range(2000):
        a, b = points(draw(rng, 40)), points(draw(rng, 120))
        found.append(chance_probability(IDENTITY, close_pairs(a, b), a, b, None))
    found_p = np.array(found)
    for level in (0.1, 0.01):
        # Markov: at most `level`; four standard deviations above it with odds of 3e-5.
        allowed = level + 4 * np.sqrt(level * (1 - level) / len(found_p))
        assert np.mean(found_p <= level) < allowed


def test_the_probability_falls_with_every_further_pair() -> None:
    rng = np.random.default_rng(71)
    b = points(uniform(rng, 60))
    a = points(b.positions[:12])
    pairs = close_pairs(a, b)
    found = [
        chance_probability(IDENTITY, pairs.chosen(np.arange(12) < n), a, b, None) for n in range(13)
    ]
    assert found[0] == 1.0
    assert np.all(np.diff(found[2:]) < 0)


def test_a_wider_search_makes_an_agreement_less_convincing() -> None:
    rng = np.random.default_rng(72)
    b = points(uniform(rng, 60))
    a = points(b.positions[:5])
    pairs = close_pairs(a, b)
    straight = bendable(np.eye(2, 3), a)
    found = []
    for shift_px in (3.0, 30.0, 300.0):
        prior = prior_of(a, np.eye(2, 3), shift_px)
        fitted = Transform(
            straight.matrix,
            0.0,
            straight.centre_px,
            straight.radius_px,
            posterior_covariance(straight, a, pairs, prior.precision),
        )
        found.append(chance_probability(fitted, pairs, a, b, prior))
    given = chance_probability(IDENTITY, pairs, a, b, None)
    assert given < found[0] < found[1] < found[2]
    assert found[2] / found[1] == pytest.approx(100.0, rel=0.02)


def prior_of(a: Points, matrix: np.ndarray, shift_px: float = 30.0):
    return similarity_prior(
        matrix,
        centre=a.centre,
        scale=0.01,
        shear=0.001,
        radial_px=0.5,
        shift_px=shift_px,
        rotation_rad=0.05,
    )


def posterior_covariance(
    transform: Transform, a: Points, pairs: Pairs, precision: np.ndarray
) -> np.ndarray:
    jacobian = transform.parameter_jacobian(a.positions[pairs.moving])
    information = np.einsum("nip,n,niq->pq", jacobian, 1 / pairs.variance, jacobian)
    return np.linalg.inv(information + precision)


def test_dots_outside_the_reference_frame_say_nothing() -> None:
    rng = np.random.default_rng(73)
    b = points(uniform(rng, 60))
    a = points(b.positions[:8])
    pairs = close_pairs(a, b)
    alone = chance_probability(IDENTITY, pairs, a, b, None)
    beyond = np.column_stack([300 + 50 * rng.random(30), 256 * rng.random(30)])
    more = points(np.vstack([a.positions, beyond]))
    assert chance_probability(IDENTITY, close_pairs(more, b), more, b, None) == pytest.approx(alone)


def test_nothing_is_proved_where_no_dot_lies_in_the_frame() -> None:
    a, b = points(np.full((3, 2), 900.0)), points(np.full((3, 2), 20.0))
    assert chance_probability(IDENTITY, close_pairs(a, b), a, b, None) == 1.0


def test_agreement_inside_clumps_counts_less() -> None:
    rng = np.random.default_rng(74)
    spread, clumped = uniform(rng, 80), 128 + 6.0 * rng.standard_normal((80, 2))
    found = []
    for positions in (spread, clumped):
        a, b = points(positions[:6]), points(positions)
        found.append(chance_probability(IDENTITY, close_pairs(a, b), a, b, None))
    assert found[1] > 1e3 * found[0]


@pytest.mark.parametrize("rotation_deg", [0.0, 2.0, -40.0])
def test_the_prior_is_a_normalized_density(rotation_deg: float) -> None:
    a = points(np.array([[10.0, 10.0], [200.0, 90.0]]))
    prior = prior_of(a, similarity((5.0, 3.0), rotation_deg).matrix)
    _, log_det = np.linalg.slogdet(prior.precision)
    assert prior.log_peak == pytest.approx(0.5 * log_det - 3.5 * np.log(2 * np.pi))
    assert prior.log_density(prior.mean) == pytest.approx(prior.log_peak)


def test_the_prior_is_as_dense_at_its_start_as_a_flat_one_over_the_range() -> None:
    a = points(np.array([[10.0, 10.0], [200.0, 90.0]]))
    wide, narrow = prior_of(a, np.eye(2, 3), 60.0), prior_of(a, np.eye(2, 3), 30.0)
    assert narrow.log_peak - wide.log_peak == pytest.approx(np.log(4.0))


def test_the_prior_prefers_the_scale_1_whatever_the_start() -> None:
    a = points(np.array([[10.0, 10.0], [200.0, 90.0]]))
    scaled = similarity((5.0, 3.0), 1.0, 1.02)
    prior = prior_of(a, scaled.matrix)
    unscaled = Transform.from_matrix(prior.mean[:6].reshape(2, 3))
    assert np.linalg.det(unscaled.matrix[:, :2]) == pytest.approx(1.0)
    assert unscaled.apply(a.centre) == pytest.approx(scaled.apply(a.centre))
    assert prior.log_density(parameters_of(scaled)) < prior.log_peak - 1.9


def test_the_sibling_prior_moves_the_frame_by_about_its_shift() -> None:
    prior = sibling_prior(IDENTITY, centre=np.array([128.0, 128.0]), shift_px=1.0)
    covariance = np.linalg.inv(prior.precision)
    moved = Transform(np.eye(2, 3), 0.0, (128.0, 128.0), 181.0, covariance)
    spread = np.sqrt(np.diagonal(moved.position_covariance(np.array([[128.0, 128.0]]))[0]))
    assert spread == pytest.approx([1.0, 1.0], rel=0.02)


def test_nearest_pairs_are_one_to_one_and_the_closest_win() -> None:
    a = points(np.array([[10.0, 10.0], [10.4, 10.0], [50.0, 50.0], [90.0, 90.0]]))
    b = points(np.array([[10.3, 10.0], [50.2, 50.0], [91.0, 91.0]]))
    pairs = close_pairs(a, b, reach_px=1.0)
    assert list(zip(pairs.moving, pairs.fixed, strict=True)) == [(1, 0), (2, 1)]
    assert pairs.variance == pytest.approx([0.1**2 + 0.1**2 + 0.05**2] * 2)


def test_no_vote_for_dots_at_the_border_or_on_hot_pixels() -> None:
    dots = localizations(np.arange(12.0).reshape(6, 2), 0.1, [0, 1, 8, 9, 32, 4])
    assert voters(dots, SHAPE).index.tolist() == [0, 4, 5]
