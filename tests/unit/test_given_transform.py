"""Transforms given by a person: the same test, and pins that become a transform."""

import numpy as np
import pytest
from dots import SHAPE, Pair, draw_pair, field_errors, localizations, similarity, uniform

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.given import check_transform, transforms_from_pins
from qdimage.registration.options import RegisterOptions

OPTIONS = RegisterOptions()


def checked(
    moving: Localizations, fixed: Localizations, transform: Transform
) -> Registration | Refusal:
    return check_transform(
        moving, fixed, transform, moving_shape=SHAPE, fixed_shape=SHAPE, options=OPTIONS
    )


def pinned(pins: np.ndarray) -> Transform:
    return transforms_from_pins(pins, moving_shape=SHAPE, options=OPTIONS)[0]


def pair_of(seed: int, transform: Transform) -> Pair:
    return draw_pair(np.random.default_rng(seed), transform, n_fixed=60, lit_share=0.4)


def test_the_true_matrix_is_accepted_as_it_is() -> None:
    true = Transform.from_matrix(similarity((60.0, -20.0), 8.0).matrix)
    pair = pair_of(60, true)
    found = checked(pair.moving, pair.fixed, true)
    assert isinstance(found, Registration)
    assert found.transform is true
    assert found.model == "manual"
    assert found.n_inliers >= 0.8 * pair.n_common


def test_a_wrong_matrix_is_refused_with_its_numbers() -> None:
    pair = pair_of(61, similarity((10.0, -5.0)))
    found = checked(pair.moving, pair.fixed, Transform.from_matrix(np.eye(2, 3)))
    assert isinstance(found, Refusal)
    assert f"of {len(pair.moving)} dots" in found.reason
    assert "correct or remove" in found.reason


def test_random_matrices_are_refused() -> None:
    rng = np.random.default_rng(62)
    accepted = 0
    for _ in range(200):
        moving, fixed = localizations(uniform(rng, 20)), localizations(uniform(rng, 80))
        given = Transform.from_matrix(similarity(rng.uniform(-9, 9, 2)).matrix)
        accepted += isinstance(checked(moving, fixed, given), Registration)
    # At most 1e-2 each: more than six of 200 with odds below 0.5 %.
    assert accepted <= 6


@pytest.mark.parametrize(("n_moving", "n_fixed"), [(0, 0), (0, 9), (9, 0)])
def test_without_dots_a_given_transform_cannot_be_tested(n_moving: int, n_fixed: int) -> None:
    rng = np.random.default_rng(63)
    found = checked(
        localizations(uniform(rng, n_moving)),
        localizations(uniform(rng, n_fixed)),
        Transform.from_matrix(np.eye(2, 3)),
    )
    assert isinstance(found, Refusal)
    assert "cannot be tested" in found.reason


@pytest.mark.parametrize("rotation_deg", [0.0, 2.0, 35.0, 90.0, 180.0])
def test_pins_recover_any_rotation_and_shift(rotation_deg: float) -> None:
    rng = np.random.default_rng(64)
    true = similarity((80.0, -30.0), rotation_deg, 1.005)
    places = uniform(rng, 5)
    found = pinned(np.column_stack([places, true.apply(places)]))
    assert np.hypot(*(found.apply(places) - true.apply(places)).T).max() < 0.3


@pytest.mark.parametrize("rotation_deg", [0.0, 180.0, 63.0])
def test_pins_of_a_mirror_image_are_recognized_and_tested(rotation_deg: float) -> None:
    rng = np.random.default_rng(69)
    true = similarity((9.0, -14.0), rotation_deg)
    pair = pair_of(70, true)
    flipped = pair.moving.positions * [-1.0, 1.0] + [SHAPE[1] - 1, 0.0]
    moving = localizations(flipped, pair.moving.x_err_px)
    chosen = rng.choice(len(flipped), 4, replace=False)
    images = true.apply(pair.moving.positions[chosen])
    pins = np.column_stack([flipped[chosen], images + 0.3 * rng.standard_normal((4, 2))])
    found = transforms_from_pins(pins, moving_shape=SHAPE, options=OPTIONS)
    assert len(found) == 1
    answer = checked(moving, pair.fixed, found[0])
    assert isinstance(answer, Registration)
    expected = true.apply(pair.moving.positions)
    assert answer.transform.apply(moving.positions) == pytest.approx(expected, abs=0.5)


def test_two_pins_leave_open_whether_the_image_is_mirrored() -> None:
    pins = np.array([[40.0, 60.0, 50.0, 55.0], [200.0, 90.0, 210.0, 85.0]])
    found = transforms_from_pins(pins, moving_shape=SHAPE, options=OPTIONS)
    assert [np.sign(np.linalg.det(each.matrix[:, :2])) for each in found] == [1.0, -1.0]
    for each in found:
        assert each.apply(pins[:, :2]) == pytest.approx(pins[:, 2:], abs=0.2)


def test_pins_with_a_persons_aim_are_refined_on_the_dots() -> None:
    rng = np.random.default_rng(65)
    true = similarity((70.0, 15.0), -12.0)
    pair = pair_of(66, true)
    places = uniform(rng, 4)
    pins = np.column_stack([places, true.apply(places) + 0.4 * rng.standard_normal((4, 2))])
    found = checked(pair.moving, pair.fixed, pinned(pins))
    assert isinstance(found, Registration)
    assert found.model == "manual"
    assert np.median(field_errors(found.transform, true)) < 0.2


def test_pins_set_on_unrelated_dots_do_not_prove_themselves() -> None:
    rng = np.random.default_rng(67)
    accepted = 0
    for _ in range(100):
        moving, fixed = localizations(uniform(rng, 25)), localizations(uniform(rng, 60))
        # Three dots of one set and, of the other, those that lie closest to where they should.
        shift = rng.uniform(-20, 20, 2)
        index = rng.choice(25, 3, replace=False)
        wanted = moving.positions[index] + shift
        distance = np.linalg.norm(wanted[:, np.newaxis] - fixed.positions, axis=2)
        pins = np.column_stack([moving.positions[index], fixed.positions[distance.argmin(axis=1)]])
        accepted += isinstance(checked(moving, fixed, pinned(pins)), Registration)
    # At most 1e-2 each: more than four of 100 with odds of 0.4 %.
    assert accepted <= 4


def test_one_pin_gives_the_shift_and_says_that_the_rotation_is_open() -> None:
    found = pinned(np.array([[100.0, 120.0, 110.0, 115.0]]))
    assert found.apply(np.array([[100.0, 120.0]])) == pytest.approx(np.array([[110.0, 115.0]]))
    near, far = found.position_covariance(np.array([[100.0, 120.0], [200.0, 120.0]]))
    assert np.trace(near) < 2.0
    assert np.trace(far) > 1000.0


def test_the_covariance_of_pins_predicts_their_error() -> None:
    rng = np.random.default_rng(68)
    true = similarity((20.0, 10.0), 1.0)
    normalized = []
    for _ in range(200):
        places = uniform(rng, 6)
        aim = 0.5 * rng.standard_normal((2, 6, 2))
        found = pinned(np.column_stack([places + aim[0], true.apply(places) + aim[1]]))
        spot = uniform(rng, 1)
        off = (found.apply(spot) - true.apply(spot))[0]
        normalized.append(off @ np.linalg.solve(found.position_covariance(spot)[0], off))
    # Mean of 200 chi-squared of 2: 2 +- 0.14; the priors on scale and shear narrow the true error.
    assert 1.2 < np.mean(normalized) < 2.5
