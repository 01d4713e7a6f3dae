"""Predicted against re-measured places: what is recovered, with which error, and who is off."""

import numpy as np
import pytest

from qdimage.steering.place_check import compare_places


def moved(places: np.ndarray, *, offset: tuple[float, float], degrees: float, scale: float):
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    middle = places.mean(axis=0)
    return middle + offset + scale * (places - middle) @ turn.T


def places(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 80, (n, 2)) + np.array([2000.0, -500.0])


def test_a_known_shift_turn_and_scale_are_found() -> None:
    at = places(6)
    found = compare_places(at, moved(at, offset=(0.8, -1.1), degrees=0.4, scale=1.002))
    assert found.offset_um == pytest.approx([0.8, -1.1])
    assert found.rotation_deg == pytest.approx(0.4)
    assert found.scale == pytest.approx(1.002)
    assert found.left_um == pytest.approx(0.0, abs=1e-9)
    assert found.rms_um > 1.3


def test_errors_hold_as_often_as_standard_deviations() -> None:
    rng, at, trials = np.random.default_rng(5), places(5), 500
    within = np.zeros(3)
    for _ in range(trials):
        measured = moved(at, offset=(0.5, 0.0), degrees=0.2, scale=1.0)
        found = compare_places(at, measured + rng.normal(0, 0.1, at.shape))
        if found.off.any():
            continue
        within += (
            abs(found.offset_um[0] - 0.5) < found.offset_err_um,
            abs(found.rotation_deg - 0.2) < found.rotation_err_deg,
            abs(found.scale - 1.0) < found.scale_err,
        )
    # Four standard deviations of a share of 0.683 are 0.083.
    assert within / trials == pytest.approx(0.683, abs=0.09)


def test_the_target_that_is_off_is_left_out_and_named() -> None:
    at = places(8)
    measured = moved(at, offset=(0.3, 0.3), degrees=0.0, scale=1.0)
    measured += np.random.default_rng(2).normal(0, 0.05, at.shape)
    measured[5] += (0.0, 3.0)
    found = compare_places(at, measured)
    assert np.flatnonzero(found.off).tolist() == [5]
    assert found.left[5] == pytest.approx([0.0, 3.0], abs=0.3)
    assert found.offset_um == pytest.approx([0.3, 0.3], abs=0.1)


def test_two_places_give_an_offset_alone() -> None:
    at = places(2)
    found = compare_places(at, at + np.array([1.0, 2.0]))
    assert found.offset_um == pytest.approx([1.0, 2.0])
    assert found.offset_err_um == pytest.approx(0.0, abs=1e-9)
    assert np.isnan([found.rotation_deg, found.scale, found.scale_err]).all()


def test_one_place_has_no_error() -> None:
    found = compare_places(places(1), places(1) + 1.0)
    assert found.offset_um == pytest.approx([1.0, 1.0])
    assert np.isnan(found.offset_err_um)


def test_places_in_one_spot_give_no_turn() -> None:
    at = np.repeat(places(1), 4, axis=0)
    found = compare_places(at, at + np.random.default_rng(4).normal(0, 0.1, at.shape))
    assert np.isfinite(found.offset_err_um)
    assert np.isnan(found.scale_err)
