"""The map from clicked pairs: its errors hold, and pairs that determine nothing are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.domain.refusal import Refusal
from qdimage.domain.stage_map import StageMap
from qdimage.steering.stage_fit import fit_stage_map, odd_one_out

ANGLE = 0.3
TURN = np.array([[np.cos(ANGLE), -np.sin(ANGLE)], [np.sin(ANGLE), np.cos(ANGLE)]])
LINEAR = {"turned": 0.107 * TURN, "mirrored": 0.107 * TURN @ np.diag([1.0, -1.0])}
SHIFT = np.array([1520.0, -340.0])
FIELD = np.array([[10.0, 20.0], [230.0, 40.0], [120.0, 240.0], [30.0, 180.0], [200.0, 150.0]])


def on_stage(linear: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ linear.T + SHIFT


def fitted(*args: object, **options: object) -> StageMap:
    found = fit_stage_map(*args, **options)  # type: ignore[arg-type]
    assert isinstance(found, StageMap)
    return found


@pytest.mark.parametrize("model", ["similarity", "affine"])
@pytest.mark.parametrize("linear", LINEAR.values(), ids=LINEAR)
def test_exact_pairs_give_the_map(linear: np.ndarray, model: str) -> None:
    found = fitted(FIELD, on_stage(linear, FIELD), model=model)
    assert found.matrix[:, :2] == pytest.approx(linear, abs=1e-12)
    assert found.matrix[:, 2] == pytest.approx(SHIFT)
    assert found.inverse(found.apply(FIELD)) == pytest.approx(FIELD)
    assert found.pixel_um == pytest.approx(0.107)


@pytest.mark.parametrize(
    ("n", "model", "given_err"),
    [(3, "similarity", None), (4, "affine", None), (5, "affine", None), (3, "affine", 0.2)],
)
def test_one_error_holds_the_truth_as_often_as_a_standard_deviation(
    n: int, model: str, given_err: float | None
) -> None:
    rng = np.random.default_rng([n, len(model)])
    target, trials = np.array([[90.0, 60.0]]), 600
    truth = on_stage(LINEAR["turned"], target)[0]
    within = 0
    for _ in range(trials):
        clicked = on_stage(LINEAR["turned"], FIELD[:n]) + rng.normal(0, 0.2, (n, 2))
        found = fitted(FIELD[:n], clicked, model=model, place_err_um=given_err)
        covariance = found.position_covariance(target, np.zeros((1, 2, 2)))[0]
        within += int(abs(found.apply(target)[0, 0] - truth[0]) <= np.sqrt(covariance[0, 0]))
    # Binomial with p = 0.683: four standard deviations are 0.076.
    assert within / trials == pytest.approx(0.683, abs=0.076)


def test_the_error_grows_away_from_the_pairs() -> None:
    found = fitted(FIELD, on_stage(LINEAR["turned"], FIELD), model="affine", place_err_um=0.2)
    points = np.array([FIELD.mean(axis=0), [900.0, 900.0]])
    near, far = found.position_covariance(points, np.zeros((2, 2, 2)))[:, 0, 0]
    assert near == pytest.approx(0.2**2 / 5)
    assert far > 20 * near


def test_the_error_of_the_localization_is_added() -> None:
    given_map = StageMap(np.column_stack([LINEAR["turned"], SHIFT]), np.zeros((6, 6)))
    covariance = given_map.position_covariance(FIELD[:1], np.diag([0.01, 0.01])[np.newaxis])
    assert covariance[0] == pytest.approx(0.107**2 * np.diag([0.01, 0.01]))


@pytest.mark.parametrize(
    ("field", "stage", "says"),
    [
        (FIELD[:2], FIELD[:2], "at least 3"),
        (np.array([[0, 0], [1, 1], [2, 2], [5, 5.0]]), FIELD[:4], "line"),
        (FIELD[:4], np.array([[0, 0], [1, 1], [2, 2], [5, 5.0]]), "line"),
        (np.repeat(FIELD[:1], 4, axis=0), FIELD[:4], "one place"),
        (FIELD[:3], FIELD[:3], "fourth"),
    ],
)
def test_pairs_that_determine_no_map_are_refused(
    field: np.ndarray, stage: np.ndarray, says: str
) -> None:
    found = fit_stage_map(field, stage, model="affine")
    assert isinstance(found, Refusal)
    assert says in found.reason


def test_the_pair_that_was_clicked_wrong_is_named() -> None:
    rng = np.random.default_rng(8)
    places = np.vstack([FIELD, [[60.0, 90.0], [220.0, 220.0]]])
    clicked = on_stage(LINEAR["mirrored"], places) + rng.normal(0, 0.05, places.shape)
    assert odd_one_out(places, clicked, model="similarity") is None
    clicked[3] += (1.5, -2.0)
    odd = odd_one_out(places, clicked, model="similarity")
    assert odd is not None
    assert odd.index == 3
    assert odd.distance_um == pytest.approx(2.5, abs=0.3)


def test_good_pairs_are_seldom_called_wrong() -> None:
    rng = np.random.default_rng(9)
    n_named, trials = 0, 300
    for _ in range(trials):
        clicked = on_stage(LINEAR["turned"], FIELD) + rng.normal(0, 0.1, FIELD.shape)
        n_named += odd_one_out(FIELD, clicked, model="similarity") is not None
    # At most 1 % each: more than 11 of 300 have odds of 1e-4.
    assert n_named <= 11


@settings(max_examples=40, deadline=None)
@given(st.floats(-3.1, 3.1), st.floats(0.01, 2.0), st.booleans(), st.floats(-1e5, 1e5))
def test_any_similarity_is_recovered(
    angle: float, scale: float, mirrored: bool, shift: float
) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = scale * turn @ np.diag([1.0, -1.0 if mirrored else 1.0])
    stage = FIELD @ linear.T + shift
    found = fitted(FIELD, stage, model="similarity")
    assert np.allclose(found.apply(FIELD), stage, atol=1e-9 * max(abs(shift), 1.0))
