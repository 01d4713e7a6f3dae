"""The background map: unbiased at a fraction of a photon, blind to dots, smooth.

The statistical limits are five standard deviations of a mean over the whole frame: each fails by
chance once in a million seeds.
"""

import numpy as np
import pytest
from frames import EMCCD, SCMOS, Chip, Scene, image_of, lattice_scene

from qdimage.domain.photon_image import PhotonImage
from qdimage.numerics.background import smooth_background

SHAPE = (192, 192)


def background_of(image: PhotonImage, **others: np.ndarray) -> np.ndarray:
    return smooth_background(
        image.mean,
        image.n_samples,
        box_px=32,
        variance_slope=image.variance_slope,
        read_variance=image.read_variance,
        **others,
    )


@pytest.mark.parametrize("chip", [EMCCD, SCMOS], ids=["EM", "no EM"])
@pytest.mark.parametrize("n_frames", [1, 3, 20])
@pytest.mark.parametrize("level", [0.02, 0.05, 0.5, 5.0, 50.0])
def test_the_level_is_unbiased_from_far_below_one_photon(
    chip: Chip, n_frames: int, level: float
) -> None:
    frames = Scene(background=level, shape=SHAPE).record(
        n_frames, np.random.default_rng(11), chip=chip
    )
    image = image_of(frames, chip.keys)
    true = level + chip.clock_induced_charge_e / chip.quantum_efficiency
    chance = np.sqrt(chip.variance(level) / n_frames / image.mean.size)
    # Clipping the register's tail costs up to 2 % of the light.
    assert abs(background_of(image).mean() - true) < 5 * chance + 0.02 * true


def test_a_ramp_is_followed_to_the_border() -> None:
    column = np.arange(SHAPE[1]) / SHAPE[1]
    true = np.broadcast_to(2.0 + 6.0 * column, SHAPE)
    frames = EMCCD.expose(np.broadcast_to(true, (50, *SHAPE)), np.random.default_rng(12))
    background = background_of(image_of(frames))
    assert np.abs(background.mean(axis=0) - true[0]).max() < 0.15


def test_dots_do_not_lift_the_background() -> None:
    scene = lattice_scene(
        np.random.default_rng(13), 2000.0, pitch_px=24, background=3.0, shape=SHAPE
    )
    image = image_of(scene.record(20, np.random.default_rng(14)))
    assert background_of(image).mean() == pytest.approx(3.005, rel=0.02)


@pytest.mark.parametrize("too_much", [0.9, 1.1, 1.2])
def test_light_of_bright_dots_that_is_badly_known_does_not_pull_the_background(
    too_much: float,
) -> None:
    rng = np.random.default_rng(16)
    scene = lattice_scene(rng, 1e5, pitch_px=24, background=3.0, shape=SHAPE)
    image = image_of(scene.record(20, np.random.default_rng(17)))
    light = too_much * (scene.mean() - 3.0)
    assert background_of(image, light=light).mean() == pytest.approx(3.005, rel=0.05)


def test_fitted_light_is_taken_off_where_dots_are_dense() -> None:
    scene = lattice_scene(np.random.default_rng(15), 60.0, pitch_px=6, background=3.0, shape=SHAPE)
    image = image_of(scene.record(20, np.random.default_rng(16)))
    light = scene.mean() - scene.background
    assert background_of(image).mean() > 3.3
    assert background_of(image, light=light).mean() == pytest.approx(3.005, rel=0.02)


def test_boxes_without_usable_pixels_take_the_others_level() -> None:
    n_samples = np.full((64, 96), 4, np.int32)
    n_samples[:32, :32] = 0
    mean = np.where(n_samples > 0, 5.0, 1e6)
    found = smooth_background(mean, n_samples, box_px=32, variance_slope=2.0, read_variance=0.1)
    assert found == pytest.approx(np.full((64, 96), 5.0))
    nothing = smooth_background(
        mean, np.zeros_like(n_samples), box_px=32, variance_slope=2.0, read_variance=0.1
    )
    assert nothing == pytest.approx(np.zeros((64, 96)))


def test_a_frame_smaller_than_a_box_has_one_level() -> None:
    found = smooth_background(
        np.full((8, 8), 2.5),
        np.ones((8, 8), np.int32),
        box_px=32,
        variance_slope=1.0,
        read_variance=1.0,
    )
    assert found == pytest.approx(np.full((8, 8), 2.5))
