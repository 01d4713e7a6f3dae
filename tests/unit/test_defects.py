"""Pixels that must not be believed, and dots that must be."""

import numpy as np
import pytest
from frames import EMCCD, SCMOS, Chip, Scene, image_of, lattice_scene
from scipy.ndimage import median_filter

from qdimage.image.hot_pixels import sharp_pixels

RNG_SEED = 41


def test_pixels_at_the_ceiling_are_left_out() -> None:
    frames = Scene(background=3.0).record(6, np.random.default_rng(RNG_SEED))
    frames[2:4, 40, 50] = 65535
    image = image_of(frames)
    assert image.saturated[40, 50]
    assert image.saturated.sum() == 1
    assert image.n_samples[40, 50] == 0
    assert image.mean[40, 50] == 0.0


@pytest.mark.parametrize("chip", [EMCCD, SCMOS], ids=["EM", "no EM"])
@pytest.mark.parametrize(("background", "n_frames"), [(0.05, 20), (1.0, 10), (20.0, 20)])
def test_hot_pixels_are_found_and_nothing_else(
    chip: Chip, background: float, n_frames: int
) -> None:
    rng = np.random.default_rng(RNG_SEED)
    hot = np.zeros((128, 128))
    hot[10:118:12, 10:118:12] = 100.0
    frames = Scene(background=background).record(n_frames, rng, chip=chip, deposited_e=hot)
    image = image_of(frames, chip.keys)
    assert np.array_equal(image.hot, hot > 0)
    assert not image.usable[hot > 0].any()


@pytest.mark.parametrize("sigma_px", [0.7, 1.2, 2.5])
@pytest.mark.parametrize("photons", [300.0, 3000.0, 30000.0])
def test_a_sharp_bright_dot_is_no_hot_pixel(sigma_px: float, photons: float) -> None:
    rng = np.random.default_rng(RNG_SEED)
    scene = lattice_scene(rng, photons, background=0.5, sigma_px=sigma_px)
    scene.positions[:] = np.rint(scene.positions)
    image = image_of(scene.record(10, rng))
    assert not image.hot.any()
    assert not image.cosmic.any()


def test_a_cosmic_ray_is_taken_out_of_its_frame_alone() -> None:
    rng = np.random.default_rng(RNG_SEED)
    hit = np.zeros((20, 128, 128))
    hit[7, 60, 60:64] = 2000.0
    hit[11, 20, 90] = 900.0
    image = image_of(Scene(background=2.0).record(20, rng, deposited_e=hit))
    struck = hit.any(axis=0)
    assert np.array_equal(image.cosmic, struck)
    assert np.all(image.n_samples[struck] == 19)
    assert np.all(image.n_samples[~struck] == 20)
    # What is left has lost the largest value of 20, at most one of its standard deviations.
    spread = np.sqrt(EMCCD.variance(2.0) / 19)
    assert np.all(np.abs(image.mean[struck] - 2.0) < 5 * spread)


def test_a_dot_seen_in_a_single_frame_is_no_cosmic_ray() -> None:
    rng = np.random.default_rng(RNG_SEED)
    scene = lattice_scene(rng, 3000.0, background=1.0)
    means = np.full((20, *scene.shape), scene.background)
    means[5] = scene.mean()
    image = image_of(EMCCD.expose(means, rng))
    assert not image.cosmic.any()


@pytest.mark.parametrize("level", [0.02, 0.5, 10.0])
def test_empty_frames_have_no_defects(level: float) -> None:
    # The register's tail reaches the thresholds once in 1e8 pixel values; 1.3e6 are drawn here.
    frames = Scene(background=level, shape=(256, 256)).record(20, np.random.default_rng(RNG_SEED))
    image = image_of(frames)
    assert not image.hot.any()
    assert not image.cosmic.any()
    assert not image.saturated.any()


@pytest.mark.parametrize("n_frames", [1, 2])
def test_too_few_frames_tell_no_cosmic_ray(n_frames: int) -> None:
    frames = Scene(background=2.0).record(n_frames, np.random.default_rng(RNG_SEED))
    frames[0, 30, 30:33] = 9000
    assert not image_of(frames).cosmic.any()


@pytest.mark.parametrize("shape", [(80, 60), (3, 40), (1, 1), (2, 7)])
@pytest.mark.parametrize(("slope", "read", "tail"), [(2.0, 0.1, 3.0), (0.0, 1e-4, 0.0)])
@pytest.mark.parametrize("level", [-3.0, 0.0, 0.5, 50.0])
def test_sharp_pixels_are_those_of_a_median_filter(
    shape: tuple[int, int], slope: float, read: float, tail: float, level: float
) -> None:
    rng = np.random.default_rng(RNG_SEED)
    mean = rng.normal(level, np.sqrt(2 * abs(level) + 0.1), shape)
    mean[rng.random(shape) < 0.03] += rng.exponential(60)
    local = median_filter(mean, size=5, mode="reflect")
    excess, around = mean - local, np.pad(mean - local, 1, mode="symmetric")
    beside = (around[:-2, 1:-1] + around[2:, 1:-1] + around[1:-1, :-2] + around[1:-1, 2:]) / 4
    sigma = np.sqrt(slope * np.maximum(local, 0.0) + read)
    sharp = (excess > 4.0 * sigma + tail) & (beside + sigma < 0.4 * excess)
    assert np.array_equal(sharp_pixels(mean, slope, read, 4.0, tail, 0.4), sharp)
