"""Dots frame by frame: linked where they move, their flux in every frame where they stay."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from folders import qdimage as command_line
from frames import EMCCD, EXPOSURE_S, Scene, lattice_scene
from numpy.typing import NDArray

import qdimage
from qdimage.errors import FitError
from qdimage.localize.link import link

CAMERA = {
    "bias_adu": EMCCD.bias_adu,
    "electrons_per_adu": EMCCD.electrons_per_adu,
    "em_gain": EMCCD.em_gain,
    "quantum_efficiency": EMCCD.quantum_efficiency,
    "read_noise_e": EMCCD.read_noise_e,
    "clock_induced_charge_e": EMCCD.clock_induced_charge_e,
}
N_FRAMES = 40


def moving_frames(rng: np.random.Generator) -> tuple[NDArray[np.uint16], NDArray[np.float64]]:
    """Two dots that walk 0.4 px per frame and axis, and one that stays; and their places."""
    start = np.array([[20.0, 20.0], [44.0, 40.0], [30.0, 52.0]])
    steps = rng.normal(0.0, 0.4, (N_FRAMES, 3, 2)) * np.array([1.0, 1.0, 0.0])[:, None]
    places = start + np.cumsum(steps, axis=0)
    scene = Scene(start, np.full(3, 1500.0), 2.0, shape=(64, 64))
    means = np.stack([replace(scene, positions=each).mean() for each in places])
    return EMCCD.expose(means, rng), places


def test_moving_dots_are_followed() -> None:
    frames, places = moving_frames(np.random.default_rng(5))
    located, tracks = qdimage.track(
        frames,
        camera=CAMERA,
        exposure_s=EXPOSURE_S,
        options={"localize": {"psf_sigma_px": 1.2}, "image": {"correct_drift": False}},
    )
    assert located.image.n_frames == N_FRAMES
    # With a false alarm in ten frames stated, more than four short tracks beside the three have
    # odds below 1e-2 (Poisson, mean 4 x 0.1 x 40 / 4, counted generously).
    lengths = np.bincount(np.concatenate(tracks.track))[1:]
    long = np.flatnonzero(lengths > N_FRAMES // 2) + 1
    assert len(long) == 3
    assert np.all(lengths[long - 1] >= N_FRAMES - 1)
    for track in long:
        errors, pulls = [], []
        for frame, (dots, ids) in enumerate(zip(tracks.frames, tracks.track, strict=True)):
            for k in np.flatnonzero(ids == track):
                away = np.hypot(*(places[frame] - dots.positions[k]).T)
                dot = int(away.argmin())
                errors.append(away[dot])
                pulls += list((dots.positions[k] - places[frame, dot]) / dots.position_err_px[k])
        assert np.median(errors) < 0.15
        # 80 pulls: their root mean square is within 0.25 of 1 but for odds of 2e-3.
        assert abs(np.sqrt(np.mean(np.square(pulls))) - 1) < 0.25


def test_tracks_bridge_dark_frames_as_far_as_memory_goes() -> None:
    at, gone = np.array([[5.0, 7.0]]), np.empty((0, 2))
    positions = [at, gone, gone, at + 0.5, gone, gone, gone, gone, at]
    tracks = link(positions, search_range_px=2.0, memory_frames=3)
    assert [list(each) for each in tracks] == [[1], [], [], [1], [], [], [], [], [2]]
    empty = link([gone, gone], search_range_px=2.0, memory_frames=3)
    assert [len(each) for each in empty] == [0, 0]


def test_tracks_count_from_the_first_frame_down_and_right() -> None:
    positions = [np.array([[9.0, 9.0], [3.0, 2.0]]), np.array([[3.1, 2.0], [9.0, 9.1], [1.0, 1.0]])]
    tracks = link(positions, search_range_px=1.0, memory_frames=0)
    assert [list(each) for each in tracks] == [[2, 1], [1, 2, 3]]


def test_a_crowd_that_cannot_be_told_apart_is_refused() -> None:
    crowd = np.random.default_rng(1).uniform(0, 5, (60, 2))
    with pytest.raises(FitError, match="too many dots within 4 px"):
        link([crowd, crowd + 0.5], search_range_px=4.0, memory_frames=0)


def test_a_blinking_dot_has_its_flux_in_every_frame() -> None:
    rng = np.random.default_rng(11)
    scene = lattice_scene(rng, 400.0, shape=(64, 64), background=2.0)
    n_dots = len(scene.photons)
    lit = rng.random((N_FRAMES, n_dots)) < 0.6
    lamp = 1.0 + 0.5 * rng.random(N_FRAMES)
    means = np.stack(
        [
            replace(scene, photons=scene.photons * on, background=scene.background * light).mean()
            for on, light in zip(lit, lamp, strict=True)
        ]
    )
    located, fluxes = qdimage.dot_traces(
        EMCCD.expose(means, rng),
        camera=CAMERA,
        exposure_s=EXPOSURE_S,
        options={"localize": {"psf_sigma_px": 1.2}},
    )
    assert len(located.dots) == n_dots
    order = [
        int(np.hypot(*(scene.positions - place).T).argmin()) for place in located.dots.positions
    ]
    true = 400.0 * lit[:, order]
    residual = fluxes.signal - true
    # Over 16 dots: the mean of 24 x 16 lit frames is known to about 2 photons, of dark ones to 1.
    assert abs(residual[true > 0].mean()) < 0.03 * 400
    assert abs(residual[true == 0].mean()) < 0.02 * 400
    lamp_offset = 2.0 * (lamp - lamp.mean())
    assert np.corrcoef(fluxes.offset, lamp_offset)[0, 1] > 0.98
    # Errors are those of the mean flux: too large where a dot is dark, too small where it is lit.
    scatter = residual.std(axis=0) / fluxes.signal_err.mean(axis=0)
    assert 0.7 < np.median(scatter) < 1.3


def test_dots_are_followed_where_the_stage_drifts() -> None:
    rng = np.random.default_rng(3)
    scene = lattice_scene(rng, 3000.0, shape=(96, 96), background=2.0)
    drift = np.column_stack([np.linspace(0, 4, N_FRAMES), np.linspace(0, -2, N_FRAMES)])
    frames = EMCCD.expose(np.stack([scene.mean(shift) for shift in drift]), rng)
    located, fluxes = qdimage.dot_traces(frames, camera=CAMERA, exposure_s=EXPOSURE_S)
    assert np.abs(located.image.drift_px - drift).max() < 0.3
    inner = np.all((located.dots.positions > 8) & (located.dots.positions < 88), axis=1)
    assert abs(np.nanmean(fluxes.signal[:, inner]) / 3000 - 1) < 0.03
    # No fading along the way, as fixed places would show.
    first, last = (
        np.nanmean(fluxes.signal[part][:, inner]) for part in (slice(8), slice(-8, None))
    )
    assert abs(last / first - 1) < 0.05


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames, _ = moving_frames(np.random.default_rng(5))
    path = tmp_path_factory.mktemp("stack") / "moving.tif"
    tifffile.imwrite(path, frames[:8])
    return path


@pytest.mark.parametrize(("option", "name"), [(None, "tracks"), ("--static", "dot_traces")])
def test_the_command_writes_rows(
    stack: Path, tmp_path: Path, option: str | None, name: str
) -> None:
    out = tmp_path / f"{name}.csv"
    chosen = [option] if option else []
    done = command_line("track", stack, *chosen, "--exposure-s", "0.1", "-o", out)
    assert done.returncode == 0, done.stderr
    rows = pd.read_csv(out)
    assert rows["field"].unique().tolist() == ["moving"]
    assert rows["frame"].max() == 7
    assert {"photons_s", "photons_err_s", "time_s"} <= set(rows.columns)


def test_the_command_names_what_is_missing(stack: Path) -> None:
    done = command_line("track", stack)
    assert done.returncode == 2
    assert "give it with --exposure-s" in done.stderr
