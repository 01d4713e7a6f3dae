"""Registration by dots: right where fields are the same, a refusal where they are not."""

import numpy as np
import pytest
from dots import (
    SHAPE,
    chosen,
    clustered,
    draw_pair,
    draw_similarity,
    field_errors,
    inside,
    lattice,
    localizations,
    similarity,
    uniform,
)

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.domain.refusal import Refusal
from qdimage.domain.registration import Registration
from qdimage.registration.align import align
from qdimage.registration.options import RegisterOptions

OPTIONS = RegisterOptions()


def registered(moving: Localizations, fixed: Localizations) -> Registration | Refusal:
    return align(moving, fixed, moving_shape=SHAPE, fixed_shape=SHAPE, options=OPTIONS)


def shaken(rng: np.random.Generator, positions: np.ndarray) -> Localizations:
    return localizations(inside(positions + 0.1 * rng.standard_normal(positions.shape)), 0.1)


def joined(*parts: Localizations) -> Localizations:
    return localizations(
        np.vstack([part.positions for part in parts]),
        np.concatenate([part.x_err_px for part in parts]),
        np.concatenate([part.flags for part in parts]),
    )


@pytest.mark.slow
def test_related_fields_are_accepted_and_right() -> None:
    rng = np.random.default_rng(20)
    errors, n_refused, normalized = [], 0, []
    while len(errors) + n_refused < 40:
        share = rng.uniform(0.1, 1.0)
        n_fixed = int(rng.integers(30, 151))
        n_el_only = int(rng.integers(0, 2 + 0.4 * n_fixed * share))
        true = draw_similarity(rng)
        pair = draw_pair(rng, true, n_fixed=n_fixed, lit_share=share, n_el_only=n_el_only)
        if pair.n_common < 8:
            continue
        found = registered(pair.moving, pair.fixed)
        if isinstance(found, Refusal):
            n_refused += 1
            continue
        errors.append(float(np.median(field_errors(found.transform, true))))
        places = uniform(rng, 4)
        off = found.transform.apply(places) - true.apply(places)
        covariance = found.transform.position_covariance(places)
        normalized.append(
            np.mean(np.sum(off * np.linalg.solve(covariance, off[..., None])[..., 0], 1))
        )
    # None of 300 was refused in a longer run: 1 % refused would give more than 2 with odds of 1 %.
    assert n_refused <= 2
    assert max(errors) < 0.3
    assert np.median(errors) < 0.1
    # The mean squared pull of two components is 2; its own standard deviation here is about 0.2.
    assert 1.0 < np.mean(normalized) < 2.6


@pytest.mark.slow
@pytest.mark.parametrize("draw", [uniform, clustered])
def test_unrelated_fields_are_refused(draw) -> None:
    rng = np.random.default_rng(21)
    accepted = 0
    for _ in range(50):
        n_moving, n_fixed = np.exp(rng.uniform(np.log(3), np.log(200), 2)).astype(int)
        hot = localizations(uniform(rng, 10), 0.05, DotFlag.HOT)
        moving = localizations(draw(rng, n_moving), rng.uniform(0.05, 0.2, n_moving))
        fixed = localizations(draw(rng, n_fixed), rng.uniform(0.05, 0.2, n_fixed))
        accepted += isinstance(registered(joined(moving, hot), joined(fixed, hot)), Registration)
    # Markov's bound of 1e-2 is generous: in longer runs chance reached it in none of 1,500 pairs.
    assert accepted <= 1


@pytest.mark.parametrize(
    ("pitch", "spread", "kept"),
    [(20.0, 0.0, 1.0), (20.0, 0.0, 0.5), (50.0, 0.0, 1.0), (80.0, 0.0, 1.0), (25.0, 1.0, 1.0)],
)
def test_lattices_agree_in_many_ways_and_are_refused(
    pitch: float, spread: float, kept: float
) -> None:
    rng = np.random.default_rng(22)
    for _ in range(4):
        sets = []
        for _ in range(2):
            points = lattice(pitch, rng.uniform(0, pitch, 2))
            points = points[rng.random(len(points)) < kept]
            sets.append(shaken(rng, points + spread * rng.standard_normal(points.shape)))
        found = registered(*sets)
        assert isinstance(found, Refusal), found.chance_p


def test_refusal_of_a_lattice_names_the_pattern_and_the_way_out() -> None:
    rng = np.random.default_rng(23)
    found = registered(shaken(rng, lattice(20, (3, 5))), shaken(rng, lattice(20, (9, 1))))
    assert isinstance(found, Refusal)
    assert "regular pattern" in found.reason
    assert "pins" in found.reason
    assert "\n" not in found.reason


def test_a_lattice_whose_dots_are_displaced_is_registered() -> None:
    rng = np.random.default_rng(24)
    true = similarity((8.0, -5.0), 0.7)
    dots = lattice(25, (3.0, 4.0)) + 4.0 * rng.standard_normal((len(lattice(25, (3.0, 4.0))), 2))
    found = registered(shaken(rng, true.inverse(dots)), shaken(rng, dots))
    assert isinstance(found, Registration)
    assert field_errors(found.transform, true).max() < 0.3


def test_dots_in_a_line_of_unrelated_fields_are_refused() -> None:
    rng = np.random.default_rng(25)
    for _ in range(4):
        lines = []
        for _ in range(2):
            along = 255 * rng.random(50)
            lines.append(shaken(rng, np.column_stack([along, 0.6 * along + 30])))
        assert isinstance(registered(*lines), Refusal)


def test_dots_in_a_line_of_one_field_are_never_registered_wrongly() -> None:
    rng = np.random.default_rng(26)
    along = np.sort(255 * rng.random(25))
    dots = np.column_stack([along, 0.6 * along + 30])
    true = similarity((6.0, 3.0), 0.5)
    found = registered(shaken(rng, true.inverse(dots)), shaken(rng, dots))
    if isinstance(found, Registration):
        off = found.transform.apply(true.inverse(dots)) - dots
        assert np.hypot(*off.T).max() < 0.5
    else:
        assert found.reason


@pytest.mark.parametrize(("n_moving", "n_fixed"), [(0, 0), (0, 40), (2, 40), (40, 1), (1, 1)])
def test_too_few_dots_are_refused_with_their_numbers(n_moving: int, n_fixed: int) -> None:
    rng = np.random.default_rng(27)
    found = registered(localizations(uniform(rng, n_moving)), localizations(uniform(rng, n_fixed)))
    assert isinstance(found, Refusal)
    assert f"found {n_moving} dots here and {n_fixed} in the reference" in found.reason


def test_one_coincidence_is_no_agreement() -> None:
    # A single pair leaves the rotation open; that freedom must not count as evidence.
    rng = np.random.default_rng(1)
    for _ in range(15):
        moving = localizations(uniform(rng, 5), rng.uniform(0.05, 0.2, 5))
        fixed = localizations(uniform(rng, 64), rng.uniform(0.05, 0.2, 64))
        assert isinstance(registered(moving, fixed), Refusal)


def test_three_dots_on_a_crowded_reference_are_too_little_for_a_whole_search() -> None:
    rng = np.random.default_rng(35)
    fixed = localizations(uniform(rng, 500))
    assert isinstance(registered(chosen(fixed, [10, 70, 130]), fixed), Refusal)


def test_three_dots_alone_in_both_frames_are_no_chance() -> None:
    dots = localizations([[40.0, 50.0], [200.0, 80.0], [120.0, 210.0]])
    found = registered(dots, dots)
    assert isinstance(found, Registration)
    assert found.transform.apply(dots.positions) == pytest.approx(dots.positions, abs=0.01)


def test_hot_pixels_in_both_channels_register_nothing() -> None:
    rng = np.random.default_rng(28)
    hot = localizations(uniform(rng, 60), 0.05, DotFlag.HOT)
    moving = joined(localizations(uniform(rng, 30)), hot)
    fixed = joined(localizations(uniform(rng, 50)), hot)
    found = registered(moving, fixed)
    assert isinstance(found, Refusal)
    assert "of 30 dots" in found.reason


def test_hot_pixels_do_not_disturb_the_true_transform() -> None:
    rng = np.random.default_rng(29)
    true = similarity((12.0, -9.0), 1.5)
    pair = draw_pair(rng, true, n_fixed=60, lit_share=0.5)
    hot = localizations(uniform(rng, 80), 0.05, DotFlag.HOT)
    found = registered(joined(pair.moving, hot), joined(pair.fixed, hot))
    assert isinstance(found, Registration)
    assert np.median(field_errors(found.transform, true)) < 0.2
    assert found.pairs[:, 0].max() < len(pair.moving)


def test_duplicated_localizations_are_used_once() -> None:
    rng = np.random.default_rng(30)
    true = similarity((-7.0, 4.0), -1.0)
    pair = draw_pair(rng, true, n_fixed=50, lit_share=0.6)
    twice = joined(pair.moving, pair.moving)
    found = registered(twice, joined(pair.fixed, pair.fixed))
    assert isinstance(found, Registration)
    assert len(set(found.pairs[:, 0])) == len(set(found.pairs[:, 1])) == found.n_inliers
    assert field_errors(found.transform, true).max() < 0.3


def test_what_lies_beyond_the_likely_range_is_found_and_beyond_the_largest_refused() -> None:
    rng = np.random.default_rng(31)
    true = similarity((45.0, 0.0))
    pair = draw_pair(rng, true, n_fixed=80, lit_share=0.8)
    found = registered(pair.moving, pair.fixed)
    assert isinstance(found, Registration)
    assert field_errors(found.transform, true).max() < 0.3
    for bounded in (RegisterOptions(max_shift_px=40), RegisterOptions(unlikely_share=0)):
        shapes = {"moving_shape": SHAPE, "fixed_shape": SHAPE}
        assert isinstance(align(pair.moving, pair.fixed, **shapes, options=bounded), Refusal)


@pytest.mark.parametrize("angle", [180.0, -90.0, 37.0])
@pytest.mark.parametrize("mirror", [False, True])
def test_any_rotation_and_mirrors_are_found_unless_excluded(angle: float, mirror: bool) -> None:
    rng = np.random.default_rng(33)
    true = similarity((25.0, -60.0), angle)
    pair = draw_pair(rng, true, n_fixed=90, lit_share=0.7)
    moving = localizations(pair.moving.positions, pair.moving.x_err_px)
    if mirror:
        flipped = moving.positions * [-1.0, 1.0] + [SHAPE[1] - 1, 0.0]
        moving = localizations(flipped, moving.x_err_px)
    shapes = {"moving_shape": SHAPE, "fixed_shape": SHAPE}
    found = align(moving, pair.fixed, **shapes, options=OPTIONS)
    assert isinstance(found, Registration)
    expected = true.apply(pair.moving.positions)
    assert found.transform.apply(moving.positions) == pytest.approx(expected, abs=0.5)
    assert np.sign(np.linalg.det(found.transform.matrix[:, :2])) == (-1 if mirror else 1)
    excluded = RegisterOptions(max_rotation_deg=20, allow_mirror=not mirror)
    assert isinstance(align(moving, pair.fixed, **shapes, options=excluded), Refusal)


def test_frames_with_two_fifths_of_their_area_in_common_are_registered() -> None:
    # Chance votes most for the shifts that lay the whole frames on each other.
    shape = (208, 130)
    shapes = {"moving_shape": shape, "fixed_shape": shape}
    n_found = 0
    for seed in range(6):
        rng = np.random.default_rng([36, seed])
        true = similarity((78.0, float(rng.uniform(-15, 15))), 1.0, shape=shape)
        dots = np.array([-20.0, -20.0]) + rng.random((330, 2)) * [280.0, 250.0]
        lit = true.inverse(dots[rng.random(330) < 0.5])
        found = align(
            localizations(inside(lit, shape)),
            localizations(inside(dots + 0.1 * rng.standard_normal(dots.shape), shape)),
            **shapes,
            options=OPTIONS,
        )
        if isinstance(found, Registration):
            n_found += 1
            assert field_errors(found.transform, true, shape).max() < 0.5
    # Some 20 pairs each; with fewer than 13 one in five is missed.
    assert n_found >= 5


def test_frames_of_different_shapes_are_registered() -> None:
    rng = np.random.default_rng(32)
    true = similarity((5.0, -4.0), 0.8, shape=(160, 300))
    pair = draw_pair(rng, true, n_fixed=80, lit_share=0.6, shape=(160, 300))
    keep = np.flatnonzero(pair.moving.x_px < 200)
    found = align(
        chosen(pair.moving, keep),
        pair.fixed,
        moving_shape=(160, 200),
        fixed_shape=(160, 300),
        options=OPTIONS,
    )
    assert isinstance(found, Registration)
    assert found.transform.apply(pair.moving.positions[keep]) == pytest.approx(
        true.apply(pair.moving.positions[keep]), abs=0.4
    )


def test_the_result_reports_its_own_pairs_and_residuals() -> None:
    rng = np.random.default_rng(33)
    pair = draw_pair(rng, similarity((3.0, 2.0), 0.3), n_fixed=60)
    found = registered(pair.moving, pair.fixed)
    assert isinstance(found, Registration)
    mapped = found.transform.apply(pair.moving.positions[found.pairs[:, 0]])
    off = mapped - pair.fixed.positions[found.pairs[:, 1]]
    assert found.residuals_px == pytest.approx(off)
    assert found.rms_px == pytest.approx(np.sqrt(np.mean(np.sum(off**2, axis=1))))
    assert 0 <= found.chance_p < 1e-10
    assert found.model in ("translation", "rigid")
    assert not found.inherited


def test_a_radial_distortion_is_followed() -> None:
    rng = np.random.default_rng(34)
    true = similarity((4.0, 4.0), radial_px=1.0)
    pair = draw_pair(rng, true, n_fixed=150, lit_share=0.9, err_px=(0.03, 0.08))
    found = registered(pair.moving, pair.fixed)
    assert isinstance(found, Registration)
    assert np.median(field_errors(found.transform, true)) < 0.06
    assert found.transform.radial_px == pytest.approx(1.0, abs=0.25)


def test_two_pairs_are_too_few_however_close() -> None:
    dots = localizations(8.0 * np.array([[0.0, 0.0], [0.0, 0.0], [4.0, 0.0]]))
    found = align(dots, dots, moving_shape=SHAPE, fixed_shape=SHAPE, options=RegisterOptions())
    assert isinstance(found, Refusal)
