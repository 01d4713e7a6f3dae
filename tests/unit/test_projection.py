"""From a stack to one image: means, counts, refusals."""

import warnings
from typing import Any

import numpy as np
import pytest
from frames import EMCCD, EXPOSURE_S, SCMOS, Chip, Scene, image_of, lattice_scene

from qdimage.domain.camera import Camera
from qdimage.domain.stack import Stack
from qdimage.errors import FormatError
from qdimage.image.options import ImageOptions
from qdimage.image.projection import photon_image
from qdimage.image.statistics import stack_statistics


@pytest.mark.parametrize("chip", [EMCCD, SCMOS], ids=["EM", "no EM"])
@pytest.mark.parametrize("level", [0.05, 2.0, 40.0])
def test_the_mean_is_in_photons_at_the_camera(chip: Chip, level: float) -> None:
    frames = Scene(background=level).record(10, np.random.default_rng(61), chip=chip)
    image = image_of(frames, chip.keys)
    total = level + chip.clock_induced_charge_e / chip.quantum_efficiency
    # Five standard deviations: fails by chance once in a million seeds.
    chance = 5 * np.sqrt(chip.variance(level) / frames.size)
    assert image.mean.mean() == pytest.approx(total, abs=chance)
    assert image.noise.unit == "photons"
    assert image.n_frames == 10
    assert image.exposure_s == EXPOSURE_S
    assert np.all(image.n_samples == 10)


def test_the_weight_is_the_inverse_of_the_variance_of_the_mean() -> None:
    frames = Scene(background=4.0).record(8, np.random.default_rng(62))
    image = image_of(frames)
    expected = 8 / EMCCD.variance(4.0)
    level = np.full(image.mean.shape, 4.0 + image.noise.clock_induced)
    assert image.weight(level) == pytest.approx(np.full(image.mean.shape, expected))
    # 16384 pixels give the variance to 1.1 %.
    assert 1 / np.var(image.mean) == pytest.approx(expected, rel=0.06)


def test_a_camera_of_much_read_noise_keeps_its_slope() -> None:
    chip = Chip(em_gain=1.0)
    image = image_of(
        Scene(background=500.0).record(8, np.random.default_rng(63), chip=chip), chip.keys
    )
    assert image.variance_slope == pytest.approx(1 / 0.92)


@pytest.mark.parametrize("kind", [np.uint16, ">u2", np.int32, np.float32, float])
def test_statistics_are_those_of_numpy_whatever_the_blocks(
    kind: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = Scene(shape=(160, 40)).record(23, np.random.default_rng(64))
    stack = Stack.from_array(recorded.astype(kind))
    frames = recorded.astype(float)
    whole = stack_statistics(stack, ceiling_adu=299.5)
    monkeypatch.setattr("qdimage.image.statistics._CHUNK_BYTES", 8 * 160 * 40 * 2)
    blocks = stack_statistics(stack, ceiling_adu=299.5)
    for name, image in vars(whole).items():
        assert np.array_equal(image, getattr(blocks, name)), name
    ordered = np.sort(frames, axis=0)
    for found in (whole, blocks):
        assert found.mean == pytest.approx(frames.mean(axis=0))
        assert found.difference_sq == pytest.approx(np.sum(np.diff(frames, axis=0) ** 2, axis=0))
        assert np.array_equal(found.highest, ordered[-1])
        assert np.array_equal(found.second, ordered[-2])
        assert np.array_equal(found.highest_frame, frames.argmax(axis=0))
        assert np.array_equal(found.n_at_ceiling, (frames >= 300).sum(axis=0))
        assert np.average(found.time_bins, axis=0, weights=np.diff(found.bin_edges)) == (
            pytest.approx(frames.mean(axis=0))
        )


@pytest.mark.parametrize("kind", [np.uint16, float])
def test_a_long_stack_tells_its_noise_by_some_differences(kind: Any) -> None:
    frames = np.random.default_rng(75).integers(200, 300, (1100, 20, 20))
    found = stack_statistics(Stack.from_array(frames.astype(kind)), ceiling_adu=300.0)
    variance = (100**2 - 1) / 12
    assert 300 < found.n_differences < 512
    # Of 400 pixels with some 370 differences each: known to 0.4 %, so that this fails by chance
    # once in a million seeds.
    assert found.temporal_variance.mean() == pytest.approx(variance, rel=0.02)


@pytest.mark.parametrize(
    "frames",
    [
        np.full((5, 16, 16), 7, np.uint16),
        np.full((10, 16, 16), 0.1),
        np.full((3, 16, 16), 0.1, np.float32),
        np.zeros((1, 8, 8), np.uint8),
    ],
)
def test_a_constant_stack_is_refused(frames: np.ndarray) -> None:
    with pytest.raises(FormatError, match="every pixel has the same value"):
        image_of(frames, Camera())


@pytest.mark.parametrize(("dtype", "ceiling"), [(np.uint16, 65535), (np.uint8, 255)])
@pytest.mark.parametrize("n_frames", [1, 6])
def test_a_saturated_stack_is_refused(dtype: Any, ceiling: int, n_frames: int) -> None:
    with pytest.raises(FormatError, match="saturated"):
        image_of(np.full((n_frames, 16, 16), ceiling, dtype), Camera())


def test_a_declared_ceiling_counts() -> None:
    frames = np.random.default_rng(65).integers(4000, 4096, (4, 16, 16)).astype(np.uint16)
    with pytest.raises(FormatError, match="4000 ADU"):
        image_of(frames, Camera(saturation_adu=4000))
    assert image_of(frames, Camera()).usable.all()


def test_values_beyond_all_reason_are_refused() -> None:
    frames = np.random.default_rng(66).normal(1.0, 0.1, (4, 16, 16)) * 1e300
    with pytest.raises(FormatError, match="overflow"):
        image_of(frames, Camera())


@pytest.mark.parametrize(
    "convert",
    [
        lambda adu: adu.astype(np.uint8),
        lambda adu: adu.astype(np.int32) * 10**6,
        lambda adu: adu.astype(np.int32) - 10**6,
        lambda adu: adu.astype(np.float32) / 65535,
        lambda adu: adu * 1e-9,
        lambda adu: adu * 1e12,
        lambda adu: adu.astype(">u2"),
        lambda adu: adu[:1],
        lambda adu: adu[:, :8, :8],
        lambda adu: adu[:, :1, :1],
        lambda adu: adu[:, :1],
    ],
)
def test_any_kind_of_numbers_gives_finite_photons(convert: Any) -> None:
    scene = lattice_scene(np.random.default_rng(67), 300.0, shape=(36, 54))
    adu = np.clip(scene.record(12, np.random.default_rng(68)), 0, 255)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image = image_of(convert(adu), Camera())
    assert np.isfinite(image.mean).all()
    assert image.read_variance > 0
    assert image.variance_slope > 0


def test_the_camera_says_where_its_keys_are_from() -> None:
    frames = Scene().record(4, np.random.default_rng(69))
    camera = image_of(frames, Camera()).camera
    assert camera.sources == {"bias_adu": "estimated from the data", "saturation_adu": "default"}
    assert image_of(frames, EMCCD.keys).camera == EMCCD.keys


def test_frames_are_read_in_blocks_and_never_all_at_once() -> None:
    asked: list[int] = []
    frames = np.random.default_rng(70).integers(200, 300, (64, 256, 256)).astype(np.uint16)

    def reader(start: int, stop: int) -> np.ndarray:
        asked.append(stop - start)
        return frames[start:stop]

    stack = Stack("test", frames.shape, frames.dtype, reader)
    photon_image(stack, camera=Camera(), exposure_s=1.0, options=ImageOptions())
    assert max(asked) * 8 * 256 * 256 <= 16 * 2**20
