"""What registration must not care about: where the axes point and how the dots are ordered."""

import numpy as np
import pytest
from dots import Pair, chosen, draw_pair, draw_similarity, localizations, similarity, uniform
from hypothesis import given, settings
from hypothesis import strategies as st

from qdimage.domain.localizations import Localizations
from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions

SIDE = 160
SHAPE = (SIDE, SIDE)
OPTIONS = RegisterOptions(max_shift_px=12, max_rotation_deg=1.5)
SEEDS = st.integers(0, 2**32 - 1)
# The eight ways to turn and mirror a square frame: x, y -> axes swapped, then mirrored.
SYMMETRIES = st.tuples(st.booleans(), st.booleans(), st.booleans())


def a_pair(seed: int) -> tuple[np.random.Generator, Pair]:
    rng = np.random.default_rng(seed)
    true = draw_similarity(rng, max_shift_px=8, max_rotation_deg=1.0, shape=SHAPE)
    return rng, draw_pair(rng, true, n_fixed=40, lit_share=0.6, n_el_only=4, shape=SHAPE)


def registered(moving: Localizations, fixed: Localizations) -> Transform:
    found = align(moving, fixed, moving_shape=SHAPE, fixed_shape=SHAPE, options=OPTIONS)
    assert isinstance(found, Registration)
    return found.transform


def assert_same(found: np.ndarray, expected: np.ndarray, plain: Transform, at: np.ndarray) -> None:
    """Equal up to a pair that falls to the other side of the gate: a part of the uncertainty."""
    spread = np.sqrt(np.trace(plain.position_covariance(at), axis1=1, axis2=2))
    assert np.all(np.hypot(*(found - expected).T) < 0.02 + 0.5 * spread)


def moved(positions: np.ndarray, symmetry: tuple[bool, bool, bool]) -> np.ndarray:
    swap, mirror_x, mirror_y = symmetry
    x, y = (positions[:, 1], positions[:, 0]) if swap else (positions[:, 0], positions[:, 1])
    return np.column_stack([SIDE - 1 - x if mirror_x else x, SIDE - 1 - y if mirror_y else y])


def turned(dots: Localizations, symmetry: tuple[bool, bool, bool]) -> Localizations:
    return localizations(moved(dots.positions, symmetry), dots.x_err_px)


@pytest.mark.slow
@settings(max_examples=10)
@given(SEEDS, SYMMETRIES)
def test_turning_and_mirroring_both_channels_turns_the_transform(
    seed: int, symmetry: tuple[bool, bool, bool]
) -> None:
    rng, pair = a_pair(seed)
    plain = registered(pair.moving, pair.fixed)
    other = registered(turned(pair.moving, symmetry), turned(pair.fixed, symmetry))
    places = uniform(rng, 20, SHAPE)
    expected = moved(plain.apply(places), symmetry)
    assert_same(other.apply(moved(places, symmetry)), expected, plain, places)


@pytest.mark.slow
@settings(max_examples=10)
@given(SEEDS)
def test_the_order_of_the_dots_does_not_matter(seed: int) -> None:
    rng, pair = a_pair(seed)
    plain = registered(pair.moving, pair.fixed)
    other = registered(
        chosen(pair.moving, rng.permutation(len(pair.moving))),
        chosen(pair.fixed, rng.permutation(len(pair.fixed))),
    )
    places = uniform(rng, 20, SHAPE)
    assert_same(other.apply(places), plain.apply(places), plain, places)


@pytest.mark.slow
@settings(max_examples=10)
@given(SEEDS, st.floats(-2, 2), st.floats(-2, 2))
def test_shifting_the_reference_shifts_the_transform(seed: int, dx: float, dy: float) -> None:
    rng, pair = a_pair(seed)
    plain = registered(pair.moving, pair.fixed)
    shift = np.array([dx, dy])
    shifted = localizations(pair.fixed.positions + shift, pair.fixed.x_err_px)
    other = registered(pair.moving, shifted)
    places = uniform(rng, 20, SHAPE)
    # Dots that cross the frame's border change what counts as inside, not the fit.
    assert_same(other.apply(places), plain.apply(places) + shift, plain, places)


@pytest.mark.slow
@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), max_size=12),
)
def test_any_dots_give_a_finite_answer_or_a_reason(
    moving: list[tuple[int, int]], fixed: list[tuple[int, int]]
) -> None:
    # Coarse places make duplicates, rows and lattices likely.
    a, b = (localizations(8.0 * np.array(each, float).reshape(-1, 2)) for each in (moving, fixed))
    found = align(a, b, moving_shape=SHAPE, fixed_shape=SHAPE, options=OPTIONS)
    if isinstance(found, Registration):
        assert np.isfinite(found.transform.matrix).all()
        assert np.isfinite(found.transform.covariance).all()
        assert np.isfinite(found.residuals_px).all()
        assert 0 <= found.chance_p <= OPTIONS.max_chance_probability
        assert len(found.pairs) >= 3
    else:
        assert found.reason
        assert "\n" not in found.reason


@given(
    st.floats(-30, 30),
    st.floats(-180, 180),
    st.floats(0.9, 1.1),
    st.floats(-2, 2),
    SEEDS,
)
def test_the_inverse_undoes_the_transform(
    shift: float, rotation_deg: float, scale: float, radial_px: float, seed: int
) -> None:
    transform = similarity((shift, -shift), rotation_deg, scale, radial_px, SHAPE)
    places = uniform(np.random.default_rng(seed), 30, SHAPE)
    assert transform.inverse(transform.apply(places)) == pytest.approx(places, abs=1e-6)


@given(st.floats(-180, 180), st.floats(-2, 2), SEEDS)
def test_the_jacobian_is_the_derivative(rotation_deg: float, radial_px: float, seed: int) -> None:
    transform = similarity((3.0, -2.0), rotation_deg, 1.01, radial_px, SHAPE)
    rng = np.random.default_rng(seed)
    places = uniform(rng, 10, SHAPE)
    step = 1e-5 * rng.standard_normal(7)

    def stepped(sign: float) -> Transform:
        return Transform(
            transform.matrix + sign * step[:6].reshape(2, 3),
            transform.radial_px + sign * float(step[6]),
            transform.centre_px,
            transform.radius_px,
            transform.covariance,
        )

    change = (stepped(1.0).apply(places) - stepped(-1.0).apply(places)) / 2
    predicted = transform.parameter_jacobian(places) @ step
    assert change == pytest.approx(predicted, abs=1e-7)
