"""Drift is followed where dots show it, and made up nowhere."""

import numpy as np
import pytest
from frames import EMCCD, Scene, image_of, matched
from numpy.typing import ArrayLike

from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions

SHAPE = (128, 128)


def dots_at_random(rng: np.random.Generator, n_dots: int, background: float = 2.0) -> Scene:
    positions = rng.uniform(-3, np.array(SHAPE) + 3, (n_dots, 2))
    photons = 400 * np.exp(0.5 * rng.standard_normal(n_dots))
    return Scene(positions, photons, background, shape=SHAPE)


def record(
    scene: Scene,
    n_frames: int,
    drift: ArrayLike,
    rng: np.random.Generator,
    switching: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Frames and their true drift; each dot turns on or off with a probability per frame."""
    true = np.outer(np.linspace(0, 1, n_frames), drift)
    lit = rng.random(len(scene.positions)) < 0.5
    means = []
    for shift in true:
        lit = lit ^ (rng.random(len(lit)) < switching)
        photons = scene.photons * lit if switching else scene.photons
        means.append(Scene(scene.positions, photons, scene.background, shape=SHAPE).mean(shift))
    return EMCCD.expose(np.array(means), rng), true


@pytest.mark.parametrize("drift", [(0.3, 0.0), (1.6, -1.2), (-2.0, 0.0), (5.0, 6.0)])
@pytest.mark.parametrize("n_dots", [4, 30])
def test_a_drift_is_followed_from_the_first_frame(drift: tuple[float, float], n_dots: int) -> None:
    rng = np.random.default_rng(51)
    frames, true = record(dots_at_random(rng, n_dots), 24, drift, rng)
    found = image_of(frames).drift_px
    assert found.shape == (24, 2)
    assert np.all(found[0] == 0)
    assert np.abs(found - true).max() < 0.2


def test_a_drift_that_turns_round_is_followed() -> None:
    rng = np.random.default_rng(52)
    scene = dots_at_random(rng, 30)
    course = np.column_stack([1.5 * np.sin(np.linspace(0, np.pi, 40)), np.zeros(40)])
    frames = EMCCD.expose(np.array([scene.mean(shift) for shift in course]), rng)
    assert np.abs(image_of(frames).drift_px - course).max() < 0.2


@pytest.mark.parametrize("background", [0.005, 0.05, 0.5, 5.0, 50.0])
@pytest.mark.parametrize("n_frames", [10, 20, 50])
def test_a_stack_without_dots_does_not_drift(background: float, n_frames: int) -> None:
    rng = np.random.default_rng(53)
    frames = Scene(background=background, shape=SHAPE).record(n_frames, rng)
    assert not image_of(frames).drift_px.any()


@pytest.mark.parametrize("n_dots", [1, 4, 30])
@pytest.mark.parametrize("switching", [0.0, 0.02, 0.1])
def test_dots_at_rest_get_no_drift_though_they_blink(n_dots: int, switching: float) -> None:
    rng = np.random.default_rng(54)
    drift = [
        np.abs(
            image_of(record(dots_at_random(rng, n_dots), 30, (0, 0), rng, switching)[0]).drift_px
        )
        for _ in range(4)
    ]
    # A needless polynomial is chosen in fewer than 1 % of stacks, and then is about as large as
    # the error of a position in a tenth of the stack.
    assert np.max(drift) < (0.3 if n_dots == 1 else 0.15)


def test_blinking_dots_are_followed() -> None:
    rng = np.random.default_rng(55)
    frames, true = record(dots_at_random(rng, 40), 40, (1.6, -1.2), rng, switching=0.05)
    assert np.abs(image_of(frames).drift_px - true).max() < 0.25


def test_hot_pixels_do_not_hold_the_drift_back() -> None:
    rng = np.random.default_rng(56)
    scene = dots_at_random(rng, 20)
    hot = np.where(rng.random(SHAPE) < 1e-3, 60.0, 0.0)
    course = np.outer(np.linspace(0, 1, 24), (2.0, 0.0))
    means = np.array([scene.mean(shift) for shift in course])
    frames = EMCCD.expose(means, rng, deposited_e=hot)
    assert np.abs(image_of(frames).drift_px - course).max() < 0.2


def test_positions_refer_to_the_first_frame() -> None:
    rng = np.random.default_rng(57)
    scene = dots_at_random(rng, 30)
    frames, _ = record(scene, 24, (2.0, -1.0), rng)
    dots = localize(image_of(frames), options=LocalizeOptions())
    index = matched(dots.positions, scene.positions, 1.0)
    offset = dots.positions[index[index >= 0]] - scene.positions[index >= 0]
    assert len(offset) > 20
    # The drift's own error is common to all dots.
    assert np.abs(np.median(offset, axis=0)).max() < 0.08


def test_the_light_of_drifting_dots_is_kept() -> None:
    rng = np.random.default_rng(58)
    scene = Scene(np.array([[40.0, 40.0], [80.0, 90.0]]), np.array([2000.0, 3000.0]), 2.0)
    frames, _ = record(scene, 24, (6.0, 3.0), rng)
    image = image_of(frames)
    dots = localize(image, options=LocalizeOptions(), psf_sigma_px=1.2)
    assert dots.signal == pytest.approx([2000.0, 3000.0], rel=0.04)
    # Places that drift carried out of view are covered by fewer frames, or none.
    assert image.n_samples[:, -1].max() < 24
    assert image.n_samples[64, 64] == 24


def test_drift_is_left_alone_on_request_and_where_frames_are_few() -> None:
    rng = np.random.default_rng(59)
    scene = dots_at_random(rng, 30)
    frames, _ = record(scene, 24, (2.0, 0.0), rng)
    assert not image_of(frames, correct_drift=False).drift_px.any()
    assert not image_of(frames[:7]).drift_px.any()
