"""The map from channel to field: there and back, its derivative, its nearest affine map."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdimage.domain.flags import FLAG_MEANING, DotFlag, flag_column, flag_names
from qdimage.domain.stack import Stack
from qdimage.domain.transform import Transform

SIZE = 256
POINTS = np.array([[0.0, 0.0], [255.0, 0.0], [127.5, 127.5], [30.2, 200.9], [255.0, 255.0]])


def transform_of(angle_deg: float, scale: float, shift: tuple[float, float], radial_px: float):
    cos, sin = scale * np.cos(np.deg2rad(angle_deg)), scale * np.sin(np.deg2rad(angle_deg))
    matrix = np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])
    centre = (SIZE - 1) / 2
    return Transform(matrix, radial_px, (centre, centre), SIZE / np.sqrt(2), np.zeros((7, 7)))


transforms = st.builds(
    transform_of,
    st.floats(-180, 180),
    st.floats(0.8, 1.25),
    st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    # A larger one folds the plane nearer than the farthest point that is mapped back.
    st.floats(-1.5, 1.5),
)


@given(transform=transforms)
def test_the_inverse_leads_back(transform: Transform) -> None:
    back = transform.inverse(transform.apply(POINTS))
    np.testing.assert_allclose(back, POINTS, atol=1e-6)
    there = transform.apply(transform.inverse(POINTS))
    np.testing.assert_allclose(there, POINTS, atol=1e-6)


@pytest.mark.parametrize("radial_px", [-60.0, 60.0])
def test_the_inverse_of_a_point_beyond_the_fold_lies_outside_the_frame(radial_px: float) -> None:
    transform = transform_of(0.0, 1.0, (0.0, 0.0), radial_px)
    far = transform.inverse(np.array([[1e4, 127.5], [127.5, -1e4]]))
    assert np.all(np.isfinite(far))
    assert far[0, 0] > SIZE
    assert far[1, 1] < 0


@given(transform=transforms)
def test_the_jacobian_is_the_derivative_by_the_parameters(transform: Transform) -> None:
    jacobian = transform.parameter_jacobian(POINTS)
    step = 1e-4
    for number in range(7):
        moved = []
        for sign in (1, -1):
            matrix = transform.matrix.copy()
            radial_px = transform.radial_px + sign * step * (number == 6)
            if number < 6:
                matrix.ravel()[number] += sign * step
            moved.append(replace(transform, matrix=matrix, radial_px=radial_px).apply(POINTS))
        slope = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(jacobian[:, :, number], slope, atol=1e-4)


def test_a_shift_a_turn_and_a_bend_go_where_they_should() -> None:
    shift = Transform.from_matrix(np.array([[1.0, 0.0, 3.0], [0.0, 1.0, -2.0]]))
    np.testing.assert_array_equal(shift.apply(np.array([[10.0, 20.0]])), [[13.0, 18.0]])
    turn = Transform.from_matrix(np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0]]))
    np.testing.assert_array_equal(turn.apply(np.array([[1.0, 0.0]])), [[0.0, 1.0]])
    bend = Transform(np.eye(2, 3), 2.0, (100.0, 100.0), 50.0, np.zeros((7, 7)))
    np.testing.assert_allclose(bend.apply(np.array([[150.0, 100.0]])), [[152.0, 100.0]])
    np.testing.assert_allclose(bend.apply(np.array([[100.0, 100.0]])), [[100.0, 100.0]])


@given(transform=transforms)
def test_the_nearest_affine_map_of_an_affine_map_is_itself(transform: Transform) -> None:
    affine = replace(transform, radial_px=0.0)
    np.testing.assert_allclose(affine.local_affine(SIZE, SIZE), affine.matrix, atol=1e-9)


def test_the_nearest_affine_map_of_a_bent_one_differs_by_less_than_the_bend() -> None:
    bent = transform_of(0.2, 1.0, (5.0, 3.0), 0.5)
    affine = Transform.from_matrix(bent.local_affine(SIZE, SIZE))
    distance = np.linalg.norm(affine.apply(POINTS) - bent.apply(POINTS), axis=1)
    assert distance.max() < 0.5


def test_the_covariance_of_a_position_follows_from_that_of_the_parameters() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(7, 7)) * 1e-3
    transform = replace(transform_of(10.0, 1.1, (4.0, -3.0), 0.5), covariance=root @ root.T)
    covariance = transform.position_covariance(POINTS)
    jacobian = transform.parameter_jacobian(POINTS)
    for point in range(len(POINTS)):
        expected = jacobian[point] @ transform.covariance @ jacobian[point].T
        np.testing.assert_allclose(covariance[point], expected, atol=1e-12)


def test_no_points_are_mapped_to_no_points() -> None:
    transform = transform_of(1.0, 1.0, (0.0, 0.0), 0.5)
    none = np.empty((0, 2))
    assert transform.apply(none).shape == (0, 2)
    assert transform.inverse(none).shape == (0, 2)
    assert transform.position_covariance(none).shape == (0, 2, 2)


def test_a_matrix_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3, 3\), expected \(2, 3\)"):
        Transform.from_matrix(np.eye(3))


def test_every_flag_has_a_meaning_and_a_bit_of_its_own() -> None:
    assert set(FLAG_MEANING) == set(DotFlag)
    assert sum(DotFlag) == 2 ** len(DotFlag) - 1
    assert all(meaning.strip() for meaning in FLAG_MEANING.values())


@given(flags=st.sets(st.sampled_from(list(DotFlag))))
def test_flags_are_named_and_joined(flags: set[DotFlag]) -> None:
    value = sum(flags)
    names = flag_names(value)
    assert set(names.split(";")) - {""} == {flag.name.lower() for flag in flags if flag.name}
    assert flag_column(np.array([value, 0])) == [names, ""]


def test_an_array_is_a_stack() -> None:
    frames = np.arange(2 * 3 * 4).reshape(2, 3, 4)
    with Stack.from_array(frames) as stack:
        assert (stack.shape, stack.dtype) == ((2, 3, 4), frames.dtype)
        blocks = list(stack.blocks(1))
    assert [start for start, _ in blocks] == [0, 1]
    np.testing.assert_array_equal(np.concatenate([block for _, block in blocks]), frames)
    assert Stack.from_array(frames[0]).shape == (1, 3, 4)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (np.zeros(3), "1 dimensions"),
        (np.zeros((2, 3, 4, 3)), "4 dimensions"),
        (np.zeros((0, 3, 4)), r"shape \(0, 3, 4\)"),
        (np.zeros((2, 3, 4), complex), "complex128"),
        (np.zeros((2, 3, 4), bool), "bool"),
        (np.full((2, 3, 4), "x"), "<U1"),
    ],
)
def test_an_array_that_is_no_stack_is_refused(frames: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Stack.from_array(frames, "frames")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_array_with_values_that_are_no_numbers_is_refused_when_it_is_read(value: float) -> None:
    frames = np.ones((3, 4, 5))
    frames[1, 2, 3] = value
    stack = Stack.from_array(frames, "frames")
    assert stack.reader(0, 1).shape == (1, 4, 5)
    with pytest.raises(ValueError, match="frames: frame 1 has values that are no finite numbers"):
        stack.reader(0, 3)


def test_the_smallest_radial_term_has_an_inverse() -> None:
    transform = transform_of(0.0, 1.0, (0.0, 0.0), -2.2250738585e-313)
    np.testing.assert_allclose(transform.inverse(transform.apply(POINTS)), POINTS, atol=1e-9)
