"""Dots that move within a stack, and those that only seem to."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from qdimage.domain.flags import DotFlag
from qdimage.domain.localizations import Localizations
from qdimage.image import statistics
from qdimage.localize.dots import localize
from qdimage.localize.options import LocalizeOptions
from tests.frames import EMCCD, SCMOS, Array, Chip, Scene, image_of, lattice_scene, matched

N_FRAMES = 24
TIME = np.arange(N_FRAMES) / (N_FRAMES - 1)
JUMP, CREEP = (TIME > 0.5) - 0.5, TIME - 0.5


def film(
    scene: Scene,
    rng: np.random.Generator,
    *,
    moves: ArrayLike = 0.0,
    brightness: ArrayLike = 1.0,
    drift: ArrayLike = 0.0,
    chip: Chip = EMCCD,
) -> NDArray[np.uint16]:
    """Frames of dots that move by (n, t, 2) px and shine with a share (n, t) of their flux."""
    n = len(scene.positions)
    moves = np.broadcast_to(moves, (n, N_FRAMES, 2))
    brightness = np.broadcast_to(brightness, (n, N_FRAMES))
    drift = np.broadcast_to(drift, (N_FRAMES, 2))
    frames = []
    for t in range(N_FRAMES):
        now = replace(
            scene,
            positions=scene.positions + moves[:, t] + drift[t],
            photons=scene.photons * brightness[:, t],
        )
        frames.append(chip.expose(now.mean(), rng))
    return np.array(frames)


def seen(frames: NDArray[Any], chip: Chip = EMCCD, **options: Any) -> Localizations:
    return localize(image_of(frames, chip.keys, **options), options=LocalizeOptions())


def flagged(dots: Localizations, positions: Array) -> NDArray[np.bool_]:
    """Whether the dots at true positions are flagged; those that were not found are left out."""
    index = matched(dots.positions, positions, 2.0)
    return np.asarray((dots.flags[index[index >= 0]] & DotFlag.MOVING) != 0)


def directions(rng: np.random.Generator, n: int, length: float) -> Array:
    angle = rng.uniform(0, 2 * np.pi, n)
    return length * np.column_stack([np.cos(angle), np.sin(angle)])


@pytest.mark.parametrize("chip", [EMCCD, SCMOS])
@pytest.mark.parametrize(
    ("course", "length_px", "sigma_px", "photons"),
    [(JUMP, 0.5, 1.2, 500.0), (CREEP, 1.0, 1.2, 500.0), (JUMP, 0.5, 0.6, 200.0)],
)
def test_dots_that_move_are_flagged_and_the_others_are_not(
    course: Array, length_px: float, sigma_px: float, photons: float, chip: Chip
) -> None:
    rng = np.random.default_rng(401)
    scene = lattice_scene(rng, photons, pitch_px=16.0, sigma_px=sigma_px)
    n = len(scene.positions)
    moving = np.arange(n) % 3 == 0
    moves = directions(rng, n, length_px)[:, np.newaxis] * course[:, np.newaxis]
    moves *= moving[:, np.newaxis, np.newaxis]
    dots = seen(film(scene, rng, moves=moves, chip=chip), chip)
    # Of the 22 that move a significance of 6 and more leaves none out; of 42 that do not, noise
    # flags one in 4 % of all cases.
    assert flagged(dots, scene.positions[moving]).all()
    assert not flagged(dots, scene.positions[~moving]).any()
    true = length_px * (1.0 if course is JUMP else 0.5)
    assert dots.moved_px is not None
    assert dots.moved_err_px is not None
    index = matched(dots.positions, scene.positions[moving], 2.0)
    assert np.median(dots.moved_px[index]) == pytest.approx(true, rel=0.1)
    assert np.median(dots.moved_err_px[index]) < 0.15 * true


@pytest.mark.parametrize("drift_px", [0.0, 0.4, 3.0])
@pytest.mark.parametrize("correct_drift", [True, False])
def test_dots_that_blink_or_fade_in_a_field_that_drifts_are_not_flagged(
    drift_px: float, correct_drift: bool
) -> None:
    rng = np.random.default_rng(412)
    scene = lattice_scene(rng, 1000.0, pitch_px=16.0)
    n = len(scene.positions)
    on = rng.random((n, 8)) < 0.5
    brightness = np.repeat(on, N_FRAMES // 8, axis=1).astype(float)
    brightness[::4] = np.exp(-3.0 * TIME)
    brightness[1::4] = 1.0
    drift = drift_px * TIME[:, np.newaxis] * [0.8, 0.6]
    frames = film(scene, rng, brightness=brightness, drift=drift)
    dots = seen(frames, correct_drift=correct_drift)
    assert len(flagged(dots, scene.positions)) > 0.9 * n
    assert not flagged(dots, scene.positions).any()


@pytest.mark.parametrize("apart_sigma", [1.0, 1.5, 2.0, 3.0, 4.5])
def test_a_dot_whose_neighbour_blinks_is_not_flagged(apart_sigma: float) -> None:
    rng = np.random.default_rng(403)
    lone = lattice_scene(rng, 500.0, pitch_px=21.0)
    n = len(lone.positions)
    beside = lone.positions + directions(rng, n, apart_sigma * lone.sigma_px)
    scene = replace(
        lone, positions=np.vstack([lone.positions, beside]), photons=np.full(2 * n, 500.0)
    )
    brightness = np.ones((2 * n, N_FRAMES))
    brightness[n:] = 0.2 + 0.8 * (np.arange(N_FRAMES) >= rng.integers(0, N_FRAMES, (n, 1)))
    dots = seen(film(scene, rng, brightness=brightness))
    assert len(flagged(dots, lone.positions)) > 0.9 * n
    assert not (dots.flags & DotFlag.MOVING).any()


def test_too_few_photons_make_no_statement_and_too_few_frames_or_dots_none_at_all() -> None:
    rng = np.random.default_rng(404)
    scene = lattice_scene(rng, 20.0, pitch_px=16.0)
    moves = directions(rng, len(scene.positions), 0.5)[:, np.newaxis] * JUMP[:, np.newaxis]
    dots = seen(film(scene, rng, moves=moves))
    assert len(dots) > 20
    assert np.mean((dots.flags & DotFlag.MOVING) != 0) < 0.2
    bright = replace(scene, photons=np.full(len(scene.positions), 500.0))
    few = replace(scene, positions=scene.positions[:3], photons=np.full(3, 500.0))
    for frames in (film(bright, rng)[:1], film(bright, rng)[:3], film(few, rng)):
        dots = seen(frames)
        assert len(dots) >= 3
        assert dots.moved_px is not None
        assert np.isnan(dots.moved_px).all()
        assert not (dots.flags & DotFlag.MOVING).any()


@pytest.mark.parametrize("drift_px", [0.0, 0.4, 3.0])
@pytest.mark.parametrize("n_frames", [N_FRAMES, 15])
def test_the_change_is_that_of_the_frames_whatever_the_blocks(
    drift_px: float, n_frames: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(405)
    scene = lattice_scene(rng, 1000.0, pitch_px=16.0)
    drift = drift_px * TIME[:, np.newaxis] * [0.8, 0.6]
    frames = film(scene, rng, drift=drift)[:n_frames]
    change = image_of(frames).change
    assert change is not None
    if drift_px == 0.0:
        half = n_frames // 2
        expected = frames[half:].mean(axis=0) - frames[:half].mean(axis=0)
        expected *= EMCCD.electrons_per_adu / (EMCCD.em_gain * EMCCD.quantum_efficiency)
        np.testing.assert_allclose(change.difference, expected, rtol=1e-5, atol=1e-5)
    assert len(change.off_place) == (4 if drift_px else 0)
    monkeypatch.setattr(statistics, "_CHUNK_BYTES", 5 * frames[0].size * 8)
    for other in (image_of(frames).change, image_of(frames.astype(np.float64)).change):
        assert other is not None
        np.testing.assert_array_equal(other.difference, change.difference)
        np.testing.assert_array_equal(other.samples, change.samples)
        np.testing.assert_array_equal(other.off_place, change.off_place)


def test_a_cosmic_ray_moves_no_dot() -> None:
    rng = np.random.default_rng(406)
    scene = lattice_scene(rng, 500.0, pitch_px=16.0)
    frames = film(scene, rng)
    column, row = np.rint(scene.positions + np.array([1, 0])).astype(int).T
    frames[rng.integers(0, N_FRAMES, len(row)), row, column] = 60_000
    dots = seen(frames)
    assert ((dots.flags & DotFlag.COSMIC) != 0).mean() > 0.9
    assert not (dots.flags & DotFlag.MOVING).any()
