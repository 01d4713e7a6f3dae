"""A channel with few dots, registered through another voltage."""

import numpy as np
import pytest
from dots import SHAPE, chosen, draw_pair, field_errors, localizations, similarity, uniform

from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.domain.transform import Transform
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions
from qdimage.registration.sibling import align_by_sibling

OPTIONS = RegisterOptions()
NOWHERE = np.empty((0, 2))


def through(
    moving: Localizations,
    fixed: Localizations,
    sibling: Registration,
    known: np.ndarray = NOWHERE,
) -> Registration | Refusal:
    return align_by_sibling(
        moving,
        fixed,
        sibling,
        known=known,
        moving_shape=SHAPE,
        fixed_shape=SHAPE,
        options=OPTIONS,
    )


def field_with_sibling(
    seed: int,
) -> tuple[np.random.Generator, Transform, Localizations, Registration]:
    """Generator, true transform, reference, and what another voltage found."""
    rng = np.random.default_rng(seed)
    true = similarity((14.0, -6.0), 1.1, 1.004)
    pair = draw_pair(rng, true, n_fixed=70, lit_share=0.6)
    found = align(pair.moving, pair.fixed, moving_shape=SHAPE, fixed_shape=SHAPE, options=OPTIONS)
    assert isinstance(found, Registration)
    return rng, true, pair.fixed, found


def known_exactly(transform: Transform) -> Registration:
    nothing = np.empty((0, 2))
    return Registration(transform, "manual", nothing.astype(np.int64), nothing, 1e-9)


def displaced(transform: Transform, shift: tuple[float, float]) -> Transform:
    matrix = transform.matrix + np.column_stack([np.zeros((2, 2)), shift])
    return Transform(
        matrix, transform.radial_px, transform.centre_px, transform.radius_px, np.zeros((7, 7))
    )


@pytest.mark.parametrize("shift", [(0.0, 0.0), (0.9, -0.7), (-1.2, 0.8)])
def test_three_dots_are_registered_with_a_shift_of_their_own(shift: tuple[float, float]) -> None:
    for seed in range(40, 44):
        rng, true, fixed, sibling = field_with_sibling(seed)
        own = displaced(true, shift)
        seen = own.inverse(fixed.positions)
        visible = np.flatnonzero(np.all((seen > 20) & (seen < 235), axis=1))
        three = seen[rng.choice(visible, 3, replace=False)]
        moving = localizations(three + 0.15 * rng.standard_normal((3, 2)), 0.15)
        found = through(moving, fixed, sibling)
        assert isinstance(found, Registration)
        assert not found.inherited
        assert found.n_inliers == 3
        # Three dots with 0.18 px each for an axis: 0.1 px, with the sibling's own error 0.15 px.
        assert np.median(field_errors(found.transform, own)) < 0.5


def test_an_empty_channel_inherits_with_a_wider_uncertainty() -> None:
    _, _, fixed, sibling = field_with_sibling(45)
    found = through(localizations(NOWHERE), fixed, sibling)
    assert isinstance(found, Registration)
    assert found.inherited
    assert found.n_inliers == 0
    assert found.transform.matrix == pytest.approx(sibling.transform.matrix)
    middle = np.array([[128.0, 128.0]])
    before = np.trace(sibling.transform.position_covariance(middle)[0])
    after = np.trace(found.transform.position_covariance(middle)[0])
    assert after == pytest.approx(before + 2 * (OPTIONS.sibling_shift_px / 4) ** 2)


def test_an_empty_channel_inherits_where_the_reference_is_empty_too() -> None:
    found = through(
        localizations(NOWHERE), localizations(NOWHERE), known_exactly(similarity((1.0, 2.0)))
    )
    assert isinstance(found, Registration)
    assert found.inherited


def test_one_dot_without_a_known_place_inherits() -> None:
    _, _, fixed, sibling = field_with_sibling(46)
    lonely = localizations([[128.5, 3.0]])
    found = through(lonely, localizations(fixed.positions[fixed.y_px > 40]), sibling)
    assert isinstance(found, Registration)
    assert found.inherited


@pytest.mark.parametrize("n_dots", [10, 20, 60])
def test_a_stack_of_another_field_is_refused(n_dots: int) -> None:
    rng, _, fixed, sibling = field_with_sibling(47)
    n_refused = 0
    for _ in range(20):
        found = through(localizations(uniform(rng, n_dots)), fixed, sibling)
        n_refused += isinstance(found, Refusal)
        assert isinstance(found, Refusal) or found.inherited
    # A dot lies on a known one with odds of 1.3 %: two of ten, which could be this field, in 1 % of
    # the stacks; two stacks of 20 with odds of 2 %.
    assert n_refused >= 19


def test_refusal_of_another_field_counts_its_dots() -> None:
    rng, _, fixed, sibling = field_with_sibling(48)
    found = through(localizations(uniform(rng, 30)), fixed, sibling)
    assert isinstance(found, Refusal)
    assert "of 30 dots" in found.reason
    assert "same field" in found.reason


def test_el_only_dots_known_from_other_voltages_count_as_the_field() -> None:
    rng, true, fixed, sibling = field_with_sibling(49)
    el_only = uniform(rng, 8)
    moving = localizations(true.inverse(el_only))
    assert isinstance(through(moving, fixed, sibling), Refusal)
    found = through(moving, fixed, sibling, known=el_only)
    assert isinstance(found, Registration)
    assert found.inherited


def test_a_displacement_beyond_the_small_shift_is_not_taken_for_one() -> None:
    _, true, fixed, sibling = field_with_sibling(50)
    far = displaced(true, (6.0, 0.0))
    seen = far.inverse(fixed.positions)
    visible = np.flatnonzero(np.all((seen > 5) & (seen < 250), axis=1))[:12]
    found = through(chosen(localizations(seen), visible), fixed, sibling)
    assert isinstance(found, Refusal)


def test_a_sibling_that_was_given_by_hand_has_room_too() -> None:
    _, true, fixed, _ = field_with_sibling(51)
    seen = displaced(true, (0.5, 0.5)).inverse(fixed.positions)
    visible = np.flatnonzero(np.all((seen > 20) & (seen < 235), axis=1))[:4]
    given = known_exactly(Transform.from_matrix(true.matrix))
    found = through(chosen(localizations(seen), visible), fixed, given)
    assert isinstance(found, Registration)
    assert not found.inherited
    assert found.model == "manual"


def test_rings_around_bright_dots_are_not_taken_for_another_field() -> None:
    _, true, fixed, sibling = field_with_sibling(52)
    # Two dots, of which PL shows one, and the ring of each in six pieces.
    bright = np.vstack([true.inverse(fixed.positions[30:31]), [[60.0, 170.0]]])
    angle = 2 * np.pi * np.arange(6) / 6
    ring = 4.0 * np.column_stack([np.cos(angle), np.sin(angle)])
    dots = localizations(np.vstack([bright, bright[0] + ring, bright[1] + ring]))
    dots.signal[:2] = 5000.0
    found = through(dots, fixed, sibling)
    assert isinstance(found, Registration)
    assert found.inherited
