"""Transforms, drift and the reach of emitters beside the frame."""

import math

import numpy as np
import pytest
from scipy.stats import kstest

from qdimage.errors import ConfigurationError
from qdimage.simulation.field import Channel, draw_field
from qdimage.simulation.geometry import (
    corner_radius,
    draw_drift,
    draw_transform,
    frame_centre,
    margin,
    refuse_folding,
    shifted,
)
from qdimage.simulation.options import ExperimentOptions, GeometryOptions, SimulateOptions
from qdimage.simulation.recording import record

SIZE = ExperimentOptions(width_px=300, height_px=200)
CENTRE = np.array([frame_centre(SIZE)])


def transforms(options, n=300):
    return [draw_transform(SIZE, options, np.random.default_rng(seed)) for seed in range(n)]


def displacement(transform, points=CENTRE):
    return transform.apply(points) - points


def test_the_centre_is_displaced_by_a_uniform_distance_in_any_direction():
    options = GeometryOptions(shift_min_px=3.0, shift_max_px=20.0)
    moved = np.concatenate([displacement(each) for each in transforms(options)])
    distance = np.hypot(*moved.T)
    # Odds of each: one in a million.
    assert kstest((distance - 3) / 17, "uniform").pvalue > 1e-6
    angle = np.arctan2(moved[:, 1], moved[:, 0])
    assert kstest((angle + math.pi) / (2 * math.pi), "uniform").pvalue > 1e-6


def test_rotation_and_scale_act_about_the_centre():
    options = GeometryOptions(
        shift_min_px=5.0, shift_max_px=5.0, rotation_max_deg=20.0, scale_max=0.1
    )
    for each in transforms(options, 50):
        assert np.hypot(*displacement(each)[0]) == pytest.approx(5.0)


def test_rotation_and_scale_keep_to_their_limits_and_use_them():
    drawn = transforms(GeometryOptions(rotation_max_deg=2.0, scale_max=0.01))
    m00, m10 = (np.array([each.matrix[row, 0] for each in drawn]) for row in (0, 1))
    angle_deg = np.degrees(np.arctan2(m10, m00))
    scale = np.hypot(m00, m10)
    assert 1.5 < np.abs(angle_deg).max() <= 2.0
    assert 0.008 < np.abs(scale - 1).max() <= 0.01
    assert angle_deg.min() < 0 < angle_deg.max()
    for each in drawn:
        assert each.matrix[0, 0] == pytest.approx(each.matrix[1, 1])
        assert each.matrix[0, 1] == pytest.approx(-each.matrix[1, 0])


def test_the_radial_term_displaces_the_corner_by_what_it_says():
    options = GeometryOptions(
        shift_min_px=0, shift_max_px=0, rotation_max_deg=0, scale_max=0, radial_max_px=0.5
    )
    largest = 0.0
    for transform in transforms(options, 50):
        corner = np.array([[0.0, 0.0]])
        moved = displacement(transform, corner)
        outward = -CENTRE / corner_radius(SIZE)
        assert np.allclose(moved, transform.radial_px * outward)
        assert np.allclose(displacement(transform), 0)
        largest = max(largest, float(np.hypot(*moved[0])))
    assert 0.4 < largest <= 0.5


def test_a_voltage_displaces_its_channel_a_little_further():
    options = GeometryOptions(voltage_shift_max_px=0.3)
    field = draw_transform(SIZE, options, np.random.default_rng(0))
    further = np.array(
        [
            displacement(shifted(field, options, np.random.default_rng(seed)))[0]
            for seed in range(300)
        ]
    ) - displacement(field)
    distance = np.hypot(*further.T)
    # Uniform over a disc: the square of the distance is uniform. Odds: one in a million.
    assert kstest((distance / 0.3) ** 2, "uniform").pvalue > 1e-6


@pytest.mark.parametrize("n_frames", [2, 3, 20, 101])
def test_the_drift_starts_at_nothing_and_ends_as_far_as_stated(n_frames):
    for seed in range(20):
        drift = draw_drift(n_frames, 0.7, np.random.default_rng(seed))
        assert drift.shape == (n_frames, 2)
        assert np.all(np.abs(drift[0]) < 1e-15)
        assert np.hypot(*drift[-1]) == pytest.approx(0.7, abs=1e-12)


def test_the_drift_is_smooth_and_goes_in_any_direction():
    ends = []
    for seed in range(300):
        drift = draw_drift(50, 1.0, np.random.default_rng(seed))
        assert np.hypot(*np.diff(drift, axis=0).T).max() < 0.12
        ends.append(drift[-1])
    angle = np.arctan2(*np.array(ends).T)
    # Odds: one in a million.
    assert kstest((angle + math.pi) / (2 * math.pi), "uniform").pvalue > 1e-6


def test_a_single_frame_does_not_drift():
    assert not draw_drift(1, 0.7, np.random.default_rng(0)).any()


def test_emitters_are_placed_wherever_an_el_frame_may_see_them():
    options = GeometryOptions(
        shift_max_px=40.0, rotation_max_deg=3.0, scale_max=0.02, radial_max_px=2.0, drift_px=2.0
    )
    spot_px = 8
    reach = margin(SIZE, options, spot_px)
    corners = np.array([[0, 0], [299, 0], [0, 199], [299, 199]]) * 1.0
    seen = corners + spot_px * np.sign(corners - CENTRE)
    for seed, transform in enumerate(transforms(options, 100)):
        rng = np.random.default_rng(seed)
        own = shifted(transform, options, rng)
        for drift in draw_drift(10, options.drift_px, rng):
            places = own.apply(seen - drift)
            # The spot's own radius may turn and grow with the frame by a few per cent.
            assert np.all(places > -reach - 1)
            assert np.all(places < np.array([299, 199]) + reach + 1)


@pytest.mark.parametrize("seed", range(5))
def test_channel_positions_map_to_the_field_to_a_billionth_of_a_pixel(seed):
    options = SimulateOptions.model_validate({"geometry": {"rotation_max_deg": 2.0}})
    field = draw_field("field-01", options=options, seed=seed)
    recording = record(field, Channel("EL 2.4V", "el_2.4V.tif", 2.4))
    mapped = recording.transform.apply(recording.positions)
    assert np.abs(mapped - field.scene.positions).max() < 1e-9
    assert np.abs(recording.positions - field.scene.positions).max() > 1


def test_pl_is_the_field_frame_itself():
    field = draw_field("field-01", options=SimulateOptions(), seed=0)
    recording = record(field, Channel("PL", "pl.tif", None))
    assert np.allclose(recording.positions, field.scene.positions, atol=1e-12)


def test_a_distortion_without_inverse_is_refused_in_one_line():
    size = ExperimentOptions(width_px=16, height_px=16)
    with pytest.raises(ConfigurationError, match=r"radial_max_px: found 0.3.*16 x 16 px") as caught:
        refuse_folding(size, GeometryOptions(), 30.0)
    assert "\n" not in str(caught.value)
    refuse_folding(size, GeometryOptions(radial_max_px=0.0), 30.0)
    refuse_folding(ExperimentOptions(), GeometryOptions(), 30.0)
    with pytest.raises(ConfigurationError, match=r"geometry\.radial_max_px"):
        draw_field("field-01", options=SimulateOptions(experiment=size), seed=0)


def test_what_is_not_refused_can_be_inverted_for_every_emitter():
    size = {"width_px": 40, "height_px": 40}
    for seed in range(10):
        options = SimulateOptions.model_validate({"experiment": size})
        field = draw_field("field-01", options=options, seed=seed)
        back = field.el_to_field.apply(field.el_to_field.inverse(field.scene.positions))
        assert np.abs(back - field.scene.positions).max() < 1e-5
