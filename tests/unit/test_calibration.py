"""From keys and frames to units and noise.

Measured variances carry a chance error of 1 to 3 %; the limits are five times that, so that each
test fails by chance once in a million seeds.
"""

from dataclasses import replace

import numpy as np
import pytest
from frames import EMCCD, SCMOS, Chip, Scene, image_of, lattice_scene

from qdimage.domain.camera import Camera
from qdimage.domain.stack import Stack
from qdimage.image.calibration import (
    adu_to_signal,
    complete_camera,
    default_ceiling_adu,
    noise_model,
    signal_unit,
)
from qdimage.image.statistics import StackStatistics, stack_statistics


def statistics_of(frames: np.ndarray) -> StackStatistics:
    return stack_statistics(Stack.from_array(frames), ceiling_adu=65535)


def empty_frames(chip: Chip, level: float, n_frames: int, seed: int = 31) -> np.ndarray:
    return Scene(background=level).record(n_frames, np.random.default_rng(seed), chip=chip)


def test_photons_are_adu_above_bias_by_gain_and_quantum_efficiency() -> None:
    assert adu_to_signal(EMCCD.keys) == pytest.approx(12.3 / 300 / 0.92)
    assert adu_to_signal(SCMOS.keys) == pytest.approx(0.46 / 0.82)


@pytest.mark.parametrize(
    ("missing", "unit", "scale"),
    [
        ("quantum_efficiency", "photoelectrons", 12.3 / 300),
        ("em_gain", "ADU", 1.0),
        ("electrons_per_adu", "ADU", 1.0),
    ],
)
def test_what_is_counted_depends_on_the_keys_known(missing: str, unit: str, scale: float) -> None:
    camera = replace(EMCCD.keys, **{missing: None})
    assert signal_unit(camera) == unit
    assert adu_to_signal(camera) == pytest.approx(scale)
    assert signal_unit(EMCCD.keys) == "photons"


@pytest.mark.parametrize("chip", [EMCCD, SCMOS], ids=["EM", "no EM"])
@pytest.mark.parametrize("level", [0.05, 1.0, 30.0])
def test_noise_from_the_keys_is_that_of_the_frames(chip: Chip, level: float) -> None:
    frames = empty_frames(chip, level, 20)
    noise = noise_model(chip.keys, statistics_of(frames))
    total = level + noise.clock_induced
    predicted = noise.variance_slope * total + noise.read_variance
    assert predicted == pytest.approx(chip.variance(level), rel=1e-9)
    measured = np.var(frames.astype(float)) * adu_to_signal(chip.keys) ** 2
    assert predicted == pytest.approx(measured, rel=0.05)


@pytest.mark.parametrize("level", [0.3, 10.0])
def test_a_missing_read_noise_is_measured(level: float) -> None:
    camera = replace(SCMOS.keys, read_noise_e=None)
    noise = noise_model(camera, statistics_of(empty_frames(SCMOS, level, 20)))
    predicted = noise.variance_slope * level + noise.read_variance
    assert predicted == pytest.approx(SCMOS.variance(level), rel=0.05)


@pytest.mark.parametrize("chip", [EMCCD, SCMOS], ids=["EM", "no EM"])
@pytest.mark.parametrize("n_frames", [1, 3, 4, 30])
def test_without_keys_the_noise_of_the_background_is_that_of_the_frames(
    chip: Chip, n_frames: int
) -> None:
    scene = lattice_scene(np.random.default_rng(32), 500.0, background=5.0)
    frames = scene.record(n_frames, np.random.default_rng(33), chip=chip)
    image = image_of(frames, Camera())
    assert image.noise.unit == "ADU"
    level = np.median(image.mean)
    predicted = image.noise.variance_slope * level + image.noise.read_variance
    measured = np.var(empty_frames(chip, 5.0, 20).astype(float))
    # Up to three frames are judged by their neighbouring pixels, to which dots add.
    assert 0.85 < predicted / measured < (1.35 if n_frames < 4 else 1.15)


@pytest.mark.parametrize("n_frames", [2, 20])
def test_light_that_an_estimated_bias_hides_keeps_its_noise(n_frames: int) -> None:
    frames = empty_frames(EMCCD, 5.0, n_frames)
    image = image_of(frames, replace(EMCCD.keys, bias_adu=None))
    predicted = image.noise.variance_slope * np.median(image.mean) + image.noise.read_variance
    assert predicted == pytest.approx(EMCCD.variance(5.0), rel=0.15)


def test_an_even_field_does_not_pass_its_skewness_off_as_gain() -> None:
    frames = empty_frames(EMCCD, 5.0, 10)
    noise = noise_model(Camera(bias_adu=200.0), statistics_of(frames))
    assert noise.variance_slope == pytest.approx(2 * 300 / 12.3, rel=0.1)


def test_a_span_of_light_gives_the_slope() -> None:
    ramp = np.broadcast_to(np.linspace(1.0, 60.0, 128), (40, 128, 128))
    frames = EMCCD.expose(ramp, np.random.default_rng(34))
    noise = noise_model(Camera(bias_adu=200.0), statistics_of(frames))
    assert noise.variance_slope == pytest.approx(2 * 300 / 12.3, rel=0.1)


def test_a_bias_that_nobody_gave_is_the_darkest_of_the_stack() -> None:
    ramp = np.broadcast_to(np.linspace(0.0, 60.0, 128), (40, 128, 128))
    statistics = statistics_of(EMCCD.expose(ramp, np.random.default_rng(35)))
    camera = complete_camera(replace(EMCCD.keys, bias_adu=None), statistics)
    assert camera.bias_adu == pytest.approx(205, abs=8)
    assert camera.sources["bias_adu"] == "estimated from the data"


def test_a_bias_that_is_given_stays() -> None:
    statistics = statistics_of(empty_frames(EMCCD, 1.0, 3))
    camera = Camera(bias_adu=123.0, sources={"bias_adu": "file metadata"})
    assert complete_camera(camera, statistics) == camera


@pytest.mark.parametrize(
    ("dtype", "ceiling"), [("uint8", 255), ("uint16", 65535), ("int32", 2**31 - 1), ("f4", np.inf)]
)
def test_the_ceiling_is_what_the_type_can_hold(dtype: str, ceiling: float) -> None:
    assert default_ceiling_adu(np.dtype(dtype)) == ceiling


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (3, 5), (8, 8)])
@pytest.mark.parametrize("n_frames", [1, 5, 30])
def test_a_handful_of_pixels_still_has_a_noise(shape: tuple[int, int], n_frames: int) -> None:
    frames = Scene(shape=shape).record(n_frames, np.random.default_rng(36))
    noise = noise_model(Camera(bias_adu=200.0), statistics_of(frames))
    assert np.isfinite([noise.variance_slope, noise.read_variance]).all()
    assert noise.variance_slope >= 0
    assert noise.read_variance >= 0


def test_a_copied_frame_does_not_look_noiseless() -> None:
    frame = empty_frames(SCMOS, 5.0, 1)
    noise = noise_model(Camera(bias_adu=100.0), statistics_of(np.repeat(frame, 10, axis=0)))
    assert noise.variance_slope > 0
