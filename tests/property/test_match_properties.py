"""What matching and counting must not care about."""

import numpy as np
import pytest
from dots import chosen, localizations, uniform
from hypothesis import given
from hypothesis import strategies as st

from qdimage.domain.localizations import Localizations
from qdimage.domain.matches import Matches
from qdimage.domain.transform import Transform
from qdimage.match.blends import share_of_dots
from qdimage.match.count_interval import fraction_interval
from qdimage.match.lit import upper_limit
from qdimage.match.neighbours import g2_floor, is_isolated
from qdimage.match.pairing import match
from qdimage.match.turn_on import turn_on_voltage

IDENTITY = Transform.from_matrix(np.eye(2, 3))
SEEDS = st.integers(0, 2**32 - 1)
SMALL = (30, 30)


def matched(moving: Localizations, fixed: Localizations) -> Matches:
    return match(moving, fixed, IDENTITY, gate_probability=0.998, systematic_px=0.05)


def crowd(seed: int) -> tuple[np.random.Generator, Localizations, Localizations]:
    rng = np.random.default_rng(seed)
    n_moving, n_fixed = rng.integers(0, 40, 2)
    moving = localizations(uniform(rng, n_moving, SMALL), rng.uniform(0.1, 0.8, n_moving))
    fixed = localizations(uniform(rng, n_fixed, SMALL), rng.uniform(0.1, 0.8, n_fixed))
    return rng, moving, fixed


@given(SEEDS)
def test_no_dot_is_matched_twice(seed: int) -> None:
    _, moving, fixed = crowd(seed)
    found = matched(moving, fixed)
    used = found.dot[found.dot >= 0]
    assert len(np.unique(used)) == len(used)


@given(SEEDS)
def test_matches_follow_a_permutation_of_either_set(seed: int) -> None:
    rng, moving, fixed = crowd(seed)
    plain = matched(moving, fixed).dot
    a, b = rng.permutation(len(moving)), rng.permutation(len(fixed))
    other = matched(chosen(moving, a), chosen(fixed, b)).dot
    back = np.append(b, -1)[other]
    assert back.tolist() == plain[a].tolist()


@given(SEEDS, st.booleans(), st.floats(-100, 100))
def test_matches_do_not_depend_on_the_axes(seed: int, swap: bool, shift: float) -> None:
    _, moving, fixed = crowd(seed)
    plain = matched(moving, fixed)
    order = [1, 0] if swap else [0, 1]
    other = matched(
        localizations(moving.positions[:, order] + shift, moving.x_err_px),
        localizations(fixed.positions[:, order] + shift, fixed.x_err_px),
    )
    assert other.dot.tolist() == plain.dot.tolist()
    assert other.gate_px == pytest.approx(plain.gate_px, nan_ok=True)


@given(SEEDS)
def test_a_wider_gate_never_matches_fewer(seed: int) -> None:
    _, moving, fixed = crowd(seed)
    counts = [
        np.sum(match(moving, fixed, IDENTITY, gate_probability=p, systematic_px=0.05).dot >= 0)
        for p in (0.6, 0.9, 0.998)
    ]
    assert counts == sorted(counts)


@given(
    st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.floats(0.6, 0.99),
)
def test_the_interval_contains_the_fraction(counts: tuple[int, int], confidence: float) -> None:
    fraction, low, high = fraction_interval(*counts, confidence)
    assert 0 <= low <= fraction <= high <= 1


@given(
    st.integers(1, 100).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.floats(0.6, 0.99),
)
def test_lit_and_dark_are_mirror_images(counts: tuple[int, int], confidence: float) -> None:
    n_lit, n = counts
    fraction, low, high = fraction_interval(n_lit, n, confidence)
    mirrored = fraction_interval(n - n_lit, n, confidence)
    assert (1 - fraction, 1 - high, 1 - low) == pytest.approx(mirrored, abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 0.5))
def test_a_share_of_spots_is_what_that_share_of_dots_makes(share: float, blends: float) -> None:
    spots = share + blends * share * (1 - share)
    assert share_of_dots(spots, blends) == pytest.approx(share, abs=1e-7)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=0, max_size=8),
)
def test_the_turn_on_interval_is_what_the_known_voltages_say(
    states: list[tuple[bool, bool]],
) -> None:
    voltages = 1.9 + 0.1 * np.arange(len(states))
    lit = np.array([each[0] for each in states], bool)
    known = np.array([each[1] for each in states], bool)
    low, high, monotone = turn_on_voltage(voltages, lit, known)
    sequence = lit[known]
    assert monotone == bool(np.all(np.diff(sequence.astype(int)) >= 0))
    assert np.isnan(high) == (not sequence.any())
    assert np.isnan(low) or np.isnan(high) or low < high
    if not np.isnan(high):
        assert lit[voltages == high].all()
        assert np.isnan(low) or low == voltages[known & (voltages < high)].max()


@given(SEEDS, st.floats(0.1, 1e4))
def test_limits_do_not_depend_on_the_unit(seed: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    err = rng.uniform(0.5, 2.0, 30)
    flux = err * rng.standard_normal(30) + rng.choice([0.0, 20.0], 30)
    assert upper_limit(unit * flux, unit * err) == pytest.approx(unit * upper_limit(flux, err))


@given(SEEDS)
def test_neighbours_follow_a_permutation(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(0, 30))
    places, flux = 5.0 * rng.random((n, 2)), rng.uniform(0.1, 9, n)
    order = rng.permutation(n)
    isolated = is_isolated(places, distance_um=0.8)
    floor = g2_floor(places, flux, pinhole_um=0.5, psf_sigma_um=0.13)
    assert is_isolated(places[order], distance_um=0.8).tolist() == isolated[order].tolist()
    other = g2_floor(places[order], flux[order], pinhole_um=0.5, psf_sigma_um=0.13)
    assert other == pytest.approx(floor[order])
    assert np.all((floor >= 0) & (floor < 1))
